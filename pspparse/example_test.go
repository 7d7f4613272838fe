package pspparse_test

import (
	"fmt"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/pspparse"
)

func ExampleParse() {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(`apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata:
  name: web
spec:
  Privileged: true
  runAsUser: {rule: MustRunAsNonRoot}
  seLinux: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
  fsGroup: {rule: MustRunAs}
`), &doc); err != nil {
		fmt.Println(err)
		return
	}
	policy, problems := pspparse.Parse(&doc, "web.yaml")
	if policy == nil {
		fmt.Println("not read:", problems)
		return
	}
	fmt.Println("privileged:", policy.Spec.Privileged)
	fmt.Println("fills in:", policy.MutatingFields())
	fmt.Println("unusable:", policy.UnusableReasons()[0])
	for _, p := range policy.Problems {
		fmt.Printf("web.yaml:%d: %s\n", p.Line, p.Message)
	}
	// Output:
	// privileged: false
	// fills in: [fsGroup runAsUser]
	// unusable: fsGroup: MustRunAs without ranges
	// web.yaml:6: unknown field "Privileged", which the API server ignores; did you mean "privileged"? Names are case-sensitive.
	// web.yaml:10: MustRunAs without ranges: the API server accepts the policy, but admission can never use it
}
