package atomicfile_test

import (
	"testing"

	"github.com/psp2pss/psp2pss/migrate/atomicfile"
)

// The error names the file that the caller gave and the folder, and never the hidden file beside it. To /sys nobody may write, root
// included.
func TestWriteWhereNobodyMay(t *testing.T) {
	t.Parallel()
	const want = "cannot write /sys/plan.json: folder /sys is not writable"
	for name, err := range map[string]error{
		"Write": atomicfile.Write("/sys/plan.json", saying("")), "WriteDurable": atomicfile.WriteDurable("/sys/plan.json", nil),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}
