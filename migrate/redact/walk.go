package redact

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// textChanger says what becomes of the texts of a plan, by their class. owner is the struct that holds the text, and mapKey the key
// under which it stands in a map.
type textChanger interface {
	change(c class, owner reflect.Value, mapKey, text string) string
	changeMessage(m message.Message) message.Message
}

// walker copies a plan with other texts.
type walker struct {
	changer textChanger
	fields  map[reflect.Type]map[string]class
	keys    map[reflect.Type]map[string]class
	// shared are the copies of what is copied once however many point to it, by the pointer to the original; nil where nothing is.
	shared map[any]reflect.Value
}

// copyPlan returns a deep copy of a plan whose texts are those that the changer makes of them. What workloads share is shared.
func copyPlan(p *migrate.Plan, changer textChanger) (*migrate.Plan, error) {
	w := walker{changer: changer, fields: fieldClasses(), keys: keyClasses()}
	out := w.copyStruct(reflect.ValueOf(*p)).Interface().(migrate.Plan)
	if err := out.ResolveShared(); err != nil {
		return nil, err
	}
	return &out, nil
}

// copyStruct returns a copy of a struct of a plan. Fields that are not part of its JSON are left out: they are set again.
func (w *walker) copyStruct(from reflect.Value) reflect.Value {
	if m, ok := from.Interface().(message.Message); ok {
		return reflect.ValueOf(w.changer.changeMessage(m))
	}
	if from.Type() == reflect.TypeFor[time.Time]() {
		return from
	}
	out := reflect.New(from.Type()).Elem()
	for i := range from.NumField() {
		f := from.Type().Field(i)
		if !f.IsExported() || f.Tag.Get("json") == "-" {
			continue
		}
		out.Field(i).Set(w.copyValue(from.Field(i), from, f.Name))
	}
	return out
}

// copyValue returns a copy of a value of a plan that stands in a field of owner.
func (w *walker) copyValue(from, owner reflect.Value, field string) reflect.Value {
	switch from.Kind() {
	case reflect.Struct:
		return w.copyStruct(from)
	case reflect.Pointer:
		if from.IsNil() {
			return from
		}
		if known, ok := w.shared[from.Interface()]; ok {
			return known
		}
		out := reflect.New(from.Type().Elem())
		out.Elem().Set(w.copyValue(from.Elem(), owner, field))
		if w.shared != nil {
			w.shared[from.Interface()] = out
		}
		return out
	case reflect.Slice:
		if from.IsNil() {
			return from
		}
		out := reflect.MakeSlice(from.Type(), from.Len(), from.Len())
		for i := range from.Len() {
			out.Index(i).Set(w.copyValue(from.Index(i), owner, field))
		}
		return out
	case reflect.Map:
		return w.copyMap(from, owner, field)
	case reflect.String:
		out := reflect.New(from.Type()).Elem()
		out.SetString(w.changer.change(w.fields[owner.Type()][field], owner, "", from.String()))
		return out
	}
	return from
}

// copyMap returns a copy of a map of a plan. Its keys are texts.
func (w *walker) copyMap(from, owner reflect.Value, field string) reflect.Value {
	if from.IsNil() {
		return from
	}
	out := reflect.MakeMapWithSize(from.Type(), from.Len())
	keys := from.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, key := range keys {
		value := from.MapIndex(key)
		if value.Kind() == reflect.String {
			value = reflect.ValueOf(w.changer.change(w.fields[owner.Type()][field], owner, key.String(), value.String()))
		} else {
			value = w.copyValue(value, owner, field)
		}
		out.SetMapIndex(reflect.ValueOf(w.changer.change(w.keys[owner.Type()][field], owner, "", key.String())), value)
	}
	return out
}

// change returns a text of the plan in the redacted one.
func (r *redactor) change(c class, owner reflect.Value, mapKey, text string) string {
	switch c {
	case word:
		return text
	case byKey:
		return r.changeByOwner(owner.Interface(), mapKey, text)
	case unclassed, whole:
		return r.whole(text)
	}
	if f := r.functions()[c]; f != nil {
		return f(text)
	}
	return r.whole(text)
}

// whole returns what stands for a text that is replaced as it is.
func (r *redactor) whole(text string) string {
	if r.collecting {
		return text
	}
	return r.key.pseudonym(prefixText, text)
}

// functions returns what makes a redacted text of each class.
func (r *redactor) functions() map[class]func(string) string {
	if r.byClass != nil {
		return r.byClass
	}
	r.byClass = map[class]func(string) string{
		namespace: r.named(prefixNamespace), workload: r.workload, account: r.account, policy: r.named(prefixPolicy), clone: r.clone,
		role: r.named(prefixRole), binding: r.named(prefixBinding), reference: r.reference, workloadRef: r.workloadReference, workloadPath: r.workloadPath,
		namespacedObject: func(text string) string { return r.slash(text, r.workload) }, container: r.named(prefixContainer), image: r.image, file: r.file, place: r.place,
		hostPath: r.hostPath, user: r.user, group: r.group, cluster: r.named(prefixCluster), server: r.server, uid: r.named(prefixUID),
		labelKey: r.labelKey, profile: r.profile, capability: r.unless(prefixValue, isCapability),
		sysctl: r.unless(prefixValue, sysctlPattern.MatchString), volumeType: r.unless(prefixValue, listed(volumeTypes())), driver: r.named(prefixDriver),
		runtimeClass: r.named(prefixClass), selinux: r.unless(prefixSELinux, seLinuxPattern.MatchString), kind: r.kind,
		apiGroup: r.unless(prefixAPIGroup, isKnownGroup), resource: r.resource, fieldPath: r.fieldPath,
		label: r.unless(prefixValue, isPlainValue), serverVersion: r.serverVersion, jsonValue: r.jsonValue, release: r.release, text: r.text,
		generatedName: r.named(prefixObject), generatedSet: r.named(prefixSet),
		fieldManager: r.fieldManager, listedResource: r.listedResource, namespacePattern: r.namespacePattern, workloadPattern: r.workloadPattern,
		localProfile: r.named(prefixProfile), volume: r.unless(prefixVolume, isTokenVolume), tokenBundle: r.unless(prefixValue, isTokenBundle),
		probeHost:   func(host string) string { return r.quoted("host", host) },
		subjectKind: func(kind string) string { return r.quoted("kind", kind) },
		ruleName:    func(name string) string { return r.quoted("webhook", name) },
	}
	return r.byClass
}

// changeByOwner returns a text of a plan or an inventory whose class depends on what stands beside it.
func (r *redactor) changeByOwner(owner any, mapKey, text string) string {
	switch o := owner.(type) {
	case inventory.Source:
		if slices.Contains([]inventory.SourceKind{inventory.SourceCluster, inventory.SourceFilesAndCluster}, o.Origin()) {
			return r.name(prefixContext, text)
		}
		return r.file(text)
	case inventory.APIServer:
		if mapKey == inventory.FlagAdmissionConfigFile {
			return r.hostPath(text)
		}
		return r.text(text)
	case corev1.Sysctl:
		if r.collecting {
			return text
		}
		return r.word(text)
	case corev1.Capabilities:
		return r.quoted("include", text)
	case rbacv1.PolicyRule:
		return r.resourceName(&o, text)
	case rbacv1.Subject:
		return r.quoted(cmp.Or(o.Kind, "subject"), text)
	case metav1.LabelSelectorRequirement:
		return r.labelValue(o.Key, text)
	case inventory.AdmissionRule:
		if o.Namespace != "" {
			return r.ofKind(o.Kind)(text)
		}
		return r.quoted(o.Kind, text)
	}
	if mapKey == "" {
		return r.listEntry(text)
	}
	return r.labelValue(mapKey, text)
}

// listEntry returns an entry of a list in a policy in the redacted plan. Capabilities, volume types, sysctls, known profiles and numbers
// stay; other entries are named as where they stand in a field of their own.
func (r *redactor) listEntry(entry string) string {
	switch {
	case entry == "" || isProfile(entry) || isCapability(entry) || sysctlPattern.MatchString(entry) || isPlainValue(entry) || isCamelWord(entry),
		entry == "Default" || entry == "Unmasked", slices.Contains(volumeTypes(), entry), fixedNumber.MatchString(entry) && !isAddress(entry):
		return entry
	case r.known[entry] != "":
		return r.known[entry]
	case r.collecting:
		return entry
	}
	return r.profile(entry)
}

// release returns what manages a workload in the redacted plan: "release web/grafana", or the name and version of a chart.
func (r *redactor) release(text string) string {
	at := strings.LastIndexByte(text, ' ')
	if what := text[:max(at, 0)]; at > 0 && (onlyVocabulary(what) || isKnownKind(what)) {
		return what + " " + r.slash(text[at+1:], r.named(prefixRelease))
	}
	return r.name(prefixRelease, text)
}

// changeMessage returns a message of the plan in the redacted one: its arguments by their classes, and the text that they make.
func (r *redactor) changeMessage(m message.Message) message.Message {
	if m.IsZero() {
		return m
	}
	out := message.Message{ID: m.ID, Text: m.Text}
	for _, a := range m.Args {
		out.Args = append(out.Args, message.Arg{Name: a.Name, Value: r.changeArgument(m.ID, a)})
	}
	if r.collecting {
		return out
	}
	text, err := message.Render(out.ID, out.Args)
	if err != nil { // a newer version of this tool has made the plan
		text = r.whole(m.Text)
	}
	out.Text = text
	return out
}

// classOf returns the class of an argument of a message of the plan.
func classOf(arguments map[string]class, id, name string) class {
	if c, special := arguments[id+" "+name]; special {
		return c
	}
	return arguments[name]
}

// changeArgument returns the value of an argument of a message in the redacted plan.
func (r *redactor) changeArgument(id string, a message.Arg) any {
	c := classOf(r.arguments, id, a.Name)
	switch v := a.Value.(type) {
	case string:
		return r.change(c, reflect.Value{}, "", v)
	case []string:
		out := make([]string, len(v))
		for i := range v {
			out[i] = r.change(c, reflect.Value{}, "", v[i])
		}
		arrangeList(c, out)
		return out
	}
	return a.Value
}
