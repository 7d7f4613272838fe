package psp_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/fixtures/controlplane/admission"
	"github.com/psp2pss/psp2pss/simulate/psp"
)

// Generated cases have the answers that Kubernetes' own code gave; TestRecordedAnswers of fixtures/controlplane/admission
// holds the record against it.
func TestRecordedAnswers(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/kubernetes.txt")
	if err != nil {
		t.Fatal(err)
	}
	records := regexp.MustCompile(`(?m)^account=.*\n(?:\t.*\n)*`).FindAllString(string(text), -1)
	if want := 1 + 2*admission.RecordedCases; len(records) != want || strings.Join(records, "") != string(text) {
		t.Fatalf("%d cases are recorded, want %d and nothing else", len(records), want)
	}
	wantRecorded(t, admission.VolumesCase(), records[0])
	g := admission.NewGenerator(admission.RecordedSeed)
	for i := 1; i < len(records); i += 2 {
		c := g.NewPodCase()
		first := wantRecorded(t, c, records[i])
		wantRecorded(t, g.NextChange(c, first), records[i+1])
	}
}

// wantRecorded stops at the first difference: the cases after it may be others.
func wantRecorded(t *testing.T, c *admission.Case, want string) *admission.Answer {
	t.Helper()
	header := regexp.MustCompile(`^account=(.*) creator=(.*) valid=(.*) sum=`).FindStringSubmatch(want)
	r := admission.RecordedAnswer{Account: names(header[1]), Creator: names(header[2])}
	a := psp.NewAdmitter(policies(t, c))
	q := psp.AdmissionRequest{
		Pod: c.Pod, OldPod: c.Old, Subresource: c.Subresource, Automount: c.Automount, UsablePolicies: a.UsablePolicies(r.Account, r.Creator),
	}
	got := a.Admit(q)
	r.Answer = answer(&q, &got)
	r.Answer.Valid = header[3] == "true"
	if diff := gocmp.Diff(want, r.String()); diff != "" {
		t.Fatalf("(-Kubernetes +ours):\n%s\n%s", diff, c.Fixture())
	}
	return r.Answer
}

func names(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}
