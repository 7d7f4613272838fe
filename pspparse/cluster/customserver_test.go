package cluster

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// extras are what a server has beside what every one has: objects by the path of their list. "v1beta1" in aggregated
// has all of discovery in one answer, of that version; the empty string is for servers that cannot do that.
type extras struct {
	aggregated string
	kinds      map[string]extra
}

type extra struct {
	list    string
	objects []string
}

func (e extras) answer(w http.ResponseWriter, r *http.Request) bool {
	if found, ok := e.kinds[r.URL.Path]; ok {
		gv, _ := split(r.URL.Path)
		some, left := found.objects, ""
		if r.URL.Query().Get("limit") == "1" && len(some) > 1 {
			some, left = some[:1], fmt.Sprintf(`"continue":"1","remainingItemCount":%d`, len(some)-1)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"apiVersion":%q,"kind":%q,"metadata":{%s},"items":[%s]}`, gv, found.list, left, strings.Join(some, ","))
		return true
	}
	resources := map[string]map[string][]string{} // by group and version
	for path := range e.kinds {
		gv, resource := split(path)
		if resources[gv.Group] == nil {
			resources[gv.Group] = map[string][]string{}
		}
		resources[gv.Group][gv.Version] = append(resources[gv.Group][gv.Version], resource)
	}
	if r.URL.Path == "/apis" {
		writeJSON(w, http.StatusOK, e.groups(r, resources))
		return true
	}
	gv, resource := split(r.URL.Path)
	if _, ok := resources[gv.Group][gv.Version]; !ok || resource != "" {
		return false
	}
	list := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList"}}
	for _, name := range resources[gv.Group][gv.Version] {
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: name})
	}
	writeJSON(w, http.StatusOK, list)
	return true
}

func (e extras) groups(r *http.Request, resources map[string]map[string][]string) map[string]any {
	if e.aggregated == "" || !strings.Contains(r.Header.Get("Accept"), ";v="+e.aggregated+";as=APIGroupDiscoveryList,") {
		list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
		for _, group := range slices.Sorted(maps.Keys(resources)) {
			g := metav1.APIGroup{Name: group}
			for _, v := range slices.Sorted(maps.Keys(resources[group])) {
				g.Versions = append(g.Versions, metav1.GroupVersionForDiscovery{GroupVersion: group + "/" + v, Version: v})
			}
			list.Groups = append(list.Groups, g)
		}
		data, _ := json.Marshal(list)
		var out map[string]any
		_ = json.Unmarshal(data, &out)
		return out
	}
	var items []any
	for _, group := range slices.Sorted(maps.Keys(resources)) {
		var versions []any
		for _, v := range slices.Sorted(maps.Keys(resources[group])) {
			var some []any
			for _, name := range resources[group][v] {
				some = append(some, map[string]any{"resource": name, "scope": "Namespaced", "verbs": []string{"list"}})
			}
			versions = append(versions, map[string]any{"version": v, "freshness": "Current", "resources": some})
		}
		items = append(items, map[string]any{"metadata": map[string]any{"name": group}, "versions": versions})
	}
	return map[string]any{"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/" + e.aggregated, "metadata": map[string]any{}, "items": items}
}

// stub is a table with two kinds that make pods, two that do not, and one that no server here has. It keeps a note of every
// object that it reads.
func stub() *customResourceTable {
	return &customResourceTable{
		resources: []custom.KnownResource{
			{Group: "argoproj.io", Versions: []string{"v1alpha1"}, Name: "rollouts", Kind: "Rollout", Namespaced: true},
			{Group: "tekton.dev", Versions: []string{"v1", "v1beta1"}, Name: "tasks", Kind: "Task", Namespaced: true},
			{Group: "tekton.dev", Versions: []string{"v1"}, Name: "pipelines", Kind: "Pipeline", Namespaced: true},
			{Group: "hooks.example.com", Versions: []string{"v1"}, Name: "changers", Kind: "Changer", Purpose: custom.ChangesPods},
			{Group: "hooks.example.com", Versions: []string{"v1"}, Name: "labellers", Kind: "Labeller", Purpose: custom.WritesLabels},
		},
		read: func(b inventory.CustomSink, o custom.RawObject) bool {
			b.AddNote(inventory.Note{What: o.Kind, Why: message.Message{Text: fmt.Sprintf("%s %s/%s %s", o.APIVersion, o.Namespace, o.Name, o.JSON)}})
			return o.Name != "unread"
		},
	}
}

const (
	rolloutsPath  = "/apis/argoproj.io/v1alpha1/rollouts"
	tasksPath     = "/apis/tekton.dev/v1beta1/tasks"
	changersPath  = "/apis/hooks.example.com/v1/changers"
	labellersPath = "/apis/hooks.example.com/v1/labellers"

	aRollout = `{"metadata":{"name":"a","namespace":"web"},"spec":{}}`
	bRollout = `{"metadata":{"name":"b","namespace":"web"},"spec":{}}`
	aTask    = `{"apiVersion":"tekton.dev/v1beta1","kind":"Task","metadata":{"name":"build","namespace":"ci"}}`
)

// customServer serves all kinds of the stub but pipelines, and tasks in an old version; and one that is not in the table.
func customServer(t *testing.T, aggregated string) *server {
	t.Helper()
	s := newServer(t)
	s.extra = extras{aggregated: aggregated, kinds: map[string]extra{
		rolloutsPath:                     {"RolloutList", []string{aRollout, bRollout}},
		tasksPath:                        {"TaskList", []string{aTask}},
		changersPath:                     {"ChangerList", []string{`{"metadata":{"name":"c"}}`}},
		labellersPath:                    {"LabellerList", nil},
		"/apis/other.example.com/v1/all": {"AllList", []string{`{"metadata":{"name":"x"}}`}},
	}}
	return s
}

func (s *server) readCustom(change func(*Reader)) *inventory.Inventory {
	s.t.Helper()
	r := s.reader()
	r.custom = stub()
	if change != nil {
		change(r)
	}
	inv, err := r.Load(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return inv
}

// beside are the requests beside those for the kinds that are always read, and for the version.
func (s *server) beside() []string {
	always := map[string]bool{"/version": true}
	for _, k := range builtinKinds() {
		always[groupVersionPath(k.sources[0].gv)+"/"+k.resource] = true
	}
	var paths []string
	for _, r := range s.seen() {
		if !always[r.URL.Path] {
			paths = append(paths, r.URL.Path+"?"+r.URL.RawQuery)
		}
	}
	slices.Sort(paths)
	return paths
}
