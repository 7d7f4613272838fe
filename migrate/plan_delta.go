package migrate

import "k8s.io/pod-security-admission/api"

// DeltaNeed is what admission policies of the API server would have to add to the enforce label of a namespace of the Plan, so that
// what its policies forbid stays forbidden: what 'generate --mode=delta' writes for it alone, in short. Build leaves it to
// migrate/engine/forecast, which knows what can be generated and needs the rest of the Plan for it.
type DeltaNeed struct {
	// Result is nothing where some policy that all its pods may use demands no more than the label, constraints where there are some to
	// add, and not-expressible where nothing is generated though PodSecurityPolicy refuses pods: Why says which of these it is.
	Result DeltaResult `json:"result" values:"nothing constraints not-expressible"`
	// Why nothing is generated: no policy admits any pod, nobody may use one here, or the label refuses all pods that one admits.
	Why DeltaObstacle `json:"why,omitempty" values:"no-policy-admits nobody-may-use contrary-to-level"`
	// Beside is the level of the enforce label that it adds to: the recommended one, today's where none is recommended, privileged where
	// the namespace is exempt.
	Beside api.Level `json:"beside,omitempty"`
	// Policy is the one that demands nothing beyond it.
	Policy string `json:"policy,omitempty"`
	// Policies is how many a pod may satisfy, one of them being enough; Constraints is how many different ones they have between them,
	// and Fields are the fields of policies that these are of, sorted.
	Policies    int      `json:"policies,omitempty"`
	Constraints int      `json:"constraints,omitempty"`
	Fields      []string `json:"fields,omitempty"`
	// NotKept are the fields of these policies by which they refuse pods and that delta does not keep, sorted.
	NotKept []string `json:"notKept,omitempty"`
}

// DeltaResult is what it comes to what delta adds in a namespace of the Plan: nothing, constraints or not-expressible.
type DeltaResult string

// The results.
const (
	DeltaNothing        DeltaResult = "nothing"
	DeltaConstraints    DeltaResult = "constraints"
	DeltaNotExpressible DeltaResult = "not-expressible"
)

// DeltaObstacle is why delta writes nothing for a namespace of the Plan in which PodSecurityPolicy refuses every pod, or the label does.
type DeltaObstacle string

// The obstacles.
const (
	NoPolicyAdmits  DeltaObstacle = "no-policy-admits"
	NobodyMayUse    DeltaObstacle = "nobody-may-use"
	ContraryToLevel DeltaObstacle = "contrary-to-level"
)
