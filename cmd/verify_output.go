package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/rollout"
)

// verification is what -o json writes.
type verification struct {
	APIVersion string           `json:"apiVersion"`
	Kind       string           `json:"kind"`
	Status     rollout.Status   `json:"status"`
	Results    []rollout.Result `json:"results"`
}

func writeResults(w io.Writer, results []rollout.Result, output string, noHeaders bool) error {
	switch output {
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(verification{migrate.APIVersion, "Verification", rollout.Worst(results), append([]rollout.Result{}, results...)})
	case "name":
		for _, name := range namesNotOK(results) {
			if _, err := fmt.Fprintln(w, escape.Terminal(name)); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if !noHeaders {
		_, _ = fmt.Fprintln(t, "NAMESPACE\tCHECK\tWORKLOAD\tSTATUS\tWHY")
	}
	for _, r := range results {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", escape.Terminal(r.Namespace), r.What, escape.Terminal(r.Workload), r.Status, escape.Terminal(r.Why))
	}
	return t.Flush()
}

// namesNotOK are NAMESPACE/KIND/NAME of workloads, namespace/NAME where it is the namespace itself, and KIND/NAME of what is in none.
func namesNotOK(results []rollout.Result) []string {
	var names []string
	for _, r := range results {
		switch {
		case r.Status != rollout.NotOK:
		case r.Workload == "":
			names = append(names, "namespace/"+r.Namespace)
		case r.Namespace == "":
			names = append(names, r.Workload)
		default:
			names = append(names, r.Namespace+"/"+r.Workload)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// verifyVerdict turns results into the error that ends the run.
func verifyVerdict(results []rollout.Result, allowPartial bool) error {
	switch rollout.Worst(results) {
	case rollout.NotOK:
		names := namesNotOK(results)
		return findingsError{fmt.Errorf("not ok: %s", strings.Join(names[:min(len(names), 5)], ", ")+more(len(names)-5))}
	case rollout.CouldNotTell:
		if allowPartial {
			return nil
		}
		return partialError{fmt.Errorf("some of it could not be told: see the reasons above, or accept them with --%s", allowPartialFlag)}
	}
	return nil
}

func more(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}
