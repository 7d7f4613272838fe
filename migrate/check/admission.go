package check

import (
	"maps"
	"slices"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// AdmissionConfig is the admission configuration of the API servers that manifests go to.
type AdmissionConfig struct {
	*migrate.Admission
	// Name is what its file is called in sentences.
	Name string
}

// exempts reports whether the admission configuration exempts the pods of an object from Pod Security, and notes why: once for each
// namespace and each kind, else for the object.
func (s *reading) exempts(r *record) bool {
	a := s.options.Admission
	if a == nil {
		return false
	}
	what, at := inventory.ObjectText(r.object.Kind, r.object.Namespace, r.object.Name), r.position
	var why message.Message
	switch user := a.ExemptController(r.object.Kind); {
	case slices.Contains(a.Namespaces, r.object.Namespace):
		what, at = inventory.ObjectText("Namespace", "", r.object.Namespace), pspparse.Position{}
		why = message.New("check-exempt-namespace", "file", a.Name)
	case r.runtimeClass != "" && slices.Contains(a.RuntimeClasses, r.runtimeClass):
		why = message.New("check-exempt-runtime-class", "file", a.Name, "class", r.runtimeClass)
	case user != "" && !r.custom:
		what, at = "every "+r.object.Kind, pspparse.Position{}
		why = message.New("check-exempt-user", "file", a.Name, "user", user)
	default:
		return false
	}
	ofMany := at == pspparse.Position{}
	if !ofMany || !slices.ContainsFunc(s.notes, func(n inventory.Note) bool { return n.What == what && n.Why.ID == why.ID }) {
		s.notes = append(s.notes, inventory.Note{What: what, Position: at, Why: why})
	}
	return true
}

// runtimeClassOf returns the runtime class that all pods of a workload have as it is written; "" where it has none or several.
func runtimeClassOf(w *inventory.WrittenWorkload) string {
	class := ""
	for i := range w.Templates {
		of := ""
		if name := w.Templates[i].Shape.Spec.RuntimeClassName; name != nil {
			of = *name
		}
		if i > 0 && of != class {
			return ""
		}
		class = of
	}
	return class
}

// fromNamespace returns what the labels of a namespace demand, together with the defaults of the admission configuration for those
// that it does not have. Why words where a label of the namespace stands.
func (s *reading) fromNamespace(namespace, source string, labels map[string]string, why func(key, value string, invalid bool) message.Message) decision {
	byDefault := false
	d := fromLabels(s.withDefaults(labels), func(key, value string, invalid bool) message.Message {
		if _, written := labels[key]; written {
			return why(key, value, invalid)
		}
		byDefault = true
		return message.New("check-level-default", "file", s.options.Admission.Name, "mode", modeOfLabel(key), "level", value, "namespace", namespace)
	})
	if d.demand != nil {
		if d.demand.Source = source; byDefault {
			d.demand.Source = sourceAdmission
		}
	}
	return d
}

// modeOfLabel returns the mode whose level a label says.
func modeOfLabel(key string) string {
	for _, mode := range []string{modeEnforce, modeWarn, modeAudit} {
		if key == levelLabel(mode) {
			return mode
		}
	}
	return key
}

// withDefaults returns the labels of a namespace with those that the admission configuration has for what they do not say.
func (s *reading) withDefaults(labels map[string]string) map[string]string {
	if s.options.Admission == nil {
		return labels
	}
	out := map[string]string{}
	for _, mode := range []string{modeEnforce, modeWarn, modeAudit} {
		for _, key := range []string{levelLabel(mode), levelLabel(mode) + "-version"} {
			if value := s.options.Admission.Defaults.Get(key); value != "" {
				out[key] = value
			}
		}
	}
	maps.Copy(out, labels)
	return out
}

// fromDefaults returns what the admission configuration demands of the pods of a namespace that has no labels which demand anything:
// one whose Namespace is among the files, or on the cluster.
func (s *reading) fromDefaults(r *record) decision {
	if s.options.Admission == nil {
		return decision{}
	}
	declared := s.options.Cluster != nil && slices.ContainsFunc(s.options.Cluster.Namespaces, func(ns inventory.Namespace) bool { return ns.Name == r.object.Namespace })
	declared = declared || slices.ContainsFunc(s.labels[r.object.Namespace], func(l labelSource) bool { return l.writer == "" })
	if !declared {
		return decision{}
	}
	return s.fromNamespace(r.object.Namespace, sourceAdmission, nil, nil)
}

// demandsNothing is what is demanded of the pods of an exempt object.
func demandsNothing() demandList { return demandList{demands: []finding.Demand{}, known: true} }
