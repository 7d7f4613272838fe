package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/wording"
	"github.com/psp2pss/psp2pss/pspparse/helm"
)

// helm finds releases whose stored revisions hold policies. Of a release it tells where it is, and the kinds and names of
// what has to do with policies: its values hold passwords.
func (j *judge) helm() {
	var holding, locked, grants []string
	for i := range j.facts.Helm.Histories {
		h := &j.facts.Helm.Histories[i]
		switch {
		case len(h.ToClean()) > 0:
			holding = append(holding, h.Namespace+"/"+h.Name+": "+holds(h))
		case h.Locked():
			locked = append(locked, h.Namespace+"/"+h.Name)
		}
		if names := namesOf(h, func(r *helm.Release) []helm.Document { return r.Grants }); len(names) > 0 {
			grants = append(grants, h.Namespace+"/"+h.Name+": "+strings.Join(names, ", "))
		}
	}
	if len(holding) > 0 {
		j.fail(Reason{
			ID: "helm-releases", Order: orderHelm, Where: holding,
			What:  wording.Count(len(holding), "Helm release holds", "Helm releases hold") + " policies in stored revisions, which Helm cannot read back where policies are not served, whatever the chart holds by then",
			How:   j.howToClean(),
			Clear: []string{j.tool + " gate" + j.context + " --clean-helm --yes"},
		})
	}
	if len(locked) > 0 {
		j.tell(locked, "Helm releases on which an operation was cut off: helm upgrade refuses them until helm rollback ends it")
	}
	if len(grants) > 0 {
		j.tell(grants, "stored Helm releases with roles for policies: they do no harm, and Helm makes them again until the chart is without them")
	}
	j.helmRemoved()
	j.helmUnread()
}

// helmRemoved tells of releases that hold other objects which cannot be read back after the upgrade. They are no reason: what
// is left of them in the cluster is for other tools than this one.
func (j *judge) helmRemoved() {
	of := helm.RemovedBy(j.opts.To.Minor())
	var holding []string
	for i := range j.facts.Helm.Histories {
		h := &j.facts.Helm.Histories[i]
		fails := failing(h.Failures(of))
		if len(fails) == 0 {
			continue
		}
		var objects []string
		for k := range h.Revisions {
			for _, d := range of(&h.Revisions[k]) {
				objects = append(objects, fmt.Sprintf("%s %s (%s, gone in v1.%d)", d.Kind, d.Name, d.APIVersion, d.RemovedIn))
			}
		}
		slices.Sort(objects)
		objects = slices.Compact(objects)
		holding = append(holding, fmt.Sprintf("%s/%s (%s): %s: %s", h.Namespace, h.Name, h.Kind, strings.Join(objects, ", "), strings.Join(fails, "; ")))
	}
	if len(holding) > 0 {
		j.tell(holding, "%s in API versions that %s does not serve, which fails helm upgrade and helm rollback as policies do: "+
			"--clean-helm takes out PodSecurityPolicies only, and the plugin helm-mapkubeapis ('helm mapkubeapis RELEASE') rewrites the others in the newest revision",
			wording.Count(len(holding), "Helm release holds other objects", "Helm releases hold other objects"), &j.opts.To)
	}
}

// failing says which of Helm's commands fail.
func failing(f helm.Failures) []string {
	var fails []string
	if f.Upgrade {
		fails = append(fails, "helm upgrade fails")
	}
	if len(f.Rollback) > 0 {
		fails = append(fails, "helm rollback fails to "+numbers(f.Rollback))
	}
	if f.Uninstall {
		fails = append(fails, "helm uninstall fails")
	}
	return fails
}

// howToClean tells of the trap, which an upgrade in time alone leaves open.
func (j *judge) howToClean() string {
	const cleaning = "cleaning takes the policies, and nothing else, out of every stored revision, after a backup"
	if j.past {
		return cleaning + "; then upgrade each to a chart without policies: no other can be installed here"
	}
	return "first upgrade each to a chart without policies: that alone leaves them in the revisions before, and a rollback to one of these fails and locks the release; " +
		cleaning + ", and leaves a policy that is on the server where it is"
}

// holds says which revisions hold which policies, and what fails because of them.
func holds(h *helm.History) string {
	var revisions []int
	for _, r := range h.ToClean() {
		revisions = append(revisions, r.Revision)
	}
	fails := failing(h.Failures(helm.Policies))
	if h.Locked() {
		fails = append(fails, "an operation was cut off, which keeps helm upgrade from it until helm rollback ends it")
	}
	if len(fails) == 0 {
		fails = append(fails, "only in hooks that no upgrade or rollback runs")
	}
	word := "revision"
	if revisions = slices.Compact(revisions); len(revisions) > 1 {
		word = "revisions"
	}
	policies := namesOf(h, func(r *helm.Release) []helm.Document { return r.Policies })
	return fmt.Sprintf("%s %s (%s), %s: %s", word, numbers(revisions), h.Kind, strings.Join(policies, ", "), strings.Join(fails, "; "))
}

// numbers of revisions, in order. One that was read twice is one.
func numbers(revisions []int) string {
	var out []string
	for _, n := range slices.Compact(revisions) {
		out = append(out, fmt.Sprint(n))
	}
	return strings.Join(out, ", ")
}

// namesOf are documents of all revisions, each once, by kind and name.
func namesOf(h *helm.History, of func(*helm.Release) []helm.Document) []string {
	var names []string
	for i := range h.Revisions {
		for _, d := range of(&h.Revisions[i]) {
			names = append(names, d.Kind+" "+d.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// helmUnread: a release that was not read may hold a policy.
func (j *judge) helmUnread() {
	read := j.facts.Helm
	u := Unknown{ID: "helm-releases-unread", Order: orderHelm, Assert: HelmClean}
	var sentences []string
	if !read.All {
		left := "no Secrets and ConfigMaps of a cluster were read"
		if n := len(read.Histories); n > 0 {
			left = "files do not say whether " + wording.Count(n, "release is all there is", "releases are all there are")
		}
		sentences = append(sentences, left)
		u.How = "ask the cluster, as somebody who may list Secrets and ConfigMaps (" + j.tool + " plan --print-role has the rule); " +
			"or upgrade every release to a chart without policies while the server still serves them, and clean what is stored"
	}
	if len(read.Gaps) > 0 {
		var gaps []string
		for _, g := range read.Gaps {
			gaps = append(gaps, g.What+": "+g.Why)
		}
		what := "not read: "
		if len(sentences) > 0 {
			what = "Not read, either: "
		}
		sentences = append(sentences, what+wording.First(gaps, 5))
	}
	if len(sentences) > 0 {
		u.Why = "whether a stored Helm release holds a policy, with which helm upgrade and helm rollback fail from v1.25 on: " + strings.Join(sentences, ". ")
		j.unknown(u)
	}
}
