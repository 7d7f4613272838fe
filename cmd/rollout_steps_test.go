package cmd

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/psp2pss/psp2pss/migrate/rollout"
)

// A step that takes long is shown on the terminal, and is gone once it has an outcome; in a pipe there is nothing but lines.
func TestRolloutShowsALongStep(t *testing.T) {
	t.Parallel()
	for _, width := range []int{80, 0} {
		synctest.Test(t, func(t *testing.T) {
			streams, out, errOut := BufferStreams("")
			streams.ProgressWidth = width
			p := newRolloutPrinter(streams, []outputTarget[*stepsReport]{{format: stepFormats()[0]}})
			p.begin(2)
			step := rollout.Step{Stage: rollout.StageObserve, Namespace: "shop"}
			for _, pause := range []time.Duration{time.Millisecond, time.Minute} {
				p.beginStep(&step)
				time.Sleep(pause)
				synctest.Wait()
				p.addOutcome(rollout.Outcome{Step: step, Event: rollout.Done})
			}
			p.tellTotals()
			want := "Done: 2 of 2 steps.\n"
			if width > 0 {
				want = "\r\x1b[Kstep 2 of 2: observe: label namespace shop\r\x1b[K" + want
			}
			if errOut.String() != want {
				t.Errorf("width %d: told %q, want %q", width, errOut, want)
			}
			if want := "1/2 done     observe  shop: \n2/2 done     observe  shop: \n"; out.String() != want {
				t.Errorf("width %d: printed %q, want %q", width, out, want)
			}
		})
	}
}

// On a terminal a person is shown as many steps as fit, and all of them in a pipe.
func TestRolloutPreviewIsShort(t *testing.T) {
	t.Parallel()
	var steps []rollout.Step
	var all []int
	for i := range mostPreviewed + 10 {
		steps, all = append(steps, rollout.Step{Stage: rollout.StageObserve, Namespace: fmt.Sprintf("ns-%d", i)}), append(all, i)
	}
	for width, want := range map[int]int{80: mostPreviewed, 0: mostPreviewed + 10} {
		streams, _, errOut := BufferStreams("")
		streams.ProgressWidth = width
		newRolloutPrinter(streams, []outputTarget[*stepsReport]{{format: stepFormats()[0]}}).tellPlanned(plannedOutcomes(steps, all, false), true, "prod")
		if got := strings.Count(errOut.String(), "\nobserve  "); got != want || strings.Contains(errOut.String(), "... and 10 more steps: --dry-run=client prints all") != (width > 0) {
			t.Errorf("width %d: %d steps, want %d:\n%s", width, got, want, errOut)
		}
	}
}
