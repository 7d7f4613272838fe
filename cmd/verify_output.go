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
	"github.com/psp2pss/psp2pss/migrate/rollout/verify"
)

// verificationReport is what -o json writes.
type verificationReport struct {
	APIVersion string               `json:"apiVersion"`
	Kind       string               `json:"kind"`
	Status     verify.CheckStatus   `json:"status"`
	Results    []verify.CheckResult `json:"results"`
}

func writeVerification(w io.Writer, results []verify.CheckResult, output string, noHeaders bool) error {
	switch output {
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(verificationReport{migrate.APIVersion, "Verification", verify.WorstStatus(results), append([]verify.CheckResult{}, results...)})
	case "name":
		for _, name := range failedObjectNames(results) {
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
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", escape.Terminal(r.Namespace), r.Check, escape.Terminal(r.Workload), r.Status, escape.Terminal(r.Reason))
	}
	return t.Flush()
}

// failedObjectNames are NAMESPACE/KIND/NAME of workloads, namespace/NAME where it is the namespace itself, and KIND/NAME of what is in none.
func failedObjectNames(results []verify.CheckResult) []string {
	var names []string
	for _, r := range results {
		switch {
		case r.Status != verify.StatusNotOK:
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

// verifyExitError returns the error that ends a verification: a findingsError for what is not ok, a partialError for what
// could not be told.
func verifyExitError(results []verify.CheckResult, allowPartial bool) error {
	switch verify.WorstStatus(results) {
	case verify.StatusNotOK:
		names := failedObjectNames(results)
		return findingsError{fmt.Errorf("not ok: %s", strings.Join(names[:min(len(names), 5)], ", ")+andMore(len(names)-5))}
	case verify.StatusUnknown:
		if allowPartial {
			return nil
		}
		return partialError{fmt.Errorf("some of it could not be told: see the reasons above, or accept them with --%s", allowPartialFlag)}
	}
	return nil
}

func andMore(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}
