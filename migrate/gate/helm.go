package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/helm"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// checkHelmReleases adds a reason against the upgrade for Helm releases whose stored revisions hold
// PodSecurityPolicies. It names releases, and the kinds and names of objects: the values of a release hold passwords.
func (j *upgradeCheck) checkHelmReleases() {
	var holding, locked, grants []message.Message
	for i := range j.facts.HelmReleases.Histories {
		h := &j.facts.HelmReleases.Histories[i]
		switch {
		case len(h.RevisionsWithPolicies()) > 0:
			holding = append(holding, describeHelmPolicies(h))
		case h.IsLocked():
			locked = append(locked, message.New("object-helm-release", "namespace", h.Namespace, "name", h.Name))
		}
		if names := helmDocumentNames(h, func(r *helm.Release) []helm.Document { return r.Grants }); len(names) > 0 {
			grants = append(grants, message.New("object-helm-release", "namespace", h.Namespace, "name", h.Name, "objects", names))
		}
	}
	if len(holding) > 0 {
		j.addReason(Reason{
			Message: message.New("helm-releases", "n", len(holding)), Order: orderHelm, Objects: holding,
			Advice:   j.helmCleaningAdvice(),
			Commands: []string{j.tool + " clean-helm" + j.contextFlag + " --yes"},
		})
	}
	if len(locked) > 0 {
		j.addNote(locked, message.New("helm-releases-locked"))
	}
	if len(grants) > 0 {
		j.addNote(grants, message.New("helm-releases-with-policy-roles"))
	}
	j.noteRemovedHelmObjects()
	j.checkUnreadHelmReleases()
}

// noteRemovedHelmObjects adds a note of the gate on Helm releases with other objects that the new release does not
// serve. They are no reason: other tools change them.
func (j *upgradeCheck) noteRemovedHelmObjects() {
	of := helm.RemovedObjectsBy(j.opts.To.Minor())
	var holding []message.Message
	for i := range j.facts.HelmReleases.Histories {
		h := &j.facts.HelmReleases.Histories[i]
		fails := failingHelmCommands(h.FailingOperations(of))
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
		holding = append(holding, message.New("object-helm-release-of-removed", "namespace", h.Namespace, "name", h.Name, "storage", h.Kind, "objects", objects, "fails", fails))
	}
	if len(holding) > 0 {
		j.addNote(holding, message.New("helm-releases-with-removed-objects", "n", len(holding), "to", &j.opts.To))
	}
}

// failingHelmCommands returns which of Helm's commands fail after the upgrade, as texts.
func failingHelmCommands(f helm.FailingOperations) []string {
	var fails []string
	if f.Upgrade {
		fails = append(fails, "helm upgrade fails")
	}
	if len(f.Rollback) > 0 {
		fails = append(fails, "helm rollback fails to "+revisionNumbers(f.Rollback))
	}
	if f.Uninstall {
		fails = append(fails, "helm uninstall fails")
	}
	return fails
}

// helmCleaningAdvice returns how to clean Helm releases: an upgrade to a chart without policies alone leaves them in earlier
// revisions.
func (j *upgradeCheck) helmCleaningAdvice() Advice {
	if j.policiesGone {
		return Advice{message.New("clean-helm-releases"), message.New("upgrade-helm-releases-after")}
	}
	return Advice{message.New("upgrade-helm-releases-first"), message.New("clean-helm-releases", "served", true)}
}

// describeHelmPolicies returns a Helm release as an object of a reason of the gate, with which revisions hold which policies, and
// which of Helm's commands fail.
func describeHelmPolicies(h *helm.ReleaseHistory) message.Message {
	var revisions []string
	for _, r := range h.RevisionsWithPolicies() {
		revisions = append(revisions, fmt.Sprint(r.Revision))
	}
	fails := failingHelmCommands(h.FailingOperations(helm.PoliciesOf))
	if h.IsLocked() {
		fails = append(fails, "an operation was cut off, which keeps helm upgrade from it until helm rollback ends it")
	}
	if len(fails) == 0 {
		fails = append(fails, "only in hooks that no upgrade or rollback runs")
	}
	policies := helmDocumentNames(h, func(r *helm.Release) []helm.Document { return r.Policies })
	return message.New("object-helm-release-of-policies", "namespace", h.Namespace, "name", h.Name, "storage", h.Kind,
		"revisions", slices.Compact(revisions), "policies", policies, "fails", fails)
}

// revisionNumbers returns, for the gate's text, the numbers of Helm revisions as a text, each once.
func revisionNumbers(revisions []int) string {
	var out []string
	for _, n := range slices.Compact(revisions) {
		out = append(out, fmt.Sprint(n))
	}
	return strings.Join(out, ", ")
}

// helmDocumentNames returns, for the gate, the kinds and names of documents of all revisions of a Helm release, each
// once.
func helmDocumentNames(h *helm.ReleaseHistory, of func(*helm.Release) []helm.Document) []string {
	var names []string
	for i := range h.Revisions {
		for _, d := range of(&h.Revisions[i]) {
			names = append(names, d.Kind+" "+d.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// checkUnreadHelmReleases adds an unknown to the gate's Result if not all Helm releases of the cluster were read: one
// that was not may hold a policy.
func (j *upgradeCheck) checkUnreadHelmReleases() {
	read := j.facts.HelmReleases
	if read.All && len(read.Gaps) == 0 {
		return
	}
	var gaps []string
	for _, g := range read.Gaps {
		gaps = append(gaps, g.What+": "+g.Why.Text)
	}
	u := Unknown{
		Message: message.New("helm-releases-unread", "all", read.All, "plan", read.NotInPlan, "releases", len(read.Histories), "gaps", gaps),
		Order:   orderHelm, Assert: AssertHelmClean,
	}
	if !read.All {
		u.Advice = Advice{message.New("read-helm-releases", "tool", j.tool)}
	}
	j.addUnknown(u)
}
