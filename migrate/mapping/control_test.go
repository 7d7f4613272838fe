package mapping

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/pspparse"
)

// controlCase is one policy put before one control.
type controlCase struct {
	name string
	// base is openPolicy where nil.
	base   *pspparse.Policy
	change func(*pspparse.Policy)
	minor  int // 24 where 0
	want   summary
}

// summary is what a control finds, without its wording: that is the golden files' business.
type summary struct {
	// Status: "check=letter", in the order of the control's checks, where in force.
	Status string
	// Refused: the levels of which the policy turns pods away, drift set aside.
	Refused string
	// Drift: the levels that accept more only because they are newer.
	Drift string
	// Fills: "path=value".
	Fills string
	Never string
}

const (
	levelP   = "privileged"
	levelPB  = "privileged baseline"
	levelPBR = "privileged baseline restricted"
	levelBR  = "baseline restricted"
)

func testControl(t *testing.T, c pspControl, cases []controlCase) {
	t.Helper()
	t.Parallel()
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := test.base
			if p == nil {
				p = openPolicy()
			}
			if test.change != nil {
				p = with(p, test.change)
			}
			minor := test.minor
			if minor == 0 {
				minor = 24
			}
			v := api.MajorMinorVersion(1, minor)
			if diff := cmp.Diff(test.want, summarise(c, c.assess(p, v), v)); diff != "" {
				t.Errorf("finding differs (-want +got):\n%s", diff)
			}
		})
	}
}

func summarise(c pspControl, f controlResult, v api.Version) summary {
	var status, refused, drift, fills []string
	for _, verdict := range f.checks {
		if c.registeredCheck(verdict.id).existsAt(v) {
			status = append(status, string(verdict.id)+"="+letterOf(verdict.status))
		}
	}
	for _, level := range levels.LooseToStrict() {
		turnsAway, newer := false, false
		for _, l := range f.constraints {
			turnsAway = turnsAway || (l.level == level && l.refuses && l.constraint.Class != DriftLoss)
			newer = newer || (l.level == level && l.constraint.Class == DriftLoss)
		}
		if turnsAway {
			refused = append(refused, string(level))
		}
		if newer {
			drift = append(drift, string(level))
		}
	}
	for _, w := range f.templateValues {
		fills = append(fills, w.Path+"="+TemplateText(w.Value))
	}
	return summary{
		Status: strings.Join(status, " "), Refused: strings.Join(refused, " "), Drift: strings.Join(drift, " "),
		Fills: strings.Join(fills, " "), Never: f.admitsNothing.Text,
	}
}

// letterOf abbreviates a status as the specification does.
func letterOf(s Status) string {
	return map[Status]string{
		StatusGuaranteed: "G", StatusByMutation: "M", StatusInEffect: "E", StatusNotEnsured: "N", StatusImpossible: "X", StatusUnknown: "U",
	}[s]
}

// absent marks an annotation that is not there, which is not the same as an empty one.
const absent = "(absent)"

func annotate(allowedKey, defaultKey, allowed, fallback string) func(*pspparse.Policy) {
	return func(p *pspparse.Policy) {
		delete(p.Annotations, allowedKey)
		delete(p.Annotations, defaultKey)
		if allowed != absent {
			p.Annotations[allowedKey] = allowed
		}
		if fallback != absent {
			p.Annotations[defaultKey] = fallback
		}
	}
}
