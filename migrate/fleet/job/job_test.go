package job

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/simulate/pss"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// plain are the options of a fleet where all is printed that can be.
func plain() Options {
	return Options{
		Tool: "psp2pss v1.2.3", JobName: "fleet", JobNamespace: "audit", Image: "registry.example/psp2pss:v1.2.3", Clusters: 5,
		Parallelism: 10, BackoffLimitPerIndex: 2, MaxFailedIndexes: 5, KubeconfigSecrets: []SecretKey{ParseSecretKey("fleet-kubeconfig")},
		Storage: "1Gi", Memory: "1Gi",
	}
}

// named are the options of a fleet where all is named that can be.
func named() Options {
	return Options{
		Tool: "psp2pss v1.2.3", JobName: "clusters-of-2026", JobNamespace: "audit", Image: "registry.example:5000/tools/psp2pss@sha256:" + strings.Repeat("0a", 32),
		ImagePullSecrets: []string{"registry", "mirror.example"}, Clusters: 4000, Parallelism: 20, BackoffLimitPerIndex: 1, MaxFailedIndexes: 40,
		KubeconfigSecrets: []SecretKey{ParseSecretKey("europe"), ParseSecretKey("america:value")}, VolumeClaim: "shared", ServiceAccount: "reader",
		Memory: "128Mi", Timeout: 10 * time.Minute, Plans: true, OnlyUnread: true,
	}
}

// printed is what WriteYAML writes, by kind and name, decoded as an API server decodes it that is told to be strict.
type printed struct {
	text     string
	accounts map[string]corev1.ServiceAccount
	claims   map[string]corev1.PersistentVolumeClaim
	jobs     map[string]batchv1.Job
}

// write writes manifests and decodes them. Of other kinds there is none.
func write(t *testing.T, o Options) printed {
	t.Helper()
	var out bytes.Buffer
	if err := WriteYAML(&out, o); err != nil {
		t.Fatal(err)
	}
	p := printed{out.String(), map[string]corev1.ServiceAccount{}, map[string]corev1.PersistentVolumeClaim{}, map[string]batchv1.Job{}}
	for text := range strings.SplitSeq(p.text, "\n---\n") {
		var head struct {
			Kind     string
			Metadata struct{ Name string }
		}
		if err := yaml.Unmarshal([]byte(text), &head); err != nil {
			t.Fatal(err)
		}
		var err error
		switch name := head.Metadata.Name; head.Kind {
		case "ServiceAccount":
			p.accounts[name], err = strictly[corev1.ServiceAccount](text)
		case "PersistentVolumeClaim":
			p.claims[name], err = strictly[corev1.PersistentVolumeClaim](text)
		case "Job":
			p.jobs[name], err = strictly[batchv1.Job](text)
		default:
			t.Errorf("an object of kind %q is printed", head.Kind)
		}
		if err != nil {
			t.Errorf("%s: %v", head.Kind, err)
		}
	}
	return p
}

// strictly decodes YAML that may have no field that the type has not.
func strictly[T any](text string) (object T, err error) {
	return object, yaml.UnmarshalStrict([]byte(text), &object)
}

func TestWriteYAML(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{"plain": plain(), "named": named()} {
		got := write(t, o)
		path := filepath.Join("testdata", name+".yaml")
		if *update {
			if err := os.WriteFile(path, []byte(got.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.text); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// What the Jobs do is in their commands, and these are told in full.
func TestCommands(t *testing.T) {
	t.Parallel()
	const report = "report --merge /fleet/rows -o html=/fleet/report/fleet.html -o fleet=/fleet/report/fleet.json --allow-partial"
	for _, tt := range []struct {
		options     Options
		plan, merge string
		kubeconfig  string
	}{
		{plain(), "plan --all-contexts --shard=$(JOB_COMPLETION_INDEX)/5 --allow-partial --fail-on=unread -o fleet=/fleet/rows/$(JOB_COMPLETION_INDEX).json", report, "/fleet/kubeconfigs/0/kubeconfig"},
		{
			named(), "plan --all-contexts --shard=$(JOB_COMPLETION_INDEX)/4000 --allow-partial --fail-on=unread -o fleet=/fleet/rows/$(JOB_COMPLETION_INDEX).json -o json=/fleet/plans --only-unread --timeout=10m0s",
			report, "/fleet/kubeconfigs/0/kubeconfig:/fleet/kubeconfigs/1/kubeconfig",
		},
	} {
		p := write(t, tt.options)
		plan := p.jobs[tt.options.JobName+"-plan"].Spec.Template.Spec.Containers[0]
		merge := p.jobs[tt.options.JobName+"-merge"].Spec.Template.Spec.Containers[0]
		got := []string{strings.Join(plan.Args, " "), strings.Join(merge.Args, " "), fmt.Sprint(plan.Env), fmt.Sprint(merge.Env)}
		want := []string{tt.plan, tt.merge, fmt.Sprint([]corev1.EnvVar{{Name: "KUBECONFIG", Value: tt.kubeconfig}}), "[]"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if len(plan.Command)+len(merge.Command) > 0 {
			t.Error("a command takes the place of the image's")
		}
	}
}

// hostile are values that no option may have, whatever it is for.
func hostile() []string {
	return []string{
		"", " ", "a b", "-a", "a-", "a\nb", "a\n---\nkind: Pod", "a'b", `a"b`, "$(id)", "`id`", "a;b", "a/../b", "../a", "a\x00b", "a\u202eb", "é", "{a: b}", "a: b", "a#b", "a #b", "&a", "*a", "!a",
		strings.Repeat("a", 2000),
	}
}

// An option that is no name of its kind ends it before anything is written.
func TestHostileOptionsAreRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 60)
	tests := []struct {
		option string
		set    func(*Options, string)
		more   []string
		empty  bool // may be empty
	}{
		{"job-name", func(o *Options, s string) { o.JobName = s }, []string{"A", "a.b", long, strings.Repeat("a", 57)}, false},
		{"job-namespace", func(o *Options, s string) { o.JobNamespace = s }, []string{"A", "a.b"}, false},
		{"image", func(o *Options, s string) { o.Image = s }, []string{"a:b:c", "a@sha256:0", "a//b", "/a", "a/", "a:", "a@", "https://a/b"}, false},
		{"image-pull-secret", func(o *Options, s string) { o.ImagePullSecrets = []string{s} }, []string{"A"}, false},
		{"kubeconfig-secret", func(o *Options, s string) { o.KubeconfigSecrets = []SecretKey{ParseSecretKey(s)} }, []string{"A", "a:", ":a", "a:b:c", "a:..", "a:b/c", "a:$(id)"}, false},
		{"volume-claim", func(o *Options, s string) { o.VolumeClaim = s }, []string{"A"}, true},
		{"storage", func(o *Options, s string) { o.Storage = s }, []string{"0", "-1Gi", "1Gx", "1m", "1.5"}, false},
		{"storage-class", func(o *Options, s string) { o.StorageClass = s }, []string{"A"}, true},
		{"service-account", func(o *Options, s string) { o.ServiceAccount = s }, []string{"A"}, true},
		{"memory", func(o *Options, s string) { o.Memory = s }, []string{"0", "-1Gi", "lots"}, false},
	}
	for _, tt := range tests {
		for _, value := range append(hostile(), tt.more...) {
			if value == "" && tt.empty {
				continue
			}
			o := plain()
			tt.set(&o, value)
			refused(t, o, tt.option)
		}
	}
	numbers := []struct {
		option string
		set    func(*Options, int)
		values []int
	}{
		{"clusters", func(o *Options, n int) { o.Clusters = n }, []int{-1, 0, MaxClusters + 1}},
		{"parallelism", func(o *Options, n int) { o.Parallelism = n }, []int{-1, 0, MaxClusters + 1}},
		{"backoff-limit-per-index", func(o *Options, n int) { o.BackoffLimitPerIndex = n }, []int{-1, 101}},
		{"max-failed-indexes", func(o *Options, n int) { o.MaxFailedIndexes = n }, []int{-1, 6}},
		{"timeout", func(o *Options, n int) { o.Timeout = time.Duration(n) }, []int{-1}},
	}
	for _, tt := range numbers {
		for _, value := range tt.values {
			o := plain()
			tt.set(&o, value)
			refused(t, o, tt.option)
		}
	}
	o := plain()
	o.KubeconfigSecrets = nil
	refused(t, o, "kubeconfig-secret")
	o.KubeconfigSecrets = []SecretKey{{"a", "b"}, {"a", "b"}}
	refused(t, o, "kubeconfig-secret")
	o = plain()
	for i := range maxSecrets + 1 {
		o.KubeconfigSecrets = append(o.KubeconfigSecrets, SecretKey{fmt.Sprint(i), "a"})
	}
	refused(t, o, "kubeconfig-secret")
}

// refused fails the test unless options are refused for the named one, and nothing is written.
func refused(t *testing.T, o Options, option string) {
	t.Helper()
	var out bytes.Buffer
	err := WriteYAML(&out, o)
	var why *InvalidError
	if !errors.As(err, &why) || why.Option != option || why.Reason == "" || out.Len() > 0 {
		t.Errorf("%+v: got %v and %d bytes, want an error on --%s and none", o, err, out.Len(), option)
	}
}

// Whatever the options, the pods meet the restricted level of old and new versions, no token is theirs, only the Job that reads has a kubeconfig,
// and what is printed names no other object than the options do.
func TestPodsAreRestricted(t *testing.T) {
	t.Parallel()
	evaluator, err := pss.NewEvaluator()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		o := randomOptions(random)
		p := write(t, o)
		if len(p.jobs) != 2 || (len(p.claims) == 1) == (o.VolumeClaim != "") || (len(p.accounts) == 1) == (o.ServiceAccount != "") {
			t.Fatalf("%+v\n%s", o, p.text)
		}
		for name, account := range p.accounts {
			if account.AutomountServiceAccountToken == nil || *account.AutomountServiceAccountToken || len(account.Secrets) > 0 || name != o.JobName {
				t.Errorf("account %+v", account)
			}
		}
		for name, j := range p.jobs {
			pod := j.Spec.Template
			for _, version := range []api.Version{api.MajorMinorVersion(1, 0), api.MajorMinorVersion(1, 24), api.MajorMinorVersion(1, 29), api.LatestVersion()} {
				lv := api.LevelVersion{Level: api.LevelRestricted, Version: version}
				if found := evaluator.Evaluate(pod.Annotations, &pod.Spec, lv); len(found) > 0 {
					t.Fatalf("%s at %s: %v", name, version.String(), found)
				}
			}
			if pod.Spec.AutomountServiceAccountToken == nil || *pod.Spec.AutomountServiceAccountToken {
				t.Errorf("%s is given a token", name)
			}
			secrets := 0
			for _, v := range pod.Spec.Volumes {
				switch {
				case v.Secret != nil:
					secrets++
				case v.PersistentVolumeClaim == nil:
					t.Errorf("%s has the volume %+v", name, v)
				}
			}
			if want := map[string]int{o.JobName + "-plan": len(o.KubeconfigSecrets), o.JobName + "-merge": 0}[name]; secrets != want {
				t.Errorf("%s has %d Secrets, want %d", name, secrets, want)
			}
			if j.Namespace != o.JobNamespace {
				t.Errorf("%s is in %s", name, j.Namespace)
			}
		}
		plan := p.jobs[o.JobName+"-plan"].Spec
		got := []int32{*plan.Completions, *plan.Parallelism, *plan.BackoffLimitPerIndex, *plan.MaxFailedIndexes}
		want := []int32{int32(o.Clusters), int32(min(o.Parallelism, o.Clusters)), int32(o.BackoffLimitPerIndex), int32(o.MaxFailedIndexes)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("numbers of the Job (-want +got):\n%s", diff)
		}
		if merge := p.jobs[o.JobName+"-merge"].Spec; merge.Suspend == nil || !*merge.Suspend {
			t.Error("the merge does not wait")
		}
	}
}

// randomOptions returns options that Check takes, the largest among them.
func randomOptions(r *rand.Rand) Options {
	o := plain()
	if r.IntN(2) == 0 {
		o = named()
	}
	o.Clusters = []int{1, 2, 10, 11, MaxClusters}[r.IntN(5)]
	o.Parallelism, o.MaxFailedIndexes, o.BackoffLimitPerIndex = 1+r.IntN(MaxClusters), r.IntN(o.Clusters+1), r.IntN(101)
	o.JobName = strings.Repeat("a", 1+r.IntN(63-len("-plan-99999")))
	o.KubeconfigSecrets = nil
	for i := range 1 + r.IntN(maxSecrets) {
		o.KubeconfigSecrets = append(o.KubeconfigSecrets, SecretKey{fmt.Sprintf("s%d.x", i), []string{"kubeconfig", "value", "_A.b"}[r.IntN(3)]})
	}
	if r.IntN(2) == 0 {
		o.VolumeClaim, o.Storage, o.StorageClass = "", "5Ti", "fast.example"
	}
	if r.IntN(2) == 0 {
		o.ServiceAccount = ""
	}
	o.Image = []string{"psp2pss", "a/b", "localhost:5000/x/y:1", "r.example/A_b__c-d:V1.0@sha256:" + strings.Repeat("f", 64)}[r.IntN(4)]
	return o
}

// The comments are comments to a shell and to YAML, and what they have to be run is each on a line of its own.
func TestHeader(t *testing.T) {
	t.Parallel()
	o := plain()
	o.Tool = "psp2pss v1\n---\nkind: Pod\x1b[2J"
	for line := range strings.Lines(o.header()) {
		if !strings.HasPrefix(line, "#") || strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\n\x1b") {
			t.Errorf("line %q", line)
		}
	}
	if got := write(t, o); len(got.jobs) != 2 {
		t.Errorf("%d Jobs", len(got.jobs))
	}
}

// What the comments say to run for a kubeconfig writes one that nobody else can read, and leaves one alone that is there.
func TestKubeconfigOfHeader(t *testing.T) {
	t.Parallel()
	o := plain()
	_, rest, _ := strings.Cut(o.header(), "create namespace audit\n# ")
	command, _, _ := strings.Cut(rest, "\n")
	if !strings.HasSuffix(command, "> fleet.kubeconfig)") {
		t.Fatalf("command %q", command)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "fleet.kubeconfig")
	run := func() string {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", "umask 022; kubectl() { echo of kubectl; }; "+command)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got := run(); got != "of kubectl\n" {
		t.Errorf("a new file has %q", got)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(file, []byte("of theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := run(); got != "of theirs" {
		t.Errorf("the file that was there has %q", got)
	}
}
