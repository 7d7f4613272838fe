package migrate

import "maps"

// WithLabels returns a copy of the Plan's namespace with these current labels set.
func (ns *Namespace) WithLabels(labels map[string]string) *Namespace {
	out := *ns
	out.Labels = maps.Clone(ns.Labels)
	if out.Labels == nil {
		out.Labels = map[string]string{}
	}
	for key, value := range labels {
		out.Labels[key] = value
		out.CurrentLabels.setLabel(key, value)
	}
	return &out
}
