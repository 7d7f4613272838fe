package message

// replacementKinds returns the messages on generated policies that are on a cluster.
func replacementKinds() []Kind {
	return []Kind{
		{
			"object-replacement", "An admission policy that generate wrote, or the binding of one, and what it does.",
			"{kind} {name} (set {set}[?mode , mode {mode}]): [?action {action}][?unbound no binding puts it into force][?missing the policy {missing} is not there][?changed , and it is not as generate wrote it]",
		},
		{
			"replacements-in-force", "These policies go on enforcing what PodSecurityPolicies did. What they cannot keep, generate said when it wrote them.",
			"policies that 'generate' wrote are in force: they take the place of what PodSecurityPolicies did and no level does, but for what the README of their folder says",
		},
		{
			"replacements-idle", "These policies were written to replace PodSecurityPolicies, and refuse nothing. Put them in force before you count on them.",
			"policies that 'generate' wrote refuse nothing yet: what they are to keep is lost until their action is deny",
		},
		{
			"replacements-guards", "These policies guard labels. They replace no PodSecurityPolicy.",
			"policies that 'generate' wrote guard the labels of namespaces",
		},
		{
			"policy-roles-asked", "Generated policies ask RBAC who may use which policy, though the policies themselves are gone. Without these roles they refuse pods.",
			"roles that let use policies have to stay: policies that 'generate' wrote ask for them",
		},
	}
}
