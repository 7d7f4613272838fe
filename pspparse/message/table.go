package message

import "slices"

// Kind is one kind of message: its id, the format of its text and its help.
type Kind struct {
	// ID names it in kebab-case. It is part of the contract of a Plan: no other kind ever gets it.
	ID string
	// Help says what it means and what to do about it.
	Help string
	// Format is the text, with places for the arguments.
	Format string
}

// Table returns every kind of message there is: first what a Plan says of namespaces and of the whole, then what could not be
// read or evaluated, then what the commands after plan say.
func Table() []Kind {
	return slices.Concat(
		levelKinds(), labelKinds(), ownerKinds(), gapKinds(), podKinds(), injectionKinds(), exemptionKinds(), versionKinds(), policyKinds(),
		policyCheckKinds(), lostConstraintKinds(), nearestMissKinds(), unusablePolicyKinds(),
		requiredValueKinds(), policyFieldKinds(), simplifiedPolicyKinds(), policyProblemKinds(), policyValidationKinds(),
		grantKinds(), fileKinds(), archiveKinds(), dumpKinds(), documentKinds(), objectKinds(), webhookKinds(), clusterKinds(),
		fileEditKinds(), checkLevelKinds(), checkEffectKinds(), exceptionKinds(), sinceKinds(),
		editKinds(), obstacleKinds(), patchRemarkKinds(), patchByHandKinds(), gateReasonKinds(), gateObjectKinds(), gateUnknownKinds(), gateAdviceKinds(), gateNoteKinds(),
		auditLogKinds(),
		verifyLabelKinds(), verifyStepKinds(), verifyControllerKinds(), verifyRecreateKinds(), verifyAuditKinds(),
		labelsRefusedKinds(), rolloutSkipKinds(), rolloutStepKinds(), rolloutLabelKinds(), rolloutBypassKinds(), rollbackKinds(),
		engineCheckKinds(),
		differencePlanKinds(), differenceNamespaceKinds(), differenceWorkloadKinds(), differencePolicyKinds(), differenceGrantKinds(),
		engineKinds(),
		engineCELKinds(), guardKinds(), replacementKinds(), policyStepKinds(), verifyPolicyKinds(),
	)
}

// levelKinds returns the messages on why a namespace gets its level.
func levelKinds() []Kind {
	return []Kind{
		{
			"restricted-met", "Every workload and pod of the namespace meets restricted once PodSecurityPolicy is gone.",
			"everything that runs here meets restricted after PSP",
		},
		{
			"level-needed", "What runs in the namespace needs this level. The workloads named keep it from the next stricter one.",
			"what runs here needs {level}: {workloads:3} {workloads:does|do} not meet {next}",
		},
		{
			"level-without-workloads", "The level that the namespace would need without these workloads: move them to a namespace of their own, or patch them.",
			"without {workloads:3} this namespace would be {level}",
		},
		{
			"level-achievable", "The level that the namespace reaches once its templates state what policies set today. The command patch writes the edits.",
			"it would be {level} if templates stated what policies set today: [!barePods patch writes that into them][?barePods for {barePods:3} the manifest is where to write it: patch cannot change a bare pod]",
		},
		{
			"needed-stricter-than-permitted", "What runs needs less than the policies permit: the needed level decides unless --basis says otherwise.",
			"needed ({needed}) is stricter than what the policies permit ({permitted}, by {policy})",
		},
		{
			"needed-looser-than-permitted", "What runs needs more than the policies permit today. It was let in before the policy, or beside it.",
			"needed ({needed}) is looser than what the policies permit ({permitted}, by {policy})",
		},
		{
			"no-policy-for-namespace", "With --basis=policies the permitted level decides, and no policy counts for this namespace. What runs decides instead.",
			"no policy is meant for this namespace: what runs here decides",
		},
		{
			"empty", "No workload and no pod of the namespace is known.",
			"nothing runs here",
		},
		{
			"empty-as-far-as-read", "Nothing that runs in the namespace was read, and a gap touches it: something may run there.",
			"nothing that was read runs here",
		},
		{
			"empty-but-exempt", "All that runs in the namespace is of a runtime class that the admission configuration exempts.",
			"nothing that Pod Security checks runs here",
		},
		{
			"empty-by-policy", "Nothing is known to run in the namespace, so what its policies permit decides.",
			"{empty}; policy {policy} permits {level}",
		},
		{
			"empty-by-override", "Nothing is known to run in the namespace, and the flag --enforce decides.",
			"{empty}; the level is the one asked for",
		},
		{
			"empty-kept-strict", "Nothing is known to run in the namespace, so it gets a strict level before anything comes.",
			"{empty}: {level} keeps it so that what comes is safe",
		},
		{
			"empty-left-alone", "Nothing is known to run in the namespace, and --empty-namespaces=skip leaves it without labels.",
			"{empty}, and empty namespaces are left alone as asked",
		},
		{
			"empty-not-shown", "Files rarely hold all pods of a namespace, so an empty one is left alone. Read its pods, or say --empty-namespaces=policies.",
			"nothing that runs here is among the files, and they do not show that the namespace is empty: read its pods too, or say --empty-namespaces=policies",
		},
		{
			"empty-until-now-open", "A policy that everybody may use let everything in. What is deployed next has to meet restricted.",
			"{empty} yet, and until now [?policy policy {policy}][!policy every policy] let everything in ({why}): what is deployed next has to meet restricted",
		},
		{
			"older-server", "An older server takes a newer pinned version for its own latest one. The level holds at both.",
			"a server of {server} takes the newer pin for its own version until it is upgraded; by {target} alone the namespace would need {level}",
		},
		{
			"level-changes", "The needed level differs between versions of the standards. The check that makes the difference is named with a workload that fails it.",
			"from {version} of the standards on the namespace needs {level} instead of {before}[?checks  ({checks}, {workload})]",
		},
		{
			"level-same-at-first-version", "The target version is older than v1.25. At v1.25 the namespace needs the same level.",
			"at {version} of the standards the namespace needs {level} as well",
		},
		{
			"newer-version-kept", "The label of today names a newer version than the target, and the older one lacks a check: the newer one stays.",
			"the newer version of today's {mode} {origin} is kept: {target} does not have {checks}",
		},
		{
			"excluded-everybody", "A policy that everybody may use everywhere says nothing about what a namespace needs. It does not count for the permitted level.",
			"everybody may use it everywhere[?provider , a default of {provider}]",
		},
		{
			"excluded-controllers", "A policy that every controller may use everywhere says nothing about what a namespace needs. It does not count for the permitted level.",
			"the controllers that create pods may use it everywhere[?provider , a default of {provider}]",
		},
	}
}

// labelKinds returns the messages about the Pod Security labels of a namespace.
func labelKinds() []Kind {
	const (
		source  = "[?label  (the label says {label})][?byConfiguration  (the default of the admission configuration)]"
		today   = "today's enforce={today}" + source
		todayOf = "today's {mode}={level}" + source + "[?byDefault  (by default)]"
	)
	return []Kind{
		{
			"label-key-misspelt", "The server ignores a label under this key. Set the one that is meant.",
			"the label {key:q} is not a Pod Security label and the server ignores it; {meant} is meant",
		},
		{
			"label-key-unknown", "The server knows six keys under this prefix and ignores others.",
			"the label {key:q} is unknown under this prefix and the server ignores it[?meant ; {meant} is meant]",
		},
		{
			"label-value-invalid", "The server uses another value than the label says. Correct it.",
			"the label {key}={value:q} is invalid: the server takes it for {taken}",
		},
		{
			"label-misplaced", "Pod Security reads labels of namespaces only. This key stands elsewhere and does nothing.",
			"the {what} {key}={value:q} {where}[?position  ({position})] has no effect: Pod Security reads the labels of the namespace[?meant , and {meant} is meant]",
		},
		{
			"labels-misplaced-more", "The workloads of the namespace have more such labels and annotations than are named.",
			"what runs here has more labels and annotations like these",
		},
		{
			"labels-unknown", "The Namespace object was not read. Whether the recommended labels are looser than those of today is not known.",
			"the Namespace object was not read: its present labels are not known",
		},
		{
			"labels-unknown-by-gap", "A gap hides the labels of the namespace. The recommended level may be looser than today's.",
			"its Pod Security labels are not known (see gaps): the level may be looser than today's",
		},
		{
			"loosens-what-runs", "The recommended level is looser than today's, and what runs needs it. Loosen the label on purpose, or correct the workloads first.",
			today + " is stricter than {level}: what runs here would not be admitted again; loosen it only on purpose, or mend the workloads first",
		},
		{
			"loosens-exempt", "The recommended level is looser than today's. What runs and needs it is exempt by the admission configuration.",
			today + " is stricter than {level}, and what runs here and does not meet it is exempt: loosen it only on purpose",
		},
		{
			"loosens-needlessly", "The recommended level is looser than today's, and nothing that runs needs it.",
			today + " is stricter than {level}, and nothing that runs here asks for less: loosen it only on purpose",
		},
		{
			"enforce-refuses-workloads", "The level was overridden or comes from policies, and it refuses some of what runs.",
			"enforce={level} would refuse {workloads:#} {workloads:workload|workloads} of {all}: what runs here needs {needed}",
		},
		{
			"version-follows-server", "Today's label has no fixed version. Pinned to the target version it lacks checks of a newer server.",
			todayOf + " follows the server's own version; pinned to {target} it lacks {checks} where the server is newer",
		},
		{
			"version-loosened", "Today's label names a newer version, which what runs does not meet. The recommended version lacks checks.",
			todayOf + " at {version} is stricter than at {target}, which does not have {checks}: what runs here would not be admitted again",
		},
		{
			"terminating", "The namespace is being deleted: nothing can be created in it.",
			"being deleted (terminating): nothing can be created here any more, and nothing is recommended",
		},
	}
}

// ownerKinds returns the messages about what else writes the labels of namespaces.
func ownerKinds() []Kind {
	return []Kind{
		{
			"label-writer", "Another object writes the labels of the namespace. Change them there, or they are overwritten.",
			"{object} {writes} on namespace {namespace}: change it there ({path}[?position , {position}])",
		},
		{
			"label-writer-elsewhere", "An object of another cluster writes labels on a namespace of this name. If it is this cluster, change them there.",
			"{object} {writes} on namespace {namespace} of another cluster ({cluster}): if it is this one, change it there ({path}[?position , {position}])",
		},
		{
			"label-writer-of-new-namespaces", "An object writes Pod Security labels on namespaces that were not read or that are still to come.",
			"{writes} on {namespaces}[?cluster , of another cluster ({cluster})]",
		},
		{
			"label-writers-not-named", "So many objects write labels on one namespace that only the first are named.",
			"of a namespace that more than {limit} of them write to the rest is not listed: {n} {n:object|objects}",
		},
		{
			"label-writer-unread", "The object may write labels on namespaces, and what it says could not be read.",
			"the labels that it may write on namespaces could not be read: {error}",
		},
		{
			"openshift-label-syncer", "OpenShift sets the labels of the namespace by its SecurityContextConstraints. Opt out before you set them yourself.",
			"OpenShift's label syncer sets these labels by the SecurityContextConstraints that the accounts of the namespace may use: to set them yourself, give it the label security.openshift.io/scc.podSecurityLabelSync=false first",
		},
		{
			"rancher-project", "Rancher refuses changes of these labels to users without a verb of its own.",
			`it is in a project of Rancher, whose webhook refuses a change of these labels to users without the verb "updatepsa" on projects of management.cattle.io`,
		},
		{
			"label-owners-unknown", "Who else writes the labels of namespaces is seen in managedFields, which the dump does not have.",
			"{n} {n:namespace whose labels would change was|namespaces whose labels would change were} read without managedFields, so whether another tool owns the labels is not known: save them with 'kubectl get namespaces --show-managed-fields -o yaml'",
		},
		{
			"openshift-scc-pods", "SecurityContextConstraints change pods before Pod Security sees them. That is not simulated.",
			"SecurityContextConstraints admitted pods that were read (annotation openshift.io/scc); they go on to set values in new pods before Pod Security checks them, which is not simulated here: a stricter level than is recommended may hold",
		},
	}
}

// gapKinds returns the messages on what gaps leave uncertain in a namespace.
func gapKinds() []Kind {
	const (
		start = "not everything could be read (see gaps): "
		end   = "[?withheld , and no enforce is recommended]"
	)
	return []Kind{
		{
			"may-not-be-empty", "A gap may hide what runs in the namespace, of which nothing is known.",
			start + "something may run here after all" + end,
		},
		{
			"more-may-run", "A gap may hide more that runs in the namespace. The level is privileged already and cannot become looser.",
			start + "more may run here than is shown" + end,
		},
		{
			"level-is-upper-bound", "A gap may hide what runs in the namespace and needs a looser level.",
			start + "the needed level is an upper bound" + end,
		},
		{
			"permitted-uncertain-and-decides", "A gap may hide policies or grants, and the permitted level decides here.",
			start + "more or less may be permitted here than is shown, and that decides" + end,
		},
		{
			"permitted-uncertain", "A gap may hide policies or grants. The recommended level does not depend on them.",
			start + "more or less may be permitted here than is shown; the level rests on what runs" + end,
		},
		{
			"roles-unread", "Bindings in the namespace refer to roles that files do not hold. They may permit more.",
			"{bindings:#} {bindings:binding points|bindings point} to a role that was not read ({bindings:3}): more may be permitted here than is shown",
		},
	}
}

// podKinds returns the messages about pods and who creates them.
func podKinds() []Kind {
	return []Kind{
		{
			"level-estimated", "A policy has changed the live pods, and no template shows what their author wrote. The level after PSP is the strictest that may hold.",
			"{n} {n:workload is|workloads are} estimated: a policy had already changed the pods that were seen, and what their author wrote is not known",
		},
		{
			"psp-refuses-pods", "No policy that the workload may use would admit its pods today. It runs, and cannot be recreated while policies are enforced.",
			"no usable policy would admit the pods of {workloads:3} today: {workloads:it|they} cannot be created while policies are enforced",
		},
		{
			"psp-admission-drift", "The live pods were admitted by another policy than they would be today.",
			"live pods of {workloads:3} were admitted otherwise than they would be today: explain workload says how",
		},
		{
			"debug-containers-refused", "Debug containers violate the level. They go with their pod: delete the pod when you are done.",
			"{level} refuses the debug containers (kubectl debug) of {pods:3}. They go with the {pods:pod|pods} and decide no level, but as long as they are there {level} refuses {pods:that pod|those pods} new debug containers and new images, too: [!bare delete the {owned:pod|pods}][!owned since nothing makes {bare:it|them} again, recreate {bare:it from its manifest|them from their manifests}][?owned [?bare delete {owned:3}; recreate {bare:3} from {bare:its manifest|their manifests}, since nothing makes {bare:it|them} again]]",
		},
		{
			"exempt-pod-creator", "The admission configuration exempts an account that creates pods here. No label refuses them.",
			"{account} can create pods on its own here and is exempt by the admission configuration: no label refuses what it creates",
		},
		{
			"pod-creators", "Service accounts create pods here without a controller (CI runners, operators). What they will create is not known and may be refused.",
			"{accounts:service account|service accounts} {accounts:3} can create pods on {accounts:its|their} own here and [?policies may use looser policies ({policies:10})][!policies no policy limits that today]: what {accounts:it creates|they create} may be refused by enforce={level}",
		},
		{
			"pod-creators-everywhere", "Every service account may create pods everywhere. What they will create is not known and may be refused.",
			"every service account can create pods on its own in every namespace ({bindings:3}) and [?noPolicies no policy limits that today][!noPolicies may use looser policies[?policies  ({policies:10})]]: what they create in {namespaces:#} {namespaces:namespace|namespaces} ({namespaces:3}) may be refused by the recommended level",
		},
	}
}

// injectionKinds returns the messages about what webhooks add to pods.
func injectionKinds() []Kind {
	return []Kind{
		{
			"injector-unknown-here", "The injector chooses pods by labels of their namespace, which was not read.",
			"the Namespace object was not read: whether {injector} injects its pods is not known",
		},
		{
			"injection", "A webhook is known to add containers to new pods of these workloads. No live pod shows them yet, and they count for the level.",
			"{injector} adds [?containers {containers}][!containers volumes] to new pods of {workloads:3} ({trigger}), though no live pod shows it, and such pods need {level}: {why}[?pspActive ; PodSecurityPolicy sees them, too, and what it would do is said of the templates without them]",
		},
		{
			"injection-into-new-pods", "Nothing runs in the namespace. What is deployed there gets containers that the recommended level refuses.",
			"{injector} adds {containers} to new pods here ({trigger}), and such pods need {level}: what is deployed will be refused at {enforce}; {why}",
		},
		{
			"injection-defaults", "What the injector adds by default is counted, since no live pod shows what it adds here.",
			"its defaults are taken",
		},
		{
			"injection-defaults-with-cni", "The CNI plugin of the injector was read, so what it adds with that is counted.",
			"its defaults with its CNI plugin are taken, of which DaemonSet {daemonSet:q} was read",
		},
		{
			"injection-defaults-without-cni", "Whether the CNI plugin of the injector runs is not known. Without it, its init container needs more.",
			"its defaults without its CNI plugin are taken, since nothing shows whether that runs (with it they need {level}): install the CNI plugin[?restart , or restart one pod and read again]",
		},
		{
			"injection-as-observed", "What the injector has added to a live pod that asks the same of it is counted.",
			"what it has added to pod {pod:q} is taken",
		},
		{
			"injection-as-stated", "The object says itself what it adds to the pods that it selects.",
			"what it says is taken",
		},
		{
			"injector-namespace-unread", "The injector chooses pods by labels of their namespace, which was not read: read the Namespace objects.",
			"it takes pods by the labels or annotations of their namespace, and Namespace {namespace:q} was not read: whether {injector} injects the pods of {kind} {workload:q} is not known: read the namespaces, too",
		},
		{
			"mutator-unknown", "A webhook or policy may change pods in a way that is not known here. Restart one pod of each workload, or say --allow-partial if it changes nothing that a level looks at.",
			"it may change pods when they are created[?sets  ({sets:3})], and {kind} {workload:q} [?others and {others} {others:other workload|other workloads} have][!others has] no live pod that shows what it changes: start one pod of [?others each][!others it] and read again, or say --allow-partial if it changes nothing that a level looks at",
		},
		{
			"mutators-unknown", "More webhooks and policies may change pods than are named one by one.",
			"they may change pods when they are created, and no live pod shows how",
		},
		{
			"mutator-of-templates", "It changes controllers, not pods: what the server has is changed already.",
			"it changes pods when they are created; it changes what holds their templates, and those that the server has are changed",
		},
		{
			"mutator-without-effect", "It changes pods in fields that no check reads.",
			"it changes pods when they are created; no pod needs a looser level for what it sets[?sets : {sets:3}]",
		},
		{
			"mutator-adds-nothing", "The live pods of the workloads it is for equal their templates.",
			"it changes pods when they are created; it adds nothing to the live pods of the {workloads} {workloads:workload|workloads} that it is for: it is taken to add nothing to others",
		},
		{
			"mutator-evaluated-by-pods", "All workloads it is for have live pods, which show what it adds.",
			"it changes pods when they are created; what it adds is evaluated by the live pods of all workloads that it is for",
		},
		{
			"injector-absent", "Workloads have the marks of an injector that is not installed.",
			"no webhook of it is for the pods of {workloads} {workloads:workload|workloads} that it is meant for ({trigger}): it is taken to be absent, and nothing is added",
		},
	}
}

// exemptionKinds returns the messages about the API server's admission configuration and flags.
func exemptionKinds() []Kind {
	return []Kind{
		{
			"exempt-namespace", "The admission configuration exempts the namespace. Labels do nothing there.",
			"the admission configuration exempts this namespace: nothing in it is checked, whatever its labels say[?labels ; the recommended ones are for the day on which it is not exempt any more]",
		},
		{
			"exempt-runtime-class", "The admission configuration exempts a runtime class. Its pods are not checked and decide no level.",
			"the admission configuration exempts the runtime class of {workloads:3}: those pods are not checked and decide no level here; once they are not exempt any more, they need {level}",
		},
		{
			"exempt-pods-of-controller", "The admission configuration exempts a controller. Whoever may create such a workload gets any pod.",
			"the admission configuration exempts the controller that creates the pods of {workloads:3}: no label refuses them today; they count here all the same, since that exemption lets everybody in who may create such a workload",
		},
		{
			"exempt-controller", "The admission configuration exempts a controller: whoever may create its workloads gets any pod. Take it out of the exemptions.",
			"the admission configuration exempts {user}, which creates the pods of every {kinds}[?controllerManager  where controllers have no credentials of their own]: none of them is checked[?controllerManager  then], whoever made the workload, and whatever the labels say; take it out of the exemptions",
		},
		{
			"exempt-users", "An exempt user may create any pod, but controllers create pods under their own name.",
			"the admission configuration exempts users ({users:5}): that covers the pods that they create themselves, not those that controllers make for them; who created a bare pod is not known, so each counts here",
		},
		{
			"rancher-admission-template", "Rancher may have configured the API server with this template. If it has, give its file to --admission-config.",
			"Rancher's PodSecurityAdmissionConfigurationTemplate {name:q}[?unread , which was not read,][!unread  (enforce {enforce:q})] may be what this cluster enforces where there is no label, and what it exempts: [?clusters the {clusters:cluster|clusters} {clusters:q3} {clusters:uses|use} it][!clusters no cluster that was read uses it]; if this one does, give its file to --admission-config, for it counts for nothing here",
		},
		{
			"admission-file-unused", "A file holds an admission configuration that was not given. If the server uses it, give it with --admission-config.",
			"{file}:{line}: the {what} (enforce {enforce:q}) may be what this cluster enforces where there is no label, and what it exempts: if it is, give the file to --admission-config, for it counts for nothing here",
		},
		{
			"admission-config-on-host", "An API server has an admission configuration that cannot be read through the API. Give the file with --admission-config.",
			"it has an admission configuration at {file:q} on its host, which may set default levels and exemptions: give that file with --admission-config",
		},
		{
			"api-server-without-pod-security", "The API server does not run Pod Security admission. Labels do nothing there.",
			"the API server kube-system/{pod} runs without the plugin PodSecurity ({why}): labels do nothing there",
		},
	}
}

// versionKinds returns the messages about the target version.
func versionKinds() []Kind {
	return []Kind{
		{
			"target-latest", "Labels at latest follow every upgrade of the server. This plan knows the standards up to a version.",
			"the target version is latest: the labels will follow every upgrade of the server, while this plan knows the standards up to {newest}",
		},
		{
			"target-newer-than-standards", "The target version is newer than the checks that this release of the tool has.",
			"the target version {target} is newer than the standards known here ({newest}): the checks of {newest} were applied",
		},
		{
			"target-lacks-checks", "The restricted level of an older version lacks checks that v1.25 has.",
			"restricted at {target} lacks what it asks for at {version}, and a namespace pinned to {target} lets in pods without it: {checks:;}",
		},
		{
			"server-newer-than-standards", "The server is newer than the checks that this release of the tool has.",
			"the server is {server} and the newest standards known here are {newest}: a check that is newer was not applied",
		},
		{
			"psp-admission-seems-off", "Policies exist, and no live pod was admitted by one: the server seems not to ask them.",
			"there are policies, and no pod that was read was admitted by one: PodSecurityPolicy admission seems to be off, so nothing is said of what it would do",
		},
	}
}

// policyKinds returns the messages on what PodSecurityPolicy admission would do today.
func policyKinds() []Kind {
	return []Kind{
		{
			"psp-refusal", "Why the policy would refuse the pod, field by field.",
			"policy {policy}: {reasons}[?more , {more} more]",
		},
		{
			"psp-refusals-more", "More policies refuse the pod than are named.",
			"{n} {n:more policy refuses|more policies refuse} it, too",
		},
		{
			"psp-mutation-invalid", "The policy sets a value that API validation refuses.",
			"what the policy sets is not valid: {reason}",
		},
		{
			"psp-none-usable", "Neither the account of the pod nor what creates it may use a policy.",
			"no policy may be used",
		},
		{
			"drift-policy-gone", "The policy that admitted the live pods does not exist any more.",
			"policy {policy} is not there any more[?refused , and no other would admit them]",
		},
		{
			"drift-admitted-by-creator", "The account of the pods may not use the policy. Whoever created them may.",
			"their account may not use policy {policy}: whoever created them may",
		},
		{
			"drift-grant-gone", "The policy that admitted the live pods may not be used here any more.",
			"policy {policy} may no longer be used here[?refused , and no other would admit them]",
		},
		{
			"drift-refused", "The live pods would be refused if they were created today.",
			"they would be refused today: {reasons:;}",
		},
		{
			"drift-changed-since", "Something that admission depends on has changed since the pods were admitted.",
			"[?controller a policy, a grant or the template][!controller a policy or a grant] has changed since, or a webhook changed them after they were admitted",
		},
		{
			"policy-template-in-use", "Rancher makes this policy again as long as a cluster or project uses the template.",
			"Rancher makes the PodSecurityPolicy {policy} of it[?users  ({users:5 and})], and makes that again as long as a cluster or project uses the template: take the template away from them first",
		},
		{
			"policy-template-unused", "Nothing in this Rancher uses the template.",
			"no cluster or project in this Rancher uses it: no policy is made of it",
		},
		{
			"policy-template-not-read", "Rancher makes a policy of the template in clusters that were not read. Read those, or its spec as a PodSecurityPolicy.",
			"Rancher makes the PodSecurityPolicy {policy} of it in every cluster that uses it[?users  ({users:5 and})], and grants that there: it is not evaluated here; read those clusters, or its spec as a PodSecurityPolicy of that name",
		},
	}
}

// What several messages about policies say alike.
const (
	// hostPathAccess needs paths, unless every path may be written to, and readOnly if all of them are read-only.
	hostPathAccess = "hostPath ([?paths [?readOnly read-only, ]{paths:max 6}][!paths any path, writable])"
	// idStrategy needs rule and ranges.
	idStrategy = "{rule}[?ranges [?rule  ]{ranges:max 6}]"
	// refusedLabel needs those of user, role and type that are refused.
	refusedLabel = "[?user user {user}][?role [?user [?type , ][!type  and ]]role {role}][?type [?user [!role  and ]][?role  and ]type {type}]"
)

// policyCheckKinds returns the messages on why a check of the standards has its status for a policy.
func policyCheckKinds() []Kind {
	const (
		blocker             = "BLOCKER: change the policy first: "
		unconfinedByDefault = "[?byDefault ; running pods without a profile of their own violate baseline, since the policy sets unconfined, and their templates do not]"
	)
	return []Kind{
		{
			"privileged-refused", "The policy refuses privileged containers, as baseline does.",
			"privileged containers are refused",
		},
		{
			"privileged-admitted", "Pods that baseline refuses are admitted. See which workloads are privileged before you enforce a level.",
			"privileged containers are admitted",
		},
		{
			"host-namespaces-refused", "The policy refuses pods in namespaces of the node, as baseline does.",
			"no namespace of the node may be shared",
		},
		{
			"host-namespaces-shared", "These fields of the policy admit pods that baseline refuses. See which workloads use them.",
			"pods may share the node's namespaces: {fields:max 6}",
		},
		{
			"host-ports-refused", "The policy refuses host ports, as baseline does.",
			"no host port is allowed",
		},
		{
			"host-ports-allowed", "The policy admits these ports of the node, and baseline none. See which workloads use them.",
			"host ports are allowed: {ports:max 6}",
		},
		{
			"host-process-refused", "Windows host processes need hostNetwork. The policy refuses it, so it admits none.",
			"such pods need hostNetwork, which is refused",
		},
		{
			"host-process-not-covered", "A policy has no field for Windows host processes. Only the workloads show whether there are any.",
			"hostNetwork is allowed and policies have no other rule for host processes: scan the workloads",
		},
		{
			"probe-hosts-not-covered", "A policy has no field for the hosts of probes and lifecycle hooks. Only the workloads show whether they name any.",
			"policies have no field for probe and hook hosts: scan the workloads",
		},
		{
			"capabilities-within-baseline", "Containers may add only capabilities that baseline accepts.",
			"nothing beyond baseline's 13 may be added",
		},
		{
			"capabilities-beyond-level", "Containers may add capabilities that the level of the check refuses. See which workloads add them.",
			"containers may add {capabilities:max 6}[?grantedByRuntimes , which runtimes grant by default anyway: a condition, not a reason for privileged]" +
				"[?addedByDefault ; running pods violate baseline where the policy adds {addedByDefault:max 6}, and their templates do not]",
		},
		{
			"capabilities-added-beyond-level", "The policy adds capabilities that restricted refuses. No pod can be admitted by it and meet restricted until it stops doing so.",
			blocker + "it adds {capabilities:max 6} to every container that does not drop it by name",
		},
		{
			"capabilities-all-not-dropped", "Restricted asks for a drop of ALL, and the policy does not see to it. Templates must state it.",
			"requiredDropCapabilities lacks ALL: verify that workloads drop it",
		},
		{
			"capabilities-all-dropped", "Pods meet the check only with what the policy writes into them. Write the drop of ALL into templates.",
			"the policy drops ALL from every container: templates must do so themselves",
		},
		{
			"host-path-refused", "The policy refuses hostPath volumes, as baseline does.",
			"hostPath volumes are refused",
		},
		{
			"host-path-allowed", "The policy admits hostPath volumes, and baseline none. See which workloads mount one.",
			hostPathAccess + " is allowed; baseline accepts no hostPath, read-only or not",
		},
		{
			"volume-types-accepted", "The policy admits only volume types that restricted accepts.",
			"only types that restricted accepts are allowed",
		},
		{
			"volume-types-any", "The policy admits volume types that restricted refuses. See which workloads use them.",
			"every volume type is allowed (*)",
		},
		{
			"volume-types-beyond-restricted", "The policy admits these volume types, and restricted refuses them. See which workloads use them.",
			"types beyond restricted are allowed: {types:max 6}",
		},
		{
			"escalation-false-set", "Pods meet the check only with what the policy writes into them. Write allowPrivilegeEscalation: false into templates.",
			"the policy sets false: templates must state it themselves",
		},
		{
			"escalation-allowed", "Restricted asks for allowPrivilegeEscalation: false, and the policy admits true. Templates must state it.",
			"escalation is allowed: verify that workloads set it to false",
		},
		{
			"escalation-false-by-default", "The policy writes false where nothing is stated and admits true. Write allowPrivilegeEscalation: false into templates.",
			"the policy sets false, so running pods comply, but authors may say true and templates do not state it",
		},
		{
			"proc-mount-default", "The policy admits only the default mask of /proc.",
			"only the Default mask is allowed",
		},
		{
			"proc-mount-unmasked", "The policy admits an unmasked /proc, and the check refuses it. See which workloads ask for it.",
			"Unmasked is allowed (without effect while the server's ProcMountType gate is off)",
		},
		{
			"proc-mount-only-unmasked", "No pod can be admitted by the policy and pass the check until the policy allows Default.",
			blocker + "it admits Unmasked alone",
		},
		{
			"root-refused", "No container runs as root, and restricted also asks for the field. Write runAsNonRoot: true into templates.",
			"root is refused, but the field is not always there: set runAsNonRoot: true in every template",
		},
		{
			"root-admitted", "The policy admits root, and restricted asks for runAsNonRoot: true. See which workloads run as root.",
			"root is admitted (" + idStrategy + "): verify that workloads set runAsNonRoot: true",
		},
		{
			"root-refused-in-containers", "The policy looks at the user of each container, the check also at that of the pod.",
			"no container runs as root, but a pod-level runAsUser: 0 that all containers override is admitted",
		},
		{
			"root-only-admitted", "No pod can be admitted by the policy and meet restricted until the policy allows another user than root.",
			blocker + "it admits no uid but 0",
		},
		{
			"root-uid-admitted", "The policy admits runAsUser: 0, and restricted refuses it. See which workloads state it.",
			"uid 0 is admitted (" + idStrategy + "): verify that workloads do not use it",
		},
		{
			"sysctls-accepted", "The policy admits only sysctls that the standards count as safe at this version.",
			"only sysctls that baseline accepts at this version are admitted",
		},
		{
			"sysctls-unsafe-admitted", "The policy admits these sysctls, and baseline refuses them. See which workloads set them.",
			"unsafe sysctls are admitted: {sysctls:max 6} (without effect unless the kubelet allows them too)",
		},
		{
			"selinux-any-label", "The policy leaves SELinux open, and baseline limits it. See which workloads state a user, a role or a type.",
			"authors may set any SELinux user, role and type: verify that workloads set none",
		},
		{
			"selinux-label-refused", "No pod can be admitted by the policy and meet baseline until the policy demands another label.",
			blocker + "it forces " + refusedLabel + " on every pod, which baseline refuses",
		},
		{
			"selinux-label-accepted", "Every pod that the policy admits has a label that baseline accepts.",
			"one label that baseline accepts is forced",
		},
		{
			"apparmor-profile-accepted", "Every pod that the policy admits has AppArmor profiles that baseline accepts.",
			"every container must have a profile that baseline accepts",
		},
		{
			"apparmor-any-profile", "The policy leaves AppArmor open, and baseline refuses unconfined. See which workloads set it.",
			"without the annotation any profile may be set, unconfined included: verify that workloads set none" + unconfinedByDefault,
		},
		{
			"apparmor-only-unconfined", "No pod can be admitted by the policy and meet baseline until the policy allows another profile.",
			blocker + "it admits no profile but unconfined",
		},
		{
			"apparmor-unconfined-listed", "The policy admits the AppArmor profile unconfined, and baseline refuses it. See which workloads set it.",
			"unconfined is in the list ({profiles:,}): verify that workloads do not use it" + unconfinedByDefault,
		},
		{
			"seccomp-only-unconfined", "No pod can be admitted by the policy and meet baseline until the policy allows another profile.",
			blocker + "unconfined is all that it admits",
		},
		{
			"seccomp-unconfined-listed", "The policy admits the seccomp profile Unconfined, and baseline refuses it. See which workloads set it.",
			"Unconfined is allowed (list {profiles:,}): verify that workloads do not use it" + unconfinedByDefault,
		},
		{
			"seccomp-no-profile-allowed", "The policy admits no pod that sets a seccomp profile, so none sets one that baseline refuses.",
			"no profile may be set, Unconfined included",
		},
		{
			"seccomp-unconfined-not-listed", "The policy refuses the seccomp profile Unconfined, as baseline does.",
			"Unconfined is not in the list",
		},
		{
			"seccomp-every-profile-refused", "No pod can be admitted by the policy and meet restricted until the policy allows a seccomp profile.",
			blocker + "it refuses every pod that sets a seccomp profile, and restricted demands one",
		},
		{
			"seccomp-only-profile-unconfined", "No pod can be admitted by the policy and meet restricted until the policy allows another profile.",
			blocker + "unconfined is the only profile that it admits",
		},
		{
			"seccomp-unconfined-or-none", "Restricted asks for a seccomp profile, and the policy admits pods without one. Write RuntimeDefault into templates.",
			"pods may be unconfined or without a profile (list {profiles:,}): verify that workloads set RuntimeDefault",
		},
		{
			"seccomp-profile-set", "Pods meet the check only with what the policy writes into them. Write the profile into templates.",
			"the policy sets {profile}: templates must state the field themselves",
		},
		{
			"seccomp-profile-demanded", "Every pod that the policy admits states a seccomp profile. From v1.27 on only the field counts.",
			"authors must set a listed profile at pod level; those who do so by annotation alone must move to the field",
		},
	}
}

// lostConstraintKinds returns the messages on what becomes possible with the closest level in place of a policy.
func lostConstraintKinds() []Kind {
	const (
		keepList     = "; an admission policy can keep the list"
		keepRanges   = "; an admission policy can keep the ranges"
		keepRefusing = "; an admission policy can go on refusing them"
	)
	return []Kind{
		{
			"lost-privileged", "The level admits privileged containers, and the policy refuses them.",
			"privileged containers become possible" + keepRefusing,
		},
		{
			"lost-host-namespace", "The level admits pods in this namespace of the node, and the policy refuses them.",
			"pods may share the node's {namespace} namespace" + keepRefusing,
		},
		{
			"lost-host-ports", "The level admits every port of the node, the policy only those of its ranges.",
			"every port of the node becomes possible" + keepRanges,
		},
		{
			"lost-capabilities", "The level admits every capability, the policy only those of its list.",
			"containers may add any capability" + keepList,
		},
		{
			"lost-capabilities-of-level", "The level accepts these capabilities, and the policy refuses them.",
			"containers may add {capabilities:max 6}" + keepList,
		},
		{
			"lost-required-drops", "The policy drops these capabilities from every container, and the level asks for no drop.",
			"containers keep the runtime's default capabilities; templates, or an admission policy that mutates, can drop them",
		},
		{
			"drift-windows-drops", "Newer versions of the standards ask Windows pods for no drops.",
			"pods with os.name windows need no drops from v1.25",
		},
		{
			"lost-default-capabilities", "The policy adds these capabilities, and the level adds nothing. Write into templates what a program needs.",
			"containers are no longer given these capabilities: programs that count on them fail",
		},
		{
			"lost-host-paths", "The level admits every path of the node, the policy only those of its list.",
			"every path of the node becomes mountable and writable" + keepList,
		},
		{
			"lost-escalation", "The level admits privilege escalation, and the policy refuses it.",
			"containers may gain privileges; templates that set it to false, or an admission policy, can prevent it",
		},
		{
			"drift-windows-escalation", "Newer versions of the standards do not ask Windows pods for the field.",
			"pods with os.name windows need not state it from v1.25",
		},
		{
			"lost-escalation-default", "The policy writes false where nothing is stated, and the level writes nothing. Write it into templates.",
			"false is no longer set: setuid programs gain privileges again",
		},
		{
			"lost-proc-mask", "The level admits an unmasked /proc, and the policy refuses it.",
			"containers may run with /proc unmasked; an admission policy can go on refusing it",
		},
		{
			"drift-proc-mask", "Newer versions of the standards admit an unmasked /proc in pods with their own user namespace.",
			"pods with hostUsers: false may unmask /proc from v1.35",
		},
		{
			"lost-proc-unmasked", "The level admits the default mask of /proc, and the policy refuses it.",
			"containers with the Default mask become possible",
		},
		{
			"lost-read-only-root", "No level asks for a read-only root file system, and the policy does.",
			"root file systems become writable; templates that set it, or an admission policy, can keep them read-only",
		},
		{
			"lost-group-ranges", "No level limits groups, and the policy does.",
			"groups outside the ranges[?root , root's among them,] become possible" + keepRanges,
		},
		{
			"lost-run-as-group", "The policy sets the group of containers, and no level does. Write it into templates if programs need it.",
			"the group is no longer set: containers run with group 0 or the image's",
		},
		{
			"lost-fs-group", "The policy sets the group that owns volumes, and no level does. Write it into templates.",
			"the group is no longer set: pods may lose write access to their volumes",
		},
		{
			"lost-supplemental-group", "The policy adds a group to containers, and no level does. Write it into templates.",
			"the group is no longer set: access to shared volumes through it is lost",
		},
		{
			"lost-user", "The policy sets the user of containers, and no level does. Write it into templates if programs need it.",
			"the uid is no longer set: the image's user takes over, often root",
		},
		{
			"lost-non-root", "The level admits root, and the policy refuses it.",
			"containers may run as root; templates that set runAsNonRoot, or an admission policy, can prevent it",
		},
		{
			"lost-user-ranges", "No level limits users to ranges, and the policy does.",
			"uids outside the ranges[?root , root among them,] become possible" + keepRanges,
		},
		{
			"drift-user-namespace-root", "Newer versions of the standards admit root in pods with their own user namespace.",
			"pods with hostUsers: false may run as root inside their own user namespace from v1.35",
		},
		{
			"lost-runtime-classes", "No level limits runtime classes, and the policy does.",
			"pods may name any runtime class" + keepList,
		},
		{
			"lost-default-runtime-class", "The policy sets the runtime class, and no level does. Write it into templates.",
			"the class is no longer set: pods move to the plain runtime, out of a sandbox if the class is one",
		},
		{
			"lost-seccomp-profiles", "The level admits every seccomp profile, the policy only those of its list.",
			"every seccomp profile becomes possible, and none" + keepList,
		},
		{
			"lost-seccomp-prohibition", "The level admits pods that set a seccomp profile, and the policy refuses them.",
			"pods may set RuntimeDefault, which only hardens, or a localhost profile, which may be looser; an admission policy can refuse localhost",
		},
		{
			"lost-localhost-profiles", "The level admits every profile of the node, the policy only those of its list.",
			"any localhost profile becomes possible" + keepList,
		},
		{
			"lost-seccomp-demand", "The level admits pods without a seccomp profile, and the policy demands one of its list.",
			"pods without a profile, and any localhost profile, become possible" + keepList,
		},
		{
			"lost-seccomp-default", "The policy sets a seccomp profile, and the level does not. Write it into templates.",
			"the profile is no longer set: containers run unconfined unless the kubelet has a default",
		},
		{
			"lost-seccomp-unconfined-default", "The policy turns seccomp off in pods that say nothing of it. A kubelet may have a profile for these.",
			"unconfined is no longer set: a kubelet with a default profile confines these containers",
		},
		{
			"lost-selinux-label", "No level demands one SELinux label, and the policy does.",
			"pods may choose among the labels that the level accepts; an admission policy can keep the one",
		},
		{
			"lost-default-selinux-label", "The policy sets an SELinux label, and no level does. Write it into templates where volumes carry it.",
			"the label is no longer set: processes and volumes get the runtime's own",
		},
		{
			"lost-sysctls", "The level admits every sysctl, the policy only safe ones and those of its list.",
			"every sysctl becomes possible where the kubelet allows it" + keepList,
		},
		{
			"lost-forbidden-sysctls", "The level forbids no sysctl, and the policy forbids those of its list.",
			"the forbidden sysctls become possible" + keepList,
		},
		{
			"lost-forbidden-sysctls-of-level", "The level accepts these sysctls, and the policy forbids them.",
			"the level accepts {sysctls:max 6}; an admission policy can go on forbidding them",
		},
		{
			"drift-sysctls", "Newer versions of the standards accept sysctls that the policy does not list.",
			"newer standards count these sysctls as safe",
		},
		{
			"lost-volume-prohibition", "The level admits volumes, and the policy admits none.",
			"volumes become possible, of every type that the level accepts" + keepList,
		},
		{
			"lost-volume-types", "The level admits these types of volumes, and the policy refuses them.",
			"volumes of type {types:max 6} become possible" + keepList,
		},
		{
			"drift-image-volumes", "Newer versions of the standards accept a type of volumes that is newer than policies.",
			"image volumes, which policies have no name for, are accepted",
		},
		{
			"lost-apparmor-profiles", "The policy demands an AppArmor profile of its list, and no level demands one.",
			"containers need no AppArmor profile any more and may have others" + keepList,
		},
		{
			"lost-apparmor-default", "The policy sets an AppArmor profile, and no level does. Write it into templates.",
			"the profile is no longer set: containers get the runtime's own where AppArmor is on",
		},
		{
			"lost-csi-drivers", "The level admits every driver of inline CSI volumes, the policy only those of its list.",
			"every inline CSI driver becomes possible" + keepList,
		},
		{
			"lost-flex-volume-drivers", "The level admits every driver of flexVolumes, the policy only those of its list.",
			"every flexVolume driver becomes possible" + keepList,
		},
	}
}

// nearestMissKinds returns the messages on what keeps a policy from the next stricter level.
func nearestMissKinds() []Kind {
	return []Kind{
		{
			"miss-privileged", "Privileged containers alone make the policy privileged. See which workloads need them.",
			"privileged containers",
		},
		{
			"miss-host-namespaces", "These fields admit pods that baseline refuses. See which workloads need them.",
			"host namespaces ({fields:max 6})",
		},
		{
			"miss-host-ports", "Baseline admits no host port. See which workloads need these.",
			"host ports ({ports:max 6})",
		},
		{
			"miss-capabilities", "The next stricter level refuses these capabilities. See which workloads add them.",
			"capabilities ({capabilities:max 6})",
		},
		{
			"miss-default-capabilities", "The policy adds capabilities that restricted refuses. Take them out of the policy.",
			"default capabilities ({capabilities:max 6})",
		},
		{
			"miss-drop-of-all", "Restricted asks for a drop of ALL. Templates, or the policy, must state it.",
			"capabilities (ALL is not dropped)",
		},
		{
			"miss-host-path", "Baseline admits no hostPath volume. See which workloads mount one.",
			hostPathAccess,
		},
		{
			"miss-any-volume-type", "Restricted admits eight types of volumes. See which workloads use others.",
			"volume types (*)",
		},
		{
			"miss-volume-types", "Restricted refuses these types of volumes. See which workloads use them.",
			"volume types ({types:max 6})",
		},
		{
			"miss-escalation", "Restricted asks for allowPrivilegeEscalation: false. Templates, or the policy, must state it.",
			"privilege escalation (allowPrivilegeEscalation true)",
		},
		{
			"miss-proc-mount", "The next stricter level refuses an unmasked /proc. See which workloads ask for it.",
			"procMount (Unmasked)",
		},
		{
			"miss-root", "Restricted refuses root. See which workloads run as root.",
			"root users (runAsUser " + idStrategy + ")",
		},
		{
			"miss-sysctls", "Baseline refuses these sysctls. See which workloads set them.",
			"sysctls ({sysctls:max 6})",
		},
	}
}

// unusablePolicyKinds returns the messages on why a policy admits no pod.
func unusablePolicyKinds() []Kind {
	const accepted = "[?accepted : the API server accepts the policy, but admission can never use it]"
	return []Kind{
		{
			"psp-rule-missing", "Admission cannot use a policy with a strategy without a rule. Give the field a rule.",
			"{field}: no rule",
		},
		{
			"psp-rule-unknown", "Admission cannot use a policy with a strategy whose rule it does not know. Correct the rule.",
			"{field}: unknown rule {rule:input}",
		},
		{
			"psp-ranges-missing", "Admission cannot use a policy whose rule needs ranges that it does not have. Give the field ranges.",
			"[?field {field}: ]{rule} without ranges" + accepted,
		},
		{
			"psp-selinux-options-missing", "Admission cannot use a policy that demands an SELinux label and names none. Give the field its options.",
			"[?field {field}: ]{rule} without seLinuxOptions" + accepted,
		},
		{
			"no-apparmor-profile-possible", "Every container must have an AppArmor profile of the list, and the list has none that the server takes. Correct the annotation.",
			"an AppArmor profile is mandatory and the list has none that a container can have ([?profiles {profiles:,}][!profiles empty])",
		},
		{
			"no-proc-mount-type-possible", "The list has no type that a container can have, so that no pod is admitted. Correct the list.",
			"allowedProcMountTypes has no type that a container can have ({types:max 6})",
		},
		{
			"no-group-possible", "No group that a pod can have is in the ranges, so that no pod is admitted. Correct the ranges.",
			"no group is in the ranges of {field} ({ranges:max 6})",
		},
		{
			"no-user-possible", "No user that a pod can have is in the ranges, so that no pod is admitted. Correct the ranges.",
			"no uid is in the ranges of runAsUser ({ranges:max 6})",
		},
		{
			"no-runtime-class-possible", "The policy sets a runtime class and refuses every pod that names one. Allow the class that it sets.",
			"runtimeClass sets {class} and allows no class to be named",
		},
		{
			"seccomp-default-refused", "The policy sets a seccomp profile and refuses every pod that has one. Allow the profile that it sets.",
			"the seccomp default {profile} is set and no seccomp profile may be set",
		},
		{
			"no-seccomp-profile-possible", "The list has no seccomp profile that a pod can have, so that no pod is admitted. Correct the annotation.",
			"no pod can have a seccomp profile that the list has ({profiles:,})",
		},
	}
}

// requiredValueKinds returns the messages on where templates need the values that a policy has set.
func requiredValueKinds() []Kind {
	return []Kind{
		{
			"template-drops", "Every container must state the drops. Restricted accepts no others than ALL.",
			"in every container, init containers included; restricted asks for ALL[!all  instead]",
		},
		{
			"template-capabilities", "Programs had these capabilities without a word. Write them into those templates alone that need them.",
			"where a program truly needs it[?refused ; baseline refuses {refused:max 6}]",
		},
		{
			"template-escalation", "Every container must state it. Restricted refuses containers that say nothing.",
			"in every container, init containers included; restricted asks for it",
		},
		{
			"template-escalation-default", "State it in templates whose programs gain no privileges, as restricted asks.",
			"where the program allows it; restricted asks for it",
		},
		{
			"template-no-level", "No level asks for the value. State it if programs depend on it.",
			"no level looks at it",
		},
		{
			"template-non-root", "Restricted asks for the field even where a user is stated.",
			"also where a uid is stated and the policy sets nothing; restricted asks for it",
		},
		{
			"template-root", "The policy sets root, and restricted refuses it. State another user if the program can run as one.",
			"restricted refuses uid 0",
		},
		{
			"template-user", "State the user in the pod or in each container. For restricted state runAsNonRoot, too.",
			"at pod level it does the same where no container sets its own; restricted asks for runAsNonRoot: true besides",
		},
		{
			"template-seccomp", "State the profile in the field. An annotation has no effect from v1.27 on.",
			"a field, on the pod or on every container: the API server no longer copies annotations; restricted asks for it",
		},
		{
			"template-seccomp-unconfined", "State Unconfined only for a program that needs it. Such a pod meets no level but privileged.",
			"only where a program needs it, and privileged only: baseline refuses Unconfined",
		},
		{
			"template-selinux-label", "State the label only for pods whose volumes carry it.",
			"where volumes carry this label",
		},
		{
			"template-selinux-label-refused", "Pods with this label do not meet baseline. State it only where the volumes need it.",
			"only where the volumes need it: baseline refuses " + refusedLabel,
		},
		{
			"template-apparmor", "The annotation names one container. Newer servers have a field for it.",
			"one per container; from v1.30 the field securityContext.appArmorProfile takes its place",
		},
	}
}

// policyFieldKinds returns the messages on what a field of a policy does to pods.
func policyFieldKinds() []Kind {
	return []Kind{
		{
			"field-apparmor-absent", "The policy leaves AppArmor open.",
			"absent, so any profile may be set, unconfined included, which is looser than baseline",
		},
		{
			"field-apparmor-unconfined", "The list has a profile that baseline refuses.",
			"every container must have one of these profiles, unconfined among them; baseline refuses it",
		},
		{
			"field-apparmor-profiles", "The list has only profiles that baseline accepts.",
			"every container must have one of these profiles; baseline accepts them and also none",
		},
		{
			"field-apparmor-default", "The policy writes this AppArmor profile into pods.",
			"set on every container that names no profile",
		},
		{
			"field-allowed-capabilities", "The capabilities that containers may add.",
			"containers may add these; baseline accepts 13, restricted NET_BIND_SERVICE alone",
		},
		{
			"field-required-drops", "The policy writes these drops into containers.",
			"dropped from every container; baseline asks for nothing, restricted for ALL",
		},
		{
			"field-default-capabilities", "The policy writes these capabilities into containers.",
			"added to every container that does not drop them by name; counts as allowed",
		},
		{
			"field-host-namespace-shared", "Pods that use this namespace of the node meet no level but privileged.",
			"pods may share the node's {namespace} namespace; only the privileged level allows it",
		},
		{
			"field-host-namespace-refused", "The policy refuses pods in this namespace of the node, as baseline does.",
			"pods may not share the node's {namespace} namespace, as at baseline",
		},
		{
			"field-host-paths", "The paths of the node that pods may mount. Baseline admits none.",
			"hostPath volumes may name these paths only; no level knows such a list",
		},
		{
			"field-without-volume-type", "The list limits a type of volumes that the policy does not admit.",
			"without effect: volumes does not allow {type}",
		},
		{
			"field-host-ports-none", "The policy refuses host ports, as baseline does.",
			"no port of the node may be used, as at baseline",
		},
		{
			"field-host-ports", "The ports of the node that pods may use.",
			"pods may use these ports of the node; baseline allows none",
		},
		{
			"field-escalation-default", "The policy writes this value into containers that state none.",
			"set where a container states nothing; it refuses no pod",
		},
		{
			"field-escalation-refused", "The policy refuses true and writes false into containers.",
			"escalation is refused and false is set; restricted asks for it to be stated",
		},
		{
			"field-escalation-allowed", "The policy admits privilege escalation, and restricted refuses it.",
			"[?absent absent, which the API server reads as true: ]escalation is allowed, as at baseline",
		},
		{
			"field-privileged-refused", "The policy refuses privileged containers, as baseline does.",
			"privileged containers are refused, as at baseline",
		},
		{
			"field-privileged-admitted", "Privileged containers meet no level but privileged.",
			"privileged containers are admitted; only the privileged level does so",
		},
		{
			"field-proc-mount-types", "The masks of /proc that containers may have.",
			"containers may choose these masks of /proc; baseline accepts Default",
		},
		{
			"field-read-only-root-open", "The policy leaves root file systems open.",
			"nothing is asked of the root file system, as at every level",
		},
		{
			"field-read-only-root", "The policy refuses false and writes true into containers.",
			"every root file system is read-only and the field is set; no level asks for it",
		},
		{
			"field-group-demanded", "The groups that pods may have. The policy writes the first one into pods that state none.",
			"groups must be in the ranges, and the first is set where none is stated; no level looks at groups",
		},
		{
			"field-group-limited", "The groups that pods may state.",
			"groups that are stated must be in the ranges; no level looks at groups",
		},
		{
			"field-group-any", "The policy leaves groups open.",
			"any group is admitted, as at every level",
		},
		{
			"field-user-ranges", "The users that containers may run as. The policy writes the first one into containers that state none.",
			"uids must be in the ranges[?withoutRoot , which leave out root], and the first is set where none is stated; no level knows uid ranges",
		},
		{
			"field-user-any", "The policy leaves users open.",
			"any user is admitted, root included, as at baseline; restricted refuses root",
		},
		{
			"field-user-non-root", "The policy refuses root and writes runAsNonRoot: true into containers that state nothing.",
			"root is refused and runAsNonRoot set where nothing is stated; restricted asks for the field itself",
		},
		{
			"field-runtime-classes", "The runtime classes that pods may name.",
			"pods may name these runtime classes only; no level looks at them",
		},
		{
			"field-runtime-class-none", "The policy refuses pods that name a runtime class.",
			"pods may name no runtime class; no level looks at them",
		},
		{
			"field-runtime-class-default", "The runtime classes that pods may name. The policy writes the default into pods that name none.",
			"pods may name these runtime classes only and get the default where they name none; no level looks at them",
		},
		{
			"field-seccomp-default", "The policy writes this seccomp profile into pods that state none.",
			"set on pods that set no profile, as an annotation that the API server copies to the field up to v1.26",
		},
		{
			"field-seccomp-none", "The policy refuses pods that set a seccomp profile. Allow one before you enforce restricted.",
			"no profile may be set, as where it is absent: hardened pods are refused, and no pod can meet restricted",
		},
		{
			"field-seccomp-any", "The policy leaves seccomp open.",
			"any profile may be set, or none; baseline refuses Unconfined",
		},
		{
			"field-seccomp-unconfined", "The list has a profile that baseline refuses.",
			"these profiles may be set, unconfined among them; baseline refuses it",
		},
		{
			"field-seccomp-profiles", "The list has only profiles that the levels accept.",
			"pods must have one of these profiles; restricted asks for one, baseline only refuses Unconfined",
		},
		{
			"field-selinux-any", "The policy leaves SELinux open.",
			"any SELinux label is admitted, which is looser than baseline; without effect where nodes use AppArmor",
		},
		{
			"field-selinux-label", "The policy writes this SELinux label into pods and refuses others.",
			"every pod gets exactly this label; no level demands one",
		},
		{
			"field-allowed-sysctls", "The unsafe sysctls that pods may set.",
			"these sysctls are admitted beside the safe five; baseline accepts only its own list",
		},
		{
			"field-forbidden-sysctls", "The sysctls that pods may not set.",
			"these sysctls are refused, safe ones included; no level knows such a list",
		},
		{
			"field-volumes-none", "The policy admits pods without volumes alone.",
			"no volume of any kind is admitted, the service account token's included; no level is as strict",
		},
		{
			"field-volumes-host-path", "The types of volumes that pods may have. Those with hostPath meet no level but privileged.",
			"these volume types are admitted, hostPath among them; only the privileged level allows that",
		},
		{
			"field-volumes-restricted", "The types of volumes that pods may have.",
			"these volume types are admitted, none beyond what restricted accepts",
		},
		{
			"field-volumes", "The types of volumes that pods may have. Restricted refuses some of them.",
			"these volume types are admitted; baseline accepts all but hostPath, restricted eight of them",
		},
		{
			"field-csi-drivers", "The drivers that inline CSI volumes may use.",
			"inline CSI volumes may use these drivers only; no level knows such a list",
		},
		{
			"field-flex-volume-drivers", "The drivers that flexVolumes may use.",
			"flexVolumes may use these drivers only; no level knows such a list",
		},
	}
}

// simplifiedPolicyKinds returns the messages on what becomes of a field of a policy in its clone, and on what that opens.
func simplifiedPolicyKinds() []Kind {
	return []Kind{
		{
			"becomes-removed", "The clone does not have the field.",
			"removed",
		},
		{
			"becomes-value", "The clone has this value in the field.",
			"{value}",
		},
		{
			"becomes-allowed-capabilities", "The clone allows the capabilities that the policy adds, so that pods which have them are admitted.",
			"[?capabilities moved to allowedCapabilities: {capabilities:max 6}][!capabilities removed; allowedCapabilities has them already]" +
				`[?star ; not so "*", which would allow every capability there, so that pods which carry it are refused]`,
		},
		{
			"opens-host-paths", "The clone does not limit paths. See whether an admission policy should.",
			"pods may mount any path of the node, and write to it",
		},
		{
			"opens-flex-volume-drivers", "The clone does not limit the drivers of flexVolumes.",
			"pods may use any flexVolume driver",
		},
		{
			"opens-csi-drivers", "The clone does not limit the drivers of inline CSI volumes.",
			"pods may use any inline CSI driver",
		},
		{
			"opens-forbidden-sysctls", "The clone forbids no sysctl by name.",
			"pods may set those of them that are safe or in allowedUnsafeSysctls",
		},
		{
			"opens-runtime-classes", "The clone does not limit runtime classes.",
			"pods may name any runtime class",
		},
		{
			"opens-groups", "The clone does not limit groups.",
			"pods may name any group there",
		},
		{
			"opens-drops", "The clone drops no capabilities. Restricted, once it is enforced, asks for it.",
			"containers may keep the runtime's default capabilities; restricted asks for a drop of ALL",
		},
		{
			"opens-selinux-options", "The clone does not limit SELinux. Baseline, once it is enforced, does.",
			"pods may state any SELinux options; baseline keeps them to a few types, without user and role",
		},
		{
			"opens-users", "The clone does not limit users. Restricted, once it is enforced, refuses root.",
			"containers may run as any user, root as well; restricted asks for another than root",
		},
		{
			"opens-escalation", "The clone admits privilege escalation. Restricted, once it is enforced, refuses it.",
			"containers may gain privileges as they run; restricted asks for false",
		},
		{
			"opens-root-file-systems", "The clone does not ask for read-only root file systems, and no level does.",
			"containers may write to their root file system; no level looks at it, and the guide names it only among what to compare",
		},
	}
}

// policyProblemKinds returns the messages on what is wrong with the document of a policy, or does not do what it seems to say.
func policyProblemKinds() []Kind {
	const (
		served   = "; policies were served as policy/v1beta1 and extensions/v1beta1"
		template = "[?template ; this looks like a template: render it first (helm template)]"
	)
	return []Kind{
		{
			"psp-problems-more", "The document has more problems than are listed.",
			"and {n} more of these (only the first {limit} are listed)",
		},
		{
			"psp-port-range-inverted", "The range begins after its end. Turn it round.",
			"the range is inverted and allows no port",
		},
		{
			"psp-port-range-empty", "No port is in the range. Correct it.",
			"the range holds no port: ports are 1 to 65535",
		},
		{
			"psp-port-range-beyond", "Some numbers of the range are no ports. Correct it.",
			"the range goes beyond the ports, which are 1 to 65535",
		},
		{
			"psp-range-end-missing", "A range without a min begins at 0, which is root. State both ends.",
			"it is missing and read as 0, as the API server does",
		},
		{
			"psp-capability-empty", "An empty name is no capability. Remove it.",
			"the capability is empty and matches nothing",
		},
		{
			"psp-capability-spelling", "Admission compares the names of capabilities letter by letter. Use the usual spelling.",
			"{capability:input} matches only containers that spell it like that; the usual spelling is {usual:input}",
		},
		{
			"psp-path-relative", "The paths of pods are absolute. Begin the prefix with a slash.",
			"the path prefix {path:input} is relative: it matches no absolute path",
		},
		{
			"psp-number-out-of-range", "No field takes so large a number. Correct it.",
			"the number {number:input} is out of range: it does not fit in {bits} bits",
		},
		{
			"psp-field-unknown", "The policy says nothing by a field that does not exist. Correct its name, or remove it.",
			"unknown field {name:input}, which the API server ignores[?meant ; did you mean {meant:q}?[?case  Names are case-sensitive.]]",
		},
		{
			"psp-null", "A list or map cannot leave out a value: null is the empty one. Remove the entry, or state a value.",
			"null is read as {empty}, as the API server does",
		},
		{
			"psp-type-wrong", "The value is of another type than the field, so the policy cannot be read. Correct it.",
			"expected {want}, found {found}[?scalar [?found  ]{value:input}[?tag , which is no {tag}]]" + template + "[?unquoted ; quote it]",
		},
		{
			"psp-text-misread", "YAML reads the text as another type, so the policy cannot be read. Put it into quotes.",
			"{misread}",
		},
		{
			"psp-key-twice", "Readers differ in which value counts, so the policy cannot be read. Remove one.",
			"the key {key:input} stands twice[?oneLine  (both in line {first})][!oneLine [?first  (lines {first} and {second})]]: which one counts depends on the reader; remove one",
		},
		{
			"psp-merge-conflict", "Readers differ in which value counts, so the policy cannot be read. Move the merge key to the top.",
			"the merge key (<<) after {key:input} holds another value for it: kubectl takes that one, other readers this one; move the merge key to the top",
		},
		{
			"psp-tag-ignored", "A tool before kubectl was to replace the value. Read what that tool writes.",
			"the tag {tag:input} is ignored, as kubectl does",
		},
		{
			"psp-document-empty", "The document has no value.",
			"the document is empty",
		},
		{
			"psp-document-invalid", "The document is no valid JSON, nests too deep, or its aliases stand for too much. Correct it.",
			"{error}",
		},
		{
			"psp-kind-wrong", "The document is no PodSecurityPolicy. Correct its kind, or leave it out.",
			"the kind is {kind:input}, not PodSecurityPolicy[?case : kinds are case-sensitive]",
		},
		{
			"psp-namespace-ignored", "A PodSecurityPolicy belongs to no namespace. Remove the field.",
			"policies are cluster-scoped: the namespace {namespace:input} is ignored",
		},
		{
			"psp-api-version-missing", "A server refuses an object without apiVersion. State it.",
			"the apiVersion is missing: read as policy/v1beta1",
		},
		{
			"psp-api-version-invalid", "The apiVersion is none. Correct it.",
			"{apiVersion:input} is not an API version" + served,
		},
		{
			"psp-api-version-not-served", "No server takes a PodSecurityPolicy of this apiVersion. Correct it.",
			"no server ever served PodSecurityPolicy as {apiVersion:input}: read as policy/v1beta1" + served,
		},
		{
			"psp-api-group-wrong", "The object is of another API group. Correct its apiVersion, or leave it out.",
			"{apiVersion:input} is not the API group of a policy" + served,
		},
		{
			"psp-name-missing", "Grants name a policy, so it needs a name. State one.",
			"the name is missing[?generated : a grant cannot name what only has a generateName]; give metadata.name",
		},
		{
			"psp-name-invalid", "No object has this name. Correct it.",
			"{name:input} is not a valid name: a name is at most 253 lower-case letters, digits, '-' and '.', and starts and ends with a letter or digit" + template,
		},
	}
}

// policyValidationKinds returns the messages on why the API server would refuse a policy.
func policyValidationKinds() []Kind {
	const (
		meant   = "[?meant  (did you mean {meant:q}?)]"
		refused = "; the API server would refuse this policy"
	)
	return []Kind{
		{
			"psp-label-key-invalid", "No object has a label with this key. Correct it.",
			"{key:input} is not a valid label key" + refused,
		},
		{
			"psp-label-value-invalid", "No label has this value. Correct it.",
			"{value:input} is not a valid label value" + refused,
		},
		{
			"psp-annotation-key-invalid", "No object has an annotation with this key. Correct it.",
			"{key:input} is not a valid annotation key" + refused,
		},
		{
			"psp-annotations-too-large", "The annotations of an object may not be larger. Remove some.",
			"the annotations hold {n} bytes, more than {limit}" + refused,
		},
		{
			"psp-profile-invalid", "The annotation names a profile that no pod can have. Correct it.",
			"{profile:input} is not [?appArmor an AppArmor][!appArmor a seccomp] profile" + refused,
		},
		{
			"psp-ranges-not-taken", "The rule has no use for ranges. Remove them, or take another rule.",
			"{rule} takes no ranges" + refused,
		},
		{
			"psp-group-ranges-missing", "The rule needs ranges. State them, or take another rule.",
			"{rule} needs at least one range" + refused,
		},
		{
			"psp-strategy-rule-missing", "A strategy needs a rule. State one.",
			"the rule is missing: one of {rules} is required" + refused,
		},
		{
			"psp-strategy-rule-unknown", "The server does not know the rule. Correct it.",
			"unknown rule {rule:input}" + meant + ": it must be one of {rules}" + refused,
		},
		{
			"psp-range-below-zero", "No ID is negative. Correct the range.",
			"the range {min}-{max} [?start starts][!start ends] below 0" + refused,
		},
		{
			"psp-range-inverted", "The range begins after its end. Turn it round.",
			"the range {min}-{max} is inverted and holds nothing" + refused,
		},
		{
			"psp-volume-type-unknown", "The server does not know the type of volumes. Correct it.",
			"unknown volume type {type:input}" + meant + refused,
		},
		{
			"psp-drops-with-star", "A policy cannot both demand drops and allow every capability. Decide for one.",
			`no capability can be required to drop while "*" is allowed` + refused,
		},
		{
			"psp-capability-dropped", "A policy cannot both allow and drop a capability. Take it out of one list.",
			"{capability:input} is also in requiredDropCapabilities" + refused,
		},
		{
			"psp-escalation-default-refused", "A policy cannot set what it refuses. Correct the default.",
			"the default is true while allowPrivilegeEscalation is false" + refused,
		},
		{
			"psp-proc-mount-type-unknown", "There are the types Default and Unmasked. Correct it.",
			"unknown proc mount type {type:input}" + meant + refused,
		},
		{
			"psp-path-missing", "The entry names no path. State one, or remove the entry.",
			"the path prefix is missing" + refused,
		},
		{
			"psp-path-with-parent", "A path may not lead upwards. Write it out.",
			`the path prefix {path:input} contains ".."` + refused,
		},
		{
			"psp-flex-volume-driver-missing", "The entry names no driver. State one, or remove the entry.",
			"the driver is missing" + refused,
		},
		{
			"psp-csi-driver-missing", "The entry names no driver. State one, or remove the entry.",
			"the name of the driver is missing" + refused,
		},
		{
			"psp-csi-driver-invalid", "No driver has this name. Correct it.",
			"{driver:input} is not a valid CSI driver name" + refused,
		},
		{
			"psp-sysctls-overlap", "A policy cannot both allow and forbid a sysctl. Take it out of one list.",
			"{sysctl:input} overlaps with {forbidden:input} in forbiddenSysctls" + refused,
		},
		{
			"psp-sysctl-empty", "An empty name is no sysctl. Remove it.",
			"the sysctl is empty" + refused,
		},
		{
			"psp-sysctl-invalid", "No sysctl has this name. Correct it.",
			"{sysctl:input} is not a sysctl name or a pattern that ends in *" + refused,
		},
		{
			"psp-star-not-alone", "The star allows everything. Remove the other entries, or the star.",
			`"*" must stand alone` + refused,
		},
		{
			"psp-runtime-class-invalid", "No runtime class has this name. Correct it.",
			"{class:input} is not a valid runtime class name" + refused,
		},
		{
			"psp-runtime-class-twice", "The list has the class twice. Remove one.",
			"{class:input} stands twice" + refused,
		},
		{
			"psp-runtime-class-default-refused", "A policy cannot set a class that it refuses. Allow the class, or take another default.",
			"the default {class:input} is not allowed" + refused,
		},
	}
}

// grantKinds returns the messages about bindings and roles that grant nothing, or of which it is not known what they
// grant.
func grantKinds() []Kind {
	return []Kind{
		{
			"binding-to-role-across", "A ClusterRoleBinding cannot refer to a Role.",
			"refers to a Role ({role}), and a ClusterRoleBinding grants only ClusterRoles: it grants nothing",
		},
		{
			"binding-to-other-kind", "A binding refers to a Role or a ClusterRole. Other kinds grant nothing.",
			"refers to a role of kind {kind}, neither Role nor ClusterRole (case matters): it grants nothing",
		},
		{
			"binding-without-subjects", "A binding without subjects grants nothing to anybody.",
			"has no subjects: it grants nothing",
		},
		{
			"subject-never-matches", "No user, group or service account is ever this subject.",
			"{reason}",
		},
		{
			"role-rules-overwritten", "The controller of aggregated ClusterRoles overwrites the rules that are written in one.",
			"the rules written in it that grant the use of policies are overwritten by its aggregationRule",
		},
		{
			"role-rules-may-be-overwritten", "The rules of an aggregated ClusterRole stay only as long as it selects no others.",
			"the rules written in it that grant the use of policies hold only because its aggregationRule selects no rules: once it does, and before v1.21 at once, they are overwritten",
		},
		{
			"rule-without-verb-use", "Only the verb use lets a policy be used.",
			"names podsecuritypolicies, but not the verb use ([?verbs {verbs:q3 and}][!verbs none]): it grants no use",
		},
		{
			"rule-in-wrong-group", "PodSecurityPolicies belong to the API groups policy and extensions.",
			"names podsecuritypolicies in the wrong API group ([?groups {groups:q3 and}][!groups none]): admission asks in policy and extensions only, so it grants no use",
		},
		{
			"rule-of-wrong-resource", "RBAC matches the name of a resource exactly.",
			"names the resource {resources:q3 and}, and only podsecuritypolicies and * match: it grants no use",
		},
		{
			"rule-with-star-name", "In resourceNames, * is a name like any other.",
			`names the policy "*", which is a name like any other, not a wildcard: it grants no use`,
		},
		{
			"role-names-unread-policies", "The role lets use policies that were not read. They may be gone, or in another file.",
			"names {policies:policy|policies} {policies:q3 and} that {policies:was|were} not read",
		},
		{
			"role-unread", "Bindings refer to a role that was not read. Read it, too.",
			"was not read, bound by {bindings:1 and}: what it grants is not known, and nothing if it does not exist",
		},
		{
			"role-aggregation-circle", "Which rules remain in ClusterRoles that select each other depends on timing. Read them from the cluster.",
			"they select each other through aggregationRule, and whether the rules written in them survive that is a matter of timing; read these ClusterRoles from the cluster instead, or move the rules to a ClusterRole without aggregationRule",
		},
		{
			"role-aggregation-invalid", "The selector of an aggregationRule is not valid, so which rules the role has is not known.",
			"{error}; correct the selector",
		},
		{
			"rbac-namespace-ignored", "A cluster-scoped object has no namespace.",
			"its namespace {namespace} is ignored, as on the API server: a {kind} belongs to no namespace",
		},
		{
			"rbac-field-unknown", "The API server ignores a field that it does not know. A misspelt one grants more, or less, than meant.",
			"unknown field {field} is ignored, as on the API server",
		},
		{
			"rbac-fields-unknown", "A role has more unknown fields than are named.",
			"more unknown fields of its rules are ignored: only the first {limit} are listed",
		},
		{
			"subjects-null", "A subject that is null is nobody.",
			"[?more {n} of its subjects, ]subjects[{index}][?more  the first, are null and grant nothing][!more  is null and grants nothing]",
		},
	}
}

const andFirst = "[?many ; the first is shown]"

// fileKinds returns the messages about files and folders.
func fileKinds() []Kind {
	return []Kind{
		{
			"file-not-opened", "The file cannot be opened. Read it as a user who may, or leave it out.",
			"opening it failed: {error}; read it as a user who may, or leave it out",
		},
		{
			"file-not-text", "The file is no text in an encoding that is read.",
			"{error}",
		},
		{
			"file-not-read", "Reading the file failed.",
			"reading it failed: {error}; read the file again, or mend it",
		},
		{
			"file-cut-off", "Reading the file failed within it. What comes after that is not known.",
			"reading on failed after line {line}: {error}; what comes after it is unknown: read the file again, or mend it",
		},
		{
			"folder-not-read", "The folder cannot be read.",
			"reading the folder failed: {error}; read it as a user who may, or leave it out",
		},
		{
			"link-leaves-folder", "A link to what lies outside of the named folder is not followed.",
			"the link leaves the folder and was not followed: name its target as well to have it read, or remove the link",
		},
		{
			"link-not-followed", "The target of the link cannot be read.",
			"following the link failed: {error}; read it as a user who may, or leave it out",
		},
		{
			"link-to-itself", "The link leads to itself.",
			"the link leads to itself and was passed over" + andFirst,
		},
		{
			"link-to-nothing", "The link has no target.",
			"the link leads nowhere and was passed over" + andFirst,
		},
		{
			"file-not-regular", "Only regular files are read.",
			"it is no regular file (a pipe or a device) and was passed over" + andFirst,
		},
		{
			"file-skipped", "A pattern of --skip-path matches the file, or a folder above it.",
			"not read, as --skip-path says" + andFirst,
		},
		{
			"folder-without-files", "The folder has no file that is read.",
			"it has no .yaml, .yml or .json file to read[?recursive : add -R to read the folders below it][?archive , and {archive} is an archive: unpack it]" + andFirst,
		},
		{
			"folders-below-not-read", "Folders are read with -R only.",
			"the folders below it were not read: add -R to read them" + andFirst,
		},
		{
			"file-empty", "The file has no document.",
			"it holds no document: nothing was read from it" + andFirst,
		},
		{
			"file-with-command-output", "The file begins with what a command wrote to stderr.",
			"lines of kubectl's standard error are in the file and were passed over: save it with 2>/dev/null" + andFirst,
		},
		{
			"file-too-many-others", "So many documents are no Kubernetes objects that the rest of the file was not read.",
			"more than {limit} of its documents and items are no Kubernetes objects: what comes after them was not read; take them out, or split the file",
		},
		{
			"file-gaps-not-named", "More documents of the file could not be read than are named.",
			"{n} more of its documents could not be read: only the first {limit} are named",
		},
		{
			"file-objects-not-named", "More objects of the file cannot be used than are named.",
			"{n} more of its objects cannot be used: only the first {limit} are named",
		},
	}
}

// documentKinds returns the messages about documents within files.
func documentKinds() []Kind {
	return []Kind{
		{
			"document-not-parsed", "The document is no valid YAML or JSON. What it holds is not known.",
			"{error}[?cut ; read the file again from its source][?stderr {stderr}][?hint ; if {hint}]",
		},
		{
			"document-not-rendered", "The document is a template. Render it first and read the output.",
			"{hint}",
		},
		{
			"document-too-large", "The document exceeds a limit. Split it.",
			"it is {exceeded} (the limit for one document or item is {limit}): split it",
		},
		{
			"document-is-error", "The dump holds an error of kubectl instead of objects.",
			"it is an error of kubectl, and no object: what could not be read is missing here; read it again, and save it with 2>/dev/null",
		},
		{
			"document-plain-text", "The document is plain text, perhaps encrypted.",
			"it is plain text, not a Kubernetes object: if it is encrypted, decrypt it first; else leave the file out",
		},
		{
			"document-with-comments", "The document has comments as JavaScript has them, and is neither YAML nor JSON.",
			"it is neither YAML nor JSON: JSON has no comments, remove them",
		},
		{
			"document-is-sequence", "kubectl reads no objects in a plain sequence. Put them into a List.",
			"a sequence is not a Kubernetes object: put its items into a List, or separate them by ---",
		},
		{
			"document-no-object", "The document has no apiVersion and no kind.",
			"it has no apiVersion and no kind: it is no Kubernetes object and was passed over" + andFirst,
		},
		{
			"document-of-other-tool", "The document belongs to another tool and holds no Kubernetes objects.",
			"it is {tool}, which holds no Kubernetes objects, and was passed over" + andFirst,
		},
		{
			"document-holds-pods", "The document is no Kubernetes object and holds something of pods.",
			"it has no apiVersion and no kind, and {holds}, which was not read: write what it holds as Kubernetes objects",
		},
		{
			"object-without-kind", "The object has no kind and holds something of pods.",
			"it has no kind, and {holds}: give it its kind",
		},
		{
			"object-without-kind-skipped", "The object has no kind and holds nothing of pods.",
			"it has the apiVersion {apiVersion} but no kind: it was passed over, add the kind if it is an object",
		},
		{
			"kustomization-not-applied", "Kustomizations are not applied. Read the output of kubectl kustomize.",
			"a kustomization is not applied (names, namespaces and patches are those of the files): read its output instead ({pipe})" + andFirst,
		},
		{
			"chart-not-rendered", "The folder is a Helm chart. Its templates are read once Helm has rendered them.",
			"the folder is a Helm chart, whose templates are not rendered here: read their output ({pipe})" + andFirst,
		},
		{
			"looks-unrendered", "A field has a mark of a template in its value and was evaluated as it stands.",
			"this looks unrendered: a field of a pod or a policy has {mark} in it, and was evaluated as it stands; render it first ({pipe})" + andFirst,
		},
		{
			"document-is-printed", "The document was printed for people or is encrypted, and holds no objects to read.",
			"{what}",
		},
		{
			"document-is-plan", "The document is a plan that this tool saved. It is given to --plan.",
			"it is a plan that psp2pss saved, and no dump of a cluster: use --plan for it",
		},
		{
			"document-given-wrongly", "The document is read by another flag.",
			"it is {what}, and holds no object to evaluate: give it to {flag}" + andFirst,
		},
		{
			"chart-not-evaluated", "The object deploys a chart or a folder whose pods are not seen here.",
			"it has a chart or a folder deployed, whose pods are not evaluated here: render it and read the output, too, or read a cluster that runs it" + andFirst,
		},
		{
			"scc-not-examined", "SecurityContextConstraints are OpenShift's own admission.",
			"SecurityContextConstraints (OpenShift's own admission) are not examined" + andFirst,
		},
		{
			"release-unnamed", "An old version of Helm wrote a placeholder for the name of the release.",
			"this looks unrendered: RELEASE-NAME, which Helm writes where it is given no name of a release, was read as release-name; render it with the name ({pipe})" + andFirst,
		},
		{
			"list-incomplete", "The dump holds one page of a list. Dump it again with kubectl get.",
			"this is one page of a list, [?remaining {remaining} more {remaining:item was|items were}][!remaining more items were] not read; dump the list again with kubectl get, which asks for every page",
		},
		{
			"list-kind-after-items", "The list says its kind after its items, and could not be read again from the start.",
			"{n} {n:item|items} without a kind could not be read: the list says its kind only after them, and {error}",
		},
		{
			"list-cut-off", "The list ends without a kind: it may be cut off.",
			"the list ends after {n} {n:item|items} without saying its kind: it may be cut off; read it again from its source, or add kind: List",
		},
		{
			"list-items-skipped", "Items of the list are no Kubernetes objects.",
			"{n} {n:item|items} of the list hold no object and were passed over",
		},
	}
}

// objectKinds returns the messages about single objects.
func objectKinds() []Kind {
	return []Kind{
		{
			"object-invalid", "The object cannot be used as it stands. Correct it, or leave it out.",
			"{error}[?misread : {misread}][?hint ; if {hint}]",
		},
		{
			"object-too-heavy", "No API server stores an object of this size.",
			"{reason}",
		},
		{
			"policy-invalid", "The PodSecurityPolicy cannot be used as it stands.",
			"{problems:;10}",
		},
		{
			"key-twice", "A key stands twice in the object, and readers differ in which value counts.",
			"{error}",
		},
		{
			"key-twice-alike", "A key stands twice in the object, and its level is the same with either value.",
			"{error}; its level is the same either way, and what is said of it is by the first",
		},
		{
			"defined-twice", "Objects of one name differ, and none was used. Keep one of them.",
			"it is defined {times} times with different content ({places}), and none was used: {advice}",
		},
		{
			"defined-twice-alike", "Objects of one name differ, and their level is the same.",
			"it is defined {times} times with different content ({places}); its level is the same either way, and what is said of it is by the first",
		},
		{
			"objects-repeated", "Equal objects of one name count once.",
			"{n} {n:document repeats|documents repeat} an object that was read elsewhere with the same content; it counts once",
		},
		{
			"objects-without-namespace", "An object that names no namespace is in default.",
			`{n} {n:object names no namespace and counts|objects name no namespace and count} as in "default"`,
		},
		{
			"cluster-uid-differs", "Two Namespace objects of kube-system are of different clusters.",
			"it has the UID {uid} in {position} and {otherUID} in {otherPosition}: they are of two clusters, so it is not known which one this is for",
		},
		{
			"kind-unknown", "The kind is not known and the object holds something of pods. Read what it makes from the cluster.",
			"the kind {kind}{version} is not known, and {holds}: what it runs or grants is not evaluated here; read what it makes from the cluster (-f of a dump, or --context)",
		},
		{
			"kind-holds-template", "The kind is known to make no pods, and the object holds a pod template all the same.",
			"the kind {kind}{version} is not known to make pods, and it has a pod template at {path}: what it runs is not evaluated here; read what it makes from the cluster (-f of a dump, or --context)",
		},
		{
			"deployed-content", "The object deploys something that was not read. Read what it makes from the cluster.",
			"{holds}, for what it has deployed: that is not evaluated here; read what it makes from the cluster (-f of a dump, or --context)",
		},
		{
			"configmap-holds-pods", "Something makes pods of a text in the ConfigMap. Read those pods.",
			"its key {key} holds {holds}[?more , and so on in {more} {more:more key|more keys}]: what is made of it is not evaluated here; read the pods that are made of it, and accept this with --allow-partial",
		},
		{
			"text-holds-pods", "Something makes pods of a text in the object. Read those pods.",
			"one of its texts holds {holds}: what is made of it is not evaluated here; read the pods that are made of it, and accept this with --allow-partial",
		},
		{
			"template-invalid", "The pod templates of the object cannot be read, so what its pods are is not known.",
			"{error}: what its pods are is not known; {advice}",
		},
		{
			"object-not-searched", "The object is too large or too deep to look for pod templates in it.",
			"{reason}",
		},
		{
			"template-partial", "A controller adds to what the object says of its pods, and none of them was read.",
			"[?injected its containers are injected into the pods that it matches, in any namespace][!injected the controller of {apiVersion} makes pods of it and adds to them]: [?path only what it says itself is evaluated ({path})][!path it says nothing of them itself]; {advice}",
		},
		{
			"template-missing", "A controller makes pods of the object, and no whole pod template is in it.",
			"the controller of {apiVersion} makes pods of it, and [?remainder {remainder}, which is no whole pod template and was not evaluated][!remainder no whole pod template was found in it]; {advice}",
		},
		{
			"template-elsewhere", "The object takes its pod template from another one, which was not read.",
			"it takes its pod template from {object}, which was not read: read that, too",
		},
		{
			"template-without-namespace", "Pods may be made of the object in any namespace.",
			"it belongs to no namespace, and pods may be made from it in any: it is not known where it has to meet a level",
		},
		{
			"template-unused", "No object that was read uses it, so no pods are made of it.",
			"pods are made of it in a namespace only where another object uses it, and none that was read does; no namespace waits for it",
		},
	}
}

// webhookKinds returns the messages about objects that change or refuse pods.
func webhookKinds() []Kind {
	return []Kind{
		{
			"mutator-not-parsed", "What the object adds to pods could not be read. Correct it.",
			"what it adds to pods is not known: {error}; mend it, or leave it out",
		},
		{
			"refuser-not-parsed", "Which pods the object refuses could not be read.",
			"which pods it refuses is not known: {error}",
		},
		{
			"mutators-not-examined", "There are more webhooks and policies that change pods than are examined.",
			"there are more than {limit} of them, and {n} were not looked at: what they add is not known",
		},
		{
			"refusers-not-examined", "There are more webhooks and policies that refuse pods than are examined.",
			"there are more than {limit} of them, and {n} were not looked at",
		},
	}
}

// clusterKinds returns the messages about what a server answered.
func clusterKinds() []Kind {
	return []Kind{
		{
			"list-forbidden", "The server refuses the list. Grant the verb list on the resource.",
			`listing them {outcome} ({code}: {error}); grant the verb list on the resource {resource} in API group "{group}", with this rule in a ClusterRole: {apiGroups: ["{group}"], resources: ["{resource}"], verbs: ["list"]}`,
		},
		{
			"custom-lists-forbidden", "The server refuses lists of custom resources. Grant the verb list on them.",
			"listing {resources} {outcome} ({code}: {error}), and {effect}; grant the verb list on them, with {rules:this rule|these rules} in a ClusterRole: {rules}",
		},
		{
			"list-failed", "Listing failed before its end. What was read counts.",
			"listing them failed after {n} were read: {error}[?again ; try again]",
		},
		{
			"list-not-found", "Discovery names the resource, and nothing answers for it.",
			"the server says that it serves them in {version}, and answers 404 for them; check what stands between here and the API server",
		},
		{
			"list-read-again", "The list was read again from the start.",
			"{reason}, and it was read again from the start; what changed or was deleted in between counts as it was first read",
		},
		{
			"policies-not-served", "The server does not serve PodSecurityPolicies. Give those kept elsewhere with -f.",
			"{reason}; policies kept elsewhere can be read with -f",
		},
		{
			"core-kind-not-served", "Every API server serves this kind. The address may be wrong.",
			"the server does not know them (404), as every Kubernetes API server does; check the server's address in the kubeconfig",
		},
		{
			"kind-not-served", "The server does not serve the kind, so there are no such objects.",
			"the server does not serve them in any version known here, so there are none",
		},
		{
			"version-not-served", "The server serves the kind in versions that this release of the tool does not know.",
			"the server serves them in {served}, and known here is {known}: they were not read; a newer release of this tool may know more",
		},
		{
			"group-unknown", "What the server serves of an API group could not be read.",
			"{reason}",
		},
		{
			"custom-resources-left-out", "Custom resources were not read because of a flag.",
			"they were not read (--custom-resources=false), and some kinds of them make pods; leave the flag out to have them read",
		},
		{
			"custom-version-unknown", "The version of the object is not read here.",
			"nothing here reads its version, {version}",
		},
		{
			"controller-without-template", "The server returned a controller without a pod template.",
			"the server returned it without a pod template; look at it with kubectl get -o yaml",
		},
		{
			"policy-not-read", "A PodSecurityPolicy of the server could not be read.",
			"reading it from the server: {errors:;}; look at it with kubectl get psp -o yaml",
		},
		{
			"server-version-forbidden", "The version of the server may not be read. Name it with --target-version.",
			"reading /version is forbidden (403); name the server's version with --target-version",
		},
		{
			"helm-release-not-read", "The stored Helm release could not be decoded.",
			"{error}; look at it with helm history and helm get manifest",
		},
		{
			"helm2-release", "Releases of Helm 2 are not decoded and may hold a PodSecurityPolicy.",
			"releases of Helm 2 are not decoded, and this one may hold a PodSecurityPolicy; move it to Helm 3 (helm 2to3 convert), or delete these objects if nobody uses Helm 2 any more",
		},
	}
}

// editKinds returns the messages on why an edit of a template is safe, or what to test.
func editKinds() []Kind {
	const user = "[?unstated its pods run as a user that the template does not state; ][?denied the template says false; ]"
	return []Kind{
		{
			"edit-denies-escalation", "Programs with setuid or file capabilities no longer gain them. Test those that the container starts.",
			"[?asked the template asks for true; ]programs that gain privileges as they start (setuid, file capabilities: sudo, ping) no longer can",
		},
		{
			"edit-drops-capabilities", "The runtime gives containers some capabilities by default. Test whether the program uses one of them.",
			"it loses the capabilities that the runtime gives by default, and may use one[?added ; what it adds stays added: {added}]",
		},
		{
			"edit-drops-nothing", "A user other than root has no capabilities unless a program gives them to it.",
			"it runs as another user than root and cannot gain privileges: it has no capabilities to lose",
		},
		{
			"edit-requires-non-root", "The kubelet starts a container with runAsNonRoot only where it knows that the user is not root. Test whether it starts.",
			user + "an image whose USER is root, or a name instead of a number, does not start with it: set runAsUser to the number that 'id -u' gives in a pod that runs (from v1.31 on also status.containerStatuses[].user.linux.uid)",
		},
		{
			"edit-requires-windows-user", "The kubelet starts no container of ContainerAdministrator with runAsNonRoot. Test whether it starts.",
			user + "an image that runs as ContainerAdministrator does not start with it: set windowsOptions.runAsUserName, or USER in the image, to another user",
		},
		{
			"edit-of-default-alone", "The value of the pod has no effect on containers that have their own.",
			"every container states its own",
		},
		{
			"edit-replaces-stated-value", "Whoever wrote the value may have had a reason. Only they can say whether it may go.",
			"the template states another value, which changes nothing today: find out what it was written for",
		},
		{
			"edit-of-user-by-number", "The kubelet knows that a user with a number other than 0 is not root.",
			"it runs as another user than root, by number",
		},
		{
			"edit-sets-first-seccomp-profile", "A seccomp profile refuses system calls. Test whether the program makes one of them.",
			"no profile is in force today, and this one refuses system calls that few programs make",
		},
		{
			"edit-of-seccomp-annotation", "The field says what the annotation has said, and newer servers read only the field.",
			"its annotation asks for it, and servers up to v1.26 write that into the field",
		},
		{
			"edit-of-apparmor-annotation", "The field says what the annotation has said, and newer servers have the field.",
			"its annotation asks for it, and servers from {version} on write that into the field",
		},
		{
			"edit-in-force", "The pods that run have this value already, so they do not change.",
			"[?policy the policy {policy:q} sets it today][!policy its pods run with it today]",
		},
	}
}

// obstacleKinds returns the messages on what a person can do about a check of the standards that no edit of a template
// meets.
func obstacleKinds() []Kind {
	const agents = "; an agent of the node that needs it belongs in a namespace of its own, at privileged"
	return []Kind{
		{
			"obstacle-injected", "A webhook adds to the pods what the check refuses. Change its configuration.",
			"it is not in the template: change it where it is put into the pods",
		},
		{
			"obstacle-debug-containers", "Debug containers are of a running pod and no part of a manifest.",
			"no API server takes a manifest with ephemeralContainers: take them out",
		},
		{
			"obstacle-in-custom-resource", "The template is in a custom resource. Edit it there.",
			"change it in {kind} {name} at {path}",
		},
		{
			"obstacle-of-unknown-check", "The tool has no advice about the check. The documentation of Kubernetes says what it asks for.",
			"look the check up in the Pod Security Standards",
		},
		{
			"obstacle-windows-not-stated", "Restricted waives this check for pods that state spec.os.name: windows.",
			"its pods go to Windows nodes: once no policy sets Linux fields any more, state spec.os.name: windows, of which restricted asks no such field from v1.25 on",
		},
		{
			"obstacle-windows-on-older-server", "Restricted waives this check for Windows pods, but only from v1.25 on.",
			"Windows pods meet restricted from v1.25 on only: leave it until no older server is left",
		},
		{
			"obstacle-proc-mount", "An unmasked procMount is refused, except by baseline from v1.35 on in a user namespace.",
			"leave procMount out[?baseline [?userNamespace [?older , or wait for v1.35: from then on baseline lets pods have it in a user namespace, as this one has (hostUsers: false)]][!userNamespace [?older : only from v1.35 on does baseline let pods have it in a user namespace (hostUsers: false)][!older , or run in a user namespace (hostUsers: false)]]]",
		},
		{
			"obstacle-privilege-escalation", "The API refuses the field beside others that need privileges.",
			"allowPrivilegeEscalation: false is refused beside privileged: true and the capability CAP_SYS_ADMIN: do without those first",
		},
		{
			"obstacle-apparmor", "The template names an AppArmor profile that the level refuses.",
			"somebody chose no AppArmor profile: try the runtime's own (leave it out), or load one for this program on the nodes",
		},
		{
			"obstacle-capabilities-baseline", "The template adds capabilities that baseline refuses.",
			"find out which of the added capabilities the program does without" + agents,
		},
		{
			"obstacle-capabilities-restricted", "Restricted refuses every added capability but one.",
			"only NET_BIND_SERVICE may be added: a program that runs as the user who owns its files does without most others",
		},
		{
			"obstacle-host-namespaces", "The pod shares a namespace of the node: its network, its processes or its memory.",
			"find out whether it has to see the node's network, processes or memory" + agents,
		},
		{
			"obstacle-host-path", "The pod mounts a folder or file of the node.",
			"use a volume that is not the node's (a claim, emptyDir, configMap)" + agents,
		},
		{
			"obstacle-host-ports", "The pod takes a port of the node.",
			"publish the port through a Service (NodePort, LoadBalancer) or an Ingress instead" + agents,
		},
		{
			"obstacle-host-probes", "A probe or hook names a host, which the kubelet then asks.",
			"leave the host out of the probe or hook: the kubelet then asks the pod's own address",
		},
		{
			"obstacle-privileged", "The container is privileged, which gives it all of the node.",
			"grant the one device or capability that it needs instead" + agents,
		},
		{
			"obstacle-volumes", "The template has volumes of types that restricted refuses.",
			"use one of the volume types that restricted has: configMap, csi, downwardAPI, emptyDir, ephemeral, persistentVolumeClaim, projected, secret",
		},
		{
			"obstacle-root", "The template states that the container runs as root.",
			"it is to run as user 0: build the image for another user, or set runAsUser to one that the image can run as",
		},
		{
			"obstacle-selinux", "The template has SELinux options that the level refuses.",
			"leave user and role out, and use a type that the standard lists",
		},
		{
			"obstacle-seccomp", "The template turns seccomp off.",
			"somebody chose to run it without a seccomp profile[?byAnnotation , by field or by annotation]: try RuntimeDefault, or load a profile for this program on the nodes",
		},
		{
			"obstacle-sysctls", "The template sets sysctls that are not kept apart for each pod.",
			"set it on the nodes instead, or do without: only the sysctls that the standard lists are kept apart for each pod",
		},
		{
			"obstacle-host-process", "The container runs as a process of a Windows node.",
			"a host process container runs on the node itself" + agents,
		},
	}
}

// patchRemarkKinds returns the messages of patches on the values that they write and on those that they leave out.
func patchRemarkKinds() []Kind {
	return []Kind{
		{
			"patch-value", "A value of the template. It is safe where the reason says so; one of test is to be tried with the program first.",
			"[?safety {safety} ][?annotation annotation {annotation}][!annotation [?container container {container:q} ][!container pod ]{field}]={value}: {why}[?whyId ]",
		},
		{
			"patch-value-in-force", "The pods have the value today without it being in their template. Written there, it stays once PodSecurityPolicy is gone.",
			"[?policy the policy {policy} sets it today][!policy the API server makes it of an annotation today]",
		},
		{
			"patch-values-lower-level", "What the policies set is looser than what the template has without it. Decide which of both the workload needs.",
			"written down, these values meet {level} only; without them it meets {without}",
		},
		{
			"patch-non-root-not-shown", "The kubelet starts a container with runAsNonRoot only where it knows that the user is not root. Test whether it starts.",
			"no live pod was read that starts with runAsNonRoot: true: none does whose image has root, or a name instead of a number, as its USER, unless runAsUser is set",
		},
		{
			"patch-mutations-unknown", "Several policies may admit the pods, and which of them does decides what is set. Compare a live pod with the template.",
			"what a policy sets in its pods is not known: compare them with the template",
		},
		{
			"patch-leaves-out-unconfined", "A pod without a seccomp profile runs unconfined, and the standards refuse the word. Nothing is to be written.",
			"the policy {policy} sets the seccomp profile unconfined, which a pod without one has anyway: left out",
		},
		{
			"patch-leaves-out-escalation", "A container may escalate privileges unless it says otherwise. Nothing is to be written.",
			"the policy {policy} sets allowPrivilegeEscalation: true in container {container:q}, which it is anyway: left out",
		},
		{
			"patch-leaves-pods", "The controller gives its template to new pods only. Delete the old pods when the program allows it.",
			"its pods stay as they are until they are deleted",
		},
		{
			"patch-reaches-nothing", "What keeps the workload from the level is for people to change: the remarks that follow name each check.",
			"no edit reaches {level}:",
		},
		{
			"patch-incomplete", "Some checks ask for a value, others refuse one that people have to take out first: the remarks that follow name them.",
			"these edits alone do not reach {level}, so there is no patch of them:",
		},
		{
			"patch-pods-do-not-meet", "Webhooks add to the pods what the level refuses: the remarks that follow name each check.",
			"the template meets {level} with it, its pods do not:",
		},
		{
			"patch-obstacle", "A check that no edit of the template meets, in the words of Pod Security Admission, and what a person can do.",
			"{check}: {violation}[?advice ; {advice}][?adviceId ]",
		},
		{
			"patch-obstacles-advice", "What a person can do about the checks of the remarks before.",
			"for each of these: {advice}[?adviceId ]",
		},
		{
			"patch-known-component", "The project of the program has a page on how it works with the Pod Security Standards.",
			"{component}: {advice} ({source})",
		},
		{
			"patch-chart-values", "The workload comes from a Helm chart. Set these values of the chart instead of a patch, which the next upgrade may undo.",
			"the chart {chart} takes the pod's values under {pod}, and the container's under {container} ({source})",
		},
		{
			"patch-refused-by-policy", "As long as PodSecurityPolicy is in force, these policies would refuse the patched pods.",
			"{policies:3 and}, which admits its pods today, lets them set no seccomp profile and would refuse them: relax it or bypass it first",
		},
		{
			"patch-loses-mutations", "The fields that policies set in the pods beyond what the level asks for. Write them with patch --keep.",
			"a policy sets more than this level asks for, and that would be lost: write it into the template first, with --keep ({fields})",
		},
	}
}

// patchByHandKinds returns the messages on workloads that get no patch, and on patches that another tool would undo.
func patchByHandKinds() []Kind {
	return []Kind{
		{
			"patch-of-job", "The API server lets nobody change the template of a Job.",
			"the template of a Job cannot be changed: put the values into the manifest that it is made from, for its next run",
		},
		{
			"patch-of-pod", "The API server lets nobody change the security context of a pod.",
			"a pod cannot be changed: put the values into the manifest that it is made from (of a static pod, on its node), and make it again",
		},
		{
			"patch-of-custom-resource", "Custom resources take no strategic merge patch. Edit the template in the object, or in its manifest.",
			"a patch of a custom resource would replace whole lists: change it in {object} at {paths}",
		},
		{
			"patch-of-unread-template", "The object that has the template was not among what was read. Read it too, or edit its template.",
			"its own manifest was not read, only its pods: put the values into the pod template that {object} has",
		},
		{
			"patch-of-manifest", "The pod is in no cluster that was read, so its manifest can still be changed.",
			"only its manifest was read, and no pod: put the values there",
		},
		{
			"patch-of-generated-name", "A manifest with generateName names no object that could be patched.",
			"the server chooses its name when it is made: put the values into its manifest",
		},
		{
			"patch-reverted-by-owner", "A controller made the object and keeps it as it wants it. Change the controller.",
			"{owner} makes it and would undo a patch: set the values there",
		},
		{
			"patch-of-old-revision", "An earlier revision of the controller, which it keeps to go back to. Its template is not what runs, and counts until it is deleted.",
			"{owner} made it from an earlier template, and 'kubectl rollout undo' could bring it back: it counts until it is deleted",
		},
		{
			"patch-of-earlier-template", "An older revision of a workload, which runs again only if somebody rolls back to it.",
			"{owner} made it from an earlier template: it matters only if that comes back; delete it, or leave it",
		},
		{
			"patch-owner-not-read", "The object that makes the workload was not among what was read. Read it too, or edit its template.",
			"{owner} makes it and was not read: put the values into that",
		},
		{
			"patch-reverted-by-helm", "The next upgrade of the release may write the chart's values again. Set them in the values of the chart.",
			"{tool}[?source  ({source})] may undo a patch when it upgrades: put the values where the chart takes them",
		},
		{
			"patch-reverted-by-tool", "The tool keeps the object as its source has it. Change the source.",
			"{tool}[?source  ({source})] would undo a patch: put the values where it reads them",
		},
		{
			"patch-refused-terminating", "The namespace is being deleted, and with it the workload.",
			"refused: its namespace is being deleted",
		},
		{
			"patch-refused-twice", "No plan that this tool wrote has a workload twice. Make the plan anew.",
			"refused: the plan has it twice",
		},
		{
			"patch-refused-namespace-name", "No namespace can have the name that the plan has. Make the plan anew.",
			"refused: its namespace has no valid name",
		},
		{
			"patch-refused-name", "No object can have the name that the plan has. Make the plan anew.",
			"refused: its name is not valid",
		},
		{
			"patch-refused-value", "No plan that this tool wrote has such a value. Make the plan anew.",
			"refused: {error}",
		},
	}
}

// gateReasonKinds returns the messages of the reasons against an upgrade past PodSecurityPolicy. The command gate names
// them by their ids.
func gateReasonKinds() []Kind {
	return []Kind{
		{
			"no-audit-and-warn", "The namespaces get audit and warn labels before enforce, so that what enforce would refuse is seen first.",
			"{n} {n:namespace has|namespaces have} no audit and warn labels yet: set them first, and look at what they say",
		},
		{
			"no-enforce", "Without an enforce label the server's default holds, which lets everything in unless it is configured. Write the recommended labels.",
			"{n} {n:namespace has|namespaces have} no enforce label: without policies everything is let in there",
		},
		{
			"labels-without-effect", "The server knows six keys under the prefix of Pod Security, and takes an invalid value for another one. Correct or remove these labels.",
			"labels that the server ignores, or takes for another value than they say",
		},
		{
			"refused-by-label", "What runs does not meet the level that its namespace enforces: it runs on, and is refused when it is created again.",
			"pods that could not be made again under the level of their namespace",
		},
		{
			"refused-after-upgrade", "The enforce label has no fixed version, and the new release has checks that what runs does not meet. Pin the version, or loosen the level.",
			"pods that {to} would refuse under a level that lets them in today",
		},
		{
			"mutated-by-policies", "Policies write values into the pods of these workloads, and nothing does once they are gone. The command patch writes them into the templates.",
			"{n} {n:workload lives|workloads live} by values that policies set and no template states",
		},
		{
			"not-bypassed", "Policies still decide about these pods. Let the pods past them while that can be undone, and see whether they can be created.",
			"in {n} {n:namespace|namespaces} policies still decide about pods: take them out of the way, while that can be undone",
		},
		{
			"admission-plugin", "An API server of v1.25 does not start while a flag names the admission plugin PodSecurityPolicy. Take it out of the flags; where they were not read, look there.",
			"[?naming {naming} {naming:API server names|API servers name} the plugin PodSecurityPolicy in flags, of {all} whose mirror pods were read][!naming whether an API server still names the plugin PodSecurityPolicy: flags are not served by the API[?unused ; no live pod was admitted by a policy, so it seems to be off]]",
		},
		{
			"pod-security-off", "Labels do nothing on an API server that runs without the admission plugin PodSecurity. Turn it on before you rely on labels.",
			"{n} {n:API server runs|API servers run} without the plugin PodSecurity, of {all} whose mirror pods were read: there, labels do nothing",
		},
		{
			"policy-bindings", "These bindings are for the use of policies alone. Delete them before the roles that they refer to.",
			"bindings grant the use of policies and nothing else",
		},
		{
			"policy-roles", "Roles let somebody use policies. Delete them, or take the rules out, once no API server asks for policies; roles that were not read may do so, too.",
			"[?unread whether more roles let somebody use policies: [?byGap not all roles and bindings were read][!byGap bindings refer to roles that were not read]: {unread:5 and}][!unread {n} {n:role still lets|roles still let} somebody use policies]",
		},
		{
			"policies", "No API server from v1.25 on serves policies or gives them back. Save them, and delete them once no API server asks for them.",
			"{n} {n:policy is|policies are} still there, and will not be served any more",
		},
		{
			"helm-releases", "Helm reads a stored revision before it changes a release, and fails on a kind that is not served. The command clean-helm takes the policies out.",
			"{n} {n:Helm release holds|Helm releases hold} policies in stored revisions, which Helm cannot read back where policies are not served, whatever the chart holds by then",
		},
		{
			"seccomp-annotations", "API servers from v1.27 on ignore the seccomp annotations of pods. Write the field seccompProfile instead.",
			"{n} {n:workload relies|workloads rely} on a seccomp annotation, which no API server reads from v1.27 on: the profile would silently be gone",
		},
		{
			"controllers-exempt", "Pods that an exempt user creates are never checked. Once policies are gone, nothing checks the pods of these controllers.",
			"the admission configuration exempts users that create pods for everybody: without policies nothing checks those",
		},
	}
}

// gateObjectKinds returns the messages on the single objects that a reason or note of the gate is about.
func gateObjectKinds() []Kind {
	return []Kind{
		{
			"object-namespace", "A namespace.",
			"{namespace}",
		},
		{
			"object-label", "A label of a namespace with its value.",
			"{namespace}: {label}={value}",
		},
		{
			"object-refused-namespace", "A namespace with the level that it enforces, the one that it needs at that version, and the workloads that need it.",
			"{namespace}: {level} is enforced, and {needed}[?looser  or a looser level] is needed at {version} ({workloads}[!workloads by a check of another version than the plan's])",
		},
		{
			"object-admitting-policies", "A namespace with the policies that admit its pods and may refuse or change them.",
			"{namespace}: {policies}",
		},
		{
			"object-workload", "A workload.",
			"{namespace}/{kind}/{name}",
		},
		{
			"object-mutated-workload", "A workload with how many values policies set in its pods.",
			"{namespace}/{kind:lower}/{name}[?values : {values} {values:value|values}]",
		},
		{
			"object-policy", "A PodSecurityPolicy with the number of workloads whose live pods it has admitted.",
			"{policy}[?workloads  (it admitted live pods of {workloads} {workloads:workload|workloads})]",
		},
		{
			"object-role", "A role with rules on policies.",
			"{role}",
		},
		{
			"object-binding", "A binding to a role that lets use policies.",
			"{binding}",
		},
		{
			"object-namespace-writer", "Who may write namespaces, where, and by which binding and role.",
			"{kind} {name}: {verbs} [?namespace namespace {namespace}][!namespace all namespaces] ({binding}, {role})",
		},
		{
			"object-user", "A user.",
			"{user}",
		},
		{
			"object-api-server", "The mirror pod of an API server, with what its flags say.",
			"kube-system/{pod}[?flags : {flags}]",
		},
		{
			"object-helm-release", "A Helm release, with objects that its stored revisions hold.",
			"{namespace}/{name}[?objects : {objects}]",
		},
		{
			"object-helm-release-of-policies", "A Helm release with the revisions that hold policies, and the commands of Helm that fail once policies are not served.",
			"{namespace}/{name}: {revisions:revision|revisions} {revisions} ({storage}), {policies}: {fails:;}",
		},
		{
			"object-helm-release-of-removed", "A Helm release with objects that the new release does not serve, and the commands of Helm that fail then.",
			"{namespace}/{name} ({storage}): {objects}: {fails:;}",
		},
	}
}

// gateUnknownKinds returns the messages of what the command gate could not tell.
func gateUnknownKinds() []Kind {
	return []Kind{
		{
			"nothing-read", "Nothing to evaluate was read. An empty answer is no proof that a cluster is ready.",
			"no policy, namespace or workload was read: name the right files, folders or cluster",
		},
		{
			"gaps", "What could not be read or evaluated may be a reason against the upgrade. Each gap of the plan says why.",
			"{n} {n:thing|things} could not be read or evaluated: {what:5 and}",
		},
		{
			"names", "A plan that was edited names namespaces as no cluster can have them. No command is written for them.",
			"namespaces under names that none can have: {names:5 and}",
		},
		{
			"labels", "The Namespace objects were not read, so which levels they enforce is not known.",
			"the labels of {namespaces:#} {namespaces:namespace|namespaces} were not read: {namespaces:5 and}",
		},
		{
			"backup", "No API server from v1.25 on gives policies back. Save them with their RBAC first.",
			"whether the policies and the RBAC around them are saved: from v1.25 on no API server gives them back",
		},
		{
			"helm-releases-unread", "A stored Helm release that holds a policy can be neither upgraded nor rolled back from v1.25 on. Let the command gate read the cluster, since no plan holds Helm releases.",
			"whether a stored Helm release holds a policy, with which helm upgrade and helm rollback fail from v1.25 on: [!all [?plan saved plans and snapshots hold no Helm releases][!plan [?releases files do not say whether {releases} {releases:release is all there is|releases are all there are}][!releases no Secrets and ConfigMaps of a cluster were read]]][?gaps [?all not read: ][!all . Not read, either: ]{gaps:5 and}]",
		},
		{
			"new-namespaces", "A namespace without labels gets the level of the admission configuration. Without one it lets everything in.",
			"which level a namespace gets that is made from now on[?configured : the admission configuration lets everything in by default][!configured , and what the API server exempts: its admission configuration is not served by the API, and without one everything is let in][?writers ; of what was read, {writers:3 and}]",
		},
	}
}

// gateAdviceKinds returns the messages of what the command gate advises about reasons and about what it could not tell.
func gateAdviceKinds() []Kind {
	return []Kind{
		{
			"see-gaps", "The gaps of the plan say what could not be read, why, and what to grant.",
			"see the gaps of the plan for the reasons and what to grant",
		},
		{
			"read-namespaces", "Give the Namespace objects with the other files, or grant to list them.",
			"read the Namespace objects too",
		},
		{
			"read-roles", "Give the roles that bindings refer to with the other files.",
			"read these roles too",
		},
		{
			"take-plugin-out", "Take the admission plugin out of the flags that turn plugins on and off, on every API server.",
			"take PodSecurityPolicy out of --enable-admission-plugins, and out of --disable-admission-plugins, of every API server: from v1.25 on it does not start with a plugin that it does not know in either",
		},
		{
			"plugin-of-eks", "EKS has no flags to change: it takes the plugin away with the upgrade.",
			"EKS keeps the plugin on until v1.25 and takes it away itself: leave the policy eks.privileged and its grant to everybody in place until then",
		},
		{
			"plugin-of-gke", "GKE turns the plugin off by this command.",
			"gcloud container clusters update NAME --no-enable-pod-security-policy",
		},
		{
			"run-pod-security", "Flags keep the admission plugin PodSecurity off. Change them first.",
			"change these flags of every API server, in the manifest of its static pod, before labels are relied on",
		},
		{
			"force-replaces-labels", "The command has --force since the labels of these namespaces have other values. Look at them first.",
			"--force replaces labels that somebody has set to another value: {namespaces:5 and}",
		},
		{
			"labels-of-another-tool", "A label that another tool writes comes back after a change. Change it at its source.",
			"where another tool writes the labels, put them into its source ('{tool} labels -o manifest'): {namespaces:5 and}",
		},
		{
			"opt-out-of-label-syncer", "OpenShift sets the labels of a namespace unless the namespace opts out.",
			"{syncer} sets the labels of {namespaces:5 and}: to set them yourself, give the namespace the label {label}=false first, then write them ('{tool} labels')",
		},
		{
			"labels-not-counted", "The labels of these namespaces were not read. The plan, and commands of labels, count them among those that get labels, and write none where they are there.",
			"not counted: {namespaces:5 and}, whose labels were not read: the plan counts them, and 'labels' writes these where they are missing",
		},
		{
			"labels-repaired-with-level", "The server takes the repair of several invalid labels only together. Another reason has the command.",
			"the labels of {namespaces:5 and} are repaired together with the level that refuses pods there: see the reason above that names it",
		},
		{
			"labels-wait-for-level", "The server takes the repair of several invalid labels only together, and the level is not known.",
			"the labels of {namespaces:5 and} have to be written together with the level, and which one that is is not known",
		},
		{
			"loosen-or-patch", "The commands loosen the label. The command patch edits the workloads instead, so that they meet it.",
			"this sets the label to what runs; to keep it instead, see '{tool} patch --raise'",
		},
		{
			"pin-or-loosen", "A label with the version latest changes its meaning with every upgrade.",
			"the level follows the server's own version: pin it, or loosen it",
		},
		{
			"look-at-injected-pod", "Only what a webhook is known to add is refused. Look at a live pod before you loosen the label.",
			"no live pod shows what is refused, it is only taken to be added to new pods: look at one first in {namespaces:5 and}",
		},
		{
			"level-to-set-unknown", "A gap may hide what needs a looser level, so no command sets one.",
			"which level to set is not known where not all was read (see the gaps of the plan): {namespaces:5 and}",
		},
		{
			"patch-rolls-out", "A change of a template makes its workload roll out. Read the script first.",
			"read the file before it is run: it makes the workloads roll out",
		},
		{
			"edit-custom-resources", "The templates are in custom resources. Edit them at the paths that are named.",
			"no patch is written for custom resources, edit them: {resources:5 and}",
		},
		{
			"patch-undone-by-tool", "Another tool writes these workloads. Change them at their source.",
			"another tool writes some of them and would undo it: {workloads}",
		},
		{
			"force-undone-by-tool", "Another tool writes the labels of these namespaces. Change them at their source, too.",
			"another tool writes {namespaces}: it may undo what --force does there, unless its source says the same",
		},
		{
			"edit-role", "The role has other rules. The patch takes out those about policies.",
			"a role that is about other things too is edited, not deleted; the patch is refused if the role was changed since",
		},
		{
			"save-policies-first", "While the plugin is on, a server without policies refuses every pod.",
			"save them first, and delete nothing while the plugin is on: a server that finds no policy to use refuses every pod",
		},
		{
			"upgrade-helm-releases-first", "An upgrade to a chart without policies keeps Helm from making them again. The revisions before still hold them.",
			"first upgrade each to a chart without policies: that alone leaves them in the revisions before, and a rollback to one of these fails and locks the release",
		},
		{
			"upgrade-helm-releases-after", "The server serves no policies, so Helm can install no chart with one.",
			"then upgrade each to a chart without policies: no other can be installed here",
		},
		{
			"clean-helm-releases", "The command clean-helm edits what Helm stores, and nothing on the server.",
			"cleaning takes the policies, and nothing else, out of every stored revision, after a backup[?served , and leaves a policy that is on the server where it is]",
		},
		{
			"read-helm-releases", "Helm stores releases in Secrets or ConfigMaps of the cluster. Only somebody who may list them can tell.",
			"ask the cluster, as somebody who may list Secrets and ConfigMaps ({tool} plan --print-role has the rule); or upgrade every release to a chart without policies while the server still serves them, and clean what is stored",
		},
		{
			"write-seccomp-profile", "Write into the field seccompProfile what the annotation says.",
			"the field seccompProfile of the template has to say what the annotation says; where no patch can write it, write it into the manifest and make the object again",
		},
		{
			"take-controllers-out", "Exempt users are in the admission configuration of each API server. Label the namespaces before you take them out.",
			"label the namespaces as their workloads need, then take the users out of exemptions.usernames of every API server's admission configuration",
		},
		{
			"default-level-of-service", "The service runs the API servers and takes no admission configuration.",
			"{service} takes no admission configuration: label namespaces where they are made, and refuse those without a level by an admission policy of your own",
		},
		{
			"default-level-in-given-config", "The admission configuration that was given sets no default, or a loose one.",
			"label them where they are made, or set a stricter default in the admission configuration that is given here: '{tool} gate -o admission-config --admission-config=FILE' prints it with one, and keeps its exemptions",
		},
		{
			"default-level-in-config-on-host", "API servers have an admission configuration already. Change that one.",
			"label them where they are made, or set a default in the admission configuration that API servers have already ({files:3 and}): take that file from the host, and '{tool} gate -o admission-config --admission-config=FILE' prints it with one, and keeps its exemptions",
		},
		{
			"default-level-in-new-config", "No API server is known to have an admission configuration.",
			"label them where they are made, or give every API server the admission configuration that '{tool} gate -o admission-config' prints",
		},
	}
}

// gateNoteKinds returns the messages of what the command gate notes. They decide nothing.
func gateNoteKinds() []Kind {
	return []Kind{
		{
			"terminating-not-asked", "The namespace is being deleted, so what is in it is no reason against the upgrade.",
			"being deleted (terminating): nothing is asked of what is in it",
		},
		{
			"seccomp-annotations-copied", "The release to upgrade to still copies seccomp annotations to fields. From v1.27 on they mean nothing.",
			"seccomp annotations without the field: API servers copy them to it up to v1.26, and from v1.27 on ignore them",
		},
		{
			"apparmor-annotations-copied", "AppArmor annotations still have an effect and are deprecated.",
			"AppArmor annotations without the field: deprecated since v1.30 and still copied to the field appArmorProfile, which is there from that release on",
		},
		{
			"admission-plugin-off", "No flag that was read names the admission plugin PodSecurityPolicy. API servers whose mirror pods were not read may.",
			"by their mirror pods, these API servers do not name the plugin PodSecurityPolicy, which is off by default: if there are others, look at their flags, too",
		},
		{
			"admission-config-not-given", "An admission configuration may set levels and exemptions, and the API does not serve it. Take it from the host.",
			"API servers have an admission configuration at these places on their hosts, which may set default levels and exemptions: give that file with --admission-config",
		},
		{
			"admission-config-not-used", "These API servers have no flag for an admission configuration.",
			"API servers that run without the admission configuration that is given here: it does not hold there",
		},
		{
			"helm-releases-locked", "Helm marks a release while it changes it, and refuses to upgrade one that is marked.",
			"Helm releases on which an operation was cut off: helm upgrade refuses them until helm rollback ends it",
		},
		{
			"helm-releases-with-policy-roles", "The roles in these releases grant the use of policies, which is nothing once policies are gone.",
			"stored Helm releases with roles for policies: they do no harm, and Helm makes them again until the chart is without them",
		},
		{
			"helm-releases-with-removed-objects", "Stored Helm releases hold objects of other API versions that the release to upgrade to does not serve. Use helm-mapkubeapis.",
			"{n} {n:Helm release holds other objects|Helm releases hold other objects} in API versions that {to} does not serve, which fails helm upgrade and helm rollback as policies do: clean-helm takes out PodSecurityPolicies only, and the plugin helm-mapkubeapis ('helm mapkubeapis RELEASE') rewrites the others in the newest revision",
		},
		{
			"no-enforce-recommended", "Nothing is recommended for the namespace, and it has no label. The server's default decides.",
			"no enforce level is recommended, and none is set: the API server's default holds, which is privileged unless it is configured",
		},
		{
			"exempt-not-checked", "The admission configuration exempts the namespace, so its labels have no effect.",
			"exempt by the admission configuration: nothing in it is checked",
		},
		{
			"templates-not-patched", "The templates of these workloads cannot be changed, or belong to another object. Change the manifests that they come from.",
			"what policies set is not in these templates, and they cannot be patched: it belongs into the manifests that they are made from, if they are made again",
		},
		{
			"policies-not-asked", "The server does not ask policies for pods, so what they would write into pods is missing today already.",
			"what policies would set, if the server asked them, and no template states",
		},
		{
			"provider-roles", "The provider of the cluster manages these roles.",
			"roles of the provider, for its own policies: it takes them away itself",
		},
		{
			"policy-roles-without-effect", "The server serves no policies, so these rules grant nothing.",
			"roles that let use policies, which this server does not serve any more: they grant nothing",
		},
		{
			"provider-policies", "The provider of the cluster manages these policies.",
			"policies of the provider: it takes them away itself",
		},
		{
			"namespace-writers", "Who may write a namespace may remove its labels. Review these grants.",
			"who may write namespaces may lift their level: review them",
		},
		{
			"namespace-writers-administrators", "Cluster administrators may write everything and are not listed.",
			"{n} {n:grant to administrators is|grants to administrators are} set apart there",
		},
	}
}

// verifyLabelKinds returns the messages on whether a namespace's labels are as a roll-out wants them.
func verifyLabelKinds() []Kind {
	const byAdmission = "[?byAdmission ; the server's admission changed other labels along with it, and they are still so: {byAdmission}]"
	return []Kind{
		{
			"verify-unread", "Nothing can be said of what could not be read. Grant what is named, and verify again.",
			"[?stage {stage}: ]{resource} could not be read: {error}[?grant ; grant: {grant} {resource}]",
		},
		{
			"verify-namespace-gone", "The namespace was deleted after the roll-out was planned.",
			"the namespace is gone",
		},
		{
			"verify-labels-unknown", "The journal has no step of the namespace that came to an end.",
			"it is not known which labels are expected: no step of it came to an end" + byAdmission,
		},
		{
			"verify-labels-differ", "Somebody or something changed the labels after the roll-out.",
			"{labels:;}" + byAdmission,
		},
		{
			"verify-no-label-changed", "The roll-out has no change of labels for the namespace.",
			"the roll-out changed no label of it, and is to change none" + byAdmission,
		},
		{
			"verify-no-label-planned", "The plan recommends no label for the namespace.",
			"no label is planned" + byAdmission,
		},
		{
			"verify-labels-as-expected", "The labels are as the roll-out, or its rollback, left them.",
			"[?planned as planned[?restored , or as before the roll-out where it was taken back]][!planned as before the roll-out]" + byAdmission,
		},
	}
}

// verifyStepKinds returns the messages on how it stands with a step of a roll-out that came to no end.
func verifyStepKinds() []Kind {
	const byNow = "[?labelsFit ; by now its labels are as they are to be][?bound ; by now it is there]"
	return []Kind{
		{
			"verify-undo-cut-off", "The rollback ended in the middle of the step. Run it again.",
			"{stage}: taking it back was cut off: go on with 'rollback'" + byNow,
		},
		{
			"verify-step-not-reverted", "The rollback left the step as it is, since something has changed since.",
			"{stage}: not reverted by the rollback: {reason}" + byNow,
		},
		{
			"verify-step-altered", "The server's admission made something else of the step.",
			"{stage}: altered: {reason}" + byNow,
		},
		{
			"verify-step-refused", "The step was not taken.",
			"{stage}: refused: {reason}" + byNow,
		},
		{
			"verify-step-not-taken-back", "The rollback has not come to the step. Run it again.",
			"{stage}: not taken back yet: go on with 'rollback'" + byNow,
		},
		{
			"verify-step-cut-off", "The roll-out ended in the middle of the step. Go on as is said.",
			"{stage}: begun, and cut off: go on with '[?cancelled rollback][!cancelled rollout --resume]'" + byNow,
		},
		{
			"verify-step-not-taken", "The roll-out has not come to the step. Resume it.",
			"{stage}: not taken yet: go on with 'rollout --resume'" + byNow,
		},
		{
			"verify-step-gone", "Somebody deleted the object after the roll-out.",
			"{stage}: it was created, and is gone",
		},
	}
}

// verifyControllerKinds returns the messages on whether controllers get their pods.
func verifyControllerKinds() []Kind {
	return []Kind{
		{
			"verify-refused", "The API server refuses the pods, in its own words.",
			"{said}",
		},
		{
			"verify-refused-as-before", "The pods were refused before the roll-out, too.",
			"as before the roll-out: {said}",
		},
		{
			"verify-refused-otherwise", "Something other than Pod Security or a policy refuses the pods first.",
			"refused for another reason, which hides what Pod Security would say: {said}",
		},
		{
			"verify-refused-in-update", "The number of pods says nothing during an update. Verify again after it.",
			"it is being updated, and has been refused: {said}",
		},
		{
			"verify-refused-pods-unread", "The pods could not be read, so they may have come since.",
			"it was refused, and whether its pods have come since could not be read: {said}",
		},
		{
			"verify-refused-before", "The controller got its pods in the end.",
			"was refused before, and has its pods now: {said}",
		},
		{
			"verify-pods", "The controller has fewer pods than it should have.",
			"[?asBefore as before the roll-out: ]has {present} of {desired} pods[?terminating , and {terminating} being deleted]",
		},
		{
			"verify-not-observed", "The controller has not reacted to the newest version of the object. Wait, and verify again.",
			"its controller has not looked at it yet",
		},
		{
			"verify-no-new-refusals", "No controller of the namespace is refused pods that it was not refused before.",
			"no controller is newly refused pods",
		},
		{
			"verify-controllers", "The controllers of the namespace that have their pods.",
			"controllers that lack no pods: {controllers}[?cronJobs ; cron jobs, which make pods only when they run: {cronJobs}]",
		},
	}
}

// verifyRecreateKinds returns the messages on what the server answers when a pod of a template is created as a dry run.
func verifyRecreateKinds() []Kind {
	return []Kind{
		{
			"verify-no-template", "No controller with a template was found in the namespace.",
			"there is no template that a pod could be made of",
		},
		{
			"verify-recreated", "The server admits a new pod of the template.",
			"the server would take its pod[?policy , with what the policy {policy:q} sets, which whoever runs this may use]",
		},
		{
			"verify-no-usable-policy", "The user who verifies may not use the policy that the workload's account uses.",
			"whoever runs this may not use a policy that admits it, which says nothing of its own account: {said}",
		},
		{
			"verify-create-forbidden", "A dry run needs the right to create pods.",
			"{said}; grant: create pods",
		},
		{
			"verify-probe-admitted", "The server admits a pod that the level forbids, so its answer to other pods is no proof.",
			"the server takes from whoever runs this what {level} forbids: an exemption, or it has not noticed the label; so that it would take other pods says nothing",
		},
	}
}

// verifyAuditKinds returns the messages on what an audit log has about Pod Security.
func verifyAuditKinds() []Kind {
	const counted = " ([?repeated {count} times][!repeated once]): {said}"
	return []Kind{
		{
			"verify-audit-line", "A line of the log is no audit event, so it was not counted.",
			"{line}",
		},
		{
			"verify-audit-lines-more", "Only the first lines that are no audit events are named.",
			"{n} more lines are no audit events",
		},
		{
			"verify-audit-uncounted", "The log has more workloads than are kept.",
			"{n} requests are not listed: the log has more than {limit} workloads",
		},
		{
			"verify-audit-refused", "The server refused the request.",
			"refused" + counted,
		},
		{
			"verify-audit-error", "Pod Security could not evaluate the request.",
			"the server could not evaluate it" + counted,
		},
		{
			"verify-audit-exempt", "The request was exempt, so Pod Security did not look at it.",
			"let in unseen" + counted,
		},
		{
			"verify-audit-violation", "The pod violates a level that is not enforced.",
			"let in, and would be refused at {level}[?enforceUnknown , and it is not known what the namespace enforces]" + counted,
		},
		{
			"verify-audit-violation-of-unknown-level", "The pod violates a level. Which one, the log does not say.",
			"let in, and violates a level that the log does not name" + counted,
		},
		{
			"verify-audit-template-refused", "The object was admitted, and its pods will be refused.",
			"its pods are refused at {level}, which the namespace enforces" + counted,
		},
		{
			"verify-audit-pod-refused-again", "The pod runs on, and will be refused when it is created again.",
			"let in then, and refused when it is made again at {level}, which the namespace enforces" + counted,
		},
		{
			"verify-audit-policy-refused", "A policy that generate wrote refused the request.",
			"refused by the policy {policy}" + counted,
		},
		{
			"verify-audit-policy-fails", "A policy that generate wrote does not accept it. Nothing was refused, since its binding only reports.",
			"let in, and the policy {policy} refuses it once its action is deny" + counted,
		},
		{
			"verify-audit-policy-fails-refused", "A policy that generate wrote does not accept it either. Something else refused it.",
			"refused, and the policy {policy} does not accept it either" + counted,
		},
		{
			"verify-audit-summary", "The requests of the log about the namespace.",
			"[?requests requests that Pod Security evaluated: {requests}][!requests the log has no request in it that Pod Security evaluated][?dryRuns ; dry runs, which are passed over: {dryRuns}]",
		},
	}
}

// labelsRefusedKinds returns the messages on namespaces for which no Pod Security labels may be written.
func labelsRefusedKinds() []Kind {
	return []Kind{
		{
			"labels-refused-name", "No namespace can have the name that the plan has. Make the plan anew.",
			"its name is not a valid namespace name",
		},
		{
			"labels-refused-value", "The server takes no such value. Make the plan anew.",
			"the label {label} would get the value {value:ascii}, which is not valid",
		},
	}
}

// rolloutSkipKinds returns the messages on namespaces that get no step at a stage of a roll-out.
func rolloutSkipKinds() []Kind {
	return []Kind{
		{
			"rollout-skips-beyond-number", "The flag --max-namespaces was given, and other namespaces come first. Run the roll-out again for the next ones.",
			"beyond the number of namespaces asked for",
		},
		{
			"rollout-skips-excluded", "The flag --exclude names the namespace.",
			"left out with --exclude",
		},
		{
			"rollout-skips-terminating", "The namespace is being deleted. It needs no labels.",
			"it is being deleted",
		},
		{
			"rollout-skips-no-recommendation", "The plan recommends no labels for the namespace and says why.",
			"nothing is recommended for it",
		},
		{
			"rollout-skips-unread", "The namespace object was not among what was read. Read it, too: only then is it known what a label would change.",
			"its labels were not read",
		},
		{
			"rollout-skips-synced", "A controller of the cluster writes Pod Security labels and would undo others. Opt out of it, or use --force.",
			"{owner} writes these labels: give the namespace the label {label}=false first, or take over with --force",
		},
		{
			"rollout-skips-owned", "Another tool writes the namespace from a source of its own. Put the labels into that source.",
			"{owner} writes this namespace and would undo a change: put the labels where it reads them (labels -o manifest), or take over with --force",
		},
		{
			"rollout-skips-no-enforce", "The plan withholds the enforced level because of a gap. Close the gap, and make the plan anew.",
			"no enforce is recommended: something that touches it could not be read",
		},
		{
			"rollout-skips-looser", "No level is loosened without being asked for. Name it with --enforce, or change the workloads.",
			"the enforce that is needed is looser than today's: ask for it with --enforce when the plan is made, or mend the workloads",
		},
		{
			"rollout-skips-no-bypass-name", "Of the policies that do not change a pod the first by name admits it, so that of the bypass has to sort before all others.",
			"no policy can be named so that it sorts before {policy}",
		},
		{
			"rollout-skips-not-enforced", "Pods are let past the policies only where a level is enforced. Roll out the stage enforce before.",
			"its enforce label is not on yet: take the stage enforce first",
		},
	}
}

// rolloutStepKinds returns the messages on steps of a roll-out that were not taken, whatever they change.
func rolloutStepKinds() []Kind {
	const became = " [?takenBack was taken back][!takenBack was refused]"
	return []Kind{
		{
			"rollout-namespace-stopped", "After a refused step a namespace gets no further one. See the reason of the earlier step.",
			"an earlier step of this namespace" + became,
		},
		{
			"rollout-bypass-stopped", "The policy or the role of the bypass could not be made. See the reason of that step.",
			"what the bypass is made with" + became,
		},
		{
			"rollout-namespace-gone", "The namespace was deleted since the plan was made. There is nothing to do.",
			"the namespace is gone",
		},
		{
			"rollout-namespace-terminating", "The namespace is being deleted. There is nothing to do.",
			"the namespace is being deleted",
		},
		{
			"rollout-write-refused", "The server refused the write, for the reason that it gives.",
			"the server does not take it: {error}",
		},
		{
			"rollout-write-conflict", "Every attempt met a write by somebody else. Find out who writes the object, and run the roll-out again.",
			"the object is written by others all the time: {error}",
		},
	}
}

// mutatorsFormat is the end of messages on labels that admission changed: what may have done so.
const mutatorsFormat = "[?mutators probably {mutators:or}, which may change namespaces]" +
	"[!mutators [?unread probably a mutating webhook or MutatingAdmissionPolicy; which ones there are may not be read here]" +
	"[!unread no mutating webhook or MutatingAdmissionPolicy for namespaces is listed: look for an admission plugin of the server]]"

// rolloutLabelKinds returns the messages on steps of a roll-out that write labels.
func rolloutLabelKinds() []Kind {
	return []Kind{
		{
			"rollout-labels-altered", "Admission changed the labels as they were written. Look at what it names, then take the step back or correct the labels.",
			"the server took it, and something made this of it: {differences:;}; " + mutatorsFormat,
		},
		{
			"rollout-labels-changed-since", "The step was written, and somebody has changed the labels since. The roll-out leaves them.",
			"it was written, and has been changed since: {differences:;}",
		},
		{
			"rollout-namespace-changed", "The labels are not those that the plan was made from. Make the plan anew.",
			"the namespace has changed since the plan was made: {difference}",
		},
		{
			"rollout-labels-owned", "Another field manager owns labels that the step would change. Find out what it is, or use --force.",
			"{owners:;}: leave them to it, or take over with --force",
		},
		{
			"rollout-overrode", "With --force the step took these labels over from their field managers. A rollback gives them back.",
			"{owners:;}",
		},
		{
			"rollout-labels-conflict", "The server says that another field manager owns labels of the step. Find out what it is, or use --force.",
			"{error}; leave the labels to it, or take over with --force",
		},
		{
			"rollout-invalid-labels", "The server refuses every write of a namespace with invalid labels that it does not repair. A new plan has them.",
			"it has invalid labels that this step does not repair ({labels}), and the server takes no write that repairs only some: begin a new roll-out, of a new plan, which repairs all in one",
		},
		{
			"rollout-workloads-unread", "Whether what runs meets the level is not known, so it is not enforced. Grant the reading, or use --allow-partial.",
			"what runs in it now could not be read whole",
		},
		{
			"rollout-new-violations", "These workloads are newer than the plan, and the level would refuse their pods. Make the plan anew.",
			"since the plan was made something came that would not meet {level}: {workloads}",
		},
	}
}

// rolloutBypassKinds returns the messages on steps of a roll-out that create an object of the bypass.
func rolloutBypassKinds() []Kind {
	return []Kind{
		{
			"rollout-created-and-refused", "The object was created by an earlier attempt and must not be there any more. A rollback deletes it.",
			"it was created, and now {reason}[?reasonId ]",
		},
		{
			"rollout-no-policies-served", "Servers from v1.25 on have no PodSecurityPolicy. The stage bypass is not needed.",
			"this server serves no PodSecurityPolicy: there is nothing to be let past",
		},
		{
			"rollout-object-exists", "An object of this name does something else. Whoever made it has to rename or delete it.",
			"{object} exists and is another one than is needed here: look at it, and rename or delete it",
		},
		{
			"rollout-not-enforced", "The namespace enforces no level, so its pods stay under the policies. Roll out the stage enforce before.",
			"its enforce label is not on: without it and the policies nothing would hold its pods",
		},
		{
			"rollout-enforced-looser", "Somebody has loosened the level since the plan was made. Make the plan anew.",
			"its enforce label is {level} by now, and the plan's is {planned}: less than was planned would hold its pods",
		},
		{
			"rollout-object-altered", "Admission changed the object as it was created. Look at it; a rollback deletes it.",
			"the server took it, and {fields:and} of it is not what was asked for: probably a mutating webhook or policy changed it",
		},
	}
}

// rollbackKinds returns the messages on steps that a rollback does not take back, or not as they were.
func rollbackKinds() []Kind {
	// What stands before a part of rollback-leaves that is not the first.
	const (
		second = "[?replaced ; ]"
		third  = second + "[!replaced [?kept ; ]]"
		fourth = second + "[!replaced [?kept ; ][!kept [?changed ; ]]]"
	)
	return []Kind{
		{
			"rollback-namespace-gone", "The labels went with the namespace. There is nothing to take back.",
			"the namespace is gone[?madeAgain , and the one that has its name now has none of these labels]",
		},
		{
			"rollback-namespace-made-again", "Not the roll-out but somebody else gave this namespace the labels. With --recreated they are taken off.",
			"the namespace was deleted and made again since, with labels of this roll-out ({labels: }): if they came back with a backup, take them off with --recreated",
		},
		{
			"rollback-labels-changed", "The labels are not as the roll-out left them, so they stay. Set them by hand.",
			"somebody has changed it since: {changes:;}",
		},
		{
			"rollback-labels-claimed", "Another field manager owns the labels by now and wants them so. Change them where it reads them.",
			"somebody else has set it to the same since: {owners:;}",
		},
		{
			"rollback-labels-altered", "Admission changed the labels as they were restored. Look at what it names, and set them by hand.",
			"the server took it, and something made this of it: {differences:;}; " + mutatorsFormat,
		},
		{
			"rollback-leaves", "The step was taken back, but for these labels and fields. Look at them.",
			"[?replaced not put back, since no server takes an invalid value any more: {replaced}, which the server took it for]" +
				"[?kept " + second + "a label that the server's admission had set stays: {kept:;}; " + mutatorsFormat + "]" +
				"[?changed " + third + "a label that the server's admission had set was changed since, and is left: {changed:;}]" +
				"[?unattributed " + fourth + "changed since the step began, and left: {unattributed}]",
		},
		{
			"rollback-bypass-in-place", "The pods of the namespace are held by the level alone. Take the bypass back first.",
			"its pods come past the policies, and without both nothing would hold them: take the stage bypass back first, or delete {object}",
		},
		{
			"rollback-bypass-unknown", "Whether the namespace has a bypass could not be read. Grant reading RoleBindings, and run the rollback again.",
			"whether its pods come past the policies is not known, and then without both nothing would hold them: {error}",
		},
		{
			"rollback-bypass-in-use", "Other namespaces still need the policy and the role of the bypass. Take theirs back first.",
			"pods still come past the policies by it: take the bypass of {namespaces} back first",
		},
		{
			"rollback-need-unknown", "Whether a namespace still needs the object could not be read. Grant listing RoleBindings, and run the rollback again.",
			"whether it is still needed is not known: {error}",
		},
		{
			"rollback-object-existed", "The object was there before the roll-out, so it stays.",
			"it was there before",
		},
		{
			"rollback-object-replaced", "Somebody has replaced the object. It stays; delete it by hand if it is not needed.",
			"{object} is another one by now than was created here",
		},
	}
}

// fileEditKinds returns the messages on why a field is not edited in the text of a file.
func fileEditKinds() []Kind {
	return []Kind{
		{
			"file-edit-no-object", "The text of the file is not the one that was read, or another program makes the object from it.",
			"no object begins on line {line}",
		},
		{
			"file-edit-objects-in-line", "Write each object on lines of its own to have it edited.",
			"several objects begin on line {line}",
		},
		{
			"file-edit-not-parsed", "Only a document that can be read is edited. If it is a template, edit the template by hand.",
			"the document does not parse: {error}",
		},
		{
			"file-edit-invalid", "The edit itself has no path or no value in JSON.",
			"there is no edit of {path} to make: {error}",
		},
		{
			"file-edit-alias", "The text stands elsewhere, and other fields may share it: edit what the alias stands for, or write it out.",
			"{path} is the alias *{alias}: an edit would change every place that has it",
		},
		{
			"file-edit-anchor", "Aliases elsewhere in the file stand for the same text: edit it by hand if it should change in all places, or write it out.",
			"{path} has the anchor &{anchor}, which is used elsewhere: an edit would change those places, too",
		},
		{
			"file-edit-merge-key", "The value comes with a merge key from a map elsewhere: edit that map, or write the value out.",
			"{path} comes from a merge key (<<): an edit would change every place that has it",
		},
		{
			"file-edit-tag", "A tag says how a value is to be read. Edit it by hand.",
			"{path} has the tag {tag}",
		},
		{
			"file-edit-template", "What stands there is replaced before it reaches the cluster: edit the values of the template.",
			"{path} is part of a template that was not rendered",
		},
		{
			"file-edit-duplicate-key", "Readers differ on which of two equal keys counts: remove one.",
			"{path} is given twice",
		},
		{
			"file-edit-other-kind", "The path of the edit does not fit what stands in the file.",
			"{path} is no [?list list][!list map]",
		},
		{
			"file-edit-no-item", "The path of the edit names an item that the list in the file does not have.",
			"{path} is not in the list",
		},
		{
			"file-edit-layout", "The text is laid out in a way that is edited by hand only.",
			"{path} is left to be edited by hand: {layout}",
		},
		{
			"file-edit-unsure", "The edit was made and the result read again, and it was not the one that was meant. Nothing was changed: edit it by hand.",
			"with {path} edited, the document would not read as it should",
		},
	}
}

// checkLevelKinds returns the messages of check on what demands a level of a manifest, and its notes.
func checkLevelKinds() []Kind {
	const label = "the label {key}={value:input}"
	const invalidVersion = "[?invalidVersion  (servers take the invalid version {invalidVersion:input} for latest)]"
	return []Kind{
		{
			"check-level-flag", "The flag --level decides the level of everything.",
			"--level={level} asks for it",
		},
		{
			"check-level-labels", "The labels of the namespace, in the files that were read, decide the level.",
			label + " of namespace {namespace}[?writer , which {writer} writes,] asks for it[?invalid  (servers take an invalid level for restricted)]" + invalidVersion +
				"[?newer  (the standards of {newer} are not known here: the newest that are, of {newest}, are taken)]",
		},
		{
			"check-level-plan", "The plan recommends the level for the namespace.",
			"{plan} recommends {key}={value} for namespace {namespace}",
		},
		{
			"check-level-cluster", "The labels of the namespace on the cluster decide the level.",
			label + " of namespace {namespace} on cluster {cluster} asks for it[?invalid  (servers take an invalid level for restricted)]" + invalidVersion,
		},
		{
			"check-labels-differ", "Namespaces of one name, or objects that write their labels, ask for different levels. One of them counts.",
			"different labels are given for it: {used} ({usedAt}) counts, the strictest or else the first, and not {other} ({otherAt})",
		},
		{
			"check-exception-on-template", "An annotation that asks for an exception stands on a pod template, where it is not read.",
			"the annotation {key:input} stands on the pod template, where it is not read: write it in metadata.annotations of the {kind}",
		},
		{
			"check-level-default", "The namespace has no label of the mode, and the API server's admission configuration has a default for it.",
			"{file} has {level} as the default of {mode}, which namespace {namespace} has no label for",
		},
		{
			"check-exempt-namespace", "The API server's admission configuration exempts the namespace: nothing in it is checked.",
			"{file} exempts it from Pod Security: nothing is asked of its pods",
		},
		{
			"check-exempt-runtime-class", "The API server's admission configuration exempts pods of the runtime class: they are not checked.",
			"{file} exempts pods of the runtime class {class:input} from Pod Security: nothing is asked of them",
		},
		{
			"check-exempt-user", "The API server's admission configuration exempts the controller that makes the pods of the kind: they are not checked.",
			"{file} exempts {user:input}, which makes its pods, from Pod Security: nothing is asked of them",
		},
		{
			"check-admission-unused", "The flag --level decides the level of everything, so that the API server's admission configuration is not used. Leave one of the two out.",
			"it is not used: --level={level} is asked of everything, whatever it has as defaults and whatever it exempts",
		},
		{
			"check-field-unknown", "The object has a field that its kind does not have in the Kubernetes API, so that it asks for nothing. Correct its name, or remove it.",
			"{path:input} is no field of the Kubernetes API[?meant  (did you mean {meant:q}?)]: kubectl apply refuses the object, and a server that gets it from another client drops the field[?more ; {more} more fields of it are unknown]",
		},
		{
			"check-nothing-read", "None of the files holds an object of Kubernetes. What is checked may lie elsewhere.",
			"no object was read: name the right files, or folders with -R",
		},
		{
			"check-listed-missing", "None of the manifests that a list names is there. They may have been deleted, or the list is of another folder.",
			"no manifest that it names is there ({files:3}): if they are deleted, leave them out of the list (git diff --diff-filter=d), else name paths from the working directory or from the top of the git work tree",
		},
		{
			"check-patch-unread", "A text in the object patches its pods, and could not be evaluated.",
			"{path} is a text that changes its pods, and was not evaluated: it is no YAML, or parameters are put into it later; check the pods that come of it, or accept this with --allow-partial",
		},
		{
			"check-template-elsewhere", "The object takes the pod template of another one, which is judged where that is read.",
			"its pods are those of {object}, which is checked where it is among the files",
		},
	}
}

// checkEffectKinds returns the messages of check on what an API server does with an object that does not meet a level.
func checkEffectKinds() []Kind {
	return []Kind{
		{
			"check-effect-refused", "The API server refuses the pod.",
			"the API server refuses the {kind}",
		},
		{
			"check-effect-pods-refused", "The API server takes the object and refuses the pods that are made from it. It warns of the object where the warn label of the namespace asks for the level, too.",
			"the API server takes the {kind}, with a warning where the namespace has the warn label, and refuses its pods",
		},
		{
			"check-effect-warned", "The API server takes the object and its pods, and warns.",
			"the API server warns of the {kind} and takes it",
		},
		{
			"check-effect-audited", "The API server takes the object and its pods, and writes it into its audit log.",
			"the API server takes the {kind} and notes it in its audit log",
		},
		{
			"check-effect-custom-pods-refused", "The API server takes the object, which is of a kind that is not Kubernetes' own, without a word about its pods, and refuses the pods that are made from it.",
			"the API server takes the {kind} without a warning, and refuses its pods",
		},
		{
			"check-effect-custom-pods-warned", "The API server takes the object, which is of a kind that is not Kubernetes' own, without a word, and warns of the pods that are made from it.",
			"the API server takes the {kind} without a warning, and warns the controller that makes its pods",
		},
		{
			"check-effect-custom-pods-audited", "The API server takes the object, which is of a kind that is not Kubernetes' own, and writes the pods that are made from it into its audit log.",
			"the API server takes the {kind}, and notes its pods in its audit log",
		},
	}
}
