package keys

// What is shared by everyone lies in one slot, so that its scripts are atomic on a cluster too.
const (
	// Programme is the training programme: a hash of sealed records, and its version under "v".
	Programme = "{faro}training"
	// Roles is who has which role: a hash from person to a sealed record.
	Roles = "{faro}roles"
	// Audit is the stream of what was done with roles and invitations. It is only ever added to.
	Audit = "{faro}audit"
	// AuditNext is the log while it is sealed with another key.
	AuditNext = "{faro}audit:next"
)

// Invitation is a code that gives a role, named by its digest, until it is used or runs out.
func Invitation(digest string) string { return "{faro}invite:" + digest }

// Guesses counts the wrong codes someone sent, for an hour. ERASE does not end it, so they are named by a digest.
func Guesses(digest string) string { return "{faro}guesses:" + digest }

// Reactions is who comes to a session ("a:" and the person) and who was there ("p:" and the person):
// a hash, kept until the programme forgets the session.
func Reactions(session string) string { return "{faro}reactions:" + session }

// Told is what people of a partition have been told of a session: a hash from person to marks.
func Told(p Partition, session string) string { return p.key("told:" + session) }

// Asked is the session each person of a partition was last told of: what YES by SMS answers. A hash from
// person to session.
func Asked(p Partition) string { return p.key("asked") }

// Tally is what became of the messages about something: a hash from person to outcome.
func Tally(p Partition, note string) string { return p.key("tally:" + note) }

// Effects is the stream of what turns set off.
func Effects(p Partition) string { return p.key("effects") }
