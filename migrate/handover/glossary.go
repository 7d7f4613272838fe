package handover

// glossary returns the section of the Report that says what its words mean.
func (b *builder) glossary() Section {
	t := &Table{
		ID: "glossary", Title: "Words", Text: "What the words of this report mean.",
		Columns: []Column{{ID: "word", Title: "Word", Kind: kindName}, {ID: "meaning", Title: "Meaning", Kind: kindText}},
	}
	for _, row := range [][2]string{
		{"PodSecurityPolicy (PSP)", "The older way of Kubernetes to limit what pods may do: a policy admits a pod, or changes it, if the account that creates it, or that it runs as, may use the policy. It is gone from Kubernetes v1.25 on."},
		{"Pod Security Standards (PSS)", "Three levels of what pods may do, defined by Kubernetes for each of its versions."},
		{"Pod Security Admission (PSA)", "The part of the API server that checks pods by the level in the labels of their namespace. It changes no pod."},
		{"level", "privileged (anything goes), baseline (what is known to break out of a container is refused) or restricted (pods follow the best practice); from loose to strict."},
		{"mode", "enforce refuses pods, audit writes into the audit log, warn tells who sends the request. Each has a label of its own."},
		{"target version", "The Kubernetes release whose standards are applied, and that the version labels name."},
		{"as written", "A pod as its template, or its author, states it."},
		{"as admitted", "A pod after PodSecurityPolicy has filled in its defaults, as it runs today."},
		{"after PSP", "The pod that will be created once PodSecurityPolicy fills in nothing any more."},
		{"usable policy", "A policy that a pod's service account, or who creates the pod, may use by a role and a binding."},
		{"closest level", "The level that comes nearest to a policy, always with its conditions. It is never the same as the policy."},
		{"permitted level", "Of a namespace: the least strict of the closest levels of the policies that may be used there. Defaults of a provider, and administrators who may use everything, do not count."},
		{"needed level", "Of a namespace: the strictest level that everything in it meets after PSP."},
		{"level with patches", "Of a namespace: the level that it meets once its templates state what policies set in pods today."},
		{"blocker", "A check that a workload fails, and that keeps its namespace from the next stricter level."},
		{"gap", "Something that could not be read or evaluated, with the reason and what it can change."},
		{"lost", "What a policy enforces and the level does not: security (a restriction is gone), functional (a value that was set is gone) or drift (only the standard is newer than the policy)."},
		{"estimated", "A level that rests on what a policy is taken to have set, since what the author wrote is not known, or on containers that a webhook is taken to add."},
		{"patch", "The values that a pod template must state so that its pods stay as they are today without PodSecurityPolicy, or so that they meet a stricter level."},
		{"gate", "The answer whether the cluster may be upgraded past PodSecurityPolicy, with what has to be done before."},
	} {
		t.addRow(nil, text(row[0]), text(row[1]))
	}
	return Section{Tables: []*Table{t}}
}
