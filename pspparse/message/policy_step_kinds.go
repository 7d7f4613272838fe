package message

// policyStepKinds returns the messages on steps of a roll-out that install a set of admission policies, and on their rollback.
func policyStepKinds() []Kind {
	return []Kind{
		{
			"rollout-policies-stopped", "The objects of a set need each other, so that after one that was refused no further one is installed. See the reason of that step.",
			"an earlier object of the set [?takenBack was taken back][!takenBack was refused]",
		},
		{
			"rollout-policy-foreign", "An object of this name is there that generate did not write. Whoever made it has to rename or delete it.",
			"{object} exists, and 'generate' did not write it: look at it, and rename or delete it",
		},
		{
			"rollout-policy-not-served", "The server does not have this kind of policy. Generate the set for the release of the server.",
			"this server serves no such object in version {version}: write the set for its release, with 'generate --target-server'",
		},
		{
			"rollout-policy-denies", "What is on the cluster refuses already, and the step would change that. Add --deny to go on refusing.",
			"{object} is part of what refuses already, and this set only warns: add --deny, or take away what is there first",
		},
		{
			"rollout-policy-gone", "Somebody has deleted the object since it was installed. Resume the roll-out after it is installed again.",
			"{object} is gone since it was installed",
		},
		{
			"rollout-policy-changed-since", "The step was written, and somebody has changed the object since. The roll-out leaves it.",
			"{object} was written, and has been changed since",
		},
		{
			"rollout-policy-audit-only", "A binding that only audits answers no request. Generate the set with --action=warn to be able to tell.",
			"nothing tells whether it is in force, since with the action audit no request is answered otherwise: 'generate --action=warn' writes one that tells",
		},
		{
			"rollout-policy-unanswered", "The policy is not for pods, or no namespace is known in which it is in force, so that no dry run tells.",
			"whether it is in force is not known: no dry run of a pod tells",
		},
		{
			"rollout-policy-hidden", "Another policy refuses the pod whose dry run would tell. Verify again once that one is gone.",
			"whether it is in force is not known, since something else refuses the pod that would tell: {error}",
		},
		{
			"rollback-policy-gone", "Somebody has deleted the object that the step changed, so that there is nothing to put back.",
			"{object} is gone: somebody has deleted what was there before, too",
		},
		{
			"rollback-policy-changed", "The object is not as the roll-out left it, so it stays. Change or delete it by hand.",
			"somebody has changed {object} since",
		},
		{
			"rollback-policy-needed", "What was installed later could not be taken back, and may refuse pods without what the step installed. Take that back first.",
			"{object} of the same set was installed after it and stays: take that back first",
		},
		{
			"rollback-policy-altered", "Admission changed the object as it was put back. Look at it.",
			"the server took it, and {object} is not quite as it was: probably a mutating webhook or policy changed it",
		},
	}
}

// verifyPolicyKinds returns the messages of a verification on the objects of a set of admission policies.
func verifyPolicyKinds() []Kind {
	return []Kind{
		{
			"verify-policy-as-written", "The object is on the cluster as the roll-out left it, and as far as is said the server has it in force.",
			"as the roll-out left it[?inForce , and in force][?refuses , and refuses]",
		},
		{
			"verify-policy-as-before", "The object is as it was before the roll-out, or gone if it was not there.",
			"as before the roll-out",
		},
		{
			"verify-policy-differs", "Somebody has changed the object after the roll-out. Look at it, or install the set again.",
			"not as the roll-out left it: somebody has changed it since",
		},
		{
			"verify-policy-gone", "Somebody has deleted the object after the roll-out. Install the set again.",
			"gone since the roll-out",
		},
		{
			"verify-policy-still-there", "The roll-out was taken back, and the object is there. Somebody has installed it again.",
			"there again, or changed again, though it was taken back",
		},
		{
			"verify-policy-not-in-force", "The object is as the roll-out left it, and the server does not act by it. Large policies take seconds; verify again.",
			"as the roll-out left it, and not in force: the dry run of a pod was answered: {error}",
		},
		{
			"verify-policy-unasked", "Whether the policy is in force could not be asked. Grant what is missing, and verify again.",
			"as the roll-out left it; whether it is in force is not known: {error}",
		},
	}
}
