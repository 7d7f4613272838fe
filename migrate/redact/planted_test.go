package redact

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/message"
	"github.com/psp2pss/psp2pss/pspparse/snapshot"
)

// planter fills an inventory with words that stand nowhere else.
type planter struct {
	*rand.Rand
	planted []string
	kinds   []message.Kind
	fields  map[reflect.Type]map[string]class
}

// plantedWord matches what planter plants.
var plantedWord = regexp.MustCompile(`(?i)zq[a-z]{9}`)

// word returns a new word that says nothing of what it is planted in.
func (p *planter) word() string {
	letters := make([]byte, 9)
	for i := range letters {
		letters[i] = byte('a' + p.IntN(26))
	}
	p.planted = append(p.planted, "zq"+string(letters))
	return p.planted[len(p.planted)-1]
}

// text returns a new word in one of the forms that a text of a class has.
func (p *planter) text(c class) string {
	w := p.word()
	switch forms := map[class][]string{
		hostPath:         {"/srv/W", "W", "/W/W"},
		file:             {"dump/W.yaml", "W", "/home/W/x.json"},
		place:            {"W.yaml:12", "W"},
		user:             {"W", "system:serviceaccount:W:W", "system:node:W", "W@W.example"},
		group:            {"W", "system:serviceaccounts:W", "W people"},
		server:           {"https://W.example:6443"},
		reference:        {"ClusterRole W", "RoleBinding W/W", "Application W/W"},
		account:          {"W", "W/W"},
		image:            {"W.example/W/web", "W", "W.example/calico/node"},
		labelKey:         {"W.example/W", "W", "container.apparmor.security.beta.kubernetes.io/W"},
		byKey:            {"W", "W.example", "localhost/W", "10.1.2.3:W"},
		namespacePattern: {"W", "W-*", "*W"},
		workloadPattern:  {"W", "W-?", "W*"},
		release:          {"release W/W", "W-1.2.3"},
		fieldPath:        {"spec.template", "metadata.annotations[W.example/W]", "spec.W"},
		fieldManager:     {"W", "kubectl-W", "W controller"},
		kind:             {"W"},
		probeHost:        {"W.example", "W"},
		serverVersion:    {"v1.24.3-W"},
		listedResource:   {"W.W.example"},
		text:             {`Deployment "W/W"`, `container "W" must not set securityContext.privileged=true`, `document 3 of W`, `it names "W", W and /srv/W`, "W", "W/W", "x=W"},
		namespacedObject: {"W/W"},
		workloadRef:      {"deployment/W", "pod/W (deployment/W)"},
		workloadPath:     {"W/Deployment/W"},
	}[c]; {
	case len(forms) > 0:
		return strings.ReplaceAll(forms[p.IntN(len(forms))], "W", w)
	}
	return w
}

// fill sets a value of an inventory, all below it included. Texts that only a program chooses stay empty.
func (p *planter) fill(v reflect.Value, owner reflect.Type, field string) {
	switch v.Type() {
	case reflect.TypeFor[message.Message]():
		v.Set(reflect.ValueOf(p.message()))
		return
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(int64(p.IntN(1<<30)), 0).UTC()))
		return
	case reflect.TypeFor[*inventory.Shape]():
		spec, annotations := corev1.PodSpec{}, map[string]string{}
		p.fill(reflect.ValueOf(&spec).Elem(), nil, "")
		for _, key := range []string{"seccomp.security.alpha.kubernetes.io/pod", "container.seccomp.security.alpha.kubernetes.io/" + p.word(), "container.apparmor.security.beta.kubernetes.io/" + p.word()} {
			annotations[key] = "localhost/" + p.word()
		}
		v.Set(reflect.ValueOf(inventory.ReducePod(annotations, &spec)))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(p.IntN(2) == 0)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(p.IntN(1000)) + 1)
	case reflect.String:
		if c := p.fields[owner][field]; c != word {
			v.SetString(p.text(c))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		p.fill(v.Elem(), owner, field)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			p.fill(v.Index(i), owner, field)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		if c := p.keyClass(owner, field); c != word {
			key.SetString(p.text(c))
		} else {
			key.SetString("enable-admission-plugins") // a flag of a program
		}
		p.fill(value, owner, field)
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				p.fill(v.Field(i), v.Type(), f.Name)
			}
		}
	}
}

// keyClass returns the class of the keys of a map of an inventory.
func (p *planter) keyClass(owner reflect.Type, field string) class {
	for _, table := range []map[reflect.Type]map[string]class{keyClasses(), inventoryKeyClasses()} {
		if c := table[owner][field]; c != unclassed {
			return c
		}
	}
	return labelKey
}

// message returns the next message that a plan can hold, with words in all of its arguments that are texts of people.
func (p *planter) message() message.Message {
	k := p.kinds[0]
	p.kinds = append(p.kinds[1:], k)
	m := message.Message{ID: k.ID}
	for _, name := range k.Arguments() {
		c := classOf(argumentClasses(), k.ID, name)
		if c == word {
			continue
		}
		var value any = p.text(c)
		if p.IntN(2) == 0 {
			value = []string{p.text(c), p.text(c)}
		}
		m = m.With(name, value)
	}
	m.Text, _ = message.Render(m.ID, m.Args)
	return m
}

// plantedInventory returns an inventory with at least n planted words, some in every field.
func plantedInventory(t *testing.T, seed uint64, n int) (*inventory.Inventory, *planter) {
	t.Helper()
	p := &planter{Rand: rand.New(rand.NewPCG(seed, 7)), fields: fieldClasses()}
	maps.Copy(p.fields, inventoryClasses())
	for _, k := range message.Table() {
		if !strings.HasPrefix(k.ID, "difference-") {
			p.kinds = append(p.kinds, k)
		}
	}
	inv := &inventory.Inventory{}
	for len(p.planted) < n {
		more := inventory.Inventory{}
		p.fill(reflect.ValueOf(&more).Elem(), nil, "")
		from, to := reflect.ValueOf(more), reflect.ValueOf(inv).Elem()
		for i := range to.NumField() {
			if to.Field(i).Kind() == reflect.Slice {
				to.Field(i).Set(reflect.AppendSlice(to.Field(i), from.Field(i)))
			} else {
				to.Field(i).Set(from.Field(i))
			}
		}
	}
	inv.Source.Kind, inv.Source.Of, inv.Source.Redacted = inventory.SourceCluster, "", false
	for i := range inv.Workloads {
		w := &inv.Workloads[i]
		w.Namespace, w.Template = inv.Namespaces[i%len(inv.Namespaces)].Name, p.shape()
		for len(w.TemplateMeta.Images) < len(w.Template.Spec.InitContainers)+len(w.Template.Spec.Containers) {
			w.TemplateMeta.Images = append(w.TemplateMeta.Images, p.text(image))
		}
	}
	for i := range inv.Policies {
		inv.Policies[i].Problems = inv.Policies[i].Problems[:1]
	}
	arrangeInventory(inv)
	return inv, p
}

// shape returns a pod shape with words in all that it keeps.
func (p *planter) shape() *inventory.Shape {
	var s *inventory.Shape
	p.fill(reflect.ValueOf(&s).Elem(), nil, "")
	return s
}

// TestPlantedNamesAreGone plants names, hosts and values in every field that a snapshot keeps, and looks for them in the bytes of the redacted
// one: as they are, in any case, and in base64.
func TestPlantedNamesAreGone(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		inv, p := plantedInventory(t, seed, 2000)
		plain := contentOf(t, inv)
		if found := wordsIn(plain); len(found) < 2000 {
			t.Fatalf("seed %d: only %d of %d words are in the snapshot", seed, len(found), len(p.planted))
		}
		plan, err := migrate.Build(inv, migrate.Options{})
		if err != nil {
			t.Fatal(err)
		}
		key := NewKey(bytes.Repeat([]byte{8}, SecretSize))
		redacted, err := Inventory(inv, plan, key)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		content := contentOf(t, redacted)
		for _, at := range plantedWord.FindAllIndex(content, 5) {
			t.Errorf("seed %d: %s is left", seed, content[max(0, at[0]-80):min(len(content), at[1]+20)])
		}
		if found := wordsInBase64(content); len(found) > 0 {
			t.Errorf("seed %d: in base64: %v", seed, found)
		}
		again, err := Inventory(inv, plan, key)
		if err != nil || !bytes.Equal(content, contentOf(t, again)) {
			t.Errorf("seed %d: redacted twice it differs: %v", seed, err)
		}
	}
}

// wordsIn returns the planted words in bytes, each once.
func wordsIn(content []byte) map[string]bool {
	out := map[string]bool{}
	for _, w := range plantedWord.FindAll(content, -1) {
		out[strings.ToLower(string(w))] = true
	}
	return out
}

// wordsInBase64 returns the planted words that runs of letters in bytes hold once they are decoded, from each of the four places where a group
// may begin.
func wordsInBase64(content []byte) []string {
	var out []string
	for _, run := range regexp.MustCompile(`[A-Za-z0-9+/_-]{12,}`).FindAll(content, -1) {
		text := strings.NewReplacer("-", "+", "_", "/").Replace(string(run))
		for start := range min(4, len(text)) {
			part := text[start:]
			decoded, err := base64.StdEncoding.DecodeString(part[:len(part)/4*4])
			if err == nil {
				out = slices.AppendSeq(out, maps.Keys(wordsIn(decoded)))
			}
		}
	}
	return out
}

// contentOf returns the bytes of the snapshot of an inventory, decompressed.
func contentOf(t *testing.T, inv *inventory.Inventory) []byte {
	t.Helper()
	var archive bytes.Buffer
	if _, err := snapshot.Write(&archive, inv, "psp2pss (test)"); err != nil {
		t.Fatal(err)
	}
	zipped, err := gzip.NewReader(&archive)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(zipped)
	if err != nil {
		t.Fatal(err)
	}
	r := tar.NewReader(bytes.NewReader(content))
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	var m snapshot.Manifest
	if err := json.NewDecoder(r).Decode(&m); err != nil || m.Kind != "Snapshot" {
		t.Fatal(err, errors.New("it has no manifest"))
	}
	return content
}

// TestEveryFieldOfAnInventoryHasAClass walks the types of an Inventory: a field with a text, or with a map from one, has a class, and the tables
// have no other. What is a word of a fixed list is listed here once more, as no redaction looks at it.
func TestEveryFieldOfAnInventoryHasAClass(t *testing.T) {
	t.Parallel()
	fields, keys := fieldClasses(), keyClasses()
	maps.Copy(fields, inventoryClasses())
	maps.Copy(keys, inventoryKeyClasses())
	var words []string
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(of reflect.Type) {
		if of.Kind() != reflect.Struct || seen[of] || of == reflect.TypeFor[message.Message]() || of == reflect.TypeFor[time.Time]() {
			return
		}
		seen[of] = true
		for i := range of.NumField() {
			f := of.Field(i)
			if !f.IsExported() || f.Tag.Get("json") == "-" || of == reflect.TypeFor[inventory.EmbeddedTemplate]() && f.Name == "Pieces" {
				continue
			}
			inner := f.Type
			if inner.Kind() == reflect.Map && keys[of][f.Name] == unclassed && isOurs(of) {
				t.Errorf("%s.%s is a map: enter the class of its keys", of, f.Name)
			}
			for inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Map {
				inner = inner.Elem()
			}
			switch c := fields[of][f.Name]; {
			case inner.Kind() != reflect.String:
				walk(inner)
			case c == unclassed && isOurs(of):
				t.Errorf("%s.%s is a text: enter its class", of, f.Name)
			case c == word:
				words = append(words, of.String()+"."+f.Name)
			}
		}
	}
	walk(reflect.TypeFor[inventory.Inventory]())
	slices.Sort(words)
	if diff := cmp.Diff([]string{
		"inventory.Gap.Affects", "inventory.GeneratedPolicy.Actions", "inventory.GeneratedPolicy.Kind", "inventory.GeneratedPolicy.Mode", "inventory.LabelWriter.Syntax",
		"inventory.MisplacedKey.MeantLabel", "inventory.Run.Tool", "inventory.Source.Kind", "inventory.Source.Of", "pspparse.Problem.Severity", "v1.LabelSelectorRequirement.Operator",
	}, words); diff != "" {
		t.Errorf("texts that stay (-want +got):\n%s", diff)
	}
	for of, table := range inventoryClasses() {
		for name := range table {
			if f, ok := of.FieldByName(name); !ok || !seen[of] {
				t.Errorf("%s has no field %s with a text: %v", of, name, f.Type)
			}
		}
	}
}

// isOurs reports whether a type is one of this tool: of those of Kubernetes an inventory keeps some fields only, and others are replaced whole.
func isOurs(of reflect.Type) bool {
	return strings.HasPrefix(of.PkgPath(), reflect.TypeFor[pspparse.Position]().PkgPath())
}
