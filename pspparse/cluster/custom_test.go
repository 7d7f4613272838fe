package cluster

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// What the server serves of the table is read, with one request for discovery and one list of each kind (two where there
// is more than one object), and one more for each version of a group where discovery is not aggregated. What is not served
// is asked for in vain nowhere, and not told.
func TestCustomResources(t *testing.T) {
	t.Parallel()
	lists := []string{
		rolloutsPath + "?limit=1", rolloutsPath + "?limit=500", tasksPath + "?limit=1", changersPath + "?limit=1", labellersPath + "?limit=1",
	}
	for aggregated, more := range map[string][]string{
		"v2": nil, "v2beta1": nil,
		"": {"/apis/argoproj.io/v1alpha1?", "/apis/tekton.dev/v1beta1?", "/apis/hooks.example.com/v1?"},
	} {
		t.Run("discovery "+aggregated, func(t *testing.T) {
			t.Parallel()
			s := customServer(t, aggregated)
			inv := s.readCustom(nil)
			want := []inventory.Note{
				{What: "Changer", Why: message.Message{Text: `hooks.example.com/v1 /c {"metadata":{"name":"c"}}`}},
				{What: "Rollout", Why: message.Message{Text: "argoproj.io/v1alpha1 web/a " + aRollout}},
				{What: "Rollout", Why: message.Message{Text: "argoproj.io/v1alpha1 web/b " + bRollout}},
				{What: "Task", Why: message.Message{Text: "tekton.dev/v1beta1 ci/build " + aTask}},
			}
			if diff := cmp.Diff(want, inv.Notes, messageText()); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			if len(inv.Gaps) > 0 {
				t.Errorf("gaps: %v", inv.Gaps)
			}
			whole := map[string]bool{"rollouts.argoproj.io": true, "tasks.tekton.dev": true, "changers.hooks.example.com": true, "labellers.hooks.example.com": true}
			if diff := cmp.Diff(whole, inv.ListedResources); diff != "" {
				t.Errorf("kinds that were read whole (-want +got):\n%s", diff)
			}
			requests := append(slices.Concat(lists, more), "/apis?")
			slices.Sort(requests)
			if diff := cmp.Diff(requests, s.beside()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			for _, r := range s.seen() {
				if strings.HasPrefix(r.URL.Path, rolloutsPath) && r.Header.Get("Accept") != "application/json" {
					t.Errorf("%s is asked for as %q", r.URL, r.Header.Get("Accept"))
				}
			}
		})
	}
}

// A server that has more than one object of a kind is asked again, in JSON as well, and pages are counted.
func TestCustomResourcesComeInPages(t *testing.T) {
	t.Parallel()
	s := customServer(t, "v2")
	s.before = func(w http.ResponseWriter, r *http.Request, nth int) bool {
		if r.URL.Path != rolloutsPath {
			return false
		}
		next, object := "", bRollout
		if nth == 1 || r.URL.Query().Get("continue") == "" {
			next, object = "more", aRollout
		}
		_, _ = fmt.Fprintf(w, `{"apiVersion":"argoproj.io/v1alpha1","kind":"RolloutList","metadata":{"continue":%q},"items":[%s]}`, next, object)
		return true
	}
	var names []string
	for _, n := range s.readCustom(nil).Notes {
		names = append(names, n.What)
	}
	if diff := cmp.Diff([]string{"Changer", "Rollout", "Rollout", "Task"}, names); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

// A reading of one namespace lists what is in that namespace, and of the kinds of the cluster those that change pods.
func TestCustomResourcesOfOneNamespace(t *testing.T) {
	t.Parallel()
	s := customServer(t, "v2")
	s.extra.kinds["/apis/argoproj.io/v1alpha1/namespaces/web/rollouts"] = extra{"RolloutList", []string{aRollout}}
	s.extra.kinds["/apis/tekton.dev/v1beta1/namespaces/web/tasks"] = extra{"TaskList", nil}
	inv := s.readCustom(func(r *Reader) { r.Namespace = "web" })
	notes := []inventory.Note{
		{What: "Changer", Why: message.Message{Text: `hooks.example.com/v1 /c {"metadata":{"name":"c"}}`}},
		{What: "Rollout", Why: message.Message{Text: "argoproj.io/v1alpha1 web/a " + aRollout}},
	}
	if diff := cmp.Diff(notes, inv.Notes, messageText()); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]bool{"changers.hooks.example.com": true}, inv.ListedResources); diff != "" {
		t.Errorf("kinds that were read whole (-want +got):\n%s", diff)
	}
	var got []string
	for _, r := range s.seen() {
		if strings.Contains(r.URL.Path, ".") || r.URL.Path == "/apis" {
			got = append(got, r.URL.Path)
		}
	}
	slices.Sort(got)
	want := []string{"/apis", "/apis/argoproj.io/v1alpha1/namespaces/web/rollouts", changersPath, "/apis/tekton.dev/v1beta1/namespaces/web/tasks"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// Left out, they are a gap, and no request is made for them.
func TestWithoutCustomResources(t *testing.T) {
	t.Parallel()
	s := customServer(t, "v2")
	inv := s.readCustom(func(r *Reader) { r.WithoutCustomResources = true })
	want := []inventory.Gap{{
		What:       "custom resources",
		Why:        message.Message{Text: "they were not read (--custom-resources=false), and some kinds of them make pods; leave the flag out to have them read"},
		Namespaces: []string{"*"}, Affects: inventory.PartWorkloads,
	}}
	if diff := cmp.Diff(want, inv.Gaps, messageText()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	if requests := s.beside(); len(requests) > 0 || len(inv.Notes) > 0 {
		t.Errorf("requests %q, notes %v; want none", requests, inv.Notes)
	}
}

// All kinds that make pods and may not be listed are one gap, and all others one note; each says what to grant. Those
// kinds are named before the long lists.
func TestForbiddenCustomResources(t *testing.T) {
	t.Parallel()
	s := customServer(t, "v2")
	s.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if gv, resource := split(r.URL.Path); resource == "" || !strings.Contains(gv.Group, ".") || gv.Group == rbacv1.GroupName {
			return false
		}
		refuse(w, http.StatusForbidden, metav1.StatusReasonForbidden, "jane may not")
		return true
	}
	var told [][]string
	inv := s.readCustom(func(r *Reader) { r.OnForbidden = func(names []string) { told = append(told, names) } })
	gaps := []inventory.Gap{{
		What: "custom resources",
		Why: message.Message{Text: `listing rollouts.argoproj.io, tasks.tekton.dev is forbidden (403: jane may not), and pods are made from them; ` +
			`grant the verb list on them, with these rules in a ClusterRole: {apiGroups: ["argoproj.io"], resources: ["rollouts"], verbs: ["list"]}, ` +
			`{apiGroups: ["tekton.dev"], resources: ["tasks"], verbs: ["list"]}`},
		Namespaces: []string{"*"}, Affects: inventory.PartWorkloads,
	}}
	notes := []inventory.Note{{
		What: "custom resources",
		Why: message.Message{Text: `listing changers.hooks.example.com, labellers.hooks.example.com is forbidden (403: jane may not), and they may change pods or write labels of namespaces; ` +
			`grant the verb list on them, with this rule in a ClusterRole: {apiGroups: ["hooks.example.com"], resources: ["changers", "labellers"], verbs: ["list"]}`},
	}}
	if diff := cmp.Diff(gaps, inv.Gaps, messageText()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(notes, inv.Notes, messageText()); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	if len(inv.ListedResources) > 0 {
		t.Errorf("read whole: %v, and none may be listed", inv.ListedResources)
	}
	if diff := cmp.Diff([][]string{{"rollouts.argoproj.io", "tasks.tekton.dev"}}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// Where it is not known what is served, or the list of what is served fails, that is a gap for the kinds that it is about,
// and everything else is read.
func TestCustomResourcesThatFail(t *testing.T) {
	t.Parallel()
	const where = "; check what answers at the server's address in the kubeconfig"
	forbid := func(w http.ResponseWriter) {
		refuse(w, http.StatusForbidden, metav1.StatusReasonForbidden, "no")
	}
	text := func(text string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { _, _ = io.WriteString(w, text) }
	}
	group := func(version string) string {
		return fmt.Sprintf(`{"kind":"APIGroupList","groups":[{"name":"argoproj.io","versions":[%s{"version":%q}]}]}`,
			strings.Repeat(`{"version":"v1alpha1"},`, 19), version)
	}
	aggregated := func(versions string) string {
		return `{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":"argoproj.io"},"versions":[` + versions + `]}]}`
	}
	tests := []struct {
		name   string
		path   string
		answer func(http.ResponseWriter)
		what   string
		why    string
		read   int
	}{
		{
			name: "discovery is forbidden", path: "/apis", answer: forbid, what: "custom resources",
			why: `asking the server which of them it serves failed: no (403); grant the verb get on the path /apis, as the ClusterRole system:discovery does ` +
				`for every user that is signed in: {nonResourceURLs: ["/apis"], verbs: ["get"]}`,
		},
		{
			name: "discovery fails", path: "/apis", answer: func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }, what: "custom resources",
			why: "asking the server which of them it serves failed: an error on the server (\"\") has prevented the request from succeeding; try again",
		},
		{
			name: "discovery is no list", path: "/apis", answer: text(`{"kind":"Status"}`), what: "custom resources",
			why: `asking the server which of them it serves failed: the answer is of the kind "Status"; try again`,
		},
		{
			name: "discovery is no JSON", path: "/apis", answer: text(`<html>`), what: "custom resources",
			why: `asking the server which of them it serves failed: decoding the answer: invalid character '<' looking for beginning of value; try again`,
		},
		{
			name: "discovery is too long", path: "/apis", answer: text(`{"kind":"` + strings.Repeat("x", maxDiscoveryBytes)), what: "custom resources",
			why: `asking the server which of them it serves failed: the answer to GET /apis is longer than 8 MiB` + where,
		},
		{
			name: "discovery is nothing but braces", path: "/apis", answer: text(`{"kind":"APIGroupList","groups":[` + strings.Repeat(`{},`, 10_000) + `{}]}`), what: "custom resources",
			why: `asking the server which of them it serves failed: decoding the answer: an item of 30037 bytes holds more parts than any object has; try again`,
		},
		{
			name: "a group has many versions", path: "/apis", answer: text(strings.ReplaceAll(group("v2"), `{"version":"v2"}`, `{"version":"v2"},{"version":"v3"}`)), what: "custom resources of argoproj.io",
			why: "asking the server which of them it serves failed: it has versions that no API server has" + where, read: 2,
		},
		{
			name: "a version is a path", path: "/apis", answer: text(group("../../v1")), what: "custom resources of argoproj.io",
			why: "asking the server which of them it serves failed: it has versions that no API server has" + where, read: 2,
		},
		{
			name: "a group is stale", path: "/apis", answer: text(aggregated(`{"version":"v1alpha1","freshness":"Stale"}`)), what: "custom resources of argoproj.io",
			why: "asking the server which of them it serves failed: the server behind the version v1alpha1 does not answer; try again",
		},
		{
			name: "a version is not known", path: "/apis", answer: text(aggregated(`{"version":"v7","resources":[{"resource":"rollouts"}]}`)), what: "rollouts.argoproj.io",
			why: "the server serves them in v7, and known here is v1alpha1: they were not read; a newer release of this tool may know more",
		},
		{
			name: "a group is forbidden", path: "/apis/argoproj.io/v1alpha1", answer: forbid, what: "custom resources of argoproj.io",
			why: `asking the server which of them it serves failed: no (403); grant the verb get on the path /apis/argoproj.io, as the ClusterRole system:discovery does ` +
				`for every user that is signed in: {nonResourceURLs: ["/apis/argoproj.io"], verbs: ["get"]}`, read: 2,
		},
		{
			name: "a group is something else", path: "/apis/argoproj.io/v1alpha1", answer: text(`{}`), what: "custom resources of argoproj.io",
			why: `asking the server which of them it serves failed: the answer is of the kind ""; try again`, read: 2,
		},
		{
			name: "a list fails", path: rolloutsPath, answer: func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }, what: "rollouts.argoproj.io",
			why: `listing them failed after 0 were read: an error on the server ("") has prevented the request from succeeding; try again`, read: 2,
		},
		{
			name: "a list is not there", path: rolloutsPath, answer: func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }, what: "rollouts.argoproj.io",
			why: "the server says that it serves them in argoproj.io/v1alpha1, and answers 404 for them; check what stands between here and the API server", read: 2,
		},
		{
			name: "a list is of another kind", path: rolloutsPath, answer: text(`{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}`), what: "rollouts.argoproj.io",
			why: "listing them failed after 0 were read: the answer is a PodList of v1; try again", read: 2,
		},
		{
			name: "an object has no name", path: rolloutsPath, answer: text(`{"kind":"RolloutList","apiVersion":"argoproj.io/v1alpha1","metadata":{},"items":[{"spec":{}}]}`), what: "rollouts.argoproj.io",
			why: "listing them failed after 0 were read: decoding the answer: an item has no name; try again", read: 2,
		},
		{
			name: "an object holds next to nothing", path: rolloutsPath, what: "rollouts.argoproj.io",
			answer: text(`{"kind":"RolloutList","apiVersion":"argoproj.io/v1alpha1","metadata":{},"items":[{"a":[` + strings.Repeat(`{},`, 10_000) + `{}]}]}`),
			why:    "listing them failed after 0 were read: decoding the answer: an item of 30010 bytes holds more parts than any object has; try again", read: 2,
		},
		{
			name: "a list is in protobuf", path: rolloutsPath, what: "rollouts.argoproj.io",
			answer: text("k8s\x00\x0a\x25\x0a\x14argoproj.io/v1alpha1\x12\x0dRolloutListXX"),
			why:    "listing them failed after 0 were read: the answer is a RolloutListXX of argoproj.io/v1alpha1; try again", read: 2,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := customServer(t, "")
			s.fill()
			s.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
				if r.URL.Path != tt.path {
					return false
				}
				tt.answer(w)
				return true
			}
			inv := s.readCustom(nil)
			want := []inventory.Gap{{What: tt.what, Why: message.Message{Text: tt.why}, Namespaces: []string{"*"}, Affects: inventory.PartWorkloads}}
			if diff := cmp.Diff(want, inv.Gaps, messageText()); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			if tt.what == "rollouts.argoproj.io" && inv.ListedResources[tt.what] {
				t.Error("the Rollouts count as read whole")
			}
			if len(inv.Notes) < tt.read || len(inv.Workloads) < 8 {
				t.Errorf("%d custom objects and %d workloads were read beside it, want %d and all", len(inv.Notes), len(inv.Workloads), tt.read)
			}
		})
	}
}

// Whatever number of objects a server sends, or of pages that lead nowhere, the list ends.
func TestCustomResourcesWithoutEnd(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer func(w http.ResponseWriter, nth int)
		read   int
		why    string
	}{
		"objects": {
			func(w http.ResponseWriter, _ int) {
				endless(w, "application/json", `{"kind":"RolloutList","apiVersion":"argoproj.io/v1alpha1","metadata":{},"items":[`,
					func(n int) string { return fmt.Sprintf(`{"metadata":{"name":"r-%d","namespace":"web"}},`, n) })
			},
			1000, "there are over 1000 of them, more than an API server can hold",
		},
		"pages": {
			func(w http.ResponseWriter, _ int) {
				_, _ = io.WriteString(w, `{"kind":"RolloutList","apiVersion":"argoproj.io/v1alpha1","metadata":{"continue":"again"},"items":[`+aRollout+`]}`)
			},
			1, "the server leads from page to page in a circle",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := customServer(t, "v2")
			s.before = func(w http.ResponseWriter, r *http.Request, nth int) bool {
				if r.URL.Path != rolloutsPath {
					return false
				}
				tt.answer(w, nth)
				return true
			}
			inv := s.readCustom(func(r *Reader) { r.limits = little })
			want := []inventory.Gap{listGap("rollouts.argoproj.io", tt.read, tt.why+"; check what answers at the server's address in the kubeconfig")}
			if diff := cmp.Diff(want, inv.Gaps, messageText()); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
		})
	}
}

// An object that nothing reads is a gap for its namespace, if its kind makes pods: any other may say nothing.
func TestCustomResourceThatNothingReads(t *testing.T) {
	t.Parallel()
	s := customServer(t, "v2")
	s.extra.kinds[rolloutsPath] = extra{"RolloutList", []string{`{"metadata":{"name":"unread","namespace":"web"}}`}}
	s.extra.kinds["/apis/argoproj.io/v1alpha1/clusters"] = extra{"ClusterList", []string{`{"metadata":{"name":"unread"}}`}}
	s.extra.kinds[changersPath] = extra{"ChangerList", []string{`{"metadata":{"name":"unread"}}`}}
	table := stub()
	table.resources = append(table.resources, custom.KnownResource{Group: "argoproj.io", Versions: []string{"v1alpha1"}, Name: "clusters", Kind: "Cluster"})
	want := []inventory.Gap{
		{What: `Cluster "unread"`, Why: message.Message{Text: "nothing here reads its version, argoproj.io/v1alpha1"}, Namespaces: []string{"*"}, Affects: inventory.PartWorkloads},
		{What: `Rollout "web/unread"`, Why: message.Message{Text: "nothing here reads its version, argoproj.io/v1alpha1"}, Namespaces: []string{"web"}, Affects: inventory.PartWorkloads},
	}
	if diff := cmp.Diff(want, s.readCustom(func(r *Reader) { r.custom = table }).Gaps, messageText()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

// A server that is interrupted before discovery answers has read no custom resources; after it, those that are not whole.
func TestInterruptedCustomResources(t *testing.T) {
	t.Parallel()
	c := newInventoryCollector(inventory.NewBuilder(), nil, nil)
	c.addKinds(customResourcesLabel)
	const start = `reading the cluster of context "prod": http: Handler timeout; not read: `
	if got := c.interruptedError("prod", http.ErrHandlerTimeout).Error(); got != start+"custom resources" {
		t.Errorf("got %q", got)
	}
	c.addBatch(inventoryBatch{resource: customResourcesLabel, done: true, moreKinds: []string{"rollouts.argoproj.io", "tasks.tekton.dev"}})
	c.addBatch(inventoryBatch{resource: "rollouts.argoproj.io", done: true})
	if got := c.interruptedError("prod", http.ErrHandlerTimeout).Error(); got != start+"tasks.tekton.dev" {
		t.Errorf("got %q", got)
	}
}

// The rules are one for each group, each resource in it once.
func TestCustomRules(t *testing.T) {
	t.Parallel()
	table := stub()
	table.resources = append(table.resources, custom.KnownResource{Group: "tekton.dev", Versions: []string{"v1alpha1"}, Name: "tasks", Kind: "Task"})
	verbs := []string{"get", "list"}
	want := []rbacv1.PolicyRule{
		{APIGroups: []string{"argoproj.io"}, Resources: []string{"rollouts"}, Verbs: verbs},
		{APIGroups: []string{"hooks.example.com"}, Resources: []string{"changers", "labellers"}, Verbs: verbs},
		{APIGroups: []string{"tekton.dev"}, Resources: []string{"tasks", "pipelines"}, Verbs: verbs},
	}
	if diff := cmp.Diff(want, table.readRules()); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(append(CoreReadRules(), CustomResourceRules()...), ReadRules()); diff != "" {
		t.Errorf("all rules (-want +got):\n%s", diff)
	}
}

// However many kinds there are, only some of them are asked for at a time.
func TestCustomResourcesAFewAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := stub()
		table.resources = nil
		s := unstarted(t)
		s.extra = extras{aggregated: "v2", kinds: map[string]extra{}}
		for i := range 5 * concurrentLists {
			name := fmt.Sprintf("things%02d", i)
			table.resources = append(table.resources, custom.KnownResource{Group: "many.example.com", Versions: []string{"v1"}, Name: name, Kind: "Thing"})
			s.extra.kinds["/apis/many.example.com/v1/"+name] = extra{list: "ThingList"}
		}
		var waiting atomic.Int64
		answer := make(chan struct{})
		s.before = func(_ http.ResponseWriter, r *http.Request, _ int) bool {
			if strings.HasPrefix(r.URL.Path, "/apis/many.example.com/") {
				waiting.Add(1)
				<-answer
			}
			return false
		}
		r := s.inBubble()
		r.custom = table
		done := make(chan *inventory.Inventory)
		go func() {
			inv, err := r.Load(t.Context())
			if err != nil {
				t.Error(err)
			}
			done <- inv
		}()
		synctest.Wait()
		if n := waiting.Load(); n != concurrentLists {
			t.Errorf("%d kinds are asked for at a time, want %d", n, concurrentLists)
		}
		close(answer)
		if inv := <-done; inv != nil && len(inv.Gaps) > 0 {
			t.Errorf("gaps: %v", inv.Gaps)
		}
		if n := waiting.Load(); n != 5*concurrentLists {
			t.Errorf("%d kinds were asked for, want %d", n, 5*concurrentLists)
		}
	})
}

// What is in the table can be asked for: no kind stands twice, and every one is named whole.
func TestCustomTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range custom.KnownResources() {
		name := r.Name + "." + r.Group
		if r.Group == "" || r.Name == "" || r.Kind == "" || len(r.Versions) == 0 || strings.ToLower(r.Name) != r.Name || seen[name] {
			t.Errorf("%+v: stands twice, or lacks something", r)
		}
		seen[name] = true
	}
}
