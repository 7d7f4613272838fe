package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/psp"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// TestLabelAndRemainingAreThePolicy: of the pods that pass a label, those that satisfy what the label leaves of a policy are those
// that satisfy all that the policy demands. Both are asked of simulated PSP admission, by policies that are made of nothing but the
// constraints.
func TestLabelAndRemainingAreThePolicy(t *testing.T) {
	t.Parallel()
	evaluator, err := pss.NewEvaluator()
	if err != nil {
		t.Fatal(err)
	}
	accepted, refused, impliedAt := 0, 0, map[string]int{}
	policies, enough := uint64(250), 500
	if testing.Short() { // for the race detector
		policies, enough = 50, 100
	}
	for seed := range policies {
		r := &random{rand.New(rand.NewPCG(seed, 22))}
		p := r.policy()
		if len(mapping.Assess(p, api.LatestVersion()).AdmitsNothing) > 0 {
			continue
		}
		lv := api.LevelVersion{
			Level:   pick(r, api.LevelPrivileged, api.LevelBaseline, api.LevelRestricted, api.LevelRestricted),
			Version: pick(r, api.MajorMinorVersion(1, 20), api.MajorMinorVersion(1, 22), api.MajorMinorVersion(1, 25), api.MajorMinorVersion(1, 35), api.LatestVersion()),
		}
		all := mapping.Constraints(p)
		var demanded []mapping.Constraint
		for _, c := range all {
			if c = checked(c, api.LevelVersion{Level: api.LevelPrivileged}); c.Refuses() && !isUnlistedSeccomp(c) && !onlySupplies(c, lv) {
				demanded = append(demanded, c)
			}
		}
		left := remaining(p, all, lv)
		for _, c := range demanded {
			if !slices.ContainsFunc(left, func(l mapping.Constraint) bool { return fmt.Sprintf("%T%v", l, l) == fmt.Sprintf("%T%v", c, c) }) {
				impliedAt[fmt.Sprintf("%T", c)]++
			}
		}
		whole, rest := psp.NewAdmitter([]*pspparse.Policy{policyOf(demanded)}), psp.NewAdmitter([]*pspparse.Policy{policyOf(left)})
		for range 60 {
			pod := r.podNear(p)
			if len(evaluator.Evaluate(pod.Annotations, &pod.Spec, lv)) > 0 {
				continue
			}
			want := acceptsAsItIs(whole, pod)
			if got := acceptsAsItIs(rest, pod); got != want {
				text, _ := json.Marshal(pod)
				t.Fatalf("seed %d, %s: the whole policy accepts %t, what remains accepts %t\ndemanded %#v\nremaining %#v\npod %s", seed, lv, want, got, demanded, left, text)
			}
			if want {
				accepted++
			} else {
				refused++
			}
		}
	}
	t.Logf("%d accepted, %d refused; implied %v", accepted, refused, impliedAt)
	if accepted < enough || refused < enough || len(impliedAt) < 8 {
		t.Error("the pods or policies are too much alike")
	}
}

// onlySupplies reports whether a level implies all of a constraint but that a value is stated, which the policy wrote: restricted
// refuses root, and a range that leaves out root alone demands nothing beside.
func onlySupplies(c mapping.Constraint, lv api.LevelVersion) bool {
	ids, ok := c.(mapping.IDRanges)
	contains := func(id int64) bool {
		return slices.ContainsFunc(ids.Ranges, func(r pspparse.IDRange) bool { return r.Min <= id && id <= r.Max })
	}
	return ok && ids.Field == mapping.RunAsUserField && lv.Level == api.LevelRestricted && !lv.Version.Older(api.MajorMinorVersion(1, 23)) &&
		contains(1) && contains(999) && contains(5000) && contains(1<<31-1)
}

// acceptsAsItIs reports whether PSP admission accepts a pod and writes nothing into it.
func acceptsAsItIs(a *psp.Admitter, pod *corev1.Pod) bool {
	off := false
	got := a.Admit(psp.AdmissionRequest{Pod: pod, Automount: &off, UsablePolicies: a.UsablePolicies(nil, []string{"made"})})
	return got.Policy != "" && !got.Mutated && got.Refused == ""
}

// policyOf is a policy that demands nothing but some constraints.
func policyOf(all []mapping.Constraint) *pspparse.Policy {
	anyone := pspparse.IDStrategy{Rule: pspparse.RunAsAny}
	p := &pspparse.Policy{Name: "made", Annotations: map[string]string{pspparse.SeccompAllowedAnnotation: "*"}, Spec: pspparse.Spec{
		Privileged: true, HostNetwork: true, HostPID: true, HostIPC: true, HostPorts: []pspparse.HostPortRange{{Min: 0, Max: 65535}},
		Volumes: []string{"*"}, AllowedCapabilities: []string{"*"}, SELinux: pspparse.SELinuxStrategy{Rule: pspparse.RunAsAny},
		RunAsUser: anyone, SupplementalGroups: anyone, FSGroup: anyone, AllowPrivilegeEscalation: new(true),
		AllowedUnsafeSysctls: []string{"*"}, AllowedProcMountTypes: []string{"Default", "Unmasked"},
	}}
	s := &p.Spec
	for _, c := range all {
		switch c := c.(type) {
		case mapping.PrivilegedContainers:
			s.Privileged = false
		case mapping.HostNamespace:
			*map[string]*bool{"hostNetwork": &s.HostNetwork, "hostPID": &s.HostPID, "hostIPC": &s.HostIPC}[c.Name] = false
		case mapping.HostPorts:
			s.HostPorts = c.Ranges
		case mapping.VolumeTypes:
			s.Volumes = slices.Clone(c.Keys)
			if at := slices.Index(s.Volumes, "cephfs"); at >= 0 {
				s.Volumes[at] = "cephFS"
			}
		case mapping.HostPaths:
			s.AllowedHostPaths = c.Paths
		case mapping.FlexVolumeDrivers:
			for _, d := range c.Drivers {
				s.AllowedFlexVolumes = append(s.AllowedFlexVolumes, pspparse.AllowedFlexVolume{Driver: d})
			}
		case mapping.CSIDrivers:
			for _, d := range c.Drivers {
				s.AllowedCSIDrivers = append(s.AllowedCSIDrivers, pspparse.AllowedCSIDriver{Name: d})
			}
		case mapping.SELinuxLabel:
			s.SELinux = pspparse.SELinuxStrategy{Rule: pspparse.MustRunAs, SELinuxOptions: &c.Options}
		case mapping.NonRootUser:
			s.RunAsUser = pspparse.IDStrategy{Rule: pspparse.MustRunAsNonRoot}
		case mapping.IDRanges:
			strategy := pspparse.IDStrategy{Rule: pspparse.MustRunAs, Ranges: c.Ranges}
			if c.Optional {
				strategy.Rule = pspparse.MayRunAs
			}
			switch c.Field {
			case mapping.RunAsUserField:
				s.RunAsUser = strategy
			case mapping.RunAsGroupField:
				s.RunAsGroup = &strategy
			case mapping.SupplementalGroupsField:
				s.SupplementalGroups = strategy
			case mapping.FSGroupField:
				s.FSGroup = strategy
			}
		case mapping.ReadOnlyRootFilesystem:
			s.ReadOnlyRootFilesystem = true
		case mapping.PrivilegeEscalation:
			s.AllowPrivilegeEscalation = new(!c.Forbidden)
		case mapping.Capabilities:
			s.AllowedCapabilities, s.RequiredDropCapabilities = c.Addable, c.RequiredDrops
		case mapping.ProcMounts:
			s.AllowedProcMountTypes = c.Types
		case mapping.Sysctls:
			s.AllowedUnsafeSysctls, s.ForbiddenSysctls = c.AllowedUnsafe, c.Forbidden
		case mapping.RuntimeClasses:
			s.RuntimeClass = &pspparse.RuntimeClassStrategy{AllowedRuntimeClassNames: c.Names}
		case mapping.Profiles:
			key := pspparse.SeccompAllowedAnnotation
			if c.Kind == mapping.AppArmorProfiles {
				key = pspparse.AppArmorAllowedAnnotation
			}
			p.Annotations[key] = strings.Join(c.Allowed, ",")
		default:
			panic(fmt.Sprintf("no policy for %T", c))
		}
	}
	return p
}

// random makes policies and pods that are near to what levels and policies accept, so that single fields decide.
type random struct{ *rand.Rand }

// pick returns one of several values.
func pick[T any](r *random, values ...T) T { return values[r.IntN(len(values))] }

// some returns some of several values.
func some[T any](r *random, values ...T) []T {
	var out []T
	for _, v := range values {
		if r.IntN(3) == 0 {
			out = append(out, v)
		}
	}
	return out
}

// policy is random, and open in many fields.
func (r *random) policy() *pspparse.Policy {
	p := policyOf(nil)
	p.Name = "random"
	s := &p.Spec
	ids := func(rules ...string) pspparse.IDStrategy {
		return pspparse.IDStrategy{Rule: pick(r, rules...), Ranges: pick(
			r, []pspparse.IDRange{{Min: 1, Max: 1<<31 - 1}}, []pspparse.IDRange{{Max: 1<<31 - 1}}, []pspparse.IDRange{{Min: 1, Max: 1000}, {Min: 5000, Max: 5000}},
			[]pspparse.IDRange{{Min: 0, Max: 999}}, []pspparse.IDRange{{Min: 0, Max: 10}, {Min: 11, Max: 1<<31 - 1}},
		)}
	}
	edits := []func(){
		func() { s.Privileged = false }, func() { s.HostNetwork = false }, func() { s.HostPID = false }, func() { s.HostIPC = false },
		func() {
			s.HostPorts = pick(r, nil, []pspparse.HostPortRange{{Min: 80, Max: 8000}}, []pspparse.HostPortRange{{Min: 1, Max: 65535}})
		},
		func() {
			s.Volumes = pick(r, some(r, pspparse.FSTypes()...), []string{"secret", "emptyDir", "hostPath", "nfs"}, pspparse.FSTypes())
		},
		func() {
			s.AllowedHostPaths = []pspparse.AllowedHostPath{{PathPrefix: "/var/log", ReadOnly: r.IntN(2) == 0}}
		},
		func() { s.AllowedFlexVolumes = []pspparse.AllowedFlexVolume{{Driver: "a"}} },
		func() { s.AllowedCSIDrivers = []pspparse.AllowedCSIDriver{{Name: "a"}} },
		func() {
			s.SELinux = pspparse.SELinuxStrategy{Rule: pspparse.MustRunAs, SELinuxOptions: &pspparse.SELinuxOptions{Type: pick(r, "", "container_t", "spc_t"), Level: pick(r, "", "s0:c1,c2")}}
		},
		func() {
			s.RunAsUser = pick(r, pspparse.IDStrategy{Rule: pspparse.MustRunAsNonRoot}, ids(pspparse.MustRunAs))
		},
		func() { s.RunAsGroup = new(ids(pspparse.MustRunAs, pspparse.MayRunAs)) },
		func() { s.SupplementalGroups = ids(pspparse.MustRunAs, pspparse.MayRunAs) },
		func() { s.FSGroup = ids(pspparse.MustRunAs, pspparse.MayRunAs) },
		func() { s.ReadOnlyRootFilesystem = true },
		func() { s.AllowPrivilegeEscalation = new(false) },
		func() { s.DefaultAllowPrivilegeEscalation = new(false) },
		func() {
			s.AllowedCapabilities = pick(
				r, nil, []string{"NET_BIND_SERVICE"}, []string{"NET_BIND_SERVICE", "SYS_ADMIN"},
				[]string{"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"},
			)
			s.RequiredDropCapabilities = pick(r, nil, nil, []string{"ALL"}, []string{"NET_RAW"}, []string{"ALL", "NET_RAW"})
			s.DefaultAddCapabilities = pick(r, nil, nil, []string{"CHOWN"})
		},
		func() { s.AllowedProcMountTypes = pick(r, nil, []string{"Default"}, []string{"Unmasked"}) },
		func() {
			s.AllowedUnsafeSysctls = pick(r, nil, []string{"net.*"}, []string{"kernel.msgmax"}, []string{"*"})
			s.ForbiddenSysctls = pick(r, nil, []string{"kernel.shm*"}, []string{"net.ipv4.tcp_syncookies"}, []string{"a.b"})
		},
		func() {
			s.RuntimeClass = &pspparse.RuntimeClassStrategy{AllowedRuntimeClassNames: pick(r, nil, []string{"gvisor"}, []string{"*"})}
		},
		func() {
			if list := pick(r, "-", "runtime/default", "runtime/default,localhost/a", "unconfined,runtime/default", "docker/default"); list == "-" {
				delete(p.Annotations, pspparse.SeccompAllowedAnnotation)
			} else {
				p.Annotations[pspparse.SeccompAllowedAnnotation] = list
			}
			p.Annotations[pspparse.SeccompDefaultAnnotation] = pick(r, "", "runtime/default")
		},
		func() {
			p.Annotations[pspparse.AppArmorAllowedAnnotation] = pick(r, "runtime/default", "runtime/default,unconfined")
		},
	}
	r.Shuffle(len(edits), func(i, j int) { edits[i], edits[j] = edits[j], edits[i] })
	for _, edit := range edits[:1+r.IntN(len(edits))] {
		edit()
	}
	return p
}

// podNear is a pod that the policy has written into, with a few random values in it.
func (r *random) podNear(p *pspparse.Policy) *corev1.Pod {
	pod := &corev1.Pod{}
	pod.Name, pod.Namespace, pod.Annotations = "p", "n", map[string]string{}
	containers := func(n int, name string) (out []corev1.Container) {
		for i := range n {
			out = append(out, corev1.Container{Name: fmt.Sprint(name, i), SecurityContext: &corev1.SecurityContext{
				RunAsNonRoot: new(true), AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: pick(r, nil, new(true)),
				Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL", "NET_RAW"}}, RunAsUser: pick(r, nil, new(int64(1000))),
			}})
		}
		return out
	}
	spec := &pod.Spec
	spec.Containers, spec.InitContainers = containers(1+r.IntN(2), "c"), containers(r.IntN(2), "i")
	spec.SecurityContext = &corev1.PodSecurityContext{SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}}
	for range r.IntN(4) {
		r.change(pod)
	}
	off := false
	for _, by := range []*pspparse.Policy{p, policyOf(nil)} { // of one that refuses it, the other at least copies the seccomp profile
		a := psp.NewAdmitter([]*pspparse.Policy{by})
		if got := a.Admit(psp.AdmissionRequest{Pod: pod, Automount: &off, UsablePolicies: a.UsablePolicies(nil, []string{by.Name})}); got.Refused == "" {
			pod = got.Pod
			break
		}
	}
	if r.IntN(3) == 0 {
		r.change(pod)
	}
	for _, c := range podContainers(pod) {
		// A drop of all is taken for every drop.
		if sc := c.SecurityContext; sc != nil && sc.Capabilities != nil && slices.Contains(sc.Capabilities.Drop, "ALL") && !slices.Contains(sc.Capabilities.Drop, "NET_RAW") {
			sc.Capabilities.Drop = append(sc.Capabilities.Drop, "NET_RAW")
		}
	}
	return pod
}

// podContainers are the containers of a pod.
func podContainers(pod *corev1.Pod) []*corev1.Container {
	var out []*corev1.Container
	for i := range pod.Spec.InitContainers {
		out = append(out, &pod.Spec.InitContainers[i])
	}
	for i := range pod.Spec.Containers {
		out = append(out, &pod.Spec.Containers[i])
	}
	return out
}

// change writes one random value into a pod.
func (r *random) change(pod *corev1.Pod) {
	spec := &pod.Spec
	sc := spec.SecurityContext
	all := podContainers(pod)
	c := all[r.IntN(len(all))]
	if c.SecurityContext == nil {
		c.SecurityContext = &corev1.SecurityContext{}
	}
	own := c.SecurityContext
	volume := func(s corev1.VolumeSource) {
		v := corev1.Volume{Name: fmt.Sprint("v", len(spec.Volumes)), VolumeSource: s}
		spec.Volumes = append(spec.Volumes, v)
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: v.Name, MountPath: "/" + v.Name, ReadOnly: r.IntN(2) == 0})
	}
	id := func() *int64 {
		return pick(r, nil, new(int64(0)), new(int64(1)), new(int64(999)), new(int64(1000)), new(int64(5000)), new(int64(1<<31-1)))
	}
	label := func() *corev1.SELinuxOptions {
		return pick(r, nil, &corev1.SELinuxOptions{}, &corev1.SELinuxOptions{Type: "container_t"}, &corev1.SELinuxOptions{Type: "spc_t"}, &corev1.SELinuxOptions{Level: "s0:c2,c1"}, &corev1.SELinuxOptions{Type: "container_t", Level: "s0:c1,c2"})
	}
	changes := []func(){
		func() { spec.HostNetwork, spec.HostPID, spec.HostIPC = r.IntN(4) == 0, r.IntN(4) == 0, r.IntN(4) == 0 },
		func() { c.Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: pick(r, int32(0), 80, 9000)}} },
		func() { own.Privileged = pick(r, nil, new(false), new(true)) },
		func() { own.AllowPrivilegeEscalation = pick(r, nil, new(false), new(true)) },
		func() { own.ReadOnlyRootFilesystem = pick(r, nil, new(false), new(true)) },
		func() { own.RunAsUser = id() }, func() { own.RunAsGroup = id() }, func() { sc.RunAsUser = id() }, func() { sc.RunAsGroup = id() }, func() { sc.FSGroup = id() },
		func() { sc.SupplementalGroups = pick(r, nil, []int64{1}, []int64{1, 0}, []int64{5000}) },
		func() { own.RunAsNonRoot = pick(r, nil, new(false), new(true)) }, func() { sc.RunAsNonRoot = pick(r, nil, new(false), new(true)) },
		func() { own.SELinuxOptions = label() }, func() { sc.SELinuxOptions = label() },
		func() {
			own.Capabilities = &corev1.Capabilities{
				Add:  pick(r, nil, []corev1.Capability{"NET_BIND_SERVICE"}, []corev1.Capability{"CHOWN"}, []corev1.Capability{"SYS_ADMIN"}),
				Drop: pick(r, nil, []corev1.Capability{"ALL"}, []corev1.Capability{"NET_RAW"}),
			}
		},
		func() { own.ProcMount = pick(r, nil, new(corev1.DefaultProcMount), new(corev1.UnmaskedProcMount)) },
		func() {
			sc.Sysctls = []corev1.Sysctl{{Name: pick(r, mapping.SafeSysctls()...), Value: "1"}, {Name: pick(r, "net.ipv4.tcp_rmem", "kernel.msgmax", "net.ipv4.tcp_syncookies"), Value: "1"}}
		},
		func() { spec.RuntimeClassName = pick(r, nil, new("gvisor"), new("kata")) },
		func() { spec.HostUsers = pick(r, nil, new(false)) },
		func() { spec.OS = pick(r, nil, &corev1.PodOS{Name: corev1.Windows}) },
		func() { // restricted asks it for no drops, so that those of the policy decide
			spec.OS = &corev1.PodOS{Name: corev1.Windows}
			for _, c := range all {
				if c.SecurityContext != nil {
					c.SecurityContext.Capabilities = &corev1.Capabilities{Drop: pick(r, nil, []corev1.Capability{"NET_RAW"})}
				}
			}
		},
		func() {
			volume(corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: pick(r, "/var/log/x", "/etc")}})
		},
		func() { volume(corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: pick(r, "a", "b")}}) },
		func() { volume(corev1.VolumeSource{FlexVolume: &corev1.FlexVolumeSource{Driver: pick(r, "a", "b")}}) },
		func() { volume(corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s"}}) },
		func() { volume(corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}) },
		func() { volume(corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{Server: "s", Path: "/"}}) },
		func() { volume(corev1.VolumeSource{CephFS: &corev1.CephFSVolumeSource{Monitors: []string{"m"}}}) },
		func() { volume(corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}) },
		func() {
			profile := pick(r, "unconfined", "localhost/a", "localhost/b", "runtime/default")
			sc.SeccompProfile = podspec.SeccompProfile(profile)
			pod.Annotations[podspec.SeccompPodAnnotation] = profile
		},
		func() {
			pod.Annotations[podspec.AppArmorAnnotationPrefix+c.Name] = pick(r, "runtime/default", "unconfined", "localhost/x")
		},
	}
	changes[r.IntN(len(changes))]()
}

// TestNewVolumeTypesRemain: a list of all types that PodSecurityPolicy knew is no level's: servers know others since.
func TestNewVolumeTypesRemain(t *testing.T) {
	t.Parallel()
	p := policyOf(nil)
	p.Spec.Volumes = slices.DeleteFunc(slices.Clone(pspparse.FSTypes()), func(name string) bool { return name == "*" })
	for _, level := range []api.Level{api.LevelPrivileged, api.LevelBaseline, api.LevelRestricted} {
		kinds := map[string]bool{}
		for _, c := range remaining(p, mapping.Constraints(p), api.LevelVersion{Level: level, Version: api.MajorMinorVersion(1, 25)}) {
			kinds[fmt.Sprintf("%T", c)] = true
		}
		if !kinds["mapping.VolumeTypes"] {
			t.Errorf("%s: %v", level, slices.Sorted(maps.Keys(kinds)))
		}
	}
}

// A default that the policy writes and does not accept refuses every pod that states no value, so a delta has to know of it.
func TestRefusedDefaultsRemain(t *testing.T) {
	t.Parallel()
	lv := api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}
	for _, test := range []struct {
		name string
		c    mapping.Constraint
		kept bool
	}{
		{"class that is not allowed", mapping.RuntimeClasses{Names: []string{"gvisor"}, Default: new("runc")}, true},
		{"class that is allowed", mapping.RuntimeClasses{Names: []string{"gvisor"}, Default: new("gvisor")}, false},
		{"class of any", mapping.RuntimeClasses{Any: true, Default: new("gvisor")}, false},
		{"no class", mapping.RuntimeClasses{Names: []string{"gvisor"}}, false},
		{"profile that is not allowed", mapping.Profiles{Kind: mapping.SeccompProfiles, Listed: true, Allowed: []string{""}, Default: "localhost/a"}, true},
		{"profile that is allowed", mapping.Profiles{Kind: mapping.SeccompProfiles, Listed: true, Allowed: []string{"localhost/a"}, Default: "localhost/a"}, false},
	} {
		kept := false
		switch c := checked(test.c, lv).(type) {
		case mapping.RuntimeClasses:
			kept = c.Default != nil
		case mapping.Profiles:
			kept = c.Default != ""
		}
		if kept != test.kept {
			t.Errorf("%s: the default is kept: %t, want %t", test.name, kept, test.kept)
		}
	}
}

// Restricted asks pods for Windows for no drops from v1.25 on. They have to drop what the policy requires, not all capabilities; other
// pods have dropped all then, which counts as each.
func TestRequiredDropsOfWindowsPods(t *testing.T) {
	t.Parallel()
	p := policyOf([]mapping.Constraint{mapping.Capabilities{Addable: []string{"NET_BIND_SERVICE"}, RequiredDrops: []string{"KILL"}}})
	all := []string{"ALL"}
	for _, test := range []struct {
		level   api.Level
		version api.Version
		drops   []string
		want    []string
	}{
		{api.LevelRestricted, api.LatestVersion(), []string{"KILL"}, []string{"KILL"}},
		{api.LevelRestricted, api.MajorMinorVersion(1, 25), []string{"KILL"}, []string{"KILL"}},
		{api.LevelRestricted, api.MajorMinorVersion(1, 25), []string{"ALL", "KILL"}, all},
		{api.LevelRestricted, api.MajorMinorVersion(1, 24), []string{"KILL"}, nil}, // implied: every pod drops all
		{api.LevelRestricted, api.MajorMinorVersion(1, 21), []string{"KILL"}, []string{"KILL"}},
		{api.LevelBaseline, api.LatestVersion(), []string{"KILL"}, []string{"KILL"}},
	} {
		p.Spec.RequiredDropCapabilities = test.drops
		var got []string
		for _, c := range remaining(p, mapping.Constraints(p), api.LevelVersion{Level: test.level, Version: test.version}) {
			if c, ok := c.(mapping.Capabilities); ok {
				got = c.RequiredDrops
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s %s, required to drop %v: %v is left to drop, want %v", test.level, test.version, test.drops, got, test.want)
		}
	}
}
