package cluster

import "slices"

// ReadResources returns the resources that a reading of a cluster lists, as kubectl names them: "pods", "deployments.apps". Those that are
// always read come first, then custom ones, sorted.
func ReadResources() (always, custom []string) {
	for _, k := range builtinKinds() {
		name := k.resource
		if group := k.sources[0].gv.Group; group != "" {
			name += "." + group
		}
		always = append(always, name)
	}
	for _, r := range knownCustomResources().resources {
		custom = append(custom, r.Name+"."+r.Group)
	}
	slices.Sort(custom)
	return always, slices.Compact(custom)
}
