package inventory

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse"
)

// reading is a template of one name, told apart by a user ID; at is its line.
func reading(b *Builder, user int64, at int) {
	spec := corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{RunAsUser: &user}, Containers: []corev1.Container{{Name: "c"}}}
	b.AddTemplate("Deployment", ObjectMeta{Name: "web", Namespace: "a"}, 1, &corev1.PodTemplateSpec{Spec: spec}, pspparse.Position{File: "f", Line: at})
}

// What becomes of several readings of one workload, by whether they are said to be alike.
func TestReadings(t *testing.T) {
	t.Parallel()
	pod := func(b *Builder) {
		controller := true
		b.AddPod(ObjectMeta{Name: "web-abc-1", Namespace: "a", OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web-abc", Controller: &controller}}},
			&corev1.PodSpec{Containers: []corev1.Container{{Name: "c"}}}, corev1.PodRunning, pspparse.Position{File: "live", Line: 1})
	}
	many := func(b *Builder) {
		for i := range maxReadings + 1 {
			reading(b, int64(i), i+1)
		}
	}
	two := func(b *Builder) { reading(b, 7, 1); reading(b, 8, 2) }
	const twice = `Deployment "a/web": it is defined 2 times with different content (f:1, f:2)`
	tests := []struct {
		name      string
		add       []func(*Builder)
		alike     bool
		workloads []string
		told      []string
	}{
		{
			"alike",
			[]func(*Builder){two},
			true,
			[]string{"Deployment a/web f:1 user 7, 1 replicas"},
			[]string{"note " + twice + "; its level is the same either way, and what is said of it is by the first"},
		},
		{"not alike", []func(*Builder){two}, false, nil, []string{"gap " + twice + ", and none was used: keep one of them"}},
		{
			"alike, and it runs",
			[]func(*Builder){two, pod},
			true,
			[]string{"Deployment a/web f:1 user 7, 1 replicas, 1 pods"},
			[]string{"note " + twice + "; its level is the same either way, and what is said of it is by the first"},
		},
		{
			"not alike, and it runs",
			[]func(*Builder){two, pod},
			false,
			[]string{"Deployment a/web -:0 no template, 1 replicas, 1 pods"},
			[]string{"gap " + twice + ", and none was used: keep one of them"},
		},
		{"too many to compare", []func(*Builder){many}, true, nil, []string{"gap " + `Deployment "a/web": it is defined 11 times with different content (` +
			"f:1, f:2, f:3, f:4, f:5, f:6, f:7, f:8, f:9, f:10, f:11), and none was used: keep one of them"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, reverse := range []bool{false, true} {
				b := NewBuilder()
				asked := 0
				b.SameLevels = func([]*pspparse.Policy) func([]Workload) bool {
					return func(readings []Workload) bool { asked += len(readings); return tt.alike }
				}
				for _, add := range tt.add {
					add(b)
				}
				if reverse {
					slices.Reverse(b.templates)
				}
				inv := b.Build(Source{})
				var workloads, told []string
				for i := range inv.Workloads {
					workloads = append(workloads, workloadText(&inv.Workloads[i]))
				}
				for _, g := range inv.Gaps {
					told = append(told, "gap "+g.What+": "+g.Why.Text)
				}
				for _, n := range inv.Notes {
					told = append(told, "note "+n.What+": "+n.Why.Text)
				}
				if diff := cmp.Diff(tt.workloads, workloads); diff != "" {
					t.Errorf("workloads (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.told, told); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
				if asked > maxReadings {
					t.Errorf("%d readings were compared", asked)
				}
				if len(inv.Namespaces) != 1 {
					t.Errorf("namespaces: %+v", inv.Namespaces)
				}
			}
		})
	}
}

func workloadText(w *Workload) string {
	at, user := "-:0", "no template"
	if w.Position.File != "" {
		at = fmt.Sprintf("%s:%d", w.Position.File, w.Position.Line)
	}
	if w.Template != nil {
		user = fmt.Sprintf("user %d", *w.Template.Spec.SecurityContext.RunAsUser)
	}
	text := fmt.Sprintf("%s %s/%s %s %s, %d replicas", w.Kind, w.Namespace, w.Name, at, user, w.Replicas)
	if len(w.PodGroups) > 0 {
		text += fmt.Sprintf(", %d pods", len(w.PodGroups))
	}
	return text
}

// Two readings of one document are used only where both can be, and say what it is alike.
func TestDecodeEither(t *testing.T) {
	t.Parallel()
	const deployment = `{"metadata":{"name":"web","namespace":"a"},"spec":{"template":{"spec":{"hostPID":%s,"containers":[{"name":"c"}]}}}}`
	tests := []struct{ name, kind, first, last, want string }{
		{"alike for all checks", "Deployment", fmt.Sprintf(deployment, "true"), fmt.Sprintf(deployment, "true"), "used"},
		{"two shapes", "Deployment", fmt.Sprintf(deployment, "true"), fmt.Sprintf(deployment, "false"), "used"},
		{"one is of the wrong type", "Deployment", fmt.Sprintf(deployment, "true"), fmt.Sprintf(deployment, `"x"`), "refused"},
		{"another name", "Deployment", fmt.Sprintf(deployment, "true"), strings.Replace(fmt.Sprintf(deployment, "true"), `"web"`, `"api"`, 1), "refused"},
		{"no containers", "Deployment", fmt.Sprintf(deployment, "true"), `{"metadata":{"name":"web","namespace":"a"},"spec":{"template":{}}}`, "refused"},
		{"a binding", "RoleBinding", `{}`, `{}`, "refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := NewBuilder()
			b.SameLevels = func([]*pspparse.Policy) func([]Workload) bool { return func([]Workload) bool { return true } }
			k := kindByName(tt.kind)
			got := "refused"
			if b.DecodeBothReadings(k.apiVersions[0], tt.kind, []byte(tt.first), []byte(tt.last), "a key is given twice", pspparse.Position{File: "f", Line: 3}) {
				got = "used"
			}
			inv := b.Build(Source{})
			if got != tt.want || len(inv.Gaps) > 0 || len(inv.Workloads) != len(inv.Notes) || (len(inv.Notes) == 1) != (tt.want == "used") {
				t.Errorf("%s, want %s; workloads %+v, gaps %+v, notes %+v", got, tt.want, inv.Workloads, inv.Gaps, inv.Notes)
			}
		})
	}
}
