package rollout_test

import (
	"testing"

	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/migrate/rollout/verify"
)

func TestVerifyAgreesWithTheServer(t *testing.T) {
	t.Parallel()
	rollout.CheckVerifyAgrees(t, verifyRows)
}

func TestVerifyTellsWhatAdmissionChanged(t *testing.T) {
	t.Parallel()
	rollout.CheckVerifyTellsAdmission(t, verifyRows)
}

func TestVerifyTakesSpoiltJournals(t *testing.T) {
	t.Parallel()
	rollout.CheckVerifyTakesSpoilt(t, verifyRows)
}

func verifyRows(t *testing.T, client dynamic.Interface, namespaces []string, j *rollout.Journal, labels map[string]map[string]*string) []rollout.VerifyRow {
	t.Helper()
	results, err := verify.CheckNamespaces(t.Context(), verify.Verification{Client: client, Namespaces: namespaces, Journal: j, Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	var rows []rollout.VerifyRow
	for _, r := range results {
		rows = append(rows, rollout.VerifyRow{Namespace: r.Namespace, Check: r.Check, Status: string(r.Status), Reason: r.Reason.Text})
	}
	return rows
}
