package places

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
	"github.com/psp2pss/psp2pss/simulate/internal/podtest"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// enrich adds to a random pod what podtest leaves out and some check reads.
func enrich(r *podtest.Random, annotations map[string]string, spec *corev1.PodSpec) {
	rare := func() bool { return r.Intn(12) == 0 }
	if rare() {
		spec.SecurityContext = podspec.OrEmpty(spec.SecurityContext)
		spec.SecurityContext.SELinuxOptions = &corev1.SELinuxOptions{User: "u", Role: "r", Type: "spc_t", Level: "s0"}
		spec.SecurityContext.WindowsOptions = &corev1.WindowsSecurityContextOptions{HostProcess: new(true)}
	}
	if rare() {
		spec.Volumes = append(spec.Volumes,
			corev1.Volume{Name: "both", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}, EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			corev1.Volume{Name: "two", VolumeSource: corev1.VolumeSource{FlexVolume: &corev1.FlexVolumeSource{Driver: "x"}, RBD: &corev1.RBDVolumeSource{RBDPool: "p"}}})
	}
	if rare() {
		annotations[podspec.AppArmorAnnotationPrefix+"gone"] = "unconfined"
	}
	for i, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for j := range list {
			enrichContainer(r, &list[j], int32(8000+10*i+j))
		}
	}
}

// enrichContainer adds ports, hosts and profiles to a random container.
func enrichContainer(r *podtest.Random, c *corev1.Container, port int32) {
	rare := func() bool { return r.Intn(12) == 0 }
	if r.Intn(3) == 0 {
		c.Ports = append([]corev1.ContainerPort{{ContainerPort: port}}, c.Ports...)
	}
	if rare() {
		c.Ports = append(c.Ports, corev1.ContainerPort{ContainerPort: port, HostPort: 53, Protocol: corev1.ProtocolTCP},
			corev1.ContainerPort{ContainerPort: port, HostPort: 53, Protocol: corev1.ProtocolUDP})
	}
	if rare() {
		tcp := &corev1.TCPSocketAction{Host: "db", Port: intstr.FromInt32(port)}
		c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: tcp, HTTPGet: &corev1.HTTPGetAction{Port: tcp.Port, Host: "x"}}}
		c.StartupProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: tcp.Port}}}
		c.Lifecycle = &corev1.Lifecycle{
			PostStart: &corev1.LifecycleHandler{TCPSocket: tcp}, PreStop: &corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{Host: "y"}},
		}
	}
	if rare() {
		c.SecurityContext = podspec.OrEmpty(c.SecurityContext)
		c.SecurityContext.AppArmorProfile = &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined}
		c.SecurityContext.SELinuxOptions = &corev1.SELinuxOptions{Role: "r", Type: "container_engine_t"}
		c.SecurityContext.WindowsOptions = &corev1.WindowsSecurityContextOptions{HostProcess: new(true)}
		c.SecurityContext.Capabilities = &corev1.Capabilities{Add: []corev1.Capability{"CHOWN", "CAP_SYS_ADMIN", "CHOWN"}, Drop: []corev1.Capability{"all"}}
		c.SecurityContext.Privileged = new(true)
	}
}

// versions are the last with PodSecurityPolicy and each later one in which a check changes, which stand for all from v1.24 on.
func versions() []api.Version {
	return append([]api.Version{api.MajorMinorVersion(1, 24)}, append(pss.VersionsWithChanges(), api.LatestVersion())...)
}

// seen counts what a property met, so that a run that proves little fails.
type seen struct {
	checks map[string]int
	fields map[string]int
	noEdit map[string]int
}

func newSeen() *seen { return &seen{map[string]int{}, map[string]int{}, map[string]int{}} }

// subject is a manifest with the shapes that it has after edits, each made once for all versions.
type subject struct {
	manifest
	shape  *inventory.Shape
	edited map[string]*inventory.Shape
}

func newSubject(t *testing.T, annotations map[string]string, spec *corev1.PodSpec) *subject {
	t.Helper()
	m := manifestOf(t, annotations, spec)
	return &subject{m, m.shape(t), map[string]*inventory.Shape{}}
}

// after returns the shape of the manifest after edits.
func (m *subject) after(t *testing.T, all []Place) *inventory.Shape {
	t.Helper()
	var key strings.Builder
	for _, p := range all {
		fmt.Fprintln(&key, p.Path, p.Edit.Remove, string(p.Edit.Value))
	}
	if m.edited[key.String()] == nil {
		m.edited[key.String()] = m.manifest.edited(t, all).shape(t)
	}
	return m.edited[key.String()]
}

var indexes = regexp.MustCompile(`\[\d+\]`)

// wantPlaces proves that the places of every check that a pod fails are what has to be changed, and nothing else.
func (s *seen) wantPlaces(t *testing.T, e *pss.Evaluator, m *subject, v api.Version) {
	t.Helper()
	shape := m.shape
	for _, c := range policy.DefaultChecks() {
		check := string(c.ID)
		found := Of(e, shape, check, v)
		if !e.Fails(check, shape.Annotations, &shape.Spec, v) {
			if len(found) > 0 {
				t.Errorf("%s at %s: it is met, and has places %v", check, v.String(), paths(found))
			}
			continue
		}
		s.checks[check]++
		if len(found) == 0 {
			t.Fatalf("%s at %s: no places", check, v.String())
		}
		s.wantExact(t, e, m, check, v, found)
	}
}

// wantExact proves that the edits of all places meet the check, and that those of all but one do not.
func (s *seen) wantExact(t *testing.T, e *pss.Evaluator, m *subject, check string, v api.Version, found []Place) {
	t.Helper()
	windows := m.shape.Spec.OS != nil && m.shape.Spec.OS.Name == corev1.Windows
	for _, p := range found {
		s.fields[indexes.ReplaceAllString(p.Path.String(), "[]")]++
		if p.Missing != (m.valueAt(p.Path) == nil) && check != "hostPorts" {
			t.Errorf("%s at %s: %s is missing: %t", check, v.String(), p.Path, p.Missing)
		}
		if p.Edit == nil {
			s.noEdit[check]++
			if !windows || v.String() != "v1.24" {
				t.Errorf("%s at %s: no edit for %s", check, v.String(), p.Path)
			}
			return
		}
		if p.Edit.Why.ID == "" || !slices.Contains([]string{"safe", "test", SafetyDecide}, p.Edit.Safety) || p.Edit.Remove != (p.Edit.Value == nil) {
			t.Errorf("%s at %s: the edit %+v", check, v.String(), p.Edit)
		}
	}
	m.wantStatedValuesDecided(t, check, found)
	met := func(all []Place) bool {
		pod := m.after(t, all)
		return !e.Fails(check, pod.Annotations, &pod.Spec, v)
	}
	if !met(found) {
		t.Errorf("%s at %s: still fails after %v in %v", check, v.String(), paths(found), m.manifest)
	}
	for i, p := range found {
		if met(slices.Delete(slices.Clone(found), i, i+1)) && !isExtra(m.manifest, check, &p) {
			t.Errorf("%s at %s: %s is not needed beside %v in %v", check, v.String(), p.Path, paths(found), m.manifest)
		}
	}
}

// wantStatedValuesDecided proves that an edit which takes away a value of the manifest is for people to decide. One that adds to a list
// takes nothing away.
func (m *subject) wantStatedValuesDecided(t *testing.T, check string, found []Place) {
	t.Helper()
	for i := range found {
		p := &found[i]
		list, isList := m.valueAt(p.Path).([]any)
		if p.Missing || p.Edit == nil || p.Edit.Safety == SafetyDecide {
			continue
		}
		var after []any
		if !isList || json.Unmarshal(p.Edit.Value, &after) != nil || len(after) < len(list) || !reflect.DeepEqual(list, after[:len(list)]) {
			t.Errorf("%s: the edit of %s takes a value away and is %s", check, p.Path, p.Edit.Safety)
		}
	}
}

// isExtra reports whether a place is one of the two exceptions that Of names.
func isExtra(m manifest, check string, p *Place) bool {
	annotation, _ := m.valueAt(fieldpath.Path{{Key: "metadata"}, {Key: "annotations"}, {Key: podspec.SeccompContainerAnnotationPrefix + p.Container}}).(string)
	hostNetwork := m["spec"].(map[string]any)["hostNetwork"] == true
	return check == "seccompProfile_restricted" && annotation != "" || check == "hostPorts" && hostNetwork
}

func paths(all []Place) []string {
	var out []string
	for _, p := range all {
		out = append(out, p.Path.String())
	}
	return out
}

// TestPlacesOfRandomPods takes pods whose fields are set at random through all checks and versions.
func TestPlacesOfRandomPods(t *testing.T) {
	t.Parallel()
	e := mustEvaluator(t)
	s := newSeen()
	for seed := range int64(1200) {
		r := podtest.NewRandom(seed)
		annotations, spec := r.Pod()
		enrich(r, annotations, spec)
		m := newSubject(t, annotations, spec)
		for _, v := range versions() {
			s.wantPlaces(t, e, m, v)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	for _, c := range policy.DefaultChecks() {
		if s.checks[string(c.ID)] < 100 {
			t.Errorf("%s failed %d times", c.ID, s.checks[string(c.ID)])
		}
	}
	t.Logf("checks %v, without an edit %v", s.checks, s.noEdit)
	if len(s.noEdit) > 3 {
		t.Errorf("without an edit: %v", s.noEdit)
	}
	for _, list := range []string{"initContainers", "containers"} {
		for _, field := range containerFields() {
			if path := "spec." + list + "[]." + field; s.fields[path] == 0 {
				t.Errorf("no pod had a place at %s", path)
			}
		}
	}
}

func containerFields() []string {
	return strings.Fields(`securityContext.allowPrivilegeEscalation securityContext.capabilities.drop securityContext.capabilities.add[]
		securityContext.runAsNonRoot securityContext.seccompProfile securityContext.privileged securityContext.procMount securityContext.runAsUser
		securityContext.seLinuxOptions.type securityContext.seLinuxOptions.user securityContext.seLinuxOptions.role
		securityContext.appArmorProfile securityContext.windowsOptions.hostProcess ports[].hostPort livenessProbe.httpGet.host
		readinessProbe.httpGet.host readinessProbe.tcpSocket.host lifecycle.postStart.tcpSocket.host lifecycle.preStop.httpGet.host`)
}

func mustEvaluator(t *testing.T) *pss.Evaluator {
	t.Helper()
	e, err := pss.NewEvaluator()
	if err != nil {
		t.Fatal(err)
	}
	return e
}
