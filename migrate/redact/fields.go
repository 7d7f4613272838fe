package redact

import (
	"reflect"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"

	rbacv1 "k8s.io/api/rbac/v1"
)

// class says what a text of a plan is, and with that what a redaction makes of it.
type class int

// The classes of the texts of a plan.
const (
	// unclassed is no class: the test of the tables fails for a text that has it, and a redaction replaces it whole.
	unclassed class = iota
	// word is one of a fixed list, or a number, a version, an id, an address of a page: it stays.
	word
	// text is a sentence of ours or of a program's, with names in quotes or among its words.
	text
	// whole is any text of people: it is replaced as it is.
	whole
	// byKey is the value of a label or annotation: its key says what it is. In a plan's source it depends on the kind of source.
	byKey

	namespace
	workload
	account          // "namespace/name", or a name alone
	policy           // or EveryPolicy
	clone            // of a policy
	role             // a name
	binding          // a name
	reference        // "ClusterRole name", "RoleBinding namespace/name"
	workloadRef      // "deployment/web"
	workloadPath     // "shop/Deployment/web"
	namespacedObject // "shop/web" of a workload
	container
	image
	file
	place // "file:line"
	hostPath
	user
	group
	cluster
	server
	uid
	labelKey
	profile
	capability
	sysctl
	volumeType
	driver
	runtimeClass
	selinux
	kind
	apiGroup
	resource
	fieldPath
	label // a value of a Pod Security label
	serverVersion
	jsonValue
	generatedName // of an object that generate wrote
	generatedSet
	release // what manages a workload, in the tool's words

	fieldManager     // who wrote a label, "kubectl-edit"
	listedResource   // "pods", "rollouts.argoproj.io"
	namespacePattern // names with * and ?, of namespaces
	workloadPattern  // and of workloads or pods
	localProfile     // the file of a seccomp profile
	volume
	tokenBundle // what the API server compares to know the token that it adds
	probeHost
	subjectKind
	ruleName // of a webhook, or of a rule in a policy
)

// fieldClasses returns the class of each field of a Plan that holds a text, a list of texts or a map of them, by its type and name. The
// class of a map is that of its values; keyClasses has those of its keys.
func fieldClasses() map[reflect.Type]map[string]class {
	return map[reflect.Type]map[string]class{
		reflect.TypeFor[migrate.Plan](): {"APIVersion": word, "Kind": word, "TargetVersion": word, "Basis": word},
		reflect.TypeFor[inventory.Source](): {
			"Kind": word, "Of": word, "Name": byKey, "ServerVersion": serverVersion, "UID": uid, "Kubeconfig": file, "Cluster": cluster, "User": user, "Server": server,
			"As": user, "AsGroups": group,
		},
		reflect.TypeFor[inventory.Run]():       {"Tool": word},
		reflect.TypeFor[inventory.APIServer](): {"Pod": workload, "Flags": byKey},
		reflect.TypeFor[inventory.GeneratedPolicy](): {
			"Kind": word, "Name": generatedName, "Set": generatedSet, "Mode": word, "PolicyName": generatedName, "Actions": word,
		},
		reflect.TypeFor[inventory.LabelWriter](): {
			"Object": reference, "Path": fieldPath, "Labels": byKey, "Syntax": word, "OtherCluster": cluster, "NewNamespaces": text,
		},
		reflect.TypeFor[inventory.KindCount](): {"Kind": kind},
		reflect.TypeFor[pspparse.Position]():   {"File": file},
		reflect.TypeFor[pspparse.Problem]():    {"Severity": word, "Field": fieldPath},

		reflect.TypeFor[migrate.Admission](): {"Namespaces": namespace, "RuntimeClasses": runtimeClass, "Usernames": user},
		reflect.TypeFor[migrate.Namespace](): {
			"Name": namespace, "Labels": byKey, "PermittedLevel": word, "NeededLevel": word, "AchievableLevel": word, "PermittedBy": policy, "ObservedPolicies": policy,
			"UncertainParts": word, "Action": word, "LabelOwner": text, "AlsoRefusedBy": text, "LostKey": word,
		},
		reflect.TypeFor[migrate.AuditEvidence]():     {"First": word, "Last": word},
		reflect.TypeFor[migrate.LevelOfPods]():       {"Level": word},
		reflect.TypeFor[migrate.PolicyAtWork]():      {"Policy": policy, "First": word, "Last": word, "Unexplained": user},
		reflect.TypeFor[migrate.PodRequester]():      {"User": user, "Policies": policy, "First": word, "Last": word},
		reflect.TypeFor[migrate.RefusedPods]():       {"User": user, "By": word, "First": word, "Last": word, "Message": text},
		reflect.TypeFor[migrate.LoggedAdmission]():   {"Result": word},
		reflect.TypeFor[migrate.LoggedPolicies]():    {"Policy": policy, "First": word, "Last": word},
		reflect.TypeFor[migrate.PodSecurityLabels](): {"Enforce": label, "EnforceVersion": label, "Audit": label, "AuditVersion": label, "Warn": label, "WarnVersion": label},
		reflect.TypeFor[migrate.ExcludedPolicy]():    {"Policy": policy, "Closest": word},
		reflect.TypeFor[migrate.EnforceDecision]():   {"Basis": word, "Policy": policy},
		reflect.TypeFor[migrate.DeltaNeed]():         {"Result": word, "Why": word, "Beside": word, "Policy": policy, "Fields": fieldPath, "NotKept": fieldPath},
		reflect.TypeFor[migrate.WorkloadRef]():       {"Kind": kind, "Name": workload},
		reflect.TypeFor[migrate.LevelWithout]():      {"Level": word},
		reflect.TypeFor[migrate.Blocker]():           {"Check": word, "Level": word, "Reason": text, "Detail": text},
		reflect.TypeFor[migrate.LostSet]():           {"Key": word},
		reflect.TypeFor[migrate.VersionLevel]():      {"From": word, "To": word, "Needed": word},
		reflect.TypeFor[migrate.BlockingViolation](): {"Check": word, "Level": word, "Reason": text, "Examples": workloadPath},
		reflect.TypeFor[migrate.IneffectiveGrant]():  {"Subject": reference},
		reflect.TypeFor[migrate.GrantingObject]():    {"Subject": reference},
		reflect.TypeFor[migrate.Gap]():               {"What": text, "Affects": namespace, "Changes": word},
		reflect.TypeFor[migrate.Note]():              {"What": text},

		reflect.TypeFor[migrate.Policy](): {
			"Name": policy, "ClosestLevel": word, "CompliesAsWritten": word, "CompliesAfterMutation": word, "NoLooserThan": word, "MutatingFields": fieldPath,
			"Conditions": word, "APIVersion": text, "Annotations": byKey,
		},
		reflect.TypeFor[migrate.SimplifiedField]():       {"Field": fieldPath, "Class": word},
		reflect.TypeFor[migrate.NonMutatingClone]():      {"Name": clone, "Annotations": byKey},
		reflect.TypeFor[migrate.PolicyCheck]():           {"Check": word, "Level": word, "Status": word, "Fields": fieldPath, "Values": byKey},
		reflect.TypeFor[migrate.LostConstraint]():        {"Field": fieldPath, "Class": word, "NewlyAdmits": byKey, "Policies": policy, "MayBeCoveredBy": text},
		reflect.TypeFor[migrate.RequiredTemplateValue](): {"Field": fieldPath, "Path": fieldPath, "Value": jsonValue},
		reflect.TypeFor[migrate.PolicyField]():           {"Name": fieldPath},
		reflect.TypeFor[mapping.Value]():                 {"Rule": text, "Values": byKey, "Default": runtimeClass},

		reflect.TypeFor[pspparse.Spec](): {
			"DefaultAddCapabilities": capability, "RequiredDropCapabilities": capability, "AllowedCapabilities": capability, "Volumes": volumeType,
			"AllowedUnsafeSysctls": sysctl, "ForbiddenSysctls": sysctl, "AllowedProcMountTypes": text,
		},
		reflect.TypeFor[pspparse.SELinuxStrategy]():      {"Rule": text},
		reflect.TypeFor[pspparse.SELinuxOptions]():       {"User": selinux, "Role": selinux, "Type": selinux, "Level": selinux},
		reflect.TypeFor[pspparse.IDStrategy]():           {"Rule": text},
		reflect.TypeFor[pspparse.AllowedHostPath]():      {"PathPrefix": hostPath},
		reflect.TypeFor[pspparse.AllowedFlexVolume]():    {"Driver": driver},
		reflect.TypeFor[pspparse.AllowedCSIDriver]():     {"Name": driver},
		reflect.TypeFor[pspparse.RuntimeClassStrategy](): {"AllowedRuntimeClassNames": runtimeClass, "DefaultRuntimeClassName": runtimeClass},

		reflect.TypeFor[migrate.Role]():            {"Namespace": namespace, "Name": role, "Policies": policy},
		reflect.TypeFor[rbacv1.PolicyRule]():       {"Verbs": text, "APIGroups": apiGroup, "Resources": resource, "ResourceNames": byKey, "NonResourceURLs": hostPath},
		reflect.TypeFor[migrate.Binding]():         {"Namespace": namespace, "Name": binding, "Role": reference},
		reflect.TypeFor[migrate.Subject]():         {"ServiceAccount": account, "User": user, "Group": group},
		reflect.TypeFor[migrate.PolicyGrant]():     {"Namespace": namespace, "Binding": reference, "Role": reference},
		reflect.TypeFor[migrate.NamespaceWriter](): {"Namespace": namespace, "Verbs": word, "Binding": reference, "Role": reference},

		reflect.TypeFor[migrate.Workload](): {"Kind": kind, "Name": workload, "ServiceAccount": account, "EvaluationKey": word},
		reflect.TypeFor[migrate.Evaluation](): {
			"Key": word, "UsablePolicies": policy, "ObservedPolicies": policy, "AdmittedBy": policy, "AdmissionMode": word, "TemplatePaths": fieldPath,
		},
		reflect.TypeFor[migrate.TargetEvaluation]():  {"Server": word, "AfterPSP": word},
		reflect.TypeFor[migrate.Exemption]():         {"RuntimeClass": runtimeClass, "Username": user},
		reflect.TypeFor[migrate.DebuggedPod]():       {"Pod": workload, "Containers": container, "Level": word, "RefusedAt": word},
		reflect.TypeFor[migrate.WorkloadLevels]():    {"AsWritten": word, "AsAdmitted": word, "AfterPSP": word},
		reflect.TypeFor[migrate.AdmissionDrift]():    {"Example": workload, "Observed": policy, "Predicted": policy},
		reflect.TypeFor[migrate.Injection]():         {"Injector": text, "Trigger": text, "Containers": container, "Level": word, "Source": word},
		reflect.TypeFor[migrate.TemplateMutation]():  {"Path": fieldPath, "Container": container, "Value": jsonValue, "Policy": policy},
		reflect.TypeFor[migrate.StricterEdits]():     {"Level": word},
		reflect.TypeFor[migrate.TemplateEdit]():      {"Path": fieldPath, "Container": container, "Value": jsonValue, "Check": word, "Safety": word},
		reflect.TypeFor[migrate.StricterObstacle]():  {"Check": word, "Why": text},
		reflect.TypeFor[migrate.TemplateOutline]():   {"Parents": fieldPath},
		reflect.TypeFor[migrate.TemplateContainer](): {"Name": container, "Image": image},
		reflect.TypeFor[migrate.ManagedBy]():         {"Tool": text, "Source": release, "Chart": release},
		reflect.TypeFor[migrate.Violation]():         {"Check": word, "Level": word, "Reason": text, "Detail": text},
	}
}

// keyClasses returns the classes of the keys of maps in a Plan.
func keyClasses() map[reflect.Type]map[string]class {
	return map[reflect.Type]map[string]class{
		reflect.TypeFor[inventory.APIServer]():      {"Flags": word},
		reflect.TypeFor[inventory.LabelWriter]():    {"Labels": labelKey},
		reflect.TypeFor[migrate.Namespace]():        {"Labels": labelKey},
		reflect.TypeFor[migrate.Policy]():           {"Annotations": labelKey, "Lines": fieldPath},
		reflect.TypeFor[migrate.NonMutatingClone](): {"Annotations": labelKey},
	}
}

// argumentClasses returns the class of the arguments of messages by their name, with the exceptions: "id name".
func argumentClasses() map[string]class {
	out := map[string]class{}
	for c, names := range map[class][]string{
		word: {
			"level", "last", "next", "action", "minor", "before", "needed", "permitted", "version", "target", "newest", "mode", "origin", "taken", "today", "check", "checks", "safety", "stage", "adviceId", "whyId",
			"reasonId", "n", "all", "line", "first", "second", "limit", "times", "bits", "index", "min", "max", "code", "count", "known", "served", "to", "planned", "provider", "enforce",
			"without", "present", "desired", "dryRuns", "requests", "remaining", "until", "several", "exceptions",
			"absent", "again", "asBefore", "asked", "appArmor", "baseline", "byAdmission", "byAnnotation", "byConfiguration", "byDefault", "byGap", "cancelled", "case", "configured", "controller",
			"cut", "enforceUnknown", "grantedByRuntimes", "injected", "invalid", "labelsFit", "looser", "madeAgain", "noPolicies", "older", "oneLine", "pspActive", "readOnly",
			"recursive", "repeated", "restart", "restored", "root", "scalar", "star", "start", "takenBack", "inForce", "once", "refuses", "terminating", "unquoted", "unused", "userNamespace", "withheld",
			"withoutRoot", "unbound", "generated", "many", "most", "bytes", "list", "newer", "invalidVersion", "bound", "others", "more", "server", "kinds", "count",
		},
		namespace:    {"namespace", "namespaces"},
		policy:       {"policy", "policies"},
		workloadRef:  {"workload", "workloads", "bare", "barePods", "owned", "pods", "controllers", "cronJobs", "owner"},
		account:      {"account", "accounts"},
		reference:    {"binding", "bindings", "writer", "writers"},
		user:         {"user"},
		runtimeClass: {"class"},
		container:    {"container", "containers"},
		place:        {"position", "otherPosition", "places", "usedAt", "otherAt"},
		file:         {"file", "files", "archive", "plan"},
		cluster:      {"cluster", "clusters"},
		uid:          {"uid", "otherUID"},
		capability:   {"capabilities", "capability", "usual", "added", "addedByDefault"},
		sysctl:       {"sysctl", "sysctls", "forbidden"},
		profile:      {"profile", "profiles"},
		driver:       {"driver"},
		volumeType:   {"type", "types"},
		hostPath:     {"paths"},
		fieldPath:    {"path", "fields"},
		text: {
			"accepted", "advice", "alias", "anchor", "annotation", "apiVersion", "changed", "changes", "chart", "component", "controllerManager", "daemonSet", "difference", "differences",
			"denied", "effect", "empty", "error", "errors", "exceeded", "fails", "field", "flag", "flags", "found", "gaps", "grant", "group", "groups", "hint", "holds", "injector", "kept", "key", "kind",
			"label", "labels", "layout", "mark", "meant", "misread", "missing", "mutators", "name", "names", "naming", "number", "object", "objects", "other", "outcome", "owners", "pipe", "pod", "ports",
			"problems", "ranges", "reason", "reasons", "refused", "releases", "remainder", "replaced", "resource", "resources", "revisions", "role", "rule", "rules", "said", "service", "set", "sets", "source",
			"stderr", "storage", "syncer", "tag", "template", "tool", "trigger", "unattributed", "unread", "unstated", "used", "users", "value", "values", "verbs", "violation", "want", "what", "where", "why", "writes",
		},
	} {
		for _, name := range names {
			out[name] = c
		}
	}
	for c, names := range map[class][]string{
		word: {
			"lost-host-namespace namespace", "field-host-namespace-shared namespace", "field-host-namespace-refused namespace",
		},
		text: {
			"rbac-namespace-ignored namespace", "label-writer-of-new-namespaces namespaces", "psp-path-relative path", "psp-path-with-parent path", "check-labels-differ used", "check-labels-differ other",
		},
		fieldPath:        {"patch-of-custom-resource paths"},
		namespacedObject: {"injection-as-observed pod", "injection-defaults-with-cni daemonSet", "injector-namespace-unread workload", "mutator-unknown workload"},
		label:            {"rancher-admission-template enforce", "admission-file-unused enforce", "label-value-invalid value", "label-misplaced value"},
		labelKey:         {"label-key-misspelt key", "label-key-unknown key"},
		kind:             {"mutator-unknown kind", "injector-namespace-unread kind"},
		workload:         {"api-server-without-pod-security pod", "obstacle-in-custom-resource name"},
		user:             {"audit-policy-used users"},
		selinux:          {"selinux-label-refused type", "selinux-label-refused user", "selinux-label-refused role"},
		serverVersion:    {"server-newer-than-standards server"},
		role:             {"binding-to-role-across role"},
		workloadRef:      {"psp-refuses-pods workloads"},
	} {
		for _, name := range names {
			out[name] = c
		}
	}
	return out
}
