package message

// engineCELKinds returns the messages on what policies of the API server's own admission do otherwise than PodSecurityPolicy.
func engineCELKinds() []Kind {
	return []Kind{
		{
			"engine-cel-mutating-flags", "Before v1.36 an API server serves MutatingAdmissionPolicy only where its flags say so.",
			"MutatingAdmissionPolicy has to be switched on in v1.{minor}: start kube-apiserver with --feature-gates=MutatingAdmissionPolicy=true and --runtime-config=admissionregistration.k8s.io/v1beta1=true",
		},
		{
			"engine-cel-runs-once", "PodSecurityPolicy admission ran again after a webhook had changed a pod. What is generated does so only where it is told that there are such webhooks.",
			"what is written into pods is written once, before mutating webhooks run: containers that a webhook adds have to state everything themselves",
		},
		{
			"engine-cel-strict", "Without a MutatingAdmissionPolicy nobody writes into pods what the policies wrote. So pods have to state it.",
			"nothing is written into pods any more: pods have to state what the policies wrote, or are refused",
		},
		{
			"engine-cel-as-filled", "A MutatingAdmissionPolicy has no way to be tried: it writes or it does not. Until the action is deny there is none, and values that it would write count as there.",
			"with the action {action} nothing is written into pods: what the policies wrote counts as if it were there, and the MutatingAdmissionPolicy comes with the action deny",
		},
		{
			"engine-cel-refuses-nothing", "A MutatingAdmissionPolicy alone writes into pods and refuses none.",
			"without a ValidatingAdmissionPolicy no pod is refused: a pod that no policy accepts stays as it is",
		},
		{
			"engine-cel-spec-changes", "PodSecurityPolicy judged a pod anew at each change of its labels or annotations, and refused that where it had become stricter, or would have written into the pod. What is generated looks at changes of the spec only, and refuses what lacks a value that the policy demands, not one that it only supplies.",
			"a pod is judged when it is created and when its spec changes, not when its labels or annotations do; a change may lack what a policy writes and does not demand",
		},
		{
			"engine-cel-newer-servers", "Servers with PodSecurityPolicy filled in the field seccompProfile from annotations, and reset procMount to Default unless their feature gate ProcMountType was on. Newer ones do neither, whatever is installed. That PodSecurityPolicy copied the seccompProfile of a pod into an annotation counted as a change by every policy, so that it chose the first one by name.",
			"servers since v1.27 read no seccomp annotations of pods, for a pod with a seccompProfile a policy that writes nothing is chosen first, as for others, and those since v1.33 keep the procMount that a pod states, where a policy allows it",
		},
		{
			"engine-cel-ephemeral-containers", "PodSecurityPolicy ignored ephemeral containers when kubectl debug added them, and refused the next change of the pod instead. What is generated refuses them at once.",
			"ephemeral containers are judged when they are added, as they are: nothing is written into them, so they have to state what the policies demand",
		},
		{
			"engine-cel-fixed-text", "The policies are written into what is generated. Editing one afterwards has no effect on it.",
			"what the policies demand is fixed text: after an edit of a policy, generate again",
		},
		{
			"engine-cel-forged-owner", "A pod says itself whose it is. For new pods it counts only where a controller sends the request; other changes cannot be told apart.",
			"exceptions of workloads go by the owner that a pod names: whoever can act as a controller, or change who owns a pod, can have one",
		},
		{
			"engine-cel-audit-budget", "A request can pay for a limited number of questions about grants. Beyond it, pods are reported though a policy further behind admits them. Nothing is refused while the action is audit or warn.",
			"{set} has {policies} policies, and a request can pay for asking the grants of {most} of them: pods may be reported that a later one admits",
		},
		{
			"engine-cel-update-budget", "A change of a pod is judged by all policies if the one that its annotation names does not accept it. With more policies than a request can ask the grants of, it may be refused though one of them admits it.",
			"a change of a pod that the policy of its annotation does not accept may be refused though another one of the {policies} policies of {set} admits it: a request can pay for asking the grants of {most} of them",
		},
		{
			"engine-cel-static-budget", "Policies whose grants are written down take no questions, but what they demand of a wide pod has its cost, too. It is next to nothing for a pod of one container, and a request can pay for a limited number of policies that use every field and a pod as wide as is counted for.",
			"{set} has {policies} policies, and a request can be relied on to pay for {most} of them where a pod has 20 containers with 20 mounts each, and 20 volumes: such a pod may be refused, or reported, though a later one accepts it",
		},
		{
			"engine-cel-wide-pods", "PodSecurityPolicy judged pods of any width. What a request may cost an API server is limited, and the cost of policies is counted for pods of 20 containers with 20 mounts each, and 20 volumes.",
			"costs are counted for pods of up to 20 containers with 20 mounts each, and 20 volumes: a wider one may cost more than an API server pays for, and be refused, or reported, with a message on its cost",
		},
		{
			"engine-cel-large-object", "Client-side apply stores the whole object in an annotation, which cannot be that long. An API server takes seconds to compile such a policy: until then it is not in force. A request that takes longer than 34 seconds fails: where the API server is so busy, try again later.",
			"{kind} {name} has {bytes} bytes: apply it with kubectl apply --server-side, and wait until a pod that it must refuse or change shows that it is in force",
		},
	}
}
