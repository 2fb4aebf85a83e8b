package demo

// words are what the page itself says, around the phones.
type words struct {
	Lang     string // as in HTML's lang attribute
	About    string
	Bot      string // under the name on the Telegram-like phone
	Texts    string // under the name on the SMS-like phone
	Log      string // read aloud for the list of messages
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
		Start: "Start", Hello: "Send the message",
		Field: "Message", Send: "Send",
		Segment: "segment", Segments: "segments", Page: "page",
		Lost: "Connection lost. Trying again…", Unsent: "Not sent. Please try again.",
		NoScript: "This page needs JavaScript.",
	},
	{
		Lang:  "es",
		About: "Prueba Faro aquí: nada de lo que hagas en esta página se envía a nadie.",
		Bot:   "Telegram", Texts: "Mensajes de texto (SMS)", Log: "Mensajes",
		Start: "Iniciar", Hello: "Enviar el mensaje",
		Field: "Mensaje", Send: "Enviar",
		Segment: "segmento", Segments: "segmentos", Page: "página",
		Lost: "Se perdió la conexión. Intentando de nuevo…", Unsent: "No se envió. Inténtalo de nuevo.",
		NoScript: "Esta página necesita JavaScript.",
	},
}
