package evidence_test

import (
	"fmt"
	"testing"

	"github.com/psp2pss/psp2pss/migrate/evidence"
)

// TestKeptIsBounded counts what is kept of a log in which every request has another workload, requester, policy and level, and of one
// workload that every request has another policy for: after so many of each, no more is kept, and the rest is said to be uncounted.
func TestKeptIsBounded(t *testing.T) {
	t.Parallel()
	const requests, keys, policies, levels = 60_000, 50_000, 1000, 10
	l := evidence.NewLog()
	for i := range requests {
		id := fmt.Sprint(i)
		l.Add(&evidence.Pod{AuditID: "a" + id, Level: "level-" + id, Namespace: "ns", Name: "pod-" + id, Requester: "user-" + id, Policy: "policy-" + id})
		l.Add(&evidence.Pod{AuditID: "b" + id, Level: "Metadata", Namespace: "ns", Name: "pod-" + id, Requester: "user-" + id, Refused: true})
		l.Add(&evidence.Pod{AuditID: "c" + id, Level: "Metadata", Namespace: "ns", Name: "pod-0", Requester: "user-0", Policy: "other-" + id})
	}
	for _, c := range []struct {
		what      string
		got, want int
	}{
		{"workloads", len(l.Workloads), keys},
		{"uses of policies", len(l.Uses), keys},
		{"refusals", len(l.Refusals), keys},
		{"policies of one workload", len(l.Workloads[evidence.WorkloadKey{Namespace: "ns", Kind: "Pod", Name: "pod-0"}].Policies), policies},
		{"levels", len(l.Levels), levels},
		{"requests that were created", l.Created, 2 * requests},
		{"requests that were refused", l.Refused, requests},
		// Of the workloads and refusals all but so many, of the uses those of both kinds, and the one workload's other policies.
		{"what is uncounted", l.Uncounted, 2*(requests-keys) + (2*requests - keys) + requests - policies + 1},
	} {
		if c.got != c.want {
			t.Errorf("%d %s, want %d", c.got, c.what, c.want)
		}
	}
}
