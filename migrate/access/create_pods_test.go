package access

// CanCreatePods reports whether RBAC lets a principal create pods in a namespace (everywhere, for ""). Creating something
// that makes pods is not the same: then a controller creates them.
func (g *Grants) CanCreatePods(namespace string, p Principal) bool {
	for _, id := range identitiesOf(p) {
		if id == (identity{group: true, name: mastersGroup}) {
			return true
		}
		can := false
		g.forEachGrant(namespace, id, func(e *subjectGrant) { can = can || e.role.granted.createPods })
		if can {
			return true
		}
	}
	return false
}
