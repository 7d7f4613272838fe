package cel

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Generate returns the documents of a decision table: of each set of namespaces the ValidatingAdmissionPolicy that refuses pods,
// before it in continuity mode the MutatingAdmissionPolicy that chooses a policy for each new pod and writes what that one wrote,
// and their bindings. It returns an error that is ErrServer where the API server of the options has no such policies, and one that
// is ErrTooMuch, with the number, for sets that do not fit into what an API server allows.
func Generate(t *engine.Table, o Options) (*Documents, error) {
	if err := checkOptions(t, o); err != nil {
		return nil, err
	}
	out := &Documents{Remarks: tableRemarks(t, o)}
	named := map[string]string{}
	var errs []error
	for i := range t.Sets {
		s := &t.Sets[i]
		if other, ok := named[objectName(s.Name)]; ok {
			errs = append(errs, fmt.Errorf("the sets %q and %q would have documents of the same name", other, s.Name))
			continue
		}
		named[objectName(s.Name)] = s.Name
		if err := out.addSet(t, s, o); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	slices.SortStableFunc(out.Documents, func(a, b Document) int { return a.Stage - b.Stage })
	return out, nil
}

// checkOptions returns an error for documents that the API server of the options does not serve, or that say nothing.
func checkOptions(t *engine.Table, o Options) error {
	switch {
	case !o.Validating && !o.Mutating:
		return errors.New("neither a ValidatingAdmissionPolicy nor a MutatingAdmissionPolicy is to be written")
	case o.Action != Audit && o.Action != Warn && o.Action != Deny:
		return fmt.Errorf("the action %q is none of audit, warn and deny", o.Action)
	case t.Mode != engine.Continuity && !o.Validating:
		return fmt.Errorf("the mode %s writes nothing into pods: a MutatingAdmissionPolicy alone has nothing to do", t.Mode)
	case o.Validating && o.Minor < firstValidating:
		return fmt.Errorf("ValidatingAdmissionPolicy v1 is served from v1.%d on, and the API server is v1.%d: %w", firstValidating, o.Minor, ErrServer)
	case t.Mode == engine.Continuity && o.Mutating && o.Minor < firstMutatingBeta:
		return fmt.Errorf("MutatingAdmissionPolicy can be served from v1.%d on, and the API server is v1.%d: use mode delta, or validating policies alone: %w", firstMutatingBeta, o.Minor, ErrServer)
	case t.Mode == engine.Continuity && !o.Validating && o.Action != Deny:
		return fmt.Errorf("a MutatingAdmissionPolicy cannot be tried with the action %s: it writes into pods or it does not", o.Action)
	}
	return nil
}

// addSet adds the documents of a set.
func (d *Documents) addSet(t *engine.Table, s *engine.Set, o Options) error {
	if len(s.Alternatives)+len(s.Checks) == 0 {
		return fmt.Errorf("set %q: there is nothing that a pod has to satisfy", s.Name)
	}
	selector, err := namespaceSelector(s)
	if err != nil {
		return err
	}
	if t.Mode == engine.Continuity {
		return d.addContinuity(t, s, selector, o)
	}
	return d.addValidating(t, s, selector, o, strict)
}

// addContinuity adds the documents of a set in continuity mode. The MutatingAdmissionPolicy comes first and has to be in force
// before the other one is: without it, that one refuses what nothing has been written into.
func (d *Documents) addContinuity(t *engine.Table, s *engine.Set, selector *metav1.LabelSelector, o Options) error {
	byName := *s
	byName.Alternatives = slices.Clone(s.Alternatives)
	slices.SortStableFunc(byName.Alternatives, func(a, b engine.Alternative) int { return strings.Compare(a.Policy, b.Policy) })
	s = &byName
	if o.Action != Deny {
		return d.addValidating(t, s, selector, o, asFilled)
	}
	if !o.Mutating {
		return d.addValidating(t, s, selector, o, strict)
	}
	policy := mutatingPolicy(t, s, o)
	if err := fillMutating(policy, t, s, o); err != nil {
		return err
	}
	if err := markWritten(policy, t, s); err != nil {
		return err
	}
	if err := d.add(policy, policy.Kind, s, 0, 10); err != nil {
		return err
	}
	binding := mutatingBinding(t, s, selector, o)
	if err := d.add(binding, binding.Kind, s, 0, 11); err != nil {
		return err
	}
	if !o.Validating {
		return nil
	}
	checked := validatingPolicy(t, s)
	if err := d.fillNamed(checked, t, s, o); err != nil {
		return err
	}
	return d.addWithBinding(checked, t, s, selector, o, 1)
}

// addValidating adds the ValidatingAdmissionPolicy of a set that accepts a pod by any policy that may be used for it.
func (d *Documents) addValidating(t *engine.Table, s *engine.Set, selector *metav1.LabelSelector, o Options, f form) error {
	policy := validatingPolicy(t, s)
	if err := d.fillAny(policy, t, s, o, f); err != nil {
		return err
	}
	return d.addWithBinding(policy, t, s, selector, o, 0)
}

// remark adds a remark on namespaces of a set.
func (d *Documents) remark(s *engine.Set, m message.Message) {
	d.Remarks = append(d.Remarks, engine.Remark{Message: m, Namespaces: s.Namespaces})
}
