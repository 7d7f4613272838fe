package ciformat_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/ciformat"
)

// One report for each namespace, and one of the cluster for what has none to stand in; the summary counts what is there.
func TestReportObjects(t *testing.T) {
	t.Parallel()
	for format, kind := range map[string]string{"policyreport": "wgpolicyk8s.io/v1alpha2 %sPolicyReport", "openreports": "openreports.io/v1alpha1 %sReport"} {
		text, _ := write(t, format, everything(t))
		var got []string
		for _, o := range readReports(t, text) {
			counts := map[string]int{}
			for _, result := range o.Results {
				counts[result.Result]++
			}
			if diff := cmp.Diff([]int{o.Summary.Pass, o.Summary.Fail, o.Summary.Warn, o.Summary.Error, o.Summary.Skip}, []int{counts["pass"], counts["fail"], counts["warn"], counts["error"], counts["skip"]}); diff != "" {
				t.Errorf("the summary of %+v counts wrong:\n%s", o.Metadata, diff)
			}
			got = append(got, fmt.Sprintf("%s %s %s/%s: %v", o.APIVersion, o.Kind, o.Metadata.Namespace, o.Metadata.Name, o.Summary))
		}
		plain, cluster := fmt.Sprintf(kind, ""), fmt.Sprintf(kind, "Cluster")
		want := []string{
			plain + " /psp2pss: {2 1 0 0 0}", plain + " ci/psp2pss: {0 0 1 0 1}", plain + " kube-system/psp2pss: {0 0 0 0 1}", plain + " node/psp2pss: {2 0 0 0 1}",
			plain + " web/psp2pss: {3 2 1 0 0}", cluster + " /psp2pss: {0 1 0 1 0}",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", format, diff)
		}
	}
}

// A namespace with more than a server takes in one object has several reports, and nothing is lost.
func TestReportsAreSplit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		count, words int
		objects      int
	}{
		{"by number", 5_001, 0, 2},
		{"by size", 1_000, 400, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text, remarks := write(t, "policyreport", many(test.count, test.words))
			documents := strings.Split(text, "---\n")
			results := 0
			for i, o := range readReports(t, text) {
				want := "psp2pss"
				if i > 0 {
					want = fmt.Sprintf("psp2pss-%d", i+1)
				}
				if o.Metadata.Name != want || len(o.Results) > 5_000 || len(documents[i]) > 3<<19 && test.words > 0 {
					t.Errorf("object %d is %s with %d results in %d bytes", i, o.Metadata.Name, len(o.Results), len(documents[i]))
				}
				results += len(o.Results)
			}
			if len(documents) != test.objects || results != test.count+1 { // and the pass of a clean workload
				t.Errorf("got %d objects with %d results", len(documents), results)
			}
			large := fmt.Sprintf("policyreport: %d objects (PolicyReport web/psp2pss is the first) are too large for plain kubectl apply: use kubectl apply --server-side", test.objects)
			if diff := cmp.Diff([]string{large}, remarks); diff != "" {
				t.Errorf("remarks (-want +got):\n%s", diff)
			}
		})
	}
}

// A name that no namespace can have names no namespace of a report: its results stand in the one of the cluster.
func TestNoReportInAHostileNamespace(t *testing.T) {
	t.Parallel()
	r := clean()
	r.Workloads[0].Object.Namespace = "a\nkind: Secret"
	text, _ := write(t, "policyreport", r)
	got := readReports(t, text)
	if len(got) != 1 || got[0].Kind != "ClusterPolicyReport" || got[0].Metadata.Namespace != "" || got[0].Results[0].Resources[0].Namespace != `a\nkind: Secret` {
		t.Errorf("got %+v", got)
	}
}

// largestWrite keeps how many bytes the largest write had.
type largestWrite int

// Write takes all that is written, and keeps its length if that is the largest.
func (n *largestWrite) Write(p []byte) (int, error) {
	*n = max(*n, largestWrite(len(p)))
	return len(p), nil
}

// Reports are written one at a time: four times the findings make no larger write.
func TestReportsAreStreamed(t *testing.T) {
	t.Parallel()
	measure := func(count int) int {
		var n largestWrite
		if err := ciformat.WritePolicyReport(&n, many(count, 0), ciformat.Options{}); err != nil {
			t.Fatal(err)
		}
		return int(n)
	}
	small, large := measure(6_000), measure(24_000)
	if large > small*11/10 {
		t.Errorf("the largest write has %d bytes for 6,000 findings and %d for 24,000", small, large)
	}
}
