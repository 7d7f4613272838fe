package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/wording"
)

// Options of Judge.
type Options struct {
	// To is the release to upgrade to.
	To api.Version
	// Tool is how the user calls the tool.
	Tool string
	// Assert is what the user says is so.
	Assert []Assertion
}

// Judge answers. It is pure: the same plan, facts and options give the same Result.
func Judge(p *migrate.Plan, f Facts, o Options) *Result {
	j := newJudge(p, f, o)
	j.gaps()
	j.saved()
	j.labels()
	j.ignored(j.breaks())
	j.templates()
	j.bypass()
	j.podSecurity()
	j.plugin()
	j.admissionFiles()
	j.roles()
	j.policies()
	j.helm()
	j.seccomp()
	j.newNamespaces()
	j.labellers()
	r := j.result
	slices.SortStableFunc(r.Reasons, func(a, b Reason) int { return cmp.Compare(a.Order, b.Order) })
	slices.SortStableFunc(r.Unknown, func(a, b Unknown) int { return cmp.Compare(a.Order, b.Order) })
	for _, a := range Assertions() {
		if slices.Contains(o.Assert, a.Name) {
			r.Asserted = append(r.Asserted, string(a.Name))
		}
	}
	r.Seen = j.seen()
	r.Pass = len(r.Reasons) == 0 && len(r.Unknown) == 0
	return r
}

// judge is one answer in the making.
type judge struct {
	plan   *migrate.Plan
	facts  Facts
	opts   Options
	result *Result

	kubectl, tool, context string      // context is the flag that names it, or nothing
	server                 api.Version // zero where it is not known
	// past is true where the server does not serve policies any more, asked where it asks them about every pod.
	past, asked bool
	provider    map[string]bool // policies of a provider, by name
}

func newJudge(p *migrate.Plan, f Facts, o Options) *judge {
	p, terminating := standing(p)
	j := &judge{plan: p, facts: f, opts: o, result: newResult(p, o), provider: map[string]bool{}}
	j.result.Existing = existing(p, f)
	if len(terminating) > 0 {
		j.tell(terminating, "being deleted (terminating): nothing is asked of what is in it")
	}
	j.kubectl, j.tool = "kubectl", cmp.Or(o.Tool, "psp2pss")
	if command, err := wording.Kubectl(p.Source); err == nil {
		j.kubectl, j.context = command, command[len("kubectl"):]
	}
	var major, minor int
	if n, err := fmt.Sscanf(p.Source.ServerVersion, "v%d.%d", &major, &minor); n == 2 && err == nil {
		j.server = api.MajorMinorVersion(major, minor)
		j.past = !j.server.Older(migrate.OldestTarget())
	}
	for i := range p.Policies {
		j.provider[p.Policies[i].Name] = p.Policies[i].Provider
	}
	j.asked = len(p.Policies) > 0 && !j.past && (j.pluginOn() || !idle(p)) && !j.pluginOff()
	return j
}

// idle is true where policies are there, and live pods that no policy has admitted.
func idle(p *migrate.Plan) bool {
	pods := 0
	for i := range p.Namespaces {
		if len(p.Namespaces[i].Observed) > 0 {
			return false
		}
		for k := range p.Namespaces[i].Workloads {
			pods += p.Namespaces[i].Workloads[k].Pods
		}
	}
	return pods > 0
}

func (j *judge) asserted(a Assertion) bool { return slices.Contains(j.opts.Assert, a) }

func (j *judge) fail(r Reason) {
	if r.Clear == nil {
		r.Clear = []string{}
	}
	j.result.Reasons = append(j.result.Reasons, r)
}

func (j *judge) unknown(u Unknown) {
	if u.Assert == "" || !j.asserted(u.Assert) {
		j.result.Unknown = append(j.result.Unknown, u)
	}
}

func (j *judge) tell(where []string, format string, args ...any) {
	j.result.Told = append(j.result.Told, Note{What: fmt.Sprintf(format, args...), Where: where})
}

// gaps: what the plan could not read or judge cannot be judged here either.
func (j *judge) gaps() {
	if j.plan.NothingToJudge() {
		j.unknown(Unknown{ID: "nothing-read", Order: orderRead, Why: "no policy, namespace or workload was read: name the right files, folders or cluster"})
	}
	if n := len(j.plan.Gaps); n > 0 {
		var what []string
		for _, g := range j.plan.Gaps {
			if !slices.Contains(what, g.What) { // "document 2" of several files
				what = append(what, g.What)
			}
		}
		j.unknown(Unknown{
			ID: "gaps", Order: orderRead, Why: fmt.Sprintf("%s could not be read or judged: %s", wording.Count(n, "thing", "things"), wording.First(what, 5)),
			How: "see the gaps of the plan for the reasons and what to grant",
		})
	}
	var unread, odd []string
	for i := range j.plan.Namespaces {
		if j.plan.Namespaces[i].Unread {
			unread = append(unread, j.plan.Namespaces[i].Name)
		}
		if !named(&j.plan.Namespaces[i]) {
			odd = append(odd, strconv.QuoteToASCII(j.plan.Namespaces[i].Name))
		}
	}
	if len(odd) > 0 {
		j.unknown(Unknown{ID: "names", Order: orderRead, Why: "namespaces under names that none can have: " + wording.First(odd, 5)})
	}
	if len(unread) > 0 {
		j.unknown(Unknown{
			ID: "labels", Order: orderRead, Why: "the labels of " + wording.Count(len(unread), "namespace", "namespaces") + " were not read: " + wording.First(unread, 5),
			How: "read the Namespace objects too",
		})
	}
}

// named is false for a name that would be something else in a command; only a plan that was tampered with has one.
func named(ns *migrate.Namespace) bool { return len(validation.IsDNS1123Label(ns.Name)) == 0 }

func (j *judge) saved() {
	if j.past || len(j.plan.Policies) == 0 {
		return
	}
	j.unknown(Unknown{
		ID: "backup", Order: orderSave, Assert: PoliciesSaved,
		Why:   "whether the policies and the RBAC around them are saved: from v1.25 on no API server gives them back",
		Clear: []string{j.kubectl + " get podsecuritypolicies,clusterroles,clusterrolebindings,roles,rolebindings,namespaces --all-namespaces -o yaml > psp-backup.yaml"},
	})
}

func (j *judge) plugin() {
	if j.past {
		return
	}
	how := "take PodSecurityPolicy out of --enable-admission-plugins, and out of --disable-admission-plugins, of every API server: from v1.25 on it does not start with a plugin that it does not know in either"
	switch j.managed() {
	case eks:
		how = "EKS keeps the plugin on until v1.25 and takes it away itself: leave the policy eks.privileged and its grant to everybody in place until then"
	case gke:
		how = "gcloud container clusters update NAME --no-enable-pod-security-policy"
	}
	if j.pluginSeen(how) {
		return
	}
	why := "whether an API server still names the plugin PodSecurityPolicy: flags are not served by the API"
	if len(j.plan.Policies) > 0 && idle(j.plan) {
		why += "; no live pod was admitted by a policy, so it seems to be off"
	}
	j.unknown(Unknown{ID: "admission-plugin", Order: orderPlugin, Assert: PluginOff, Why: why, How: how})
}

// DefaultTo is the release to upgrade to where none is named: the first without policies, or the one after the server's.
func DefaultTo(p *migrate.Plan) api.Version {
	var major, minor int
	if n, err := fmt.Sscanf(p.Source.ServerVersion, "v%d.%d", &major, &minor); n != 2 || err != nil {
		return migrate.OldestTarget()
	}
	next, oldest := api.MajorMinorVersion(major, minor+1), migrate.OldestTarget()
	if oldest.Older(next) {
		return next
	}
	return oldest
}
