package cel

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/generated"
)

// What writes into pods is marked with a checksum that it meets, and with the fields by which a pod may need a looser level.
func TestMarksOfWhatWrites(t *testing.T) {
	t.Parallel()
	const runtime, unconfined = "runtime/default", "unconfined"
	for name, c := range map[string]struct {
		constraint mapping.Constraint
		want       []string
	}{
		"an SELinux level":               {mapping.SELinuxLabel{Options: pspparse.SELinuxOptions{Level: "s0:c1"}}, nil},
		"an SELinux type of containers":  {mapping.SELinuxLabel{Options: pspparse.SELinuxOptions{Type: "container_kvm_t"}}, nil},
		"another SELinux type":           {mapping.SELinuxLabel{Options: pspparse.SELinuxOptions{Type: "spc_t"}}, []string{"seLinux"}},
		"an SELinux user":                {mapping.SELinuxLabel{Options: pspparse.SELinuxOptions{User: "u"}}, []string{"seLinux"}},
		"an SELinux role":                {mapping.SELinuxLabel{Options: pspparse.SELinuxOptions{Role: "r"}}, []string{"seLinux"}},
		"a user other than root":         {mapping.NonRootUser{}, nil},
		"user 1":                         {mapping.IDRanges{Field: mapping.RunAsUserField, Default: 1}, nil},
		"user 0":                         {mapping.IDRanges{Field: mapping.RunAsUserField}, []string{"runAsUser"}},
		"user 0 if stated":               {mapping.IDRanges{Field: mapping.RunAsUserField, Optional: true}, nil},
		"group 0":                        {mapping.IDRanges{Field: mapping.RunAsGroupField}, nil},
		"a read-only root":               {mapping.ReadOnlyRootFilesystem{}, nil},
		"escalation":                     {mapping.PrivilegeEscalation{Default: new(true)}, nil},
		"drops":                          {mapping.Capabilities{RequiredDrops: []string{"ALL"}}, nil},
		"the capability of restricted":   {mapping.Capabilities{DefaultAdds: []string{"NET_BIND_SERVICE"}}, nil},
		"another capability":             {mapping.Capabilities{DefaultAdds: []string{"CHOWN"}}, []string{"defaultAddCapabilities"}},
		"the runtime's seccomp profile":  {mapping.Profiles{Kind: mapping.SeccompProfiles, Default: runtime}, nil},
		"a seccomp profile of the node":  {mapping.Profiles{Kind: mapping.SeccompProfiles, Default: "localhost/a"}, nil},
		"no seccomp":                     {mapping.Profiles{Kind: mapping.SeccompProfiles, Default: unconfined}, []string{pspparse.SeccompDefaultAnnotation}},
		"the runtime's AppArmor profile": {mapping.Profiles{Kind: mapping.AppArmorProfiles, Default: runtime}, nil},
		"no AppArmor":                    {mapping.Profiles{Kind: mapping.AppArmorProfiles, Default: unconfined}, []string{pspparse.AppArmorDefaultAnnotation}},
		"a runtime class":                {mapping.RuntimeClasses{Any: true, Default: new("kata")}, nil},
	} {
		all := []mapping.Constraint{c.constraint}
		other := []mapping.Constraint{mapping.IDRanges{Field: mapping.RunAsUserField}} // of a policy that no set has
		table := &engine.Table{
			Mode: engine.Continuity, Policies: []engine.Policy{{Name: "a", Constraints: all}, {Name: "b", Constraints: other}},
			Sets: []engine.Set{{Name: "shop", Namespaces: []string{"shop"}, Alternatives: []engine.Alternative{{Policy: "a", Constraints: all}}}},
		}
		documents, err := Generate(table, Options{Minor: 37, Validating: true, Mutating: true, Action: Deny})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(documents.Documents[0].Object)
		if err != nil {
			t.Fatal(err)
		}
		if is, got := generated.AsWritten(text); !is || !slices.Equal(got, c.want) {
			t.Errorf("%s: %t, %q, want %q of\n%s", name, is, got, c.want, text)
		}
	}
}

// The words by which generated objects are known again are those of the engine.
func TestMarksAreThoseOfTheEngine(t *testing.T) {
	t.Parallel()
	if got := generated.Modes(); !slices.Equal(got, []string{string(engine.Delta), string(engine.Continuity), string(engine.RestrictedButFor)}) {
		t.Errorf("the modes are %q", got)
	}
}
