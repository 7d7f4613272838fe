package patch

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/levels"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// The annotations of seccomp profiles, which servers up to v1.26 keep in step with fields.
const (
	podSeccompAnnotationPath       = "metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]"
	containerSeccompAnnotationPath = "metadata.annotations[container.seccomp.security.alpha.kubernetes.io/"
)

// mutatedValues returns, for a patch, the values that policies set in the pods of a workload today.
func mutatedValues(w *migrate.Workload) (values []TemplateValue, remarks []message.Message, err error) {
	for _, m := range w.Mutations {
		m, leftOut, ok := asTemplateValue(m)
		if !leftOut.IsZero() && !hasRemark(remarks, leftOut) {
			remarks = append(remarks, leftOut)
		}
		if !ok {
			continue
		}
		v, err := parseTemplateValue(m.Path, m.Container, m.Value)
		if err != nil {
			return nil, nil, err
		}
		v.Why = message.New("patch-value-in-force", "policy", m.Policy)
		values = append(values, v)
	}
	values = lastPerPath(values)
	if level := w.Levels.AsAdmitted; len(values) > 0 && levels.Looser(level, w.Levels.AfterPSP) {
		remarks = append(remarks, message.New("patch-values-lower-level", "level", level, "without", w.Levels.AfterPSP))
	}
	if w.Pods == 0 && slices.ContainsFunc(values, requiresNonRoot) {
		remarks = append(remarks, message.New("patch-non-root-not-shown"))
	}
	if mutationsUnknown(w) {
		remarks = append(remarks, message.New("patch-mutations-unknown"))
	}
	return values, remarks, nil
}

// hasRemark reports whether a message is among the remarks of a patch.
func hasRemark(remarks []message.Message, m message.Message) bool {
	return slices.ContainsFunc(remarks, func(have message.Message) bool { return message.Compare(have, m) == 0 })
}

// requiresNonRoot reports whether a patch writes runAsNonRoot: true.
func requiresNonRoot(v TemplateValue) bool {
	return v.path.keys[len(v.path.keys)-1] == "runAsNonRoot" && string(v.Value) == "true"
}

// unconfinedLeftOut returns the remark on the seccomp profile unconfined, which a patch does not write.
func unconfinedLeftOut(policy string) message.Message {
	return message.New("patch-leaves-out-unconfined", "policy", policy)
}

// asTemplateValue converts a value in a pod to what a patch writes into the template. Seccomp annotations become the
// field, which outlives them. Two values are left out, since their absence means the same and the standards do not
// refuse it.
func asTemplateValue(m migrate.TemplateMutation) (out migrate.TemplateMutation, leftOut message.Message, ok bool) {
	const profile = "spec.securityContext.seccompProfile"
	switch {
	case m.Path == podSeccompAnnotationPath:
		m.Path, m.Value = profile, seccompFieldOfAnnotation(m.Value)
		if m.Value == "" {
			return m, unconfinedLeftOut(m.Policy), false
		}
	case strings.HasPrefix(m.Path, containerSeccompAnnotationPath):
		return m, message.Message{}, false // the server made it of the container's own field
	case m.Path == profile && m.Value == `{"type":"Unconfined"}`:
		return m, unconfinedLeftOut(m.Policy), false
	case m.Value == "true" && strings.HasSuffix(m.Path, ".allowPrivilegeEscalation"):
		return m, message.New("patch-leaves-out-escalation", "policy", m.Policy, "container", m.Container), false
	}
	return m, message.Message{}, true
}

// seccompFieldOfAnnotation returns, for a patch, the field seccompProfile for the value of a seccomp annotation, both
// as JSON; "" for unconfined, and for a value that stands for no profile. What is no JSON string is returned as it is,
// and refused as a value of the field.
func seccompFieldOfAnnotation(annotation string) string {
	var text string
	if err := json.Unmarshal([]byte(annotation), &text); err != nil {
		return annotation
	}
	profile := podspec.SeccompProfile(text)
	if profile == nil || profile.Type == corev1.SeccompProfileTypeUnconfined {
		return ""
	}
	field, err := json.Marshal(profile)
	if err != nil {
		return ""
	}
	return string(field)
}

// mutationsUnknown reports whether, for a patch, a policy may mutate the pods of a workload and it is not known which
// one admits them.
func mutationsUnknown(w *migrate.Workload) bool {
	return w.AdmittedBy == "" && (len(w.UsablePolicies) > 0 || len(w.ObservedPolicies) > 0)
}

// raisingValues returns the values that a patch writes to bring a workload to a stricter level, and remarks on them.
func (p *Patch) raisingValues(plan *migrate.Plan, w *migrate.Workload, level api.Level) (values []TemplateValue, remarks []message.Message, err error) {
	i := slices.IndexFunc(w.StricterEdits, func(r migrate.StricterEdits) bool { return r.Level == level })
	if i < 0 {
		return nil, nil, nil
	}
	r := &w.StricterEdits[i]
	for _, e := range r.Edits {
		v, err := parseTemplateValue(e.Path, e.Container, e.Value)
		if err != nil {
			return nil, nil, err
		}
		v.Safety, v.Why = e.Safety, e.Why
		values = append(values, v)
	}
	values = lastPerPath(values)
	p.Incomplete = slices.ContainsFunc(r.Obstacles, func(o migrate.StricterObstacle) bool { return !o.Injected })
	switch {
	case len(r.Obstacles) > 0 && len(values) == 0:
		remarks = append(remarks, message.New("patch-reaches-nothing", "level", level))
	case p.Incomplete:
		remarks = append(remarks, message.New("patch-incomplete", "level", level))
	case len(r.Obstacles) > 0:
		remarks = append(remarks, message.New("patch-pods-do-not-meet", "level", level))
	}
	if len(r.Obstacles) > 0 {
		remarks = append(append(remarks, obstacleRemarks(r.Obstacles)...), componentRemarks(w)...)
	}
	return values, append(remarks, policyRemarks(plan, w, values)...), nil
}

// obstacleRemarks returns the remarks of a patch on the checks that no edit meets. Advice about several in a row stands once.
func obstacleRemarks(obstacles []migrate.StricterObstacle) []message.Message {
	var out []message.Message
	for i, o := range obstacles {
		after := o.Injected && i > 0 && obstacles[i-1].Advice.Text == o.Advice.Text
		more := o.Injected && i+1 < len(obstacles) && obstacles[i+1].Advice.Text == o.Advice.Text
		advice := o.Advice
		if more || after {
			advice.Text = "" // it stands below the last of them
		}
		out = append(out, message.New("patch-obstacle", "check", o.Check, "violation", o.Why, "advice", advice.Text, "adviceId", advice.ID))
		if after && !more {
			out = append(out, message.New("patch-obstacles-advice", "advice", o.Advice.Text, "adviceId", o.Advice.ID))
		}
	}
	return out
}

// policyRemarks returns the remarks of a patch on the time in which policies still admit the workload.
func policyRemarks(p *migrate.Plan, w *migrate.Workload, values []TemplateValue) []message.Message {
	if len(values) == 0 {
		return nil
	}
	var out []message.Message
	sets := slices.ContainsFunc(values, func(v TemplateValue) bool { return slices.Contains(v.path.keys, "seccompProfile") })
	if names := policiesForbiddingSeccomp(p, w); sets && len(names) > 0 {
		out = append(out, message.New("patch-refused-by-policy", "policies", names))
	}
	if more := mutatedBeyond(w, values); len(more) > 0 {
		out = append(out, message.New("patch-loses-mutations", "fields", more))
	}
	return out
}

// mutatedBeyond returns the fields that policies set and that a patch does not write.
func mutatedBeyond(w *migrate.Workload, values []TemplateValue) []string {
	raised := map[string]bool{}
	for i := range values {
		raised[values[i].fieldName()] = true
	}
	var out []string
	for _, m := range w.Mutations {
		m, _, ok := asTemplateValue(m)
		if v, err := parseTemplateValue(m.Path, m.Container, m.Value); ok && err == nil && m.Policy != "" && !raised[v.fieldName()] {
			out = append(out, v.fieldName())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// policiesForbiddingSeccomp returns, for remarks on a patch, the policies that admit a workload's pods and refuse them
// with the seccomp profile that a patch writes.
func policiesForbiddingSeccomp(p *migrate.Plan, w *migrate.Workload) []string {
	admit := w.ObservedPolicies
	if w.AdmittedBy != "" {
		admit = []string{w.AdmittedBy}
	}
	var out []string
	for _, policy := range p.Policies {
		impossible := slices.ContainsFunc(policy.Checks, func(c migrate.PolicyCheck) bool {
			return c.Check == "seccompProfile_restricted" && c.Status == mapping.StatusImpossible
		})
		if impossible && slices.Contains(admit, policy.Name) {
			out = append(out, policy.Name)
		}
	}
	return out
}

// lastPerPath sorts the values of a patch and keeps the last for each path.
func lastPerPath(values []TemplateValue) []TemplateValue {
	var out []TemplateValue
	for _, v := range values {
		if i := slices.IndexFunc(out, func(o TemplateValue) bool { return o.Path == v.Path }); i >= 0 {
			out[i] = v
			continue
		}
		out = append(out, v)
	}
	slices.SortStableFunc(out, func(a, b TemplateValue) int { return a.compareInTemplate(&b) })
	return out
}

// CheckPlan returns an error that names the first value to patch which no field can have, or whose path is that of no
// field that a patch writes. A plan is a file, and anybody may have edited it. Containers may have any name, as they
// were read: where it is not valid, the workload gets no patch.
func CheckPlan(p *migrate.Plan) error {
	sound := map[fieldValue]bool{} // the same few values are asked of many workloads
	check := func(at, text string) error {
		v := fieldValue{at, text}
		if sound[v] {
			return nil
		}
		err := checkTemplateValue(at, text)
		sound[v] = err == nil
		return err
	}
	for i, e := range p.Evaluations {
		for k, m := range e.Mutations {
			if m, _, ok := asTemplateValue(m); ok {
				if err := check(m.Path, m.Value); err != nil {
					return fmt.Errorf("evaluations[%d].mutations[%d]: %w", i, k, err)
				}
			}
		}
		for k, s := range e.StricterEdits {
			for n, edit := range s.Edits {
				if err := check(edit.Path, edit.Value); err != nil {
					return fmt.Errorf("evaluations[%d].stricterEdits[%d].edits[%d]: %w", i, k, n, err)
				}
			}
		}
	}
	return nil
}

// fieldValue is a path to patch, and a value for it as a Plan has it.
type fieldValue struct{ path, text string }

// checkTemplateValue returns what is wrong with a path to patch and its value, whatever the container.
func checkTemplateValue(at, text string) error {
	if _, err := parseTemplateValue(at, "", text); !errors.Is(err, errContainerName) {
		return err
	}
	return nil
}
