package patch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/wording"
)

// The annotations of seccomp profiles, which servers up to v1.26 keep in step with fields.
const (
	seccompPod       = "metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]"
	seccompContainer = "metadata.annotations[container.seccomp.security.alpha.kubernetes.io/"
)

// keep is what is filled in today.
func keep(w *migrate.Workload) (values []Value, remarks []string, why string) {
	for _, m := range w.Mutations {
		m, leftOut, ok := stated(m)
		if leftOut != "" && !slices.Contains(remarks, leftOut) {
			remarks = append(remarks, leftOut)
		}
		if !ok {
			continue
		}
		v, err := value(m.Path, m.Container, m.Value)
		if err != nil {
			return nil, nil, err.Error()
		}
		v.Why = "the API server makes it of an annotation today"
		if m.Policy != "" {
			v.Why = fmt.Sprintf("the policy %s fills it in today", m.Policy)
		}
		values = append(values, v)
	}
	values = once(values)
	if level := w.Level.AsAdmitted; len(values) > 0 && level != "" && w.Level.DayAfter != "" && api.CompareLevels(level, w.Level.DayAfter) < 0 {
		remarks = append(remarks, fmt.Sprintf("written down, these values meet %s only; without them it meets %s", level, w.Level.DayAfter))
	}
	if w.Pods == 0 && slices.ContainsFunc(values, demandsNonRoot) {
		remarks = append(remarks, "no live pod was read that starts with runAsNonRoot: true: none does whose image has root, or a name instead of a number, as its USER, unless runAsUser is set")
	}
	if unknown(w) {
		remarks = append(remarks, "what a policy fills into its pods is not known: compare them with the template")
	}
	return values, remarks, ""
}

func demandsNonRoot(v Value) bool {
	return v.path.keys[len(v.path.keys)-1] == "runAsNonRoot" && string(v.Value) == "true"
}

func unconfinedLeftOut(policy string) string {
	return fmt.Sprintf("the policy %s sets the seccomp profile unconfined, which a pod without one has anyway: left out", policy)
}

// stated turns what is in a pod into what a template states. Seccomp annotations become the field, which outlives them. Two
// values are left to their absence, which means the same and which the standards do not refuse.
func stated(m migrate.Mutation) (out migrate.Mutation, leftOut string, ok bool) {
	const profile = "spec.securityContext.seccompProfile"
	switch {
	case m.Path == seccompPod:
		m.Path, m.Value = profile, seccompField(m.Value)
		if m.Value == "" {
			return m, unconfinedLeftOut(m.Policy), false
		}
	case strings.HasPrefix(m.Path, seccompContainer):
		return m, "", false // the server made it of the container's own field
	case m.Path == profile && m.Value == `{"type":"Unconfined"}`:
		return m, unconfinedLeftOut(m.Policy), false
	case m.Value == "true" && strings.HasSuffix(m.Path, ".allowPrivilegeEscalation"):
		return m, fmt.Sprintf("the policy %s sets allowPrivilegeEscalation: true in container %q, which it is anyway: left out", m.Policy, m.Container), false
	}
	return m, "", true
}

// seccompField is the field for a seccomp annotation's value, both as JSON; "" for unconfined.
func seccompField(annotation string) string {
	var text string
	if err := json.Unmarshal([]byte(annotation), &text); err != nil {
		return annotation // no value of the field either, which is told of it
	}
	if text == "runtime/default" || text == "docker/default" {
		return `{"type":"RuntimeDefault"}`
	}
	file, is := strings.CutPrefix(text, "localhost/")
	name, err := json.Marshal(file)
	if !is || err != nil {
		return ""
	}
	return `{"type":"Localhost","localhostProfile":` + string(name) + `}`
}

// unknown is true where a policy may fill something in and nobody knows which one admits the workload.
func unknown(w *migrate.Workload) bool {
	return w.AdmittedBy == "" && (len(w.UsablePolicies) > 0 || len(w.Observed) > 0)
}

// raise is what the workload lacks for a level.
func (p *Patch) raise(plan *migrate.Plan, w *migrate.Workload, level api.Level) (values []Value, remarks []string, why string) {
	i := slices.IndexFunc(w.Raise, func(r migrate.Raise) bool { return r.Level == level })
	if i < 0 {
		return nil, nil, ""
	}
	r := &w.Raise[i]
	for _, e := range r.Edits {
		v, err := value(e.Path, e.Container, e.Value)
		if err != nil {
			return nil, nil, err.Error()
		}
		v.Safety, v.Why = e.Safety, e.Why
		values = append(values, v)
	}
	values = once(values)
	p.Short = slices.ContainsFunc(r.Obstacles, func(o migrate.Obstacle) bool { return !o.Injected })
	switch {
	case len(r.Obstacles) > 0 && len(values) == 0:
		remarks = append(remarks, fmt.Sprintf("no edit reaches %s:", level))
	case p.Short:
		remarks = append(remarks, fmt.Sprintf("these edits alone do not reach %s, so there is no patch of them:", level))
	case len(r.Obstacles) > 0:
		remarks = append(remarks, fmt.Sprintf("the template meets %s with it, its pods do not:", level))
	}
	for i, o := range r.Obstacles {
		after := o.Injected && i > 0 && r.Obstacles[i-1].Advice == o.Advice
		more := o.Injected && i+1 < len(r.Obstacles) && r.Obstacles[i+1].Advice == o.Advice
		switch {
		case more:
			remarks = append(remarks, o.Check+": "+o.Why)
		case after:
			remarks = append(remarks, o.Check+": "+o.Why, "for each of these: "+o.Advice)
		default:
			remarks = append(remarks, fmt.Sprintf("%s: %s; %s", o.Check, o.Why, o.Advice))
		}
	}
	if len(r.Obstacles) > 0 {
		remarks = append(remarks, componentRemarks(w)...)
	}
	return values, append(remarks, policyRemarks(plan, w, values)...), ""
}

// policyRemarks are about the time in which policies still admit the workload.
func policyRemarks(p *migrate.Plan, w *migrate.Workload, values []Value) []string {
	if len(values) == 0 {
		return nil
	}
	var out []string
	sets := slices.ContainsFunc(values, func(v Value) bool { return slices.Contains(v.path.keys, "seccompProfile") })
	if names := forbidSeccomp(p, w); sets && len(names) > 0 {
		out = append(out, fmt.Sprintf("%s, which admits its pods today, lets them set no seccomp profile and would refuse them: relax it or bypass it first", wording.First(names, 3)))
	}
	if more := beyond(w, values); len(more) > 0 {
		out = append(out, fmt.Sprintf("a policy fills in more than this level asks for, and that goes with it: write it down first, with --keep (%s)", strings.Join(more, ", ")))
	}
	return out
}

// beyond are the fields that policies fill in and that the values do not have.
func beyond(w *migrate.Workload, values []Value) []string {
	raised := map[string]bool{}
	for i := range values {
		raised[values[i].name()] = true
	}
	var out []string
	for _, m := range w.Mutations {
		m, _, ok := stated(m)
		if v, err := value(m.Path, m.Container, m.Value); ok && err == nil && m.Policy != "" && !raised[v.name()] {
			out = append(out, v.name())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// forbidSeccomp names the policies that admit the workload's pods and let none set a seccomp profile.
func forbidSeccomp(p *migrate.Plan, w *migrate.Workload) []string {
	admit := w.Observed
	if w.AdmittedBy != "" {
		admit = []string{w.AdmittedBy}
	}
	var out []string
	for _, policy := range p.Policies {
		impossible := slices.ContainsFunc(policy.Checks, func(c migrate.Check) bool {
			return c.Check == "seccompProfile_restricted" && c.Status == "X"
		})
		if impossible && slices.Contains(admit, policy.Name) {
			out = append(out, policy.Name)
		}
	}
	return out
}

// once sorts values and keeps one for each path, the last.
func once(values []Value) []Value {
	var out []Value
	for _, v := range values {
		if i := slices.IndexFunc(out, func(o Value) bool { return o.Path == v.Path }); i >= 0 {
			out[i] = v
			continue
		}
		out = append(out, v)
	}
	slices.SortStableFunc(out, func(a, b Value) int { return a.order(&b) })
	return out
}
