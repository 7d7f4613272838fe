package cel

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
)

// samples are constraints of every type, with values that meet every branch, each by the name of a golden file.
func samples() map[string]mapping.Constraint {
	ranges := []pspparse.IDRange{{Min: 100, Max: 200}, {Min: 5, Max: 9}, {Min: 9, Max: 12}, {Min: 3, Max: 1}}
	return map[string]mapping.Constraint{
		"privileged":            mapping.PrivilegedContainers{},
		"host-pid":              mapping.HostNamespace{Name: "hostPID"},
		"host-ports":            mapping.HostPorts{Ranges: []pspparse.HostPortRange{{Min: 80, Max: 80}, {Min: 8000, Max: 8010}, {Min: 9, Max: 1}}},
		"host-ports-none":       mapping.HostPorts{},
		"volumes":               mapping.VolumeTypes{Keys: []string{"cephfs", "secret"}, TokenVolume: true},
		"volumes-none":          mapping.VolumeTypes{},
		"host-paths":            mapping.HostPaths{Paths: []pspparse.AllowedHostPath{{PathPrefix: "/var/log/"}, {PathPrefix: "/etc", ReadOnly: true}}},
		"host-paths-root":       mapping.HostPaths{Paths: []pspparse.AllowedHostPath{{PathPrefix: "/", ReadOnly: true}}},
		"flex-volumes":          mapping.FlexVolumeDrivers{Drivers: []string{"example/lvm", "example/cifs"}},
		"csi-volumes":           mapping.CSIDrivers{Drivers: []string{"foo.bar"}},
		"selinux":               mapping.SELinuxLabel{Options: pspparse.SELinuxOptions{Level: "s0:c6,c0,c6", Type: "t"}},
		"selinux-empty":         mapping.SELinuxLabel{},
		"non-root":              mapping.NonRootUser{},
		"user":                  mapping.IDRanges{Field: mapping.RunAsUserField, Ranges: ranges, Default: 100},
		"user-inverted":         mapping.IDRanges{Field: mapping.RunAsUserField, Ranges: []pspparse.IDRange{{Min: 3, Max: 1}}, Default: 3},
		"group-optional":        mapping.IDRanges{Field: mapping.RunAsGroupField, Ranges: ranges, Optional: true},
		"supplemental":          mapping.IDRanges{Field: mapping.SupplementalGroupsField, Ranges: ranges, Default: 100},
		"supplemental-optional": mapping.IDRanges{Field: mapping.SupplementalGroupsField, Ranges: ranges, Optional: true},
		"fs-group":              mapping.IDRanges{Field: mapping.FSGroupField, Ranges: ranges, Default: 100},
		"read-only-root":        mapping.ReadOnlyRootFilesystem{},
		"escalation":            mapping.PrivilegeEscalation{Forbidden: true, Default: new(false)},
		"escalation-conflict":   mapping.PrivilegeEscalation{Forbidden: true, Default: new(true)},
		"escalation-default":    mapping.PrivilegeEscalation{Default: new(true)},
		"capabilities":          mapping.Capabilities{Addable: []string{"CHOWN", "NET_ADMIN"}, RequiredDrops: []string{"KILL", "NET_RAW"}, DefaultAdds: []string{"CHOWN"}},
		"capabilities-any":      mapping.Capabilities{Any: true, DefaultAdds: []string{"CHOWN"}},
		"capabilities-none":     mapping.Capabilities{},
		"proc-mounts":           mapping.ProcMounts{Types: []string{"Unmasked"}},
		"sysctls":               mapping.Sysctls{AllowedUnsafe: []string{"kernel.msg*", "kernel.sem"}, Forbidden: []string{"net.*"}},
		"sysctls-forbidden":     mapping.Sysctls{Forbidden: []string{"*"}},
		"runtime-class":         mapping.RuntimeClasses{Names: []string{"gvisor", "kata"}, Default: new("gvisor")},
		"runtime-class-refused": mapping.RuntimeClasses{Default: new("")},
		"runtime-class-any":     mapping.RuntimeClasses{Any: true, Default: new("gvisor")},
		"seccomp":               mapping.Profiles{Kind: mapping.SeccompProfiles, Listed: true, Allowed: []string{"docker/default", "localhost/a.json"}, Default: "docker/default"},
		"seccomp-none":          mapping.Profiles{Kind: mapping.SeccompProfiles, Listed: true, Allowed: []string{""}},
		"seccomp-unlisted":      mapping.Profiles{Kind: mapping.SeccompProfiles},
		"seccomp-any":           mapping.Profiles{Kind: mapping.SeccompProfiles, Listed: true, Any: true, Allowed: []string{"*"}, Default: "localhost/x"},
		"apparmor":              mapping.Profiles{Kind: mapping.AppArmorProfiles, Listed: true, Allowed: []string{"localhost/k", ""}, Default: "localhost/k"},
		"apparmor-nothing":      mapping.Profiles{Kind: mapping.AppArmorProfiles, Listed: true, Allowed: []string{""}},
		"apparmor-default":      mapping.Profiles{Kind: mapping.AppArmorProfiles, Default: "runtime/default"},
	}
}

// TestGolden compares what CEL says of each sample with a file. UPDATE_GOLDEN=1 writes the files. fixtures/controlplane/replacement
// proves that it is right.
func TestGolden(t *testing.T) {
	t.Parallel()
	update := os.Getenv("UPDATE_GOLDEN") != ""
	var wanted []string
	for name, c := range samples() {
		path := filepath.Join("testdata", "checks", name+".txt")
		wanted = append(wanted, path)
		got := []byte(allSaid(c))
		if update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (UPDATE_GOLDEN=1 writes it anew):\n%s", path, diff)
		}
	}
	found, err := filepath.Glob("testdata/checks/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(wanted)
	if !slices.Equal(found, wanted) {
		t.Errorf("files are %v, samples %v", found, wanted)
	}
}

// allSaid returns all that CEL says of a constraint.
func allSaid(c mapping.Constraint) string {
	var b strings.Builder
	say := func(what string, expressions ...string) {
		b.WriteString(what + ":\n")
		for _, e := range expressions {
			b.WriteString("  " + e + "\n")
		}
	}
	say("accepts", accepts(c, strict))
	say("accepts as filled", accepts(c, asFilled))
	say("would write", wouldWrite(c))
	say("reason", reason(c, strict))
	constraints := []mapping.Constraint{c}
	say("patches v1.37", patches(constraints, 37)...)
	if old := patches(constraints, 34); !slices.Equal(old, patches(constraints, 37)) {
		say("patches v1.34", old...)
	}
	for _, r := range Inexpressible(c, Options{Minor: 34, Mutating: true}) {
		say("differs in "+r.Field, r.Text)
	}
	return b.String()
}

// Every type of migrate/mapping that is a Constraint has a sample, and is known to the functions of this package: what refuses has a
// check, what writes has patches, and nothing is refused as unknown.
func TestEveryConstraint(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "mapping", "constraint.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]bool{}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.Name == "Refuses" {
			types[f.Recv.List[0].Type.(*ast.Ident).Name] = false
		}
	}
	for name, c := range samples() {
		types[reflect.TypeOf(c).Name()] = true
		lost := len(Inexpressible(c, Options{Minor: 37, Mutating: true})) > 0
		if (accepts(c, strict) == "true") == c.Refuses() && !lost {
			t.Errorf("%s: refuses is %v, and accepts %s", name, c.Refuses(), accepts(c, strict))
		}
		if (wouldWrite(c) != "") != c.Writes() || (len(patches([]mapping.Constraint{c}, 37)) > 0) != c.Writes() {
			t.Errorf("%s: writes is %v, would write %q", name, c.Writes(), wouldWrite(c))
		}
		if strings.Contains(reason(c, strict), "cannot be checked") {
			t.Errorf("%s: unknown", name)
		}
	}
	for name, there := range types {
		if !there {
			t.Errorf("%s has no sample", name)
		}
	}
	if len(types) < 17 {
		t.Errorf("only %d types were found: %v", len(types), types)
	}
}

// An absent security context is added once for all constraints of a policy, before anything is written into it: adding it again would
// remove what was written.
func TestParentsAreAddedOnce(t *testing.T) {
	t.Parallel()
	var all []mapping.Constraint
	for _, c := range samples() {
		all = append(all, c)
	}
	lists := patches(all, 37)
	for _, parent := range []string{"path: '/spec/securityContext', value: {}", "'/spec/containers/' + string(i) + '/securityContext', value: {}", "'/spec/initContainers/' + string(i) + '/securityContext', value: {}"} {
		at := slices.IndexFunc(lists, func(l string) bool { return strings.Contains(l, parent) })
		leaf := slices.IndexFunc(lists, func(l string) bool {
			return strings.Contains(l, strings.TrimSuffix(parent, "', value: {}")+"/")
		})
		if n := strings.Count(strings.Join(lists, "\n"), parent); n != 1 || leaf < at {
			t.Errorf("%s is there %d times, at %d, and the first value below it at %d", parent, n, at, leaf)
		}
	}
	if strings.Contains(strings.Join(lists, "\n"), "ephemeralContainers") {
		t.Error("ephemeral containers are written into")
	}
}

// Values of a policy cannot end the literals that they are in: with hostile ones the expressions have the same brackets, and every
// literal in them is one.
func TestHostileValues(t *testing.T) {
	t.Parallel()
	for _, text := range hostileTexts() {
		texts := []string{text, "b"}
		for _, c := range []mapping.Constraint{
			mapping.HostPaths{Paths: []pspparse.AllowedHostPath{{PathPrefix: text}, {PathPrefix: text, ReadOnly: true}}},
			mapping.FlexVolumeDrivers{Drivers: texts},
			mapping.CSIDrivers{Drivers: texts},
			mapping.SELinuxLabel{Options: pspparse.SELinuxOptions{Level: text + ":" + text + ",b", Role: text, Type: text, User: text}},
			mapping.Capabilities{Addable: texts, RequiredDrops: texts, DefaultAdds: texts},
			mapping.ProcMounts{Types: texts},
			mapping.Sysctls{AllowedUnsafe: texts, Forbidden: []string{text + "*"}},
			mapping.RuntimeClasses{Names: texts, Default: &text},
			mapping.Profiles{Kind: mapping.SeccompProfiles, Listed: true, Allowed: []string{"localhost/" + text}, Default: "localhost/" + text},
			mapping.Profiles{Kind: mapping.AppArmorProfiles, Listed: true, Allowed: []string{"localhost/" + text}, Default: "localhost/" + text},
		} {
			e := ExpressionsOf([]mapping.Constraint{c}, 37)
			for _, expression := range append([]string{e.Accepts, e.AcceptsAsFilled, e.WouldWrite, e.Patches}, append(e.Reasons, e.ReasonsAsFilled...)...) {
				if problem := malformed(expression); problem != "" {
					t.Errorf("%T of %q: %s: %s", c, text, problem, expression)
				}
			}
		}
	}
}

// malformed returns what is wrong with the literals, the brackets or the words of an expression; "" for nothing.
func malformed(expression string) string {
	var open []byte
	pairs := map[byte]byte{')': '(', ']': '[', '}': '{'}
	for rest := expression; rest != ""; {
		switch b := rest[0]; b {
		case '\'':
			_, after, err := decode(rest)
			if err != nil {
				return err.Error()
			}
			rest = after
			continue
		case '(', '[', '{':
			open = append(open, b)
		case ')', ']', '}':
			if len(open) == 0 || open[len(open)-1] != pairs[b] {
				return "brackets do not match"
			}
			open = open[:len(open)-1]
		default:
			if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:?!=<>&|+-_", rune(b)) {
				return "there is " + string(rune(b)) + " outside of literals"
			}
		}
		rest = rest[1:]
	}
	if len(open) > 0 {
		return "brackets do not end"
	}
	return ""
}

// What a reason shows of a policy is short, however long its lists and values are.
func TestReasonsAreShort(t *testing.T) {
	t.Parallel()
	var many []string
	for range 5000 {
		many = append(many, strings.Repeat("x\n", 126))
	}
	for _, c := range []mapping.Constraint{
		mapping.CSIDrivers{Drivers: many}, mapping.Sysctls{AllowedUnsafe: many}, mapping.RuntimeClasses{Names: many},
	} {
		for _, k := range checksOf(c, strict) {
			if len(k.wrong) > 1500 || strings.Contains(k.wrong, "\n") {
				t.Errorf("%T: %d bytes: %s", c, len(k.wrong), k.wrong)
			}
		}
	}
	if got, want := allowedList([]string{"a", "", "b"}), `a, "", b`; got != want {
		t.Errorf("a list is shown as %s, want %s", got, want)
	}
	if got := allowedList(many); !strings.HasSuffix(got, " and 4999 more") && !strings.HasSuffix(got, " and 4998 more") {
		t.Errorf("a long list is shown as %s", got)
	}
}
