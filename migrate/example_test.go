package migrate_test

import (
	"fmt"
	"os"

	"github.com/psp2pss/psp2pss/migrate"
)

// Example reads a saved Plan and prints, for one policy, the host ports that it allows, where its spec is, and who may use it
// by which binding and role, each with its place.
func Example() {
	file, err := os.Open("testdata/host-ports.plan.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := migrate.ReadPlan(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	policy := &plan.Policies[0]
	spec, ports := policy.At("spec"), policy.At("spec.hostPorts")
	fmt.Printf("%s: spec %s:%d, hostPorts %s:%d\n", policy.Name, spec.File, spec.Line, ports.File, ports.Line)
	for _, field := range policy.Fields {
		if field.Name == "hostPorts" {
			for _, r := range field.Ranges {
				fmt.Print(" ", r.Min, "-", r.Max)
			}
			fmt.Println()
		}
	}
	for _, g := range plan.GrantsOf(policy) {
		binding, role := g.BindingPosition, g.RolePosition
		fmt.Printf("%s: %s %s:%d, %s %s:%d\n", g.Subject, g.Binding, binding.File, binding.Line, g.Role, role.File, role.Line)
	}
	// Output:
	// ports: spec ports.yaml:5, hostPorts ports.yaml:6
	//  1-1 3-3 5-5 7-7 9-9 80-90 443-443 8080-8090 9100-9100
	// user jo: ClusterRoleBinding ports ports.yaml:35, ClusterRole psp:ports ports.yaml:21
	// group operators: RoleBinding web/ports ports.yaml:27, ClusterRole psp:ports ports.yaml:21
	// service account web/proxy: RoleBinding web/ports ports.yaml:27, ClusterRole psp:ports ports.yaml:21
}
