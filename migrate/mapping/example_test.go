package mapping_test

import (
	"fmt"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
)

func ExampleAssess() {
	anything := pspparse.IDStrategy{Rule: pspparse.RunAsAny}
	p := &pspparse.Policy{Name: "log-reader", Spec: pspparse.Spec{
		Volumes:            []string{"configMap", "secret", "hostPath"},
		AllowedHostPaths:   []pspparse.AllowedHostPath{{PathPrefix: "/var/log", ReadOnly: true}},
		RunAsUser:          pspparse.IDStrategy{Rule: pspparse.MustRunAsNonRoot},
		SELinux:            pspparse.SELinuxStrategy{Rule: pspparse.RunAsAny},
		SupplementalGroups: anything,
		FSGroup:            anything,
	}}
	a := mapping.Assess(p, api.MajorMinorVersion(1, 25))
	fmt.Println("closest:", a.Closest, "no looser than:", a.NoLooserThan)
	fmt.Println("not stricter because of", a.NearestMiss[0])
	for _, lost := range mapping.LostConstraintsAt(p, a.Version, api.LevelBaseline) {
		if lost.Field == "runAsUser" {
			fmt.Println("lost at baseline:", lost.Field, lost.Value.Rule)
		}
	}
	// Output:
	// closest: privileged no looser than: none
	// not stricter because of hostPath (read-only, /var/log)
	// lost at baseline: runAsUser MustRunAsNonRoot
}
