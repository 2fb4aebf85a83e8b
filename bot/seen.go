package bot

import (
	"crypto/sha256"
	"encoding/ascii85"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"
)

const (
	// maxSeen is how many inputs a dialogue knows. Of those that come at once no more are heard (see Pace), so that in
	// whatever order they come none is taken for an old one.
	maxSeen = burst + vitalBurst + 1
	// kept is how long Telegram keeps an update that it could not deliver (Bot API, Getting updates).
	kept = 24 * time.Hour
	// reach is more updates than a bot gets within kept. Lower numbers are of another bot, or begin anew: after a week
	// without updates they do, anywhere (Bot API, Update, update_id).
	reach = 1 << 20
	// seenLen is the length of a mark in Dialogue.Seen.
	seenLen = 6
)

// Mark names an input within its channel: by its number, or by 36 bits of a digest. By chance, one in three thousand
// million inputs would be taken for one of those a dialogue knows.
func (in Input) Mark() string {
	if in.Ordinal > 0 {
		return numbered(in.Ordinal)
	}
	return digest(in.ID)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:5])[:seenLen]
}

// numbered is the mark of an update. Marks sort as the numbers do, which have 31 bits, and behind all digests.
func numbered(update int) string {
	mark := [seenLen]byte{0: '~'}
	ascii85.Encode(mark[1:], binary.BigEndian.AppendUint32(nil, uint32(update)))
	return string(mark[:])
}

// knows reports whether an input was taken before: it is one of the last, or has a lower number than all of them.
func (d Dialogue) knows(in Input, now time.Time) bool {
	mark := in.Mark()
	return slices.Contains(d.Seen, mark) || in.Ordinal > 0 && len(d.Seen) >= maxSeen && mark < d.Seen[0] && !d.anew(in, now)
}

// anew reports whether the number of an update says nothing beside those of the last: they are too old or too far
// away for it to be a redelivery.
func (d Dialogue) anew(in Input, now time.Time) bool {
	return now.After(d.Pace.Rested().Add(kept)) || len(d.Seen) > 0 && numbered(in.Ordinal+reach) < d.Seen[0]
}

// seen are the marks once an input is taken: the newest, of numbers the highest in their order.
func (d Dialogue) seen(in Input, now time.Time) []string {
	all := slices.Clone(d.Seen)
	if in.Ordinal > 0 && d.anew(in, now) {
		all = nil
	}
	all = append(all, in.Mark())
	if in.Ordinal > 0 {
		slices.Sort(all) // digests are of a version that had no numbers: they go first
	}
	return all[max(0, len(all)-maxSeen):]
}
