package message

// differencePlanKinds returns the messages on what two compared plans are, and on what of their changes is about them as a whole.
func differencePlanKinds() []Kind {
	return []Kind{
		{
			"difference-two-clusters", "The plans are of two clusters, known by the UIDs of their namespaces kube-system: a change is a difference between the clusters, not something that happened.",
			"these are plans of two clusters (kube-system has the UID {before} in the earlier one and {after} in the later one): what follows are differences between clusters",
		},
		{
			"difference-perhaps-two-clusters", "The plans were read from sources with different names, and not both know the UID of the namespace kube-system, which tells clusters apart.",
			"whether both plans are of one cluster is not known: they were read from sources of different names, and [?before [?after neither knows][!after the earlier one does not know]][!before the later one does not know] the UID of kube-system",
		},
		{
			"difference-backwards", "The plan that is taken for the earlier one was read after the other one.",
			"the earlier plan was read after the later one: exchange them, else what is told as new is what is gone",
		},
		{
			"difference-other-target", "Each plan judges by the standards of its target version. Levels, violations and blockers of different standards are not compared; labels, policies, grants, and which workloads there are, are.",
			"the earlier plan is for {before} and the later one for {after}: levels, failed checks and blockers are those of other standards and are not compared; make both with one --target-version",
		},
		{
			"difference-other-basis", "Each plan recommends levels by its basis. Recommended levels of another basis are not compared.",
			"the basis of the earlier plan is {before} and that of the later one {after}: recommended levels are not compared; make both with one --basis",
		},
		{
			"difference-other-tool", "The plans were made by two versions of the tool. Where a newer one judges otherwise, that is told as a change although nothing in the cluster changed.",
			"the plans were made by {before} and {after}[?compared : what the two judge differently is among the changes][?latest : the latest standards that each knows may differ, so levels, failed checks and blockers are not compared]",
		},
		{
			"difference-admission-of-one", "The API server's defaults and exemptions are known for one plan only, since the API does not show them: they are not compared.",
			"the API server's defaults and exemptions are known for the [?before earlier][!before later] plan only and are not compared: give --admission-config for both",
		},
		{
			"difference-target", "The plans are for two target versions.",
			"the target version is {after}, was {before}",
		},
		{
			"difference-basis", "The plans recommend levels by two bases.",
			"the basis of what is recommended is {after}, was {before}",
		},
		{
			"difference-server", "The API server has another version than before. From v1.25 on it has no PodSecurityPolicy.",
			"the server is {after}, was {before}",
		},
		{
			"difference-default-level", "The admission configuration has another default for namespaces without the enforce label.",
			"namespaces without the enforce label get {after} from the admission configuration, before {before}",
		},
		{
			"difference-exemptions", "The admission configuration exempts other users or runtime classes from Pod Security than before.",
			"the admission configuration [?added exempts {added:5} now][?removed [?added  and ]no longer exempts {removed:5}] ([?users users][!users runtime classes])",
		},
		{
			"difference-gap-new", "Something could not be read or judged for the later plan that is no gap of the earlier one. What depends on it is not compared.",
			"new gap: {what}: {why}[?changes ; it may change {changes}][?affects  of {affects:3}]",
		},
		{
			"difference-gap-closed", "A gap of the earlier plan is none of the later one.",
			"closed gap: {what} could not be read or judged before[?affects  ({affects:3})]",
		},
	}
}

// differenceNamespaceKinds returns the messages on what changed of namespaces, their levels and labels between two plans.
func differenceNamespaceKinds() []Kind {
	return []Kind{
		{
			"difference-namespace-new", "The namespace is in the later plan only.",
			"{namespace} is new[?level : it can enforce {level}][?workloads , with {workloads} {workloads:workload|workloads}][!workloads , and nothing runs in it]",
		},
		{
			"difference-namespace-gone", "The namespace is in the earlier plan only, with all that was in it.",
			"{namespace} is gone",
		},
		{
			"difference-namespace-unread-now", "The namespace is in the earlier plan only, and the later one may not have read it: see its gaps.",
			"whether {namespace} is still there is not known: it was not read now",
		},
		{
			"difference-namespace-unread-before", "The namespace is in the later plan only, and the earlier one may not have read it: see its gaps.",
			"whether {namespace} is new is not known: the earlier plan may not have read it",
		},
		{
			"difference-terminating", "The namespace is being deleted, or is not any more.",
			"{namespace} is [!now no longer ]being deleted",
		},
		{
			"difference-needed", "What runs in the namespace needs another level than before.",
			"what runs in {namespace} needs [?after {after}][!after no level], was [?before {before}][!before none][?fixed : {fixed:3} {fixed:was|were} fixed][?gone [?fixed , ][!fixed : ]{gone:3} {gone:is|are} gone][?new : {new:3} {new:is|are} new][?worse [?new , ][!new : ]{worse:3} {worse:needs|need} more][?unsure ; not all was read, so whether that is looser is not known]",
		},
		{
			"difference-achievable", "The level that everything in the namespace would meet if templates stated what policies set is another one than before.",
			"with what policies set written into templates {namespace} would be [?after {after}][!after of no known level], was [?before {before}][!before not known][?unsure ; not all was read, so whether that is looser is not known]",
		},
		{
			"difference-permitted", "The policies that may be used in the namespace permit another level than before.",
			"the policies for {namespace} permit [?after {after}][!after nothing that is known], was [?before {before}][!before none][?by : {by:3} {by:counts|count} now][?without [?by , ][!by : ]{without:3} no longer {without:counts|count}][?unsure ; not all was read, so whether that is looser is not known]",
		},
		{
			"difference-enforce-stricter", "A stricter level can be enforced in the namespace than before, since what runs there meets it now.",
			"{namespace} can now be {after}, was {before}[?fixed : {fixed:3} {fixed:was|were} fixed][?gone [?fixed , ][!fixed : ]{gone:3} {gone:is|are} gone]",
		},
		{
			"difference-enforce-looser", "Only a looser level can be enforced in the namespace than before.",
			"{namespace} can now be no more than {after}, was {before}[?new : {new:3} {new:is|are} new][?worse [?new , ][!new : ]{worse:3} {worse:needs|need} more]",
		},
		{
			"difference-enforce-none", "No level to enforce is recommended for the namespace any more.",
			"no level is recommended for {namespace} any more, was {before}[?unread : not all of it was read][!unread [?unsure : it may not have been read]]",
		},
		{
			"difference-enforce-first", "A level to enforce is recommended for the namespace that the earlier plan had none for.",
			"{namespace} can be {after}; the earlier plan recommends none[?unread , since not all of it was read]",
		},
		{
			"difference-enforce-unsure", "Another level to enforce is recommended for the namespace, and not all was read for one of the plans, so that the direction is not known.",
			"{namespace} can be {after} by what was read, was {before}; not all was read for both plans",
		},
		{
			"difference-recommended-label", "Another value is recommended for a Pod Security label of the namespace that refuses no pods.",
			"{namespace}: the label {label} is to be [?after {after}][!after left out], was [?before {before}][!before left out]",
		},
		{
			"difference-label", "A Pod Security label of the namespace has another value than before.",
			"{namespace}: the label {label} [?unreadNow was {before}, and was not read now][?unreadBefore is {after}, and the earlier plan did not read it][!unreadNow [!unreadBefore [?after is {after}][!after is gone], was [?before {before}][!before not set]]][?looser : pods that were refused are let in now][?stricter : more pods are refused now]",
		},
		{
			"difference-exempt", "The admission configuration exempts the namespace from Pod Security, or does no longer.",
			"{namespace} is [?now exempt from Pod Security: nothing in it is checked, whatever its labels say][!now no longer exempt from Pod Security]",
		},
	}
}

// differenceWorkloadKinds returns the messages on what changed of workloads and blockers between two plans.
func differenceWorkloadKinds() []Kind {
	return []Kind{
		{
			"difference-workload-new", "The workload is in the later plan only.",
			"{workload} in {namespace} is new[?level [?checks  and needs {level}: it fails {checks:4}][!checks  and meets {level}]]",
		},
		{
			"difference-workload-gone", "The workload is in the earlier plan only.",
			"{workload} in {namespace} is gone[?level ; it [?needed needed][!needed met] {level}]",
		},
		{
			"difference-workload-unread-now", "The workload is in the earlier plan only, and the later one may not have read it: see its gaps.",
			"whether {workload} in {namespace} still runs is not known: it was not read now",
		},
		{
			"difference-workload-unread-before", "The workload is in the later plan only, and the earlier one may not have read it: see its gaps.",
			"whether {workload} in {namespace}[?level , at {level},] is new is not known: the earlier plan may not have read it",
		},
		{
			"difference-workload-fixed", "The workload fails fewer checks than before.",
			"{workload} in {namespace} no longer fails {removed:4}[?level : it meets {after}, was {before}][?left [?level , and][!level : it] still fails {left:3}]",
		},
		{
			"difference-workload-worse", "The workload fails checks that it did not fail before.",
			"{workload} in {namespace} [?added now fails {added:4}][?removed [?added  and ]no longer fails {removed:4}][!added [!removed is judged otherwise]][?level : it needs {after}, was {before}]",
		},
		{
			"difference-workload-unsure", "The workload fails other checks than before, and not all was read for one of the plans.",
			"{workload} in {namespace} fails other checks by what was read[?added  ({added:4} now)][?removed  ({removed:4} before)]; not all was read for both plans",
		},
		{
			"difference-blocker-new", "The workload fails a check that it did not fail before, and keeps its namespace from the next stricter level.",
			"{workload} [?isNew is new and ][!isNew now ]keeps {namespace} from [?level {level}][!level the next level]: it fails {checks:4}",
		},
		{
			"difference-blocker-gone", "The workload no longer fails what kept its namespace from the next stricter level, or is gone.",
			"{workload} [?isGone is gone and ]no longer keeps {namespace} from [?level {level}][!level the next level][!isGone : it meets {checks:4}]",
		},
		{
			"difference-blocker-moved", "The workload keeps its namespace from the next level for other checks than before, since the namespace has another level.",
			"{namespace} has another next level, so {workload} [?added now keeps it from {level} by {added:4}][?removed [?added  and ]no longer counts for {removed:4}]",
		},
		{
			"difference-blocker-unsure", "The workload keeps its namespace from the next level for other checks than before, and not all was read for one of the plans.",
			"whether {workload} keeps {namespace} from its next level for other checks is not known: not all was read for both plans[?added  ({added:4} now)][?removed  ({removed:4} before)]",
		},
	}
}

// differencePolicyKinds returns the messages on what changed of policies between two plans.
func differencePolicyKinds() []Kind {
	return []Kind{
		{
			"difference-replacement-new", "An admission policy that generate wrote is in the later plan only.",
			"{kind} {name} is new: [?action its action is {action}][!action nothing puts it into force]",
		},
		{
			"difference-replacement-gone", "An admission policy that generate wrote is in the earlier plan only. What it refused is let in.",
			"{kind} {name} is gone: [?action its action was {action}][!action nothing had put it into force]",
		},
		{
			"difference-replacement-unread", "An admission policy that generate wrote is in one plan only, and the other may not have read it.",
			"whether {kind} {name} [?present is still there][!present was there before] is not known: not all was read",
		},
		{
			"difference-replacement-action", "The bindings of an admission policy that generate wrote have it do something else. Only deny refuses pods.",
			"the action of {kind} {name} is [?after {after}][!after none: nothing puts it into force], was [?before {before}][!before none]",
		},
		{
			"difference-replacement-edited", "A policy that writes into pods is not as generate wrote it any more, or is again.",
			"{kind} {name} is [?again as 'generate' wrote it again][!again not as 'generate' wrote it any more]",
		},
		{
			"difference-policy-new", "The policy is in the later plan only. It admits nothing until somebody may use it.",
			"policy {policy} is new[?level , closest to {level}]",
		},
		{
			"difference-policy-gone", "The policy is in the earlier plan only.",
			"policy {policy} is gone",
		},
		{
			"difference-policy-unread-now", "The policy is in the earlier plan only, and the later one may not have read it: see its gaps.",
			"whether policy {policy} is still there is not known: it was not read now",
		},
		{
			"difference-policy-unread-before", "The policy is in the later plan only, and the earlier one may not have read it: see its gaps.",
			"whether policy {policy} is new is not known: the earlier plan may not have read it",
		},
		{
			"difference-policy-closest", "The policy is closest to another level than before.",
			"policy {policy} is closest to [?after {after}][!after no level: it admits nothing], was [?before {before}][!before of none][?in ; usable in {in}[?more  and {more} more]]",
		},
		{
			"difference-policy-field", "A field or annotation of the policy has another value than before.",
			"policy {policy}: {field} [!list is [?after {after}][!after not set], was [?before {before}][!before not set]][?list [?added gained {added}][?removed [?added  and ]lost {removed}]][?looser : it admits more][?stricter : it admits less][?both : it admits some pods more and some less][?in ; usable in {in}[?more  and {more} more]]",
		},
	}
}

// differenceGrantKinds returns the messages on who may use policies in one of two plans and not in the other.
func differenceGrantKinds() []Kind {
	return []Kind{
		{
			"difference-role-new", "The role is in the later plan only.",
			"{role} is new and lets use [?every every policy][!every [?policies {policies:, }[?more  and {more} more]][!policies no policy that was read]][!bound ; no binding refers to it]",
		},
		{
			"difference-role-gone", "The role is in the earlier plan only, or lets use no policies any more.",
			"{role} is gone, or lets use no policies any more",
		},
		{
			"difference-role-unread-now", "The role is in the earlier plan only, and the later one may not have read it.",
			"whether {role} still lets use policies is not known: it was not read now",
		},
		{
			"difference-role-unread-before", "The role is in the later plan only, and the earlier one may not have read it.",
			"whether {role} lets use policies only now is not known: the earlier plan may not have read it",
		},
		{
			"difference-role-changed", "The role lets use other policies than before.",
			"{role} [?added now lets use [?every every policy][!every {added}]][?removed [?added  and ]no longer lets use [?everyBefore every policy, those to come as well][!everyBefore {removed}]][!bound ; no binding refers to it][?unsure ; not all was read for both plans]",
		},
		{
			"difference-grant-more", "A binding lets subjects use policies that it did not let use them before.",
			"{binding} now lets {added:3} use [?every every policy][!every {policies}[?more  and {more} more]][?level  ({level})], by {role}[?others ; another binding did so before][?removed ; no longer {removed:3}]",
		},
		{
			"difference-grant-less", "A binding no longer lets subjects use policies.",
			"{binding} no longer lets {removed:3} use [?every every policy][!every {policies}[?more  and {more} more]][?level  ({level})], by {role}[?others ; another binding still does so]",
		},
		{
			"difference-grant-idle", "A binding names others than before for a role that lets use no policy that was read.",
			"{binding} [?added now gives {added:3}][?removed [?added , and ]no longer [!added gives ]{removed:3}[!added ]] {role}, which lets use no policy that was read",
		},
		{
			"difference-grant-empty", "A binding that names nobody came or went.",
			"{binding} to {role}, which names nobody, is [?now new][!now gone]",
		},
		{
			"difference-grant-unread-now", "The binding is in the earlier plan only, and the later one may not have read it or its role.",
			"whether {binding} still grants {role} is not known: one of them was not read now",
		},
		{
			"difference-grant-unread-before", "The binding is in the later plan only, and the earlier one may not have read it or its role.",
			"whether {binding} grants {role} only now is not known: the earlier plan may not have read one of them",
		},
		{
			"difference-grant-unsure", "The binding names others than before, and not all was read for one of the plans.",
			"{binding} grants {role} to others by what was read; not all was read for both plans",
		},
	}
}
