package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

const (
	// longestPlain is the longest name of a cluster, in bytes, that is a file name as it is: file systems take 255 with the ending.
	longestPlain = 150
	// readablePart is how many characters of any other name are kept, to be recognised by people.
	readablePart = 60
	// digestBytes is how much of a digest keeps names apart. Names are made by others: nobody may be able to find two that fall together.
	digestBytes = 16
)

// plainName is a name of a cluster that is safe as a file name everywhere: it is not hidden, names no folder, and has no upper-case letter,
// since many file systems take both cases for one.
var plainName = regexp.MustCompile(`^[a-z0-9_][a-z0-9._@+-]*$`)

// deviceName is what Windows takes for a device, whatever stands behind a dot.
var deviceName = regexp.MustCompile(`^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)`)

// unsafeInName are the characters that are no part of a file name here.
var unsafeInName = regexp.MustCompile(`[^A-Za-z0-9._@+-]`)

// FileName returns the name, without an ending, of the file for a cluster of this name. It lies in the folder that it is joined to, whatever
// the name is, and no two names have one file: a name that is not safe as it is has a digest behind it, after a character that no safe one
// has.
func FileName(cluster string) string {
	if len(cluster) <= longestPlain && plainName.MatchString(cluster) && !deviceName.MatchString(cluster) {
		return cluster
	}
	readable := strings.TrimLeft(unsafeInName.ReplaceAllString(cluster, "_"), ".-")
	sum := sha256.Sum256([]byte(cluster))
	return readable[:min(len(readable), readablePart)] + "~" + hex.EncodeToString(sum[:digestBytes])
}
