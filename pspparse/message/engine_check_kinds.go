package message

// engineCheckKinds returns the messages on what of single fields of a policy the API server's own admission does otherwise than
// PodSecurityPolicy.
func engineCheckKinds() []Kind {
	return []Kind{
		{
			"engine-check-empty-groups", "PodSecurityPolicy refused a pod with an empty list of supplementalGroups. The API server drops such a list before its own admission sees the pod, so it is as if there were none.",
			"a pod with an empty list of supplementalGroups counts as one without a list",
		},
		{
			"engine-check-new-volumes", "Servers with PodSecurityPolicy dropped the sources of volumes that they did not know, such as image, and saw an emptyDir. What is generated refuses them, since the policy does not name them.",
			"volumes of a type that is newer than PSP are refused",
		},
		{
			"engine-check-seccomp-fields", "PodSecurityPolicy looked at annotations about seccomp, which servers since v1.27 do not read, and demanded a profile of the pod even where each container had its own. What is generated looks at the fields: at that of each container, else of the pod.",
			"seccomp profiles are looked at in the fields of each container, else of the pod, and not in annotations",
		},
		{
			"engine-check-seccomp-unlisted", "Without a list of seccomp profiles PodSecurityPolicy refused every pod that has one, the hardened ones among them. Continuity does the same by the fields; annotations about seccomp are not read any more. The level restricted demands a profile, so that no pod is admitted where both are in force: there the policy has to have the annotation allowedProfileNames before it is generated from.",
			"continuity refuses pods that state a seccomp profile, as PSP did without a list of profiles, and the level restricted demands one",
		},
		{
			"engine-check-profile-unwritable", "The default profile of the policy is in a form that no field of a pod can have. It is not written into pods.",
			"the default profile {profile:q} is not written: no field of a pod can say it",
		},
		{
			"engine-check-apparmor-fields", "PodSecurityPolicy looked at annotations about AppArmor. What is generated looks at the fields, too, which servers since v1.30 have, and writes them. It does not look at pods for Windows, which may not have them.",
			"AppArmor profiles are looked at in fields and annotations, written into fields, and not looked at in pods for Windows",
		},
		{
			"engine-check-drops-all", "PodSecurityPolicy wrote the capabilities that have to be dropped into containers by name. Where nothing writes them any more, a container that drops ALL has dropped them.",
			"a container that drops ALL has dropped what the policy requires",
		},
		{
			"engine-check-unsorted", "PodSecurityPolicy sorted the capabilities of containers into which it wrote. CEL cannot sort before v1.35: the lists hold the same, in another order.",
			"capabilities that are written come after those that are there, where PSP sorted them",
		},
		{
			"engine-check-proc-mount", "Servers with PodSecurityPolicy reset procMount to Default unless their feature gate ProcMountType was on, so that a policy that allows another type had no effect. On newer servers it has.",
			"the types {types:3} of procMount are in force, which servers up to v1.32 reset to Default",
		},
	}
}
