package cel

import (
	"fmt"
	"strings"
	"unicode/utf8"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

const (
	// pspAnnotation is the annotation in which PodSecurityPolicy admission named the policy that it had chosen for a pod.
	pspAnnotation = "kubernetes.io/psp"
	// pspAnnotationPath is an expression for the place of the annotation in a JSON patch.
	pspAnnotationPath = "'/metadata/annotations/' + jsonpatch.escapeKey('" + pspAnnotation + "')"
	// hasPSPAnnotation is true for a pod that has the annotation.
	hasPSPAnnotation = "'" + pspAnnotation + "' in object.metadata.?annotations.orValue({})"
	// addAnnotations makes room for the annotation. It comes before all that writes annotations.
	addAnnotations = "(has(object.metadata.annotations) ? [] : [JSONPatch{op: 'add', path: '/metadata/annotations', value: {}}])"
)

// fillMutating makes a MutatingAdmissionPolicy choose a policy for each new pod as PodSecurityPolicy admission did: of those that
// may be used and accept the pod, the first by name that changes nothing in it, else the first by name. It writes what the chosen
// one wrote, and its name into the pod's annotation. A pod for which there is none is left as it is.
func fillMutating(p *admissionregistrationv1.MutatingAdmissionPolicy, t *engine.Table, s *engine.Set, o Options) error {
	v := newVariables()
	all, err := candidates(v, t, s, asFilled)
	if err != nil {
		return err
	}
	if err := checkWrittenCapabilities(s, all); err != nil {
		return err
	}
	addWrites(v, all, o)
	var again *secondRun
	if o.Reinvoke {
		again = addSecondRun(v)
	}
	if len(blocks(all)) <= 1 && len(all)+len(changing(all)) <= maxChoices {
		p.Spec.Mutations = []admissionregistrationv1.Mutation{mutateAtOnce(v, all, again)}
	} else {
		p.Spec.Mutations = mutateInBlocks(v, all, again)
	}
	if again != nil {
		p.Spec.Mutations = append(p.Spec.Mutations, again.mark())
	}
	p.Spec.Variables = v.list
	return markMutatingInForce(p)
}

// mutateAtOnce returns the one mutation that chooses among all policies, unless a second run keeps what the first one chose.
func mutateAtOnce(v *variables, all []*candidate, again *secondRun) admissionregistrationv1.Mutation {
	choices := append(pick(all, (*candidate).admitsUnchanged), pick(all, (*candidate).admitsAnyhow)...)
	choice := firstOf(choices)
	if again != nil {
		choice = again.unchanged + " ? '' :\n" + choice
	}
	chosen := v.set("chosen", choice)
	return jsonPatch(chosen + " != '' ?\n" + annotate(chosen) + writeAll(chosen, all) + " :\n[]")
}

// mutateInBlocks returns mutations that choose a policy, each among as many as one mutation can take. Each sees what the one before
// has done: the annotation of the pod says that a policy is chosen, so that the rest has nothing to do. Therefore the
// first one removes what the sender of the pod wrote there, and in a second run what the first one chose, unless that is kept.
func mutateInBlocks(v *variables, all []*candidate, again *secondRun) []admissionregistrationv1.Mutation {
	done := v.set("done", hasPSPAnnotation)
	forget := done
	if again != nil {
		forget += " && !" + again.unchanged
	}
	out := []admissionregistrationv1.Mutation{jsonPatch(forget + " ?\n[JSONPatch{op: 'remove', path: " + pspAnnotationPath + "}] :\n[]")}
	for i, block := range blocks(all) {
		choices := pick(block, (*candidate).admitsUnchanged)
		if len(choices) == 0 {
			continue
		}
		chosen := v.set(fmt.Sprintf("unchanged_by_%d", i), done+" ? '' :\n"+firstOf(choices))
		out = append(out, jsonPatch(chosen+" != '' ?\n"+annotate(chosen)+" :\n[]"))
	}
	for i, block := range blocks(changing(all)) {
		chosen := v.set(fmt.Sprintf("changed_by_%d", i), done+" ? '' :\n"+firstOf(pick(block, (*candidate).admitsAnyhow)))
		out = append(out, jsonPatch(chosen+" != '' ?\n"+annotate(chosen)+writeAll(chosen, block)+" :\n[]"))
	}
	return out
}

// blocks returns the policies in their order, split where one mutation could not pay for asking their grants, and where the API server
// could not read its expressions: they would be too long, or have too many choices within each other.
func blocks(all []*candidate) [][]*candidate {
	var out [][]*candidate
	for len(all) > 0 {
		n := min(affordable(all), maxChoices, writable(all))
		out = append(out, all[:n])
		all = all[n:]
	}
	return out
}

// changing returns the policies that would change some pods.
func changing(all []*candidate) []*candidate {
	var out []*candidate
	for _, c := range all {
		if c.writes != "" {
			out = append(out, c)
		}
	}
	return out
}

// choice is a policy, and the expression that is true where it is to be chosen.
type choice struct {
	when, policy string
}

// pick returns the choices among policies, without those that have no expression.
func pick(all []*candidate, when func(*candidate) string) []choice {
	var out []choice
	for _, c := range all {
		if w := when(c); w != "" {
			out = append(out, choice{w, c.policy.Name})
		}
	}
	return out
}

// admitsUnchanged returns the expression that is true where the policy admits the pod and changes nothing in it.
func (c *candidate) admitsUnchanged() string {
	if c.writes == "" {
		return c.admits()
	}
	return c.admits("!" + c.writes)
}

// admitsAnyhow returns the expression that is true where the policy admits the pod, "" for one that never changes a pod: it has
// been asked whether it admits the pod unchanged.
func (c *candidate) admitsAnyhow() string {
	if c.writes == "" {
		return ""
	}
	return c.admits()
}

// firstOf returns the expression for the name of the first policy whose choice holds, ” for none.
func firstOf(choices []choice) string {
	var b strings.Builder
	for _, c := range choices {
		b.WriteString("(" + c.when + ") ? " + quote(c.policy) + " :\n")
	}
	return b.String() + "''"
}

// annotate returns the JSON patches that write the name of the chosen policy into the pod.
func annotate(chosen string) string {
	return addAnnotations + " +\n[JSONPatch{op: 'add', path: " + pspAnnotationPath + ", value: " + chosen + "}]"
}

// writable returns how many of the candidates, from the first one on and at least that, have patches that fit into one expression.
func writable(all []*candidate) int {
	size := 0
	for i, c := range all {
		if size += utf8.RuneCountInString(c.patches); size > maxPatchesSize && i > 0 {
			return i
		}
	}
	return len(all)
}

// writeAll returns the JSON patches that write what the chosen one of the policies writes, to be put behind others.
func writeAll(chosen string, all []*candidate) string {
	out := ""
	for _, c := range changing(all) {
		if c.patches == "" {
			continue
		}
		out += chosen + " == " + quote(c.policy.Name) + " ?\n(" + c.patches + ") :\n"
	}
	if out == "" {
		return ""
	}
	return " +\n(" + out + "[])"
}

// jsonPatch returns a mutation by JSON patches.
func jsonPatch(expression string) admissionregistrationv1.Mutation {
	return admissionregistrationv1.Mutation{
		PatchType: admissionregistrationv1.PatchTypeJSONPatch,
		JSONPatch: &admissionregistrationv1.JSONPatch{Expression: expression},
	}
}

// fillNamed makes a ValidatingAdmissionPolicy accept a pod that the policy accepts that its annotation names, if that one may be
// used. The annotation of a new pod is what the MutatingAdmissionPolicy wrote; who writes another one gains nothing, since that
// policy has to accept the pod and to be usable, too. Since everybody who may change a pod may change the annotation, a change is
// also accepted that any other usable policy accepts, as PodSecurityPolicy admission did.
func (d *Documents) fillNamed(p *admissionregistrationv1.ValidatingAdmissionPolicy, t *engine.Table, s *engine.Set, o Options) error {
	v := newVariables()
	named := v.set("psp", "object.metadata.?annotations[?'"+pspAnnotation+"'].orValue('')")
	all, err := candidates(v, t, s, strict)
	if err != nil {
		return err
	}
	accepted := make([]string, 0, len(all)+1)
	for _, c := range all {
		accepted = append(accepted, named+" == "+quote(c.policy.Name)+" && "+c.admits())
	}
	accepted = append(accepted, "request.operation == 'UPDATE' &&\n("+one(admitting(all))+")")
	if most := affordable(all); most < len(all) {
		d.remark(s, message.New("engine-cel-update-budget", "set", s.Name, "policies", len(all), "most", most))
	}
	d.remarkOnWidePods(s, all)
	refusal := addRefusal(v, all, asFilled)
	p.Spec.Validations = append(p.Spec.Validations, refuseUnless(one(accepted), refusal))
	p.Spec.AuditAnnotations = append(reasonsAnnotation(v, all, o), admissionregistrationv1.AuditAnnotation{Key: PolicyKey, ValueExpression: named})
	p.Spec.Variables = v.list
	return nil
}
