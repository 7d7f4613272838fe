package report

import (
	"fmt"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// OldTargetWarnings returns the warnings of a report about a Plan whose target version is older than v1.25: what that
// version lacks, and which namespaces need another level at v1.25. It returns nil for any other Plan.
func OldTargetWarnings(plan *migrate.Plan) []string {
	target, err := api.ParseVersion(plan.TargetVersion)
	if err != nil {
		return nil
	}
	warnings := message.Texts(migrate.OldTargetCaution(target))
	if len(warnings) == 0 {
		return nil
	}
	var others []string
	for i := range plan.Namespaces {
		if ns := &plan.Namespaces[i]; len(ns.LevelByVersion) > 0 && ns.LevelByVersion[0].Needed != ns.NeededLevel {
			others = append(others, fmt.Sprintf("%s %s", ns.Name, ns.LevelByVersion[0].Needed))
		}
	}
	const most = 10
	if len(others) > most {
		others = append(others[:most], fmt.Sprintf("%d more", len(others)-most))
	}
	if len(others) > 0 {
		warnings = append(warnings, fmt.Sprintf("at %s these namespaces need another level than at %s: %s", migrate.FirstVersionWithoutPSP(), target, strings.Join(others, ", ")))
	}
	return warnings
}
