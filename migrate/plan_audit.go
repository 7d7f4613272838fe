package migrate

// AuditEvidence is what audit logs that were read beside the cluster say of the creation of pods. Times are RFC 3339.
type AuditEvidence struct {
	// Events counts all events, First and Last are the times of the first and the last.
	Events int    `json:"events"`
	First  string `json:"first,omitempty"`
	Last   string `json:"last,omitempty"`
	// PodsCreated and PodsRefused count requests to create pods, PodsByLevel all of them by the level of their event.
	PodsCreated int            `json:"podsCreated"`
	PodsRefused int            `json:"podsRefused"`
	PodsByLevel []LevelOfPods  `json:"podsByLevel,omitempty"`
	Policies    []PolicyAtWork `json:"policies,omitempty"`
}

// LevelOfPods is how many pods audit logs have at one audit level: at Metadata without request and answer.
type LevelOfPods struct {
	Level string `json:"level"`
	Pods  int    `json:"pods"`
}

// PolicyAtWork is what audit logs say of the use of one PodSecurityPolicy.
type PolicyAtWork struct {
	Policy string `json:"policy"`
	// Pods that it admitted, and of these those that it changed and did not change; of the others it is not known.
	Pods      int    `json:"pods"`
	Changed   int    `json:"changed,omitempty"`
	Unchanged int    `json:"unchanged,omitempty"`
	First     string `json:"first,omitempty"`
	Last      string `json:"last,omitempty"`
	// GrantedTo is the number of subjects that the grants of the plan name, UsedBy that of those by which one of the pods can have been
	// admitted. Both are 0 for a policy that is not in the plan.
	GrantedTo int `json:"grantedTo"`
	UsedBy    int `json:"usedBy"`
	// Unused are the others, at most 20: that they do not use it is said of the time of the logs alone.
	Unused []Subject `json:"unused,omitempty"`
	// Unexplained are the requesters, at most 20, of pods that no grant of the plan lets use the policy: they are in groups that the log
	// does not name, the grant is gone, or it was not read.
	Unexplained []string `json:"unexplained,omitempty"`
}

// PodRequester is, in the Plan, who created pods in a namespace by audit logs.
type PodRequester struct {
	User     string   `json:"user"`
	Pods     int      `json:"pods"`
	Policies []string `json:"policies"`
	First    string   `json:"first,omitempty"`
	Last     string   `json:"last,omitempty"`
}

// RefusedPods is, in the Plan, who was refused pods in a namespace by audit logs.
type RefusedPods struct {
	User string `json:"user"`
	// Workload is absent where the log's level does not show it.
	Workload *WorkloadRef `json:"workload,omitempty"`
	// By is what refused them.
	By    string `json:"by" values:"PodSecurityPolicy PodSecurity other"`
	Pods  int    `json:"pods"`
	First string `json:"first,omitempty"`
	Last  string `json:"last,omitempty"`
	// Message of the last refusal.
	Message string `json:"message"`
}

// LoggedAdmission is what audit logs say of the admission of a workload's pods, beside what the Plan says of it.
type LoggedAdmission struct {
	// Result compares the last policy in the logs, and what it set, with Evaluation.AdmittedBy and Mutations. It is unseen where the logs
	// have none of its pods, and absent where the plan predicts nothing.
	Result   string           `json:"result,omitempty" values:"agrees differs unseen"`
	Policies []LoggedPolicies `json:"policies,omitempty"`
}

// LoggedPolicies is what audit logs say of the pods of a workload that one policy admitted.
type LoggedPolicies struct {
	// Policy is absent for pods that none admitted.
	Policy    string `json:"policy,omitempty"`
	Pods      int    `json:"pods"`
	Changed   int    `json:"changed,omitempty"`
	Unchanged int    `json:"unchanged,omitempty"`
	First     string `json:"first,omitempty"`
	Last      string `json:"last,omitempty"`
	// Mutations are what it set in the last pod that it changed; Various is true where it set other values in others.
	Mutations []TemplateMutation `json:"mutations,omitempty"`
	Various   bool               `json:"various,omitempty"`
}
