package mapping

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// keptFields stay in a clone as they are: they fill nothing in, and a level looks at them.
func keptFields() []string {
	return []string{
		"privileged", "allowedCapabilities", "volumes", "hostNetwork", "hostPorts", "hostPID", "hostIPC", "allowedUnsafeSysctls",
		"allowedProcMountTypes", pspparse.SeccompAllowedAnnotation, pspparse.AppArmorAllowedAnnotation,
	}
}

func free(*pspparse.Policy) bool { return false }

// fullPolicy sets everything that can be set.
func fullPolicy() *pspparse.Policy {
	p := with(openPolicy(), func(p *pspparse.Policy) {
		ids := pspparse.IDStrategy{Rule: pspparse.MustRunAs, Ranges: []pspparse.IDRange{{Min: 1, Max: 2}}}
		p.Labels = map[string]string{"app": "x"}
		p.Annotations = map[string]string{
			"note": "x", pspparse.SeccompAllowedAnnotation: "*", pspparse.SeccompDefaultAnnotation: "runtime/default",
			pspparse.AppArmorAllowedAnnotation: "runtime/default", pspparse.AppArmorDefaultAnnotation: "runtime/default",
		}
		s := &p.Spec
		s.AllowedCapabilities, s.DefaultAddCapabilities = []string{"CHOWN"}, []string{"CHOWN", "KILL"}
		s.RequiredDropCapabilities = []string{"ALL"}
		s.SELinux = pspparse.SELinuxStrategy{Rule: pspparse.MustRunAs, SELinuxOptions: &pspparse.SELinuxOptions{Level: "s0"}}
		s.RunAsUser, s.RunAsGroup, s.SupplementalGroups, s.FSGroup = ids, &ids, ids, ids
		s.ReadOnlyRootFilesystem = true
		s.DefaultAllowPrivilegeEscalation, s.AllowPrivilegeEscalation = new(false), new(false)
		s.AllowedHostPaths = []pspparse.AllowedHostPath{{PathPrefix: "/var", ReadOnly: true}}
		s.AllowedFlexVolumes = []pspparse.AllowedFlexVolume{{Driver: "a/b"}}
		s.AllowedCSIDrivers = []pspparse.AllowedCSIDriver{{Name: "csi.example"}}
		s.AllowedUnsafeSysctls, s.ForbiddenSysctls = []string{"net.*"}, []string{"kernel.*"}
		s.RuntimeClass = &pspparse.RuntimeClassStrategy{AllowedRuntimeClassNames: []string{"gvisor"}, DefaultRuntimeClassName: new("gvisor")}
	})
	p.Name = "full"
	return p
}

// TestEveryFieldIsClassed: each field is kept or simplified, and the clone of a policy that sets all of them shows it.
func TestEveryFieldIsClassed(t *testing.T) {
	t.Parallel()
	classed := map[string]bool{}
	for _, field := range keptFields() {
		classed[field] = true
	}
	for _, s := range allSimplifications() {
		field, _, part := strings.Cut(s.field, ".")
		if strings.Contains(s.field, "/") {
			field, part = s.field, false
		}
		if classed[field] && !part && field != "runtimeClass" { // of which the default is told apart
			t.Errorf("%s is classed twice", field)
		}
		classed[field] = true
	}
	want := map[string]bool{}
	for _, field := range policyFields() {
		want[field] = true
	}
	if diff := cmp.Diff(want, classed); diff != "" {
		t.Errorf("classed fields (-want +got):\n%s", diff)
	}
	full := reflect.ValueOf(fullPolicy().Spec)
	for i := range full.NumField() {
		if full.Field(i).IsZero() {
			t.Errorf("the policy that sets everything leaves out %s", full.Type().Field(i).Name)
		}
	}
}

func TestSimplify(t *testing.T) {
	t.Parallel()
	anyID := pspparse.IDStrategy{Rule: pspparse.RunAsAny}
	p := fullPolicy()
	got := SimplifyPolicy(p, free)
	if diff := cmp.Diff(fullPolicy(), p); diff != "" {
		t.Errorf("the policy was changed (-want +got):\n%s", diff)
	}
	spec := openPolicy().Spec // what is kept, and what is not at its most permissive
	spec.AllowedCapabilities = []string{"CHOWN", "KILL"}
	spec.AllowedUnsafeSysctls = []string{"net.*"}
	spec.RunAsUser, spec.FSGroup, spec.SupplementalGroups = anyID, anyID, anyID
	want := &SimplifiedPolicy{
		Clone: &pspparse.Policy{
			Name: "0-full", APIVersion: "policy/v1beta1", Spec: spec,
			Annotations: map[string]string{pspparse.SeccompAllowedAnnotation: "*", pspparse.AppArmorAllowedAnnotation: "runtime/default"},
		},
		Changes: []FieldChange{
			{"defaultAllowPrivilegeEscalation", PurelyMutating, says("removed"), message.Message{}},
			{"runtimeClass.defaultRuntimeClassName", PurelyMutating, says("removed"), message.Message{}},
			{pspparse.SeccompDefaultAnnotation, PurelyMutating, says("removed"), message.Message{}},
			{pspparse.AppArmorDefaultAnnotation, PurelyMutating, says("removed"), message.Message{}},
			{"defaultAddCapabilities", PurelyMutating, says("moved to allowedCapabilities: KILL"), message.Message{}},
			{"allowedHostPaths", OutOfScope, says("removed"), says("pods may mount any path of the node, and write to it")},
			{"allowedFlexVolumes", OutOfScope, says("removed"), says("pods may use any flexVolume driver")},
			{"allowedCSIDrivers", OutOfScope, says("removed"), says("pods may use any inline CSI driver")},
			{"forbiddenSysctls", OutOfScope, says("removed"), says("pods may set those of them that are safe or in allowedUnsafeSysctls")},
			{"runtimeClass", OutOfScope, says("removed"), says("pods may name any runtime class")},
			{"runAsGroup", OutOfScope, says("removed"), says("pods may name any group there")},
			{"supplementalGroups", OutOfScope, says("RunAsAny"), says("pods may name any group there")},
			{"fsGroup", OutOfScope, says("RunAsAny"), says("pods may name any group there")},
			{"requiredDropCapabilities", StillMutating, says("removed"), says("containers may keep the runtime's default capabilities; restricted asks for a drop of ALL")},
			{"seLinux", StillMutating, says("RunAsAny"), says("pods may state any SELinux options; baseline keeps them to a few types, without user and role")},
			{"runAsUser", StillMutating, says("RunAsAny"), says("containers may run as any user, root as well; restricted asks for another than root")},
			{"allowPrivilegeEscalation", StillMutating, says("true"), says("containers may gain privileges as they run; restricted asks for false")},
			{"readOnlyRootFilesystem", StillMutating, says("removed"), says("containers may write to their root file system; no level looks at it, and the guide names it only among what to compare")},
		},
	}
	if diff := cmp.Diff(want, got, messageText()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if again := SimplifyPolicy(got.Clone, free); again != nil {
		t.Errorf("a clone has something to simplify: %+v", again.Changes)
	}
}

// What a policy sets and what means nothing in it opens nothing.
func TestSimplifyOpensNothing(t *testing.T) {
	t.Parallel()
	p := with(openPolicy(), func(p *pspparse.Policy) {
		p.Spec.Volumes = []string{"secret"}
		p.Spec.AllowedHostPaths = []pspparse.AllowedHostPath{{PathPrefix: "/var"}}
		p.Spec.RuntimeClass = &pspparse.RuntimeClassStrategy{AllowedRuntimeClassNames: []string{"*"}}
		p.Spec.DefaultAddCapabilities = []string{"CHOWN"}
		p.Spec.RunAsGroup = &pspparse.IDStrategy{Rule: pspparse.RunAsAny}
	})
	want := []FieldChange{
		{"defaultAddCapabilities", PurelyMutating, says("removed; allowedCapabilities has them already"), message.Message{}},
		{"allowedHostPaths", OutOfScope, says("removed"), message.Message{}},
		{"runtimeClass", OutOfScope, says("removed"), message.Message{}},
	}
	if diff := cmp.Diff(want, SimplifyPolicy(p, free).Changes, messageText()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := SimplifyPolicy(openPolicy(), free); got != nil {
		t.Errorf("a policy that is simple has %+v", got)
	}
}

// A default that is named * must not become the list that allows everything.
func TestSimplifyOfADefaultStar(t *testing.T) {
	t.Parallel()
	p := with(closedPolicy(), func(p *pspparse.Policy) { p.Spec.DefaultAddCapabilities = []string{"*", "KILL"} })
	got := SimplifyPolicy(p, free)
	if diff := cmp.Diff([]string{"KILL"}, got.Clone.Spec.AllowedCapabilities); diff != "" {
		t.Errorf("allowed (-want +got):\n%s", diff)
	}
	want := `moved to allowedCapabilities: KILL; not so "*", which would allow every capability there, so that pods which carry it are refused`
	if diff := cmp.Diff(want, got.Changes[0].Becomes.Text); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCloneNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", pspparse.MaxNameLength)
	dashes := strings.Repeat("-", pspparse.MaxNameLength-2)
	for _, test := range []struct{ name, want string }{
		{"web", "0-web"},
		{"9", "0-9"},
		{"00", "0-00"},
		{"0a", "0-0a"},
		{"0.a", "0-0.a"},
		{"0-web", "0--0-web"},
		{"0--0", "0---0--0"},
		{long, "0-" + long[2:]},
		{"web." + strings.Repeat("b", 246) + ".cc", "0-web." + strings.Repeat("b", 246)},
		{"0" + dashes[1:] + "x0", "0" + dashes + "0"},
		{"0" + dashes + "x", "0"},
		{"0", ""},
	} {
		got := ""
		if names := slices.Collect(namesSortingBefore(test.name)); len(names) > 0 {
			got = names[0]
		}
		if got != test.want {
			t.Errorf("%.20s: got %q, want %q", test.name, got, test.want)
		}
	}
}

// TestCloneNamesSortBefore goes through every short name and the same ones at the limit.
func TestCloneNamesSortBefore(t *testing.T) {
	t.Parallel()
	var names []string
	var grow func(string)
	grow = func(name string) {
		if len(validation.IsDNS1123Subdomain(name)) == 0 {
			names = append(names, name, name+strings.Repeat("-", pspparse.MaxNameLength-1-len(name))+"z", name+strings.Repeat("z", pspparse.MaxNameLength-len(name)))
		}
		if len(name) < 5 {
			for _, c := range "-.01a" {
				grow(name + string(c))
			}
		}
	}
	grow("")
	for _, name := range names {
		candidates := slices.Collect(namesSortingBefore(name))
		if (len(candidates) == 0) != (name == "0") {
			t.Errorf("%q has %d names", name, len(candidates))
		}
		for _, c := range slices.Concat(candidates[:min(3, len(candidates))], candidates[max(0, len(candidates)-3):]) {
			if c >= name || len(validation.IsDNS1123Subdomain(c)) > 0 {
				t.Errorf("%q: %q does not sort before it or is not valid", name, c)
			}
		}
	}
}

// A name that is taken makes way for the next one, until there is none.
func TestSimplifyTakenNames(t *testing.T) {
	t.Parallel()
	p := fullPolicy()
	got := SimplifyPolicy(p, func(clone *pspparse.Policy) bool { return clone.Name == "0-full" || clone.Name == "0--full" })
	if got.Clone.Name != "0---full" {
		t.Errorf("got %q", got.Clone.Name)
	}
	if got := SimplifyPolicy(p, func(*pspparse.Policy) bool { return true }); got.Clone.Name != "" {
		t.Errorf("got %q where every name is taken", got.Clone.Name)
	}
	names := fmt.Sprint(slices.Collect(namesSortingBefore("full"))[:2])
	if names != "[0-full 0--full]" {
		t.Errorf("got %s", names)
	}
}

// says is a message as far as people read it.
func says(text string) message.Message { return message.Message{Text: text} }

// messageText compares messages by what people read of them.
func messageText() cmp.Option {
	return cmp.Comparer(func(a, b message.Message) bool { return a.Text == b.Text })
}
