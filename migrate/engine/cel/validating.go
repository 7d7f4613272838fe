package cel

import (
	"slices"
	"unicode/utf8"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// fillAny makes a ValidatingAdmissionPolicy accept a pod that one of the policies that may be used for it accepts.
func (d *Documents) fillAny(p *admissionregistrationv1.ValidatingAdmissionPolicy, t *engine.Table, s *engine.Set, o Options, f form) error {
	v := newVariables()
	all, err := candidates(v, t, s, f)
	if err != nil {
		return err
	}
	if most := affordable(all); most < len(all) {
		if o.Action == Deny {
			return errChecks(s.Name, len(all), most)
		}
		// Nothing is refused, so that the set can be tried.
		d.remark(s, message.New("engine-cel-audit-budget", "set", s.Name, "policies", len(all), "most", most))
	}
	d.remarkOnWidePods(s, all)
	if len(all) > 0 {
		p.Spec.Validations = append(p.Spec.Validations, refuseUnless(one(admitting(all)), addRefusal(v, all, f)))
		if o.Action == Deny {
			p.Spec.AuditAnnotations = append(p.Spec.AuditAnnotations, reasonsAnnotation(v, all, o)...)
		}
	}
	checks, err := levelValidations(v, s, o)
	if err != nil {
		return err
	}
	p.Spec.Validations = append(p.Spec.Validations, checks...)
	p.Spec.Variables = v.list
	return nil
}

// admitting returns for each candidate the expression that is true where it admits the pod. Candidates that ask the same of a pod
// are one expression.
func admitting(all []*candidate) []string {
	var out []string
	var order []string
	granted := map[string][]string{}
	for _, c := range all {
		if _, ok := granted[c.accepts]; !ok {
			order = append(order, c.accepts)
		}
		granted[c.accepts] = append(granted[c.accepts], c.mayUse)
	}
	for _, accepted := range order {
		same := &candidate{accepts: accepted, mayUse: one(granted[accepted])}
		if accepted != "" && len(granted[accepted]) > 1 {
			same.mayUse = "(" + same.mayUse + ")"
		}
		out = append(out, same.admits())
	}
	return out
}

// refuseUnless returns the validation that refuses with 403, as PSP admission did, unless an expression holds.
func refuseUnless(expression, refusal string) admissionregistrationv1.Validation {
	forbidden := metav1.StatusReasonForbidden
	return admissionregistrationv1.Validation{
		Expression: expression, Message: plainRefusal, MessageExpression: refusal, Reason: &forbidden,
	}
}

// firstWithAllFailures is the release whose audit annotation validation_failure has the failed validations of a request, up to 50. Before
// it has the first one only, which may be that of another policy (k8s.io/apiserver/pkg/admission/plugin/policy/validating/dispatcher.go).
const firstWithAllFailures = 37

// reasonsAnnotation returns the audit annotation with the reasons for which no policy accepts a pod, and none where one accepts
// every pod. It is there for API servers before v1.37: they may not say it in validation_failure, and later ones do. It is
// not there for a pod that a policy accepts: without asking the authorizer, which it cannot, it would not know more. A policy that only
// audits has none: an audit annotation that fails refuses the request whatever the binding says (the same dispatcher.go).
func reasonsAnnotation(v *variables, all []*candidate, o Options) []admissionregistrationv1.AuditAnnotation {
	if o.Minor >= firstWithAllFailures {
		return nil
	}
	var accepted []string
	for _, c := range all {
		if c.accepts == "" {
			return nil
		}
		accepted = append(accepted, c.accepts)
	}
	slices.Sort(accepted)
	value := v.set("accepted", one(slices.Compact(accepted))) + " ? '' : variables.refusal"
	return []admissionregistrationv1.AuditAnnotation{{Key: ReasonsKey, ValueExpression: value}}
}

// addWithBinding adds a ValidatingAdmissionPolicy and its binding.
func (d *Documents) addWithBinding(p *admissionregistrationv1.ValidatingAdmissionPolicy, t *engine.Table, s *engine.Set, selector *metav1.LabelSelector, o Options, stage int) error {
	if err := markInForce(p); err != nil {
		return err
	}
	if err := d.add(p, p.Kind, s, stage, 20); err != nil {
		return err
	}
	binding := validatingBinding(t, s, selector, o.Action)
	return d.add(binding, binding.Kind, s, stage, 21)
}

// add adds an object, unless an API server could not read or store it.
func (d *Documents) add(object sized, kind string, s *engine.Set, stage, place int) error {
	for _, e := range expressionsOf(object) {
		if n := utf8.RuneCountInString(e.text); n > maxExpressionSize {
			return errExpression(kind, object.GetName(), s.Name, e.name, n)
		}
	}
	size := object.Size()
	if _, mutating := object.(*admissionregistrationv1.MutatingAdmissionPolicy); mutating && size > maxMutatingSize {
		return errMutatingSize(object.GetName(), s.Name, len(s.Alternatives), size)
	}
	if size > maxObjectSize {
		return errSize(kind, object.GetName(), s.Name, len(s.Alternatives), size)
	}
	if size > largeObjectSize {
		d.remark(s, message.New("engine-cel-large-object", "kind", kind, "name", object.GetName(), "bytes", size))
	}
	doc, err := document(object, kind, s, stage, place)
	if err != nil {
		return err
	}
	d.Documents = append(d.Documents, doc)
	return nil
}
