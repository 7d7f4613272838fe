package labels_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/admission"
	"k8s.io/pod-security-admission/admission/api/load"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/metrics"
	"k8s.io/pod-security-admission/policy"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// noPods are the pods of every namespace.
type noPods struct{}

func (noPods) ListPods(context.Context, string) ([]*corev1.Pod, error) { return nil, nil }

func (noPods) GetNamespace(context.Context, string) (*corev1.Namespace, error) {
	return nil, errors.New("nobody asks for it")
}

// uncounted counts nothing.
type uncounted struct{ metrics.Recorder }

// newServer is Kubernetes' own Pod Security admission.
func newServer() (*admission.Admission, error) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return nil, err
	}
	configuration, err := load.LoadFromData(nil)
	if err != nil {
		return nil, err
	}
	a := &admission.Admission{
		Configuration: configuration, Evaluator: evaluator, Metrics: uncounted{},
		PodSpecExtractor: admission.DefaultPodSpecExtractor{}, PodLister: noPods{}, NamespaceGetter: noPods{},
	}
	return a, errors.Join(a.CompleteConfiguration(), a.ValidateConfiguration())
}

// admit is what it says to an update of a namespace's labels.
func admit(a *admission.Admission, is, will map[string]string) error {
	object := func(labels map[string]string) *corev1.Namespace {
		return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "web", Labels: labels}}
	}
	answer := a.ValidateNamespace(context.Background(), &api.AttributesRecord{
		Name: "web", Namespace: "web", Resource: corev1.SchemeGroupVersion.WithResource("namespaces"), Kind: corev1.SchemeGroupVersion.WithKind("Namespace"),
		Operation: admissionv1.Update, Object: object(will), OldObject: object(is),
	})
	if !answer.Allowed {
		return errors.New(answer.Result.Message)
	}
	return nil
}

// forms are the writers, and how the labels of one namespace are found in what each has written.
func forms() map[string]func(*bytes.Buffer, *migrate.Plan, labels.Options) error {
	return map[string]func(*bytes.Buffer, *migrate.Plan, labels.Options) error{
		"commands": func(b *bytes.Buffer, p *migrate.Plan, o labels.Options) error { return labels.WriteCommands(b, p, o) },
		"manifest": func(b *bytes.Buffer, p *migrate.Plan, o labels.Options) error { return labels.WriteManifests(b, p, o) },
		"apply": func(b *bytes.Buffer, p *migrate.Plan, o labels.Options) error {
			return labels.WriteServerSideApply(b, p, o)
		},
		"kustomize": func(b *bytes.Buffer, p *migrate.Plan, o labels.Options) error { return labels.WriteKustomize(b, p, o) },
		"terraform": func(b *bytes.Buffer, p *migrate.Plan, o labels.Options) error { return labels.WriteTerraform(b, p, o) },
	}
}

var (
	written  = regexp.MustCompile(`"?(pod-security\.kubernetes\.io/[a-z-]+)"? *[=:] *"?([a-zA-Z0-9.]+)"?`)
	wordOf   = regexp.MustCompile(`'[^']*'|[^' ]+`)
	notALine = regexp.MustCompile(`(?m)^ *#.*\n`)
)

// writes are the labels that a text in one of the forms writes.
func writes(text string) map[string]string {
	out := map[string]string{}
	for _, m := range written.FindAllStringSubmatch(notALine.ReplaceAllString(text, ""), -1) {
		out[m[1]] = m[2]
	}
	return out
}

// anyLabels are what may stand on a namespace from before the admission, none, invalid and valid ones.
func anyLabels(r *rand.Rand) map[string]string {
	out := map[string]string{}
	for _, key := range inventory.PodSecurityLabelKeys() {
		values := []string{"privileged", "baseline", "restricted", "Baseline", "", "v1.25"}
		if strings.HasSuffix(key, "-version") {
			values = []string{"v1.25", "latest", "1.25", "", "v1.30"}
		}
		if r.IntN(3) > 0 {
			out[key] = values[r.IntN(len(values))]
		}
	}
	return out
}

// planOfLabels recommends something for the one namespace, as a plan of any kind does.
func planOfLabels(r *rand.Rand, is map[string]string) *migrate.Plan {
	ns := migrate.Namespace{Name: "web", Labels: maps.Clone(is), ClientApplied: new(bool), Action: migrate.ActionChange}
	get := func(key string) string { return is["pod-security.kubernetes.io/"+key] }
	ns.CurrentLabels = migrate.PodSecurityLabels{
		Enforce: get("enforce"), EnforceVersion: get("enforce-version"), Audit: get("audit"),
		AuditVersion: get("audit-version"), Warn: get("warn"), WarnVersion: get("warn-version"),
	}
	levels := []string{"privileged", "baseline", "restricted"}
	ns.RecommendedLabels = six(levels[r.IntN(3)])
	ns.RecommendedLabels.Warn, ns.RecommendedLabels.Audit = levels[r.IntN(3)], levels[r.IntN(3)]
	switch r.IntN(4) {
	case 0:
		ns.Action = migrate.ActionLoosen
	case 1:
		ns.RecommendedLabels.Enforce, ns.RecommendedLabels.EnforceVersion = "", ""
	case 2:
		ns.DecidedBy = &migrate.EnforceDecision{Basis: migrate.BasisOverride}
	}
	return planOf(planned(), ns)
}

// Kubernetes' own admission takes every write of every form at every stage, one stage after the other, and every undoing
// of them in the order back. What is enforced is changed by no stage but that of enforce, and what is undone enforces what
// was enforced before.
func TestServerTakesEveryWrite(t *testing.T) {
	t.Parallel()
	server, err := newServer()
	if err != nil {
		t.Fatal(err)
	}
	const all, observe, enforce = labels.StageAll, labels.StageObserve, labels.StageEnforce
	orders := [][]labels.Stage{{all}, {observe}, {enforce}, {observe, enforce}, {observe, enforce, observe}, {enforce, observe}, {all, all}}
	seeds := uint64(600)
	if testing.Short() { // for the race detector
		seeds = 60
	}
	for form, write := range forms() {
		for seed := range seeds {
			r := rand.New(rand.NewPCG(seed, 1))
			before := anyLabels(r)
			plan := planOfLabels(r, before)
			stages := orders[r.IntN(len(orders))]
			is := maps.Clone(before)
			says := func() string {
				return fmt.Sprintf("seed %d, %s, stages %q, labels %v, recommended %+v, now %v", seed, form, stages, before, plan.Namespaces[0].RecommendedLabels, is)
			}
			undos := map[labels.Stage]string{}
			for _, stage := range stages {
				var b, undo bytes.Buffer
				if err := errors.Join(write(&b, plan, labels.Options{Stage: stage}), labels.WriteUndo(&undo, plan, labels.Options{Stage: stage})); err != nil {
					t.Fatal(err)
				}
				will, err := take(server, is, form, b.String())
				switch {
				case err != nil:
					t.Fatalf("%s: %q: %v", says(), stage, err)
				case form == "commands" && stage == observe && enforced(is) != enforced(will):
					t.Fatalf("%s: observing makes %v of it", says(), will)
				case len(labels.InvalidLabels(will)) > 0 && !maps.Equal(subset(is), subset(will)) && len(labels.InvalidLabels(is)) != len(labels.InvalidLabels(will)):
					t.Fatalf("%s: %q leaves a half: %v", says(), stage, will)
				}
				is, undos[stage] = will, undo.String()
			}
			if form == "commands" && len(undos) == len(stages) {
				for _, stage := range slices.Backward(stages) {
					will, err := take(server, is, "undo", undos[stage])
					if err != nil {
						t.Fatalf("%s: undoing: %v\n%s", says(), err, undos[stage])
					}
					is = will
				}
				if enforced(is) != enforced(before) {
					t.Fatalf("%s: so it is after the undoing", says())
				}
			}
		}
	}
}

// subset are the invalid ones.
func subset(set map[string]string) map[string]string {
	out := map[string]string{}
	for _, key := range labels.InvalidLabels(set) {
		out[key] = set[key]
	}
	return out
}

// take is a namespace after what has been written for it, as a server has it that admits or refuses each update.
func take(server *admission.Admission, is map[string]string, form, text string) (map[string]string, error) {
	s := &state{Namespaces: map[string]map[string]string{"web": maps.Clone(is)}, server: server}
	if form != "commands" && form != "undo" {
		will := maps.Clone(is)
		maps.Copy(will, writes(text))
		return will, admit(server, is, will)
	}
	for line := range strings.Lines(text) {
		words := wordOf.FindAllString(strings.TrimSpace(line), -1)
		for i := range words {
			words[i] = strings.Trim(words[i], "'")
		}
		switch {
		case strings.HasPrefix(line, "kubectl label "):
			words = words[1:]
		case strings.HasPrefix(line, "undo "):
			words = append([]string{"label", "--overwrite", "namespace", "--field-selector=metadata.name=" + words[1], "--selector=" + words[2]}, words[4:]...)
		default:
			continue
		}
		if err := s.run(words); err != nil {
			return nil, fmt.Errorf("%s: %w", strings.TrimSpace(line), err)
		}
	}
	return s.Namespaces["web"], nil
}

func enforced(set map[string]string) string {
	p, _ := api.PolicyToEvaluate(set, api.Policy{Enforce: api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}})
	return p.Enforce.String()
}

// Unfit says what Kubernetes' own admission says.
func TestUnfit(t *testing.T) {
	t.Parallel()
	server, err := newServer()
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 2))
		is, will := anyLabels(r), anyLabels(r)
		if r.IntN(2) == 0 {
			will = maps.Clone(is)
			key := inventory.PodSecurityLabelKeys()[r.IntN(6)]
			will[key] = "restricted"
		}
		unfit, err := labels.KeysRefusedOnUpdate(is, will), admit(server, is, will)
		if (len(unfit) > 0) != (err != nil) {
			t.Fatalf("from %v to %v: %v, and the server says %v", is, will, unfit, err)
		}
	}
}

// Two invalid labels, of which one is another stage's or held back.
func TestRepairs(t *testing.T) {
	t.Parallel()
	const enforce, warn, version = "pod-security.kubernetes.io/enforce", "pod-security.kubernetes.io/warn", "pod-security.kubernetes.io/enforce-version"
	tests := []struct {
		name   string
		stage  labels.Stage
		action migrate.Action
		labels map[string]string
		want   []labels.Label
	}{
		{
			"all at once", labels.StageAll, migrate.ActionChange,
			map[string]string{enforce: "Baseline", warn: "restrict"},
			[]labels.Label{{enforce, "baseline"}, {version, "v1.25"}, {warn, "restricted"}},
		},
		{
			"held back", labels.StageAll, migrate.ActionLoosen,
			map[string]string{enforce: "Baseline", warn: "restrict"},
			[]labels.Label{{enforce, "restricted"}, {warn, "restricted"}},
		},
		{
			"held back, and the only one", labels.StageAll, migrate.ActionLoosen,
			map[string]string{enforce: "Baseline"},
			[]labels.Label{{warn, "restricted"}},
		},
		{
			"observing", labels.StageObserve, migrate.ActionChange,
			map[string]string{enforce: "", version: "1.25", warn: "restrict"},
			[]labels.Label{{enforce, "restricted"}, {version, "latest"}, {warn, "restricted"}},
		},
		{
			"enforcing", labels.StageEnforce, migrate.ActionChange,
			map[string]string{enforce: "Baseline", warn: "restrict"},
			[]labels.Label{{enforce, "baseline"}, {version, "v1.25"}, {warn, "restricted"}},
		},
		{"enforcing what stays", labels.StageEnforce, migrate.ActionLoosen, map[string]string{enforce: "Baseline", warn: "restrict"}, nil},
	}
	for _, tt := range tests {
		ns := migrate.Namespace{Name: "web", Labels: tt.labels, Action: tt.action, RecommendedLabels: migrate.PodSecurityLabels{Enforce: "baseline", EnforceVersion: "v1.25", Warn: "restricted"}}
		if tt.action == migrate.ActionChange {
			ns.DecidedBy = &migrate.EnforceDecision{Basis: migrate.BasisOverride}
		}
		if diff := cmp.Diff(tt.want, labels.WantedLabels(&ns, tt.stage)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
