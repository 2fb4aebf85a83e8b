package demo

// words are what the page itself says, around the phones.
type words struct {
	Lang     string // as in HTML's lang attribute
	About    string
	Bot      string // under the name on the Telegram-like phone
	Texts    string // under the name on the SMS-like phone
	Log      string // read aloud for the list of messages
	Buttons  string // on the empty Telegram-like phone
	Measured string // on the empty SMS-like phone
	Start    string
	Hello    string // read aloud with the suggested first text message
	Field    string
	Send     string
	Segment  string
	Segments string
	Page     string
	Lost     string // the stream is lost
	Unsent   string
	NoScript string
}

// labels are the words by language, the first for browsers that speak none of them.
var labels = []words{
	{
		Lang:  "en",
		About: "Try Faro here: nothing you do on this page is sent to anyone.",
		Bot:   "Telegram", Texts: "Text messages (SMS)", Log: "Messages",
		Buttons:  "Press Start, then use the buttons or write a question in your own words.",
		Measured: "Send HOLA, or any question. Each reply shows how it is encoded and how many segments it costs.",
		Start:    "Start", Hello: "Send the message",
		Field: "Message", Send: "Send",
		Segment: "segment", Segments: "segments", Page: "page",
		Lost: "Connection lost. Trying again…", Unsent: "Not sent. Please try again.",
		NoScript: "This page needs JavaScript.",
	},
	{
		Lang:  "es",
		About: "Prueba Faro aquí: nada de lo que hagas en esta página se envía a nadie.",
		Bot:   "Telegram", Texts: "Mensajes de texto (SMS)", Log: "Mensajes",
		Buttons:  "Pulsa Iniciar y usa los botones, o escribe una pregunta con tus palabras.",
		Measured: "Manda HOLA o cualquier pregunta. Cada respuesta muestra su codificación y cuántos segmentos cuesta.",
		Start:    "Iniciar", Hello: "Enviar el mensaje",
		Field: "Mensaje", Send: "Enviar",
		Segment: "segmento", Segments: "segmentos", Page: "página",
		Lost: "Se perdió la conexión. Intentando de nuevo…", Unsent: "No se envió. Inténtalo de nuevo.",
		NoScript: "Esta página necesita JavaScript.",
	},
}
