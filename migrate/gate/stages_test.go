package gate_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/migrate/labels"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// play runs the commands of reasons one after the other on the labels of the namespace web, and returns what they become. It
// fails where Pod Security admission would refuse a write.
func play(t *testing.T, plan *migrate.Plan, is map[string]string, reasons []gate.Reason) map[string]string {
	t.Helper()
	for _, r := range reasons {
		for _, command := range r.Commands {
			will := maps.Clone(is)
			words := strings.Fields(strings.ReplaceAll(command, "'", ""))
			switch {
			case words[0] == "kubectl":
				for _, word := range words[slices.Index(words, "web")+1:] {
					if key, gone := strings.CutSuffix(word, "-"); gone {
						delete(will, key)
					} else {
						key, value, _ := strings.Cut(word, "=")
						will[key] = value
					}
				}
			case words[1] == "rollout":
				stage := strings.TrimPrefix(words[slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "--stage=") })], "--stage=")
				now := plan.Namespaces[0] // a rollout goes by the labels that it finds
				now.Labels, now.CurrentLabels = is, migrate.PodSecurityLabels{}
				for _, l := range labels.WantedLabels(&now, labels.Stage(stage)) {
					will[l.Key] = l.Value
				}
			default:
				continue
			}
			if unfit := labels.KeysRefusedOnUpdate(is, will); len(unfit) > 0 {
				t.Fatalf("%s: from %v the server refuses %q: %v", r.ID, is, command, unfit)
			}
			is = will
		}
	}
	return is
}

// anyLabels are some of the labels under the prefix, valid and invalid ones.
func anyLabels(r *rand.Rand) map[string]string {
	out := map[string]string{}
	for _, key := range append(inventory.PodSecurityLabelKeys(), inventory.PodSecurityLabelPrefix+"enforced") {
		values := []string{"privileged", "baseline", "restricted", "Baseline", "", "v1.25"}
		if strings.HasSuffix(key, "-version") {
			values = []string{"v1.25", "latest", "1.25", "", "v1.30", "v1.34"}
		}
		if r.IntN(3) > 0 {
			out[key] = values[r.IntN(len(values))]
		}
	}
	return out
}

// specs are pods that need any level, and some that need another at another version.
func specs() []string {
	const hardened = "securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}SYSCTLS}, " +
		"containers: [{name: c, image: c, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]"
	with := func(sysctls string) string { return strings.Replace(hardened, "SYSCTLS", sysctls, 1) }
	return []string{plain, probed, with(""), with(", sysctls: [{name: net.ipv4.ip_local_reserved_ports, value: '1'}]"), "hostNetwork: true, " + plain}
}

// meets is true where a server of a version would make the pods again under the labels.
func meets(ns *migrate.Namespace, set map[string]string, server api.Version) bool {
	p, _ := api.PolicyToEvaluate(set, api.Policy{Enforce: api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}})
	at := p.Enforce.Version
	if at.Latest() || server.Older(at) {
		at = server
	}
	for _, v := range ns.LevelByVersion {
		if v.Holds(at) {
			return api.CompareLevels(v.Needed, p.Enforce.Level) >= 0
		}
	}
	return false
}

// Whatever labels a namespace has, and in whatever order the stages are taken, the server takes each write, and none leaves a
// level that what runs does not meet. Each stage writes a level that no other undoes.
func TestStagesTogether(t *testing.T) {
	t.Parallel()
	to := api.MajorMinorVersion(1, 34)
	broken := 0
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 3))
		set := anyLabels(r)
		var text strings.Builder
		text.WriteString("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: web\n  labels:\n    a: b\n")
		for _, key := range slices.Sorted(maps.Keys(set)) {
			fmt.Fprintf(&text, "    %s: %q\n", key, set[key])
		}
		spec := specs()[r.IntN(len(specs()))]
		p := read(t, fstest.MapFS{"in.yaml": {Data: []byte(text.String() + "---\n" + deployment("", spec))}}, []string{"v1.24.17", "v1.33.1"}[r.IntN(2)])
		ns := &p.Namespaces[0]
		reasons := gate.Evaluate(p, gate.Facts{}, gate.Options{To: to}).Reasons
		refused := slices.ContainsFunc(reasons, func(r gate.Reason) bool { return strings.HasPrefix(r.ID, "refused-") })
		if refused == meets(ns, set, to) {
			t.Fatalf("seed %d: labels %v, %s: refused is %t", seed, set, spec, refused)
		}
		if refused {
			broken++
		}
		for range 3 {
			after := play(t, p, set, reasons)
			if !meets(ns, after, to) || len(labels.InvalidLabels(after)) > 0 {
				var b bytes.Buffer
				_ = written("table")(&b, &gate.Result{Reasons: reasons})
				t.Fatalf("seed %d: labels %v, %s: in the end they are %v\n%s", seed, set, spec, after, b.String())
			}
			r.Shuffle(len(reasons), func(i, k int) { reasons[i], reasons[k] = reasons[k], reasons[i] })
		}
	}
	if broken < 50 {
		t.Errorf("only %d of the cases refuse pods", broken)
	}
}

// A level that pods do not meet is written once, in text and script, and the reason about invalid labels says where.
func TestInvalidLevelIsWrittenOnce(t *testing.T) {
	t.Parallel()
	const space = "apiVersion: v1\nkind: Namespace\nmetadata: {name: web, labels: {pod-security.kubernetes.io/enforce: Baseline, pod-security.kubernetes.io/other: x}}\n---\n"
	r := upgradeCheck(t, fstest.MapFS{"in.yaml": {Data: []byte(space + deployment("", plain))}}, "v1.24.17", "v1.25")
	want := []gate.Reason{
		{
			Message: says("refused-by-label", "pods that could not be made again under the level of their namespace"), Order: 6,
			Objects:  objects("object-refused-namespace", "web: restricted is enforced, and baseline is needed at v1.25 (deployment/api)"),
			Advice:   advises("this sets the label to what runs; to keep it instead, see 'psp2pss patch --raise'"),
			Commands: []string{"kubectl --context=test label --overwrite namespace web pod-security.kubernetes.io/enforce=baseline pod-security.kubernetes.io/enforce-version=v1.25"},
		},
		{
			Message: says("labels-without-effect", "labels that the server ignores, or takes for another value than they say"), Order: 7,
			Objects:  objects("object-label", "web: pod-security.kubernetes.io/enforce=Baseline", "web: pod-security.kubernetes.io/other=x"),
			Advice:   advises("the labels of web are repaired together with the level that refuses pods there: see the reason above that names it"),
			Commands: []string{"kubectl --context=test label --overwrite namespace web pod-security.kubernetes.io/other-"},
		},
	}
	if diff := cmp.Diff(want, r.Reasons, sameMessages()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var script bytes.Buffer
	if err := gate.WriteCommands(&script, r); err != nil {
		t.Fatal(err)
	}
	if got := regexp.MustCompile(`(?m)^kubectl .*enforce=.*$`).FindAllString(script.String(), -1); !slices.Equal(got, want[0].Commands) {
		t.Errorf("the script writes enforce by %q", got)
	}
}

// No level is written where not all was read: what was not may need a looser one.
func TestNoLevelFromPartOfTheNeed(t *testing.T) {
	t.Parallel()
	gap := inventory.Gap{What: "pods", Why: message.Message{Text: "forbidden"}, Namespaces: []string{inventory.AllNamespaces}, Affects: inventory.PartWorkloads}
	r := judgeWith(t, strings.Replace(namespace("restricted", "v1.25"), "labels: {", "labels: {pod-security.kubernetes.io/warn: x, ", 1)+"---\n"+deployment("", plain),
		func(b *inventory.Builder) { b.AddGap(gap) })
	want := gate.Reason{
		Message: says("refused-by-label", "pods that could not be made again under the level of their namespace"), Order: 6,
		Objects:  objects("object-refused-namespace", "web: restricted is enforced, and baseline or a looser level is needed at v1.25 (deployment/api)"),
		Advice:   advises("which level to set is not known where not all was read (see the gaps of the plan): web"),
		Commands: []string{},
	}
	ignored := gate.Reason{
		Message: says("labels-without-effect", "labels that the server ignores, or takes for another value than they say"), Order: 7,
		Objects:  objects("object-label", "web: pod-security.kubernetes.io/warn=x"),
		Advice:   advises("the labels of web have to be written together with the level, and which one that is is not known"),
		Commands: []string{},
	}
	if diff := cmp.Diff([]gate.Reason{want, ignored}, r.Reasons, sameMessages()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A level that only what may be added to new pods does not meet is told as foreseen.
func TestForeseenRefusal(t *testing.T) {
	t.Parallel()
	const injected = "apiVersion: v1\nkind: Namespace\nmetadata: {name: web, labels: {istio-injection: enabled, pod-security.kubernetes.io/enforce: restricted, pod-security.kubernetes.io/enforce-version: v1.25}}\n---\n"
	const how = "this sets the label to what runs; to keep it instead, see 'psp2pss patch --raise'"
	for spec, want := range map[string]string{
		specs()[2]: how + "; no live pod shows what is refused, it is only taken to be added to new pods: look at one first in web (Istio)",
		plain:      how,
	} {
		r := judgeWith(t, injected+deployment("", spec), nil)
		if len(r.Reasons) != 1 || r.Reasons[0].Advice.String() != want {
			t.Errorf("%s: %+v; want %q", spec, r.Reasons, want)
		}
	}
}

// judgeWith judges a cluster of v1.25 that is to become v1.26, with what else add adds to it.
func judgeWith(t *testing.T, input string, add func(*inventory.Builder)) *gate.Result {
	t.Helper()
	b := inventory.NewBuilder()
	if err := files.ReadFS(fstest.MapFS{"in.yaml": {Data: []byte(input)}}, b); err != nil {
		t.Fatal(err)
	}
	if add != nil {
		add(b)
	}
	inv := b.Build(inventory.Source{Kind: inventory.SourceCluster, Name: "test", ServerVersion: "v1.25.3"})
	p, err := migrate.Build(inv, migrate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return gate.Evaluate(p, gate.Facts{}, gate.Options{To: api.MajorMinorVersion(1, 26)})
}

// Of many namespaces that other tools write, the first few are named.
func TestManyOwnersAreLimited(t *testing.T) {
	t.Parallel()
	p := &migrate.Plan{Source: inventory.Source{ServerVersion: "v1.25.1"}}
	for i := range 500 {
		owner := migrate.OpenShiftLabelSyncer
		if i%2 == 0 {
			owner = "Flux"
		}
		p.Namespaces = append(p.Namespaces, migrate.Namespace{
			Name: fmt.Sprintf("n%03d", i), LabelOwner: owner, Labels: map[string]string{"pod-security.kubernetes.io/warn": "x"}, RecommendedLabels: migrate.PodSecurityLabels{Audit: "restricted", Warn: "restricted"},
		})
	}
	want := map[string]string{
		"no-audit-and-warn": "where another tool writes the labels, put them into its source ('psp2pss labels -o manifest'): n000 (Flux), n002 (Flux), n004 (Flux), n006 (Flux), n008 (Flux) and 245 more; " +
			"the OpenShift label syncer sets the labels of n001, n003, n005, n007, n009 and 245 more: to set them yourself, give the namespace the label security.openshift.io/scc.podSecurityLabelSync=false first, then write them ('psp2pss labels')",
	}
	want["labels-without-effect"] = want["no-audit-and-warn"]
	got := map[string]string{}
	for _, r := range gate.Evaluate(p, gate.Facts{}, gate.Options{To: api.MajorMinorVersion(1, 26)}).Reasons {
		got[r.ID] = r.Advice.String()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
