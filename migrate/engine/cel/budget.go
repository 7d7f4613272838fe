package cel

import (
	"errors"
	"fmt"

	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Limits of the API server on what expressions of one policy may cost for one request (k8s.io/apiserver/pkg/apis/cel/config.go and
// k8s.io/apiserver/pkg/cel/library/cost.go).
const (
	requestBudget    = 10_000_000 // all expressions of a binding, or of one mutation
	expressionBudget = 1_000_000  // one expression, a variable included
	grantCheckCost   = 350_000    // one question to the authorizer
	// maxExpressionChecks is how many of them one expression can pay for.
	maxExpressionChecks = expressionBudget / grantCheckCost
)

// constraintCost is what is kept of the budget for the constraints of each policy. All fields of a policy cost less than that for a
// pod of 20 containers, each with 20 mounts, and 20 volumes. For a plain pod they cost next to nothing, but who has such a pod must
// not be refused because its policy is the last one by name.
//
// Wider pods are not counted for, and a set whose grants are static is not refused for its number of policies: whether a request costs
// too much is up to the pod, and plain pods are most. Both are said with the documents.
const constraintCost = 100_000

// maxStatic is how many policies that use every field a request can pay for where grants are static, for a pod that is as wide.
const maxStatic = requestBudget / constraintCost

// askingCost is what it costs at most to judge a pod by a policy that takes a number of questions to the authorizer.
func askingCost(checks int) int { return checks*grantCheckCost + constraintCost }

// Limits of the API server's parser on one expression (github.com/google/cel-go/parser/options.go).
const (
	maxExpressionSize = 100_000 // code points
	// maxPatchesSize leaves of that room for what chooses among the patches, and for the annotation.
	maxPatchesSize = 70_000
	// maxChoices is how many choices c ? x : (d ? y : ...) an expression has here. Each is within the one before, and the parser goes
	// into 250 expressions.
	maxChoices = 100
)

// maxWrittenCapabilities is how many capabilities a policy may write into a container, those that it adds and those that it drops.
// What sorts them and takes out doubles costs the square of it for each container, in an expression that costs expressionBudget at
// most. Linux has 41 (linux: include/uapi/linux/capability.h): with these 100 containers are possible, with as many as here 20.
const maxWrittenCapabilities = 100

// Sizes of an object in bytes, as the API server stores it.
const (
	// maxObjectSize leaves to the API server what it adds: etcd takes requests of 1.5 MiB (1,572,864 bytes).
	maxObjectSize = 1_500_000
	// maxMutatingSize is how large a MutatingAdmissionPolicy may be. Before an API server stores one it compiles it, which takes some 10
	// seconds for as many bytes on two cores that do nothing else, and a request that takes 34 seconds has failed
	// (k8s.io/apiserver/pkg/endpoints/handlers/rest.go). Fifty policies that use every field are smaller.
	maxMutatingSize = 600_000
	// largeObjectSize is where applying an object on the client's side fails, since the annotation of kubectl apply with the whole
	// object may not have more than 256 KiB, and where the API server begins to need seconds to compile it.
	largeObjectSize = 250_000
)

// What Generate returns where the documents cannot be written.
var (
	// ErrTooMuch is returned for a set of namespaces whose policies cost or weigh more than an API server allows.
	ErrTooMuch = errors.New("more than an API server allows")
	// ErrServer is returned for documents that the API server of the options does not serve.
	ErrServer = errors.New("the API server does not serve it")
)

// MaxAsked returns of how many policies that accept a pod one request can ask the grants: of each it asks whether the account of
// the pod may use it, whether its sender may if requesters is true, and each for both API groups if bothGroups is true. The options
// do not matter: every release that has the policies has the same limits, or none.
func MaxAsked(_ Options, bothGroups, requesters bool) int {
	checks := 1
	if bothGroups {
		checks *= 2
	}
	if requesters {
		checks *= 2
	}
	return requestBudget / askingCost(checks)
}

// remarkOnWidePods says of a set whose grants are static that it has more policies than a request can pay for at worst. Policies that
// demand the same count once, and those that demand nothing do not.
func (d *Documents) remarkOnWidePods(s *engine.Set, all []*candidate) {
	judged := map[string]bool{}
	for _, c := range all {
		if c.checks > 0 {
			return // affordable has counted what they demand
		}
		if c.accepts != "" {
			judged[c.accepts] = true
		}
	}
	if len(judged) > maxStatic {
		d.remark(s, message.New("engine-cel-static-budget", "set", s.Name, "policies", len(judged), "most", maxStatic))
	}
}

// errChecks is the error for a set with more policies than one request can ask the grants of.
func errChecks(set string, policies, most int) error {
	return fmt.Errorf("set %q has %d policies, and a request can pay for asking the grants of %d of them: use static grants, or give its namespaces fewer policies: %w",
		set, policies, most, ErrTooMuch)
}

// checkWrittenCapabilities returns an error for a set with a policy that writes more capabilities than a mutation can pay for.
func checkWrittenCapabilities(s *engine.Set, all []*candidate) error {
	for _, c := range all {
		for _, constraint := range c.policy.Constraints {
			capabilities, is := constraint.(mapping.Capabilities)
			if n := len(capabilities.DefaultAdds) + len(capabilities.RequiredDrops); is && n > maxWrittenCapabilities {
				return fmt.Errorf("set %q: policy %q has %d capabilities to write into containers, and an API server can pay for no more than %d in a pod of 20 containers: shorten its defaultAddCapabilities and requiredDropCapabilities: %w",
					s.Name, c.policy.Name, n, maxWrittenCapabilities, ErrTooMuch)
			}
		}
	}
	return nil
}

// errSize is the error for an object that etcd does not store.
func errSize(kind, name, set string, policies, size int) error {
	return fmt.Errorf("set %q: %s %q with %d policies has %d bytes, and etcd stores no more than %d: give its namespaces fewer policies, or shorten their lists: %w",
		set, kind, name, policies, size, maxObjectSize, ErrTooMuch)
}

// errMutatingSize is the error for a MutatingAdmissionPolicy that an API server may not compile in time.
func errMutatingSize(name, set string, policies, size int) error {
	return fmt.Errorf("set %q: MutatingAdmissionPolicy %q with %d policies has %d bytes, and an API server can be relied on to compile no more than %d within the 34 seconds that it gives a request: give its namespaces fewer policies, or shorten their lists: %w",
		set, name, policies, size, maxMutatingSize, ErrTooMuch)
}

// errExpression is the error for an expression that an API server does not read.
func errExpression(kind, name, set, expression string, size int) error {
	return fmt.Errorf("set %q: %s %q: %s has %d characters, and an API server reads no more than %d of one expression: shorten the lists of the policies, or give its namespaces fewer: %w",
		set, kind, name, expression, size, maxExpressionSize, ErrTooMuch)
}
