package message

// engineKinds returns what is said of namespaces and policies where something else is to enforce what PodSecurityPolicy did.
func engineKinds() []Kind {
	return []Kind{
		{
			"engine-system-namespaces", "System namespaces are left as they are unless they are asked for by name: what refuses a pod there can stop the cluster.",
			"{namespaces:3} {namespaces:is|are} part of the cluster itself and {namespaces:is|are} left out: name {namespaces:it|them} to have {namespaces:it|them}",
		},
		{
			"engine-terminating", "The namespace is being deleted: no pod can be created in it.",
			"{namespaces:3} {namespaces:is|are} being deleted",
		},
		{
			"engine-no-policies", "There is no PodSecurityPolicy in what was read, so there is nothing that something else could keep.",
			"no PodSecurityPolicy was read: there is nothing to keep",
		},
		{
			"engine-no-usable-policies", "Not one of the policies can admit a pod. What would be generated from them would refuse every pod.",
			"none of the policies can admit a pod: what they refuse is everything, and nothing is generated for that",
		},
		{
			"engine-no-grants", "Nobody may use any of the policies but cluster administrators. What would be generated would refuse every pod of everybody else.",
			"nobody but administrators may use any policy in any namespace: what would be generated would refuse every other pod, and is left out",
		},
		{
			"engine-nobody-may-use", "No account, user or group may use a policy there, but those who may use every policy everywhere. PodSecurityPolicy refuses every pod of others there, and what is generated would do the same: it is left out until it is asked for.",
			"nobody but administrators may use a policy in {namespaces:3}: PodSecurityPolicy refuses every other pod there, and nothing is generated for that",
		},
		{
			"engine-contrary-to-level", "What the policies demand that somebody may use there is what the level forbids, so that both together refuse every pod. Nothing is generated for that until it is asked for.",
			"no pod for Linux satisfies both the level and a policy that somebody may use in {namespaces:3}: nothing is generated for that",
		},
		{
			"engine-refuses-all", "Nobody may use a policy there, or what the policies demand is what the level forbids. So every pod is refused by what is generated, as asked.",
			"no policy that somebody may use admits a pod in {namespaces:3}: every pod there is refused, as asked",
		},
		{
			"engine-namespaces-to-come", "Only grants in single namespaces let use policies. A namespace that comes has none, so that every pod in it would be refused: it is left out.",
			"no grant holds in namespaces to come: they are left out, since every pod there would be refused",
		},
		{
			"engine-new-namespaces", "What is generated is for the namespaces that were read. One that is created later has none of it until it is generated again.",
			"namespaces that are created later are not covered: generate again for them",
		},
		{
			"engine-nothing-to-add", "All that a policy forbids is forbidden by the label already, and all service accounts there may use it. So nothing was forbidden there that the label allows, but to the mirror pods of kubelets: they have no account, so PodSecurityPolicy asked what their sender may use, which nobody does now.",
			"psp/{policy} demands nothing beyond {level} and [?controller controllers][!controller every service account there] may use it: there is nothing to add in {namespaces:3}",
		},
		{
			"engine-level-of-today", "No enforce label is recommended there. What is generated builds on the one that is in force today.",
			"no enforce level is recommended for {namespaces:3}: what is generated adds to {level}, which is in force today",
		},
		{
			"engine-exempt-namespaces", "The admission configuration of the API server exempts the namespace, so that no label is in force there.",
			"{namespaces:3} {namespaces:is|are} exempt from Pod Security: no label counts there",
		},
		{
			"engine-exempt-pods", "The admission configuration of the API server exempts users or runtime classes. No label refuses these pods, so what the label was to refuse is open for them.",
			"the pods [?class of runtime class {class:3}][?user [?class  and ]of {user:3}] are exempt from Pod Security: what the label forbids is open for them",
		},
		{
			"engine-grants-static", "To ask the API server for each policy whether somebody may use it costs more than one request may cost. So who may use which policy is written into what is generated: generate it again after a grant changes.",
			"a pod could make the API server ask about {count} policies, and {limit} are possible: who may use them is written down, and a grant that changes needs a new set",
		},
		{
			"engine-grants-of-usable", "There are more policies than the API server can be asked about for one pod. So in each namespace only those are asked about that somebody may use there today.",
			"there are {count} policies, and the API server can be asked about {limit}: a first grant of a policy in a namespace needs a new set",
		},
		{
			"engine-administrators", "A policy that nobody but cluster administrators may use in a namespace is not among the alternatives there. PodSecurityPolicy let them use it for the pods that they create themselves.",
			"what only administrators may use in a namespace is left out: a pod that they create there themselves needs what others may use",
		},
		{
			"engine-controllers-for-all", "A controller may use a policy there. Where grants are written down this counts for all pods, since who may create a pod may have a controller create it.",
			"what controllers may use in {namespaces:3} counts for pods that are created without them, too",
		},
		{
			"engine-not-all-read", "Policies or grants were not all read. What one of them allows would be refused.",
			"not all policies and grants of {namespaces:3} were read: what those allow would be refused",
		},
		{
			"engine-policy-admits-nothing", "The policy cannot admit any pod, so nothing that is generated accepts one by it. Who has no other policy gets no pod.",
			"a policy that admits no pod is left out: {why}",
		},
		{
			"engine-seccomp-unlisted", "The policy lists no seccomp profile and so refuses every pod that has one. That was made for annotations, which newer servers do not read, and forbids what the level restricted demands.",
			"the refusal of every seccomp profile is not kept: newer servers read no annotations, and restricted demands a profile",
		},
		{
			"engine-strictest-level", "The label is restricted: there is no stricter level of which checks could be added.",
			"{namespaces:3} {namespaces:meets|meet} restricted: there is no check to add",
		},
		{
			"engine-no-check-met", "What runs fails every check that the next stricter level adds.",
			"what runs in {namespaces:3} meets none of the checks that {level} adds",
		},
		{
			"engine-workloads-not-known", "What runs there is not all known, so that it is not known which checks it meets.",
			"what runs in {namespaces:3} is not all known: no check is added",
		},
		{
			"engine-check-failed", "More of what runs there than is excepted fails the check, so that it is not enforced. The blockers of the namespace in the plan name what fails it.",
			"what runs in {namespaces:3} does not meet {check}: it is left out there",
		},
	}
}
