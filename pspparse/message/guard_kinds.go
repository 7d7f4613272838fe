package message

// guardKinds returns the messages on what the guards of the labels of namespaces do not do.
func guardKinds() []Kind {
	return []Kind{
		{
			"guards-need-rbac", "No admission policy can protect an admission policy. Take the rights to write them, and to bind roles, from everybody who is not to get past the guards.",
			"admission policies cannot protect themselves: whoever may write validatingadmissionpolicies, mutatingadmissionpolicies or their bindings (admissionregistration.k8s.io), or bind roles in the group {group}, gets past the guards",
		},
		{
			"guards-nobody", "Nobody is named who may loosen labels. Cluster administrators may always.",
			"nobody is named who may loosen the labels, so only cluster administrators may: bind the ClusterRole {role} to whoever is to",
		},
		{
			"guards-audit-and-warn-free", "The labels for audit and warn refuse nothing. They can be guarded, too.",
			"the labels for audit and warn stay free: only what is enforced is guarded",
		},
		{
			"guards-except", "The labels of these namespaces are not guarded.",
			"{namespaces:9} {namespaces:is|are} not guarded",
		},
		{
			"guards-new-namespaces-free", "No level is named for new namespaces. They may have any label, and none.",
			"new namespaces may have any label: no level is named for them",
		},
		{
			"guards-made-again", "A namespace that is deleted and made again is a new one.",
			"a namespace that is deleted and made again may have {level}, whatever it had before",
		},
		{
			"guards-refuse-unlabelled", "Without a MutatingAdmissionPolicy nothing labels new namespaces. Whatever makes some has to label them.",
			"nothing labels new namespaces here: they are refused unless they come with a label of at least {level}",
		},
		{
			"guards-not-labelled-yet", "A MutatingAdmissionPolicy has no way to be tried. There is none until the action is deny.",
			"nothing labels new namespaces while the action is {action}: those without a label count as if they had been labelled",
		},
		{
			"guards-mutating-flags", "Before v1.36 an API server serves MutatingAdmissionPolicy only where its flags say so.",
			"v1.{minor} serves MutatingAdmissionPolicy only with --feature-gates=MutatingAdmissionPolicy=true and --runtime-config=admissionregistration.k8s.io/v1beta1=true",
		},
		{
			"guards-refuse-nothing", "A MutatingAdmissionPolicy alone labels new namespaces. Labels can be changed after that.",
			"labels can be changed by whoever may change namespaces: nothing refuses that without a ValidatingAdmissionPolicy",
		},
	}
}
