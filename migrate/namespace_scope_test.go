package migrate

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// selecting is a selector as it is given on the command line.
func selecting(t *testing.T, text string) labels.Selector {
	t.Helper()
	s, err := labels.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// lines are the messages of an error and whether each is sure, as "sure: message".
func lines(err error) []string {
	var out []string
	for _, e := range unjoined(err) {
		var missing *NotFoundError
		switch {
		case !errors.As(e, &missing):
			out = append(out, e.Error())
		case missing.MayExistBecause == "":
			out = append(out, "sure: "+e.Error())
		default:
			out = append(out, "unsure: "+e.Error())
		}
	}
	return out
}

func unjoined(err error) []error {
	var list interface{ Unwrap() []error }
	switch {
	case err == nil:
		return nil
	case errors.As(err, &list):
		return list.Unwrap()
	}
	return []error{err}
}

// What a scope names is there, something is left, or it is an error: sure where all that could have the name was read.
func TestChoose(t *testing.T) {
	t.Parallel()
	whole := []object{namespace("shop", "team=shop"), namespace("blog", "team=blog"), namespace("kube-system")}
	undeclared := deployment("api/web", plain())
	tests := map[string]struct {
		source   inventory.Source
		objects  []object
		scope    NamespaceScope
		selector string
		want     string
		errs     []string
	}{
		"all":                       {source: cluster("v1.24.1"), objects: whole, want: "blog kube-system shop"},
		"no namespace at all":       {source: fromFiles(), scope: NamespaceScope{Exclude: []string{"shop"}}},
		"by name":                   {source: cluster("v1.24.1"), objects: whole, scope: NamespaceScope{Namespaces: []string{"shop", "blog"}, Exclude: []string{"blog"}}, want: "shop"},
		"by label":                  {source: cluster("v1.24.1"), objects: whole, selector: "team in (shop, other)", want: "shop"},
		"by the absence of a label": {source: cluster("v1.24.1"), objects: whole, selector: "!team", want: "kube-system"},
		"a selector and a namespace whose labels are not known": {
			source: cluster("v1.24.1"), objects: append([]object{undeclared}, whole...), selector: "!team", want: "kube-system",
		},
		"a namespace whose labels are not known, by name": {
			source: cluster("v1.24.1"), objects: append([]object{undeclared}, whole...), scope: NamespaceScope{Namespaces: []string{"api"}}, want: "api",
		},
		"unknown": {
			source: cluster("v1.24.1"), objects: whole, scope: NamespaceScope{Namespaces: []string{"nosuch"}},
			errs: []string{`sure: there is no namespace "nosuch" in what was read; known: blog, kube-system, shop`},
		},
		"unknown beside known ones": {
			source: cluster("v1.24.1"), objects: whole, scope: NamespaceScope{Namespaces: []string{"shop", "SHOP", "blg"}},
			errs: []string{
				`sure: there is no namespace "SHOP" in what was read; did you mean "shop"?`,
				`sure: there is no namespace "blg" in what was read; did you mean "blog"?`,
			},
		},
		"unknown, and pods could not be listed": {
			source: cluster("v1.24.1"), objects: append([]object{gap("pods", "*")}, whole...), scope: NamespaceScope{Namespaces: []string{"shp"}},
			errs: []string{`sure: there is no namespace "shp" in what was read; did you mean "shop"?`},
		},
		"unknown, and namespaces could not be listed": {
			source: cluster("v1.24.1"), objects: []object{undeclared, gap("namespaces", "*")}, scope: NamespaceScope{Namespaces: []string{"ap"}},
			errs: []string{`unsure: there is no namespace "ap" in what was read, but there may be more than was read (namespaces: it could not be read); known: api`},
		},
		"unknown, in files that have every Namespace": {
			source: fromFiles(), objects: whole, scope: NamespaceScope{Namespaces: []string{"nosuch"}},
			errs: []string{`sure: there is no namespace "nosuch" in what was read; known: blog, kube-system, shop`},
		},
		"unknown, in files that lack a Namespace": {
			source: fromFiles(), objects: append([]object{undeclared}, whole...), scope: NamespaceScope{Namespaces: []string{"shp"}},
			errs: []string{`unsure: there is no namespace "shp" in what was read, but there may be more than was read (the Namespace object of api was not read: read those of all namespaces); did you mean "shop"?`},
		},
		"unknown, in files with a broken document": {
			source: fromFiles(), objects: append([]object{gap("document 3", "*")}, whole...), scope: NamespaceScope{Namespaces: []string{"nosuch"}},
			errs: []string{`unsure: there is no namespace "nosuch" in what was read, but there may be more than was read (document 3: it could not be read); known: blog, kube-system, shop`},
		},
		"what a gap touches comes after what is sure": {
			source: fromFiles(), objects: append([]object{gap("document 3", "web")}, whole...), scope: NamespaceScope{Namespaces: []string{"web", "nosuch"}},
			errs: []string{
				`sure: there is no namespace "nosuch" in what was read; known: blog, kube-system, shop`,
				`unsure: there is no namespace "web" in what was read, but there may be more than was read (document 3: it could not be read); known: blog, kube-system, shop`,
			},
		},
		"unknown, without any namespace": {
			source: fromFiles(), scope: NamespaceScope{Namespaces: []string{"shop"}},
			errs: []string{`unsure: there is no namespace "shop" in what was read, but there may be more than was read (no Namespace object was read: read those of all namespaces)`},
		},
		"named and excluded": {
			source: fromFiles(), objects: append([]object{undeclared}, whole...), scope: NamespaceScope{Namespaces: []string{"shop"}, Exclude: []string{"shop"}},
			errs: []string{`sure: -n and --exclude leave no namespace: both name "shop"`},
		},
		"everything excluded": {
			source: cluster("v1.24.1"), objects: whole, scope: NamespaceScope{Exclude: []string{"shop", "blog", "kube-system"}},
			errs: []string{`sure: --exclude leaves none of the namespaces that were read`},
		},
		"a selector that nothing meets": {
			source: cluster("v1.24.1"), objects: whole, selector: "team=shpo",
			errs: []string{`sure: no namespace in what was read is selected by -l "team=shpo"; did you mean "team=shop"?`},
		},
		"a selector with another value": {
			source: cluster("v1.24.1"), objects: whole, selector: "team=front",
			errs: []string{`sure: no namespace in what was read is selected by -l "team=front"; known: team=blog, team=shop`},
		},
		"a selector with a misspelt key": {
			source: cluster("v1.24.1"), objects: whole, selector: "taem=shop",
			errs: []string{`sure: no namespace in what was read is selected by -l "taem=shop"; did you mean "team"?`},
		},
		"a selector of terms that are each met": {
			source: cluster("v1.24.1"), objects: whole, selector: "team=shop,team!=shop",
			errs: []string{`sure: no namespace in what was read is selected by -l "team=shop,team!=shop"`},
		},
		"a selector and a name": {
			source: cluster("v1.24.1"), objects: whole, scope: NamespaceScope{Namespaces: []string{"blog"}}, selector: "team=shop",
			errs: []string{`sure: no namespace in what was read is selected by -l "team=shop" and is left by -n and --exclude`},
		},
		"a selector, and labels that are not known": {
			source: cluster("v1.24.1"), objects: append([]object{undeclared}, whole...), selector: "team=web",
			errs: []string{`unsure: no namespace in what was read is selected by -l "team=web", but there may be more than was read (the Namespace objects of api were not read, so their labels are not known); known: team=blog, team=shop`},
		},
		"a selector without any namespace": {
			source: fromFiles(), selector: "team=web",
			errs: []string{`unsure: no namespace in what was read is selected by -l "team=web", but there may be more than was read (no Namespace object was read: read those of all namespaces)`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.selector != "" {
				tt.scope.Selector = selecting(t, tt.selector)
			}
			got, err := build(t, tt.source, Options{}, tt.objects...).SelectExistingNamespaces(tt.scope)
			if diff := cmp.Diff(tt.errs, lines(err), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("errors (-want +got):\n%s", diff)
			}
			if err == nil {
				if diff := cmp.Diff(tt.want, strings.Join(got.namespaceNames(), " ")); diff != "" {
					t.Errorf("chosen (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// What a scope does not do is told: names that exclude nothing, and namespaces that a selector cannot judge.
func TestWhatAScopeDoesNotDo(t *testing.T) {
	t.Parallel()
	p := build(t, fromFiles(), Options{}, namespace("shop"), deployment("api/web", plain()), deployment("web/web", plain()))
	var excluded []string
	for _, err := range p.UnknownExcludes(NamespaceScope{Exclude: []string{"shop", "shopp"}}) {
		excluded = append(excluded, lines(err)...)
	}
	want := []string{`unsure: there is no namespace "shopp" in what was read, but there may be more than was read (the Namespace object of api was not read: read those of all namespaces); did you mean "shop"?`}
	if diff := cmp.Diff(want, excluded); diff != "" {
		t.Errorf("excluded (-want +got):\n%s", diff)
	}
	for scope, want := range map[*NamespaceScope][]string{
		{}:                                nil,
		{Selector: labels.Everything()}:   nil,
		{Selector: selecting(t, "!team")}: {"api", "web"},
		{Selector: selecting(t, "team=a"), Exclude: []string{"web"}}:            {"api"},
		{Selector: selecting(t, "team=a"), Namespaces: []string{"web", "shop"}}: {"web"},
	} {
		if diff := cmp.Diff(want, p.NamespacesWithUnreadLabels(*scope)); diff != "" {
			t.Errorf("%+v leaves out (-want +got):\n%s", scope, diff)
		}
	}
}

// A name that is looked up and is not there has its reason.
func TestLookups(t *testing.T) {
	t.Parallel()
	objects := []object{
		namespace("shop"), deployment("shop/cart", plain()), policy(t, "restricted", restrictedLike), grant("restricted", "shop", account("shop/builder")),
	}
	live := build(t, cluster("v1.24.1"), Options{}, objects...)
	files := build(t, fromFiles(), Options{}, objects...)
	deaf := build(t, cluster("v1.24.1"), Options{}, append([]object{gap("podsecuritypolicies", "*"), gap("serviceaccounts", "*")}, objects...)...)
	bare := build(t, fromFiles(), Options{}, namespace("shop"))
	accounts := []string{"deployer"}
	const notRead = ", but there may be more than was read "
	tests := map[string]struct {
		err  error
		want []string
	}{
		"namespace":                    {live.NamespaceNotFound("shp"), []string{`sure: there is no namespace "shp" in what was read; did you mean "shop"?`}},
		"policy":                       {live.PolicyNotFound("restrictd"), []string{`sure: there is no policy "restrictd" in what was read; did you mean "restricted"?`}},
		"policy, and none were read":   {bare.PolicyNotFound("a"), []string{`unsure: there is no policy "a" in what was read` + notRead + `(no policy was read)`}},
		"policy, not to be listed":     {deaf.PolicyNotFound("a"), []string{`unsure: there is no policy "a" in what was read` + notRead + `(podsecuritypolicies: it could not be read); known: restricted`}},
		"workload":                     {live.WorkloadNotFound("shop", "Deployment", "crt"), []string{`sure: there is no workload "shop/deployment/crt" in what was read; did you mean "shop/deployment/cart"?`}},
		"workload of another kind":     {live.WorkloadNotFound("shop", "StatefulSet", "cart"), []string{`sure: there is no workload "shop/statefulset/cart" in what was read; did you mean "shop/deployment/cart"?`}},
		"workload unlike any":          {live.WorkloadNotFound("shop", "Deployment", "nope"), []string{`sure: there is no workload "shop/deployment/nope" in what was read; known: shop/deployment/cart`}},
		"workload of no namespace":     {live.WorkloadNotFound("shp", "Deployment", "cart"), []string{`sure: there is no namespace "shp" in what was read; did you mean "shop"?`}},
		"workload, something unread":   {deaf.WorkloadNotFound("shop", "pod", "a"), []string{`unsure: there is no workload "shop/pod/a" in what was read` + notRead + `(podsecuritypolicies: it could not be read); known: shop/deployment/cart`}},
		"workload, nothing read":       {bare.WorkloadNotFound("shop", "pod", "a"), []string{`unsure: there is no workload "shop/pod/a" in what was read` + notRead + `(nothing that runs in the namespace was read)`}},
		"name":                         {live.NameNotFound("", "", "restrictd", nil), []string{`sure: there is no namespace, policy, workload or service account "restrictd" in what was read; did you mean "restricted"?`}},
		"name of a kind":               {live.NameNotFound("", "deployment", "crt", nil), []string{`sure: there is no deployment "crt" in what was read; did you mean "cart"?`}},
		"name in a namespace":          {live.NameNotFound("shop", "", "crat", []string{"hostPorts"}), []string{`sure: there is no workload or service account "crat" in namespace "shop" of what was read; did you mean "cart"?`}},
		"name, something unread":       {deaf.NameNotFound("shop", "", "a", nil), []string{`unsure: there is no workload or service account "a" in namespace "shop" of what was read` + notRead + `(podsecuritypolicies: it could not be read); known: cart`}},
		"name, nothing read":           {bare.NameNotFound("shop", "", "a", nil), []string{`unsure: there is no workload or service account "a" in namespace "shop" of what was read` + notRead + `(nothing that runs in the namespace was read)`}},
		"name, no policy read":         {bare.NameNotFound("", "", "a", nil), []string{`unsure: there is no namespace, policy, workload or service account "a" in what was read` + notRead + `(no policy was read); known: shop`}},
		"account of every namespace":   {live.CheckServiceAccount("shop", "default", accounts), nil},
		"account with a grant":         {live.CheckServiceAccount("shop", "builder", accounts), nil},
		"account as an object":         {live.CheckServiceAccount("shop", "deployer", accounts), nil},
		"account that nothing names":   {live.CheckServiceAccount("shop", "deploier", accounts), []string{`sure: nothing that was read names a service account "deploier" in namespace "shop"; did you mean "deployer"?`}},
		"account, in files":            {files.CheckServiceAccount("shop", "x", []string{}), []string{`sure: nothing that was read names a service account "x" in namespace "shop"; known: builder, default`}},
		"account, in a plan":           {files.CheckServiceAccount("shop", "x", nil), []string{`sure: nothing that was read names a service account "x" in namespace "shop" (a saved plan has only the accounts that run something or may use a policy); known: builder, default`}},
		"account, not to be listed":    {deaf.CheckServiceAccount("shop", "x", []string{}), []string{`unsure: nothing that was read names a service account "x" in namespace "shop"` + notRead + `(serviceaccounts: it could not be read); known: builder, default`}},
		"account of no namespace":      {live.CheckServiceAccount("shp", "default", accounts), []string{`sure: there is no namespace "shp" in what was read; did you mean "shop"?`}},
		"label that is there":          {build(t, fromFiles(), Options{}, namespace("a", "wave=1")).CheckLabelExists("wave"), nil},
		"label that is not there":      {build(t, fromFiles(), Options{}, namespace("a", "wave=1")).CheckLabelExists("wav"), []string{`sure: no namespace in scope has the label "wav"; did you mean "wave"?`}},
		"label, where they are unread": {build(t, cluster("v1.24.1"), Options{}, deployment("a/b", plain())).CheckLabelExists("wave"), []string{`unsure: no namespace in scope has the label "wave"` + notRead + `(the Namespace object of a was not read, so its labels are not known)`}},
		"names of another list": {
			errors.Join(UnknownNameErrors("the journal has no step of namespace %q", []string{"a", "B"}, []string{"a", "b"})...),
			[]string{`sure: the journal has no step of namespace "B"; did you mean "b"?`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, lines(tt.err), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
