package redact

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/injector"
	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// The prefixes of pseudonyms say what kind of name they stand for.
const (
	prefixNamespace = "ns-"
	prefixWorkload  = "workload-"
	prefixAccount   = "account-"
	prefixPolicy    = "policy-"
	prefixRole      = "role-"
	prefixBinding   = "binding-"
	prefixContainer = "container-"
	prefixVolume    = "volume-"
	prefixImage     = "image-"
	prefixFile      = "file-"
	prefixPath      = "path-"
	prefixUser      = "user-"
	prefixGroup     = "group-"
	prefixNode      = "node-"
	prefixCluster   = "cluster-"
	prefixContext   = "context-"
	prefixHost      = "host-"
	prefixUID       = "uid-"
	prefixKey       = "key-"
	prefixValue     = "value-"
	prefixProfile   = "profile-"
	prefixDriver    = "driver-"
	prefixClass     = "class-"
	prefixSELinux   = "selinux-"
	prefixAPIGroup  = "apigroup-"
	prefixObject    = "object-"
	prefixSet       = "set-"
	prefixRelease   = "release-"
	prefixText      = "text-"
	prefixKind      = "Kind."
	prefixLowerKind = "kind."
	// What no namespace and no account can be called has a pseudonym with a capital letter, which neither can have.
	prefixNoNamespace = "Ns-"
	prefixNoAccount   = "Account-"
	generatedNameEnd  = "<generated>"
)

// redactor replaces the names of one plan. known has the pseudonyms of the names that stand in fields of their own, for the texts in
// which they stand among other words.
type redactor struct {
	key   *Key
	known map[string]string
	// policies has those of policies, whatever else has the same name.
	policies map[string]string
	// collecting is true as long as the names are collected: texts wait until all are known.
	collecting bool
	// awkward are those of the known names that are no single word of a text, the longest first.
	awkward []string
	// arguments are the classes of the arguments of messages, byClass has what makes a redacted text of each class.
	arguments map[string]class
	byClass   map[class]func(string) string
}

// newRedactor returns a redactor that collects the names of a plan.
func newRedactor(key *Key) *redactor {
	return &redactor{key: key, known: map[string]string{}, policies: map[string]string{}, arguments: argumentClasses(), collecting: true}
}

// name returns the pseudonym of a name of a kind, or the name where everybody knows it.
func (r *redactor) name(prefix, name string) string {
	if name == "" || isKnown(prefix, name) {
		return name
	}
	out := r.key.pseudonym(prefixFor(prefix, name), name)
	r.remember(name, out)
	return out
}

// remember keeps the pseudonym of a name for the texts of the plan. The first kind of a name wins.
func (r *redactor) remember(name, pseudonym string) {
	if !r.collecting {
		return
	}
	if _, known := r.known[name]; !known {
		r.known[name] = pseudonym
	}
	if prefixOf(pseudonym) == prefixPolicy {
		r.policies[name] = pseudonym
	}
}

// resource returns a resource of an RBAC rule in the redacted plan, with the part of it that may follow.
func (r *redactor) resource(text string) string {
	name, part, divided := strings.Cut(text, "/")
	switch {
	case text == "" || isKnownResource(text):
		return text
	case divided && isKnownResource(name):
		if r.collecting {
			return text
		}
		return name + "/" + r.words(part)
	}
	return r.name(prefixValue, text)
}

// prefixFor returns the prefix of the pseudonym for a name of a kind. One that no namespace or account can have gets a pseudonym that none can have,
// either: a grant to it is none.
func prefixFor(prefix, name string) string {
	switch {
	case prefix == prefixNamespace && !inventory.IsDNSLabel(name):
		return prefixNoNamespace
	case prefix == prefixAccount && !inventory.IsDNSSubdomain(name):
		return prefixNoAccount
	}
	return prefix
}

// workload returns the name of a workload or pod in the redacted plan. The part that the server chooses is no name.
func (r *redactor) workload(name string) string {
	base, generated := strings.CutSuffix(name, generatedNameEnd)
	if !generated {
		return r.name(prefixWorkload, name)
	}
	stem := strings.TrimRight(base, "-")
	return r.name(prefixWorkload, stem) + base[len(stem):] + generatedNameEnd
}

// clone returns the name of a policy's clone in the redacted plan: that of the policy after 0-.
func (r *redactor) clone(name string) string {
	if rest, ok := strings.CutPrefix(name, "0-"); ok {
		return "0-" + r.name(prefixPolicy, rest)
	}
	return r.name(prefixPolicy, name)
}

// kind returns the kind of an object in the redacted plan: that of an organization's own custom resource is a name.
func (r *redactor) kind(kind string) string {
	switch {
	case kind == "" || isKnownKind(kind):
		return kind
	case kind == strings.ToLower(kind):
		return r.name(prefixLowerKind, kind)
	}
	r.name(prefixLowerKind, strings.ToLower(kind))
	return r.name(prefixKind, kind)
}

// user returns the name of a user in the redacted plan.
func (r *redactor) user(name string) string { return r.identity(prefixUser, name) }

// group returns the name of a group in the redacted plan.
func (r *redactor) group(name string) string { return r.identity(prefixGroup, name) }

// identity returns the name of a user or group in the redacted plan. Those of accounts and nodes have names in them; the others of
// Kubernetes stay.
func (r *redactor) identity(prefix, name string) string {
	kind, rest, _ := strings.Cut(strings.TrimPrefix(name, "system:"), ":")
	switch {
	case !strings.HasPrefix(name, "system:"):
		return r.name(prefix, name)
	case rest != "" && (kind == "serviceaccount" || kind == "serviceaccounts"):
		namespace, account, named := strings.Cut(rest, ":")
		out := "system:" + kind + ":" + r.name(prefixNamespace, namespace)
		if named {
			out += ":" + r.name(prefixAccount, account)
		}
		return out
	case kind == "node" && rest != "":
		return "system:node:" + r.name(prefixNode, rest)
	}
	return name
}

// slash returns "namespace/name" in the redacted plan; what has no slash is a name alone.
func (r *redactor) slash(text string, name func(string) string) string {
	if namespace, rest, ok := strings.Cut(text, "/"); ok {
		return r.name(prefixNamespace, namespace) + "/" + name(rest)
	}
	return name(text)
}

// named returns a function that redacts names of one kind.
func (r *redactor) named(prefix string) func(string) string {
	return func(name string) string { return r.name(prefix, name) }
}

// account returns a service account, "namespace/name", in the redacted plan.
func (r *redactor) account(text string) string { return r.slash(text, r.named(prefixAccount)) }

// reference returns "Kind name" or "Kind namespace/name" in the redacted plan.
func (r *redactor) reference(text string) string {
	kind, name, ok := strings.Cut(text, " ")
	if !ok {
		return r.text(text)
	}
	return r.kind(kind) + " " + r.slash(name, r.ofKind(kind))
}

// ofKind returns a function that redacts the names of objects of a kind, in any case.
func (r *redactor) ofKind(kind string) func(string) string {
	switch strings.ToLower(kind) {
	case "namespace":
		return r.named(prefixNamespace)
	case "podsecuritypolicy", "psp":
		return r.named(prefixPolicy)
	case "serviceaccount":
		return r.named(prefixAccount)
	case "role", "clusterrole":
		return r.named(prefixRole)
	case "rolebinding", "clusterrolebinding":
		return r.named(prefixBinding)
	case "user":
		return r.user
	case "group":
		return r.group
	case "runtimeclass":
		return r.named(prefixClass)
	case "node":
		return r.named(prefixNode)
	}
	for _, k := range inventory.WorkloadKinds() {
		if strings.EqualFold(k.Name, kind) {
			return r.workload
		}
	}
	if isKnownKind(kind) {
		return r.object
	}
	return r.workload
}

// object returns the name of an object of another kind in the redacted plan. One that has the name of something else keeps to it.
func (r *redactor) object(name string) string {
	if known, ok := r.known[name]; ok && !r.collecting {
		return known
	}
	if r.collecting || name == "" {
		return name
	}
	return r.key.pseudonym(prefixObject, name)
}

// workloadReference returns "kind/name" in the redacted plan, with the owner that may follow: "pod/web-1 (deployment/web)".
func (r *redactor) workloadReference(text string) string {
	if first, owner, ok := strings.Cut(text, " ("); ok {
		return r.workloadReference(first) + " (" + r.workloadReference(strings.TrimSuffix(owner, ")")) + text[len(strings.TrimSuffix(text, ")")):]
	}
	kind, name, ok := strings.Cut(text, "/")
	if !ok {
		return r.workload(text)
	}
	return r.kind(kind) + "/" + r.workload(name)
}

// workloadPath returns "namespace/Kind/name" in the redacted plan.
func (r *redactor) workloadPath(text string) string {
	namespace, rest, ok := strings.Cut(text, "/")
	if !ok {
		return r.workload(text)
	}
	return r.name(prefixNamespace, namespace) + "/" + r.workloadReference(rest)
}

// file returns the name of a file in the redacted plan; standard input has none. Endings that many files have stay.
func (r *redactor) file(name string) string {
	if name == "" || name == "-" {
		return name
	}
	ending := ""
	if e := path.Ext(name); slices.Contains([]string{".yaml", ".yml", ".json", ".gz", ".tf", ".tar", ".tgz", ".zip", ".log"}, e) && e != name {
		ending = e
	}
	out := r.key.pseudonym(prefixFile, strings.TrimSuffix(name, ending)) + ending
	r.remember(name, out)
	return out
}

var lineAfterFile = regexp.MustCompile(`^(.*[^:])(:[0-9]+)$`)

// place returns "file:line", or a reference to an object, in the redacted plan.
func (r *redactor) place(text string) string {
	if m := lineAfterFile.FindStringSubmatch(text); m != nil {
		return r.file(m[1]) + m[2]
	}
	return r.text(text)
}

// hostPath returns a path of a host in the redacted plan, with the remark that may follow: "/var/log (read-only)".
func (r *redactor) hostPath(text string) string {
	const readOnly = " (read-only)"
	name, isReadOnly := strings.CutSuffix(text, readOnly)
	segments := strings.Split(name, "/") // one by one: what is below a path stays below it
	for i, segment := range segments {
		if !slices.Contains([]string{"", ".", "..", "*"}, segment) {
			segments[i] = r.key.pseudonym(prefixPath, segment)
		}
	}
	out := strings.Join(segments, "/")
	r.remember(name, out)
	if len(segments) > 1 && segments[0] == "" {
		r.remember(name[1:], out[1:])
	}
	if isReadOnly {
		out += readOnly
	}
	return out
}

// server returns the address of an API server in the redacted plan.
func (r *redactor) server(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return r.name(prefixHost, address)
	}
	return scheme + "://" + r.name(prefixHost, rest)
}

// image returns the name of an image in the redacted plan. What tells a known program stays.
func (r *redactor) image(name string) string {
	known := patch.KnownImage(name)
	if known == "" {
		return r.name(prefixImage, name)
	}
	registry := strings.TrimSuffix(strings.TrimSuffix(name, known), "/")
	if registry == "" {
		return known
	}
	return r.name(prefixImage, registry) + "/" + known
}

// labelKey returns the key of a label or annotation in the redacted plan.
func (r *redactor) labelKey(key string) string {
	for _, domain := range []string{podspec.AppArmorAnnotationPrefix, podspec.SeccompContainerAnnotationPrefix} {
		if name, ok := strings.CutPrefix(key, domain); ok {
			return domain + r.name(prefixContainer, name)
		}
	}
	if isKnownKey(key) {
		return key
	}
	return r.name(prefixKey, key)
}

// labelValue returns the value that a key of a label or annotation has in the redacted plan.
func (r *redactor) labelValue(key, value string) string {
	switch {
	case value == "" || isPlainValue(value) || injector.ChoosesByValue(injectors(), key, value):
		return value
	case key == "kubernetes.io/metadata.name":
		return r.name(prefixNamespace, value)
	case isProfileKey(key):
		return r.profiles(value)
	}
	return r.name(prefixValue, value)
}

// isProfileKey reports whether an annotation holds seccomp or AppArmor profiles.
func isProfileKey(key string) bool {
	key = strings.TrimPrefix(key, "container.")
	return strings.HasPrefix(key, "seccomp.security.alpha.kubernetes.io/") || strings.HasPrefix(key, "apparmor.security.beta.kubernetes.io/")
}

// profiles returns a list of seccomp or AppArmor profiles, between commas, in the redacted plan.
func (r *redactor) profiles(list string) string {
	items := strings.Split(list, ",")
	for i, item := range items {
		items[i] = r.profile(item)
	}
	return strings.Join(items, ",")
}

// profile returns a seccomp or AppArmor profile in the redacted plan.
func (r *redactor) profile(profile string) string {
	if isProfile(profile) {
		return profile
	}
	if name, local := strings.CutPrefix(profile, "localhost/"); local && name != "" && name != "*" {
		return "localhost/" + r.name(prefixProfile, name)
	} else if local {
		return profile
	}
	return r.name(prefixProfile, profile)
}

// unless returns a function that redacts names of one kind but those that belong to Kubernetes.
func (r *redactor) unless(prefix string, isKubernetes func(string) bool) func(string) string {
	return func(text string) string {
		if text == "" || isKubernetes(text) {
			return text
		}
		return r.name(prefix, text)
	}
}

// listed returns a function that reports whether a text is in a list.
func listed(known []string) func(string) bool {
	return func(text string) bool { return slices.Contains(known, text) }
}

// seLinuxPattern matches a part of an SELinux label that the policies of distributions define.
var seLinuxPattern = regexp.MustCompile(`^(s[0-9]+(:c[0-9]+(,c[0-9]+)*)?|[a-z]+_u|[a-z]+_r|container(_kvm|_init|_engine|_logreader)?_t|spc_t|svirt_lxc_net_t|svirt_sandbox_file_t|super_t)$`)

// versionPattern takes the version of an API server apart: Kubernetes' own part, the marks of known providers, and the rest.
var versionPattern = regexp.MustCompile(`^(v?[0-9]+\.[0-9]+(?:\.[0-9]+)?(?:[-+.](?:eks|gke|k3s|rke2r|rke2|aks|vmware|alpha|beta|rc)[-+.0-9a-f]*)*)(.*)$`)

// serverVersion returns the version of an API server in the redacted plan: Kubernetes' own part and the mark of a known provider.
func (r *redactor) serverVersion(version string) string {
	m := versionPattern.FindStringSubmatch(version)
	if m == nil {
		return r.name(prefixValue, version)
	}
	rest := strings.TrimLeft(m[2], "-+.")
	return m[1] + m[2][:len(m[2])-len(rest)] + r.name(prefixValue, rest)
}

// jsonValue returns compact JSON of a field of a pod template in the redacted plan.
func (r *redactor) jsonValue(text string) string {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return r.text(text)
	}
	return jsonString.ReplaceAllStringFunc(text, func(quoted string) string {
		inner := quoted[1 : len(quoted)-1]
		if wordPattern.FindString(inner) == inner && vocabulary()[strings.ToLower(inner)] || isCapability(inner) || isProfile(inner) {
			return quoted
		}
		return `"` + r.key.pseudonym(prefixValue, inner) + `"`
	})
}

var jsonString = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
