package message

// auditLogKinds returns the messages on what audit logs say of the creation of pods, and what they do not say.
func auditLogKinds() []Kind {
	return []Kind{
		{
			"audit-log", "What the audit log covers. It says nothing of other times, nor of what the server's audit policy leaves out.",
			"{n} {n:event|events}[?first  from {first} to {last}], with {count} {count:pod|pods} that {count:was|were} created and {more} that {more:was|were} refused[?list , logged at {list}]",
		},
		{
			"audit-log-without-pods", "The server's audit policy logs no pods, or none was created in that time: look whether it has level None for pods.",
			"no pod was created in its {n} {n:event|events}: it does not say who uses which policy",
		},
		{
			"audit-log-without-objects", "A policy's changes show only where the audit policy of the server has the level RequestResponse for pods, and nothing cuts its events short.",
			"what a policy changed in {n} of {all} {all:pod|pods} is not known: their events have not both the request and the stored pod, or webhooks changed what these do not show",
		},
		{
			"audit-log-lines-unread", "Lines of the audit log are no events: they are cut off, or of another program.",
			"{n} {n:line was|lines were} not read: {errors:3}",
		},
		{
			"audit-log-uncounted", "The audit log has more workloads, requesters or refusals than are kept.",
			"{n} {n:request was|requests were} not counted with who asked and which workload it was for: there are too many different ones",
		},
		{
			"audit-policy-used", "How many of those to whom a policy is granted made a pod by it in the time of the audit log. Grants that nobody used in a time that is long enough can go.",
			"it admitted {n} {n:pod|pods} in the audit log[?once , at {once}][?first , from {first} to {last}]; it is granted to {bound} {bound:subject|subjects}, and used by {count}[?users ; by no grant that was read: {users:3}]",
		},
		{
			"audit-policy-unseen", "No pod in the audit log was admitted by this policy. A pod that runs for longer than the log may have been, and one that a job makes once a month may be.",
			"it admitted no pod in the audit log, which goes from {first} to {last}; it is granted to {count} {count:subject|subjects}",
		},
		{
			"audit-pods-unread", "Pods in the audit log that nothing that was read makes: jobs that ran and were cleaned up, pods that people made for an hour, workloads that are gone or were not read. If they come again, the label has to let them in.",
			"the audit log has {n} {n:pod|pods} here of {count} {count:workload|workloads} that {count:was|were} not read: {workloads:3}; what {n:it needs|they need} does not count",
		},
		{
			"audit-admission-differs", "The last pods of these workloads in the audit log were admitted by another policy than a new one would be, or the policy set other values. Policies, grants or templates have changed since, or something is not read. 'explain workload' shows both.",
			"the audit log does not agree with the simulation on {workloads:3}: another policy admitted {workloads:its|their} last pods, or set other values in them",
		},
	}
}
