package cmd

import (
	"fmt"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/migrate/rollout/verify"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// verificationReport converts, for output, the results of verifying a roll-out to the form that package report draws.
func verificationReport(results []verify.CheckResult) *report.Verification {
	v := &report.Verification{APIVersion: migrate.APIVersion, Kind: "Verification", Status: report.VerificationStatus(verify.WorstStatus(results)), Results: []report.VerificationResult{}}
	for _, r := range results {
		v.Results = append(v.Results, report.VerificationResult{Namespace: r.Namespace, Check: r.Check, Workload: r.Workload, Status: report.VerificationStatus(r.Status), Why: r.Reason})
	}
	return v
}

// verifyExitError converts the results of verifying a roll-out to the error that ends the command; nil if all is ok.
func verifyExitError(results []verify.CheckResult, allowPartial bool) error {
	const most = 5
	switch verify.WorstStatus(results) {
	case verify.StatusNotOK:
		return findingsError{fmt.Errorf("not ok: %s", english.First(verificationReport(results).NamesNotOK(), most))}
	case verify.StatusUnknown:
		if allowPartial {
			return nil
		}
		return partialError{fmt.Errorf("some of it is unknown: see the reasons above, or accept them with --%s", allowPartialFlag)}
	}
	return nil
}
