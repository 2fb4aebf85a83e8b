// Two phones that speak with Faro.
//
// What Faro says comes from the server's event stream. An event is a whole message with an id; showing
// it twice changes nothing, so a stream can be lost and taken up again. What the person says is not
// kept by the server: it stays in this tab (sessionStorage) and is put between Faro's messages by the
// id the server gave it. Texts are only ever set as text.

const words = document.querySelector("main").dataset;

// ---- what this tab remembers ----

const KEY = "faro-demo";

/** A random UUID; randomUUID itself exists only on https and on this machine. */
function newSession() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const b = crypto.getRandomValues(new Uint8Array(16));
  b[6] = (b[6] & 0x0f) | 0x40;
  b[8] = (b[8] & 0x3f) | 0x80;
  const hex = Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function recall() {
  try {
    const tab = JSON.parse(sessionStorage.getItem(KEY));
    if (tab?.session && tab.said) return tab;
  } catch {
    // Storage is switched off, or not ours: begin anew.
  }
  return { session: newSession(), epoch: "", said: { telegram: [], sms: [] } };
}

function remember() {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(tab));
  } catch {
    // Storage is switched off or full: a reload then shows less.
  }
}

const tab = recall();
remember();

// ---- a phone ----

/** An element with a class, and its text if it has one. */
function element(name, className, text) {
  const e = document.createElement(name);
  e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

const idOf = (message) => Number(message.dataset.messageId ?? 0);

class Phone {
  floor = 0; // messages with a lower id are gone
  known = false; // whether the server has said what there is to show
  lost = false;
  problem = "";
  queue = Promise.resolve(); // what is said goes out one after the other, or it could overtake itself

  constructor(section) {
    this.name = section.dataset.phone;
    this.log = section.querySelector(".log");
    this.status = section.querySelector(".status");
    this.begin = section.querySelector(".begin");
    this.hint = section.querySelector(".hint");
    this.field = section.querySelector(".field");
    section.querySelector(".composer").addEventListener("submit", (e) => {
      e.preventDefault();
      const text = this.field.value.trim();
      this.field.value = "";
      if (text) this.say(text);
    });
    this.begin.addEventListener("click", (e) => {
      const button = e.target.closest("button");
      if (!button) return;
      this.log.focus({ preventScroll: true }); // the button goes away; what comes is in the log
      this.say(button.dataset.say);
    });
    this.log.addEventListener("click", (e) => {
      const button = e.target.closest("button.option");
      if (button) this.tap(button);
    });
  }

  // -- what the person does --

  say(text) {
    const message = this.own(text);
    this.log.append(message);
    this.refresh();
    this.reveal(message);
    this.queue = this.queue.then(async () => {
      const answer = await this.post({ kind: "text", text });
      if (!answer) {
        message.remove();
        this.refresh();
        this.field.value ||= text;
        return;
      }
      if (enter(answer.epoch)) this.log.append(message);
      if (answer.id < this.floor) {
        message.remove(); // wiped while it was under way
      } else {
        message.dataset.messageId = answer.id;
        this.place(message);
        tab.said[this.name].push({ id: answer.id, text });
        remember();
      }
      this.refresh();
    });
  }

  tap(button) {
    if (button.ariaBusy === "true") return;
    button.ariaBusy = "true";
    const message = idOf(button.closest(".message"));
    this.queue = this.queue.then(async () => {
      await this.post({ kind: "tap", data: button.dataset.data, message });
      button.ariaBusy = null;
    });
  }

  /** The server's answer, or null if it did not take what was said. */
  async post(said) {
    let answer = null;
    try {
      const response = await fetch("/demo/say", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ session: tab.session, phone: this.name, lang: (navigator.language ?? "").slice(0, 35), ...said }),
      });
      if (response.ok) answer = await response.json();
    } catch {
      // The server is away; the status line says so.
    }
    this.tell({ problem: answer ? "" : words.unsent });
    return answer;
  }

  own(text) {
    const message = element("div", "message out");
    const bubble = element("p", "bubble", text);
    bubble.dir = "auto";
    message.append(bubble);
    return message;
  }

  // -- what Faro does --

  show(m) {
    const focused = this.log.contains(document.activeElement) && document.activeElement !== this.log;
    this.clearBelow(m.floor ?? 0);
    let message = this.log.querySelector(`[data-message-id="${m.id}"]`);
    const replaced = message !== null;
    if (!message) {
      message = element("div", "message in");
      message.dataset.messageId = m.id;
    }
    message.replaceChildren(...parts(m));
    this.place(message);
    this.refresh();
    if (focused && !this.log.contains(document.activeElement)) {
      (message.querySelector("button") ?? this.log).focus({ preventScroll: true });
    }
    this.reveal(message, replaced);
  }

  clearBelow(floor) {
    if (floor <= this.floor) return;
    this.floor = floor;
    for (const message of this.log.querySelectorAll("[data-message-id]")) {
      if (idOf(message) < floor) message.remove();
    }
    tab.said[this.name] = tab.said[this.name].filter((s) => s.id >= floor);
    remember();
  }

  /** Forgets everything: the server knows nothing of what was here. */
  reset() {
    this.floor = 0;
    this.log.replaceChildren();
    tab.said[this.name] = [];
  }

  /** Shows again what the person said before the page was loaded anew. */
  restore() {
    for (const { id, text } of tab.said[this.name]) {
      if (this.log.querySelector(`[data-message-id="${id}"]`)) continue;
      const message = this.own(text);
      message.dataset.messageId = id;
      this.place(message);
    }
  }

  // -- how it looks --

  /** Puts a message before the first with a higher id. One under way has none yet and stays last. */
  place(message) {
    const id = idOf(message);
    const next = [...this.log.children].find((other) => other !== message && idOf(other) > id) ?? null;
    if (message.parentNode !== this.log || (next && message.nextSibling !== next)) this.log.insertBefore(message, next);
  }

  /** Scrolls to a message: to its end, or to its start if it is taller than the phone. */
  reveal(message, replaced) {
    const { log } = this;
    const space = 12;
    const start = message.offsetTop - space; // .screen is what both are placed in
    const end = replaced ? start + message.offsetHeight + 2 * space : log.scrollHeight;
    if (replaced && start >= log.scrollTop && end <= log.scrollTop + log.clientHeight) return;
    log.scrollTop = Math.min(start, end - log.clientHeight);
  }

  refresh() {
    this.begin.hidden = this.hint.hidden = !this.known || this.log.childElementCount > 0;
  }

  tell(news) {
    Object.assign(this, news);
    this.status.textContent = this.lost ? words.lost : this.problem;
  }
}

/** The parts of one of Faro's messages. */
function parts(m) {
  const bubble = element("p", "bubble");
  const all = [bubble];
  mark(bubble, m);
  const bold = m.bold ?? 0;
  if (bold) bubble.append(element("strong", "title", m.text.slice(0, bold)));
  bubble.append(m.text.slice(bold));
  if (m.rows) {
    const keyboard = element("div", "keyboard");
    mark(keyboard, m);
    for (const options of m.rows) {
      const row = element("div", "row");
      for (const o of options) {
        const button = element("button", "option", o.label);
        button.type = "button";
        button.dir = "auto"; // a list of languages has one label in each
        button.dataset.data = o.data;
        row.append(button);
      }
      keyboard.append(row);
    }
    all.push(keyboard);
  }
  if (m.encoding) all.push(element("p", "measure", measure(m)));
  return all;
}

function mark(e, m) {
  if (m.lang) e.lang = m.lang;
  e.dir = m.dir;
}

/** Such as "GSM-7 · 212/306 · 2 segments · page 1/2". */
function measure(m) {
  const segments = m.segments ?? 0;
  const units = m.room ? `${m.units ?? 0}/${m.room}` : `${m.units ?? 0}`;
  const items = [m.encoding, units, `${segments} ${segments === 1 ? words.segment : words.segments}`];
  if (m.pages) items.push(`${words.page} ${m.page}/${m.pages}`);
  return items.join(" · ");
}

const phones = new Map();
for (const section of document.querySelectorAll("[data-phone]")) {
  const phone = new Phone(section);
  phones.set(phone.name, phone);
}

// ---- the stream ----

/** Reports whether the server began anew since this tab spoke with it; then so does the tab. */
function enter(epoch) {
  if (epoch === tab.epoch) return false;
  tab.epoch = epoch;
  for (const phone of phones.values()) phone.reset();
  remember();
  return true;
}

const PATIENCE = 15_000; // ms between two attempts at most
let pause = 1_000; // ms before the next attempt
let stream;

function connect() {
  stream = new EventSource(`/demo/events?session=${encodeURIComponent(tab.session)}`);
  stream.addEventListener("hello", (e) => {
    const { epoch, floors } = JSON.parse(e.data);
    pause = 1_000;
    enter(epoch);
    for (const phone of phones.values()) {
      phone.clearBelow(floors[phone.name]);
      phone.restore();
      phone.known = true;
      phone.refresh();
      phone.tell({ lost: false });
    }
  });
  stream.addEventListener("shown", (e) => {
    const m = JSON.parse(e.data);
    phones.get(m.phone)?.show(m);
  });
  stream.addEventListener("error", () => {
    for (const phone of phones.values()) phone.tell({ lost: true });
    if (stream.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    setTimeout(connect, pause);
    pause = Math.min(pause * 2, PATIENCE);
  });
}

connect();
// A page that the browser puts aside (back/forward) lets go of its stream and takes it up when it is back.
addEventListener("pagehide", () => stream.close());
addEventListener("pageshow", (e) => {
  if (e.persisted) connect();
});
