package fix

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
	"github.com/psp2pss/psp2pss/simulate/pss"
)

// SetLabels writes the Pod Security labels that a Plan recommends into Namespaces; patch.SetKeep and patch.SetRaise write into pod
// templates what patch.PatchesFor does.
const SetLabels patch.ValueSet = "labels"

// Options of Files.
type Options struct {
	Set patch.ValueSet
	// Level and Version are what SetRaise raises to.
	Level   api.Level
	Version api.Version
	// IncludeTest makes edits that need a test, too.
	IncludeTest bool
	// Plan says what is set today, how safe edits are, and which labels are recommended. It may be nil for SetRaise.
	Plan *migrate.Plan
	// DefaultNamespace is that of documents without one; "" where it is not known.
	DefaultNamespace string
	// Kustomizations are the files of kustomize that name a namespace; SetLabels alone reads them.
	Kustomizations []Kustomization
	// ReadFile returns the bytes of a file.
	ReadFile func(name string) ([]byte, error)
}

// Edit is one field of a document that a fix changes.
type Edit struct {
	// Position is that of the document, Object names it: "Deployment shop/web".
	Position pspparse.Position
	Object   string
	// Path is the field within the object, Check the ID of the check that asks for it; "" for what is set today, and for labels.
	Path  fieldpath.Path
	Check string
	Value json.RawMessage
	// Safety is safe or test, Why the reason.
	Safety, Why string
}

// Reason is the kind of a Left.
type Reason string

// The reasons for which something is left as it is: an edit needs a test, something has to be decided, the text cannot be edited
// safely, the plan does not know the object.
const (
	ReasonTest       Reason = "test"
	ReasonDecide     Reason = "decide"
	ReasonFile       Reason = "file"
	ReasonNotPlanned Reason = "not-planned"
)

// Left is something that no fix was made for.
type Left struct {
	Position pspparse.Position
	Object   string
	Reason   Reason
	// What is the check or the field, "" for all of the object. Why says why, and what to do.
	What, Why string
	// Snippet is what to paste, several lines; "" for nothing.
	Snippet string
}

// File is a file with its text before and after its fixes.
type File struct {
	Name          string
	Before, After []byte
	Edits         []Edit
}

// Result is what fixes make of files. Nothing is written yet.
type Result struct {
	Files []File
	Left  []Left
	// Documents is how many were looked at.
	Documents int
	// Owned is how many of these a controller makes, which would undo a change.
	Owned int
	// NamespacesWithoutManifest are those of the Plan whose labels are to change and that the input has nothing of.
	NamespacesWithoutManifest []string
}

// NotEdited returns how many objects need a fix that cannot be made in their text.
func (r *Result) NotEdited() int {
	type object struct {
		at   pspparse.Position
		name string
	}
	left := map[object]bool{}
	for _, l := range r.Left {
		if l.Reason == ReasonFile {
			left[object{l.Position, l.Object}] = true
		}
	}
	return len(left)
}

// Files makes the edits in the texts of all files that the collector has documents of, and returns the texts. A file that cannot be
// edited is left. It returns an error where the checks of the standards cannot be set up, and that of the context.
func Files(ctx context.Context, c *Collector, o Options) (*Result, error) {
	e, err := pss.NewEvaluator()
	if err != nil {
		return nil, err
	}
	f := &fixer{Options: o, evaluator: e, result: &Result{}}
	f.indexPlan()
	byFile := map[string][]*document{}
	for i := range c.documents {
		d := &c.documents[i]
		byFile[d.at.File] = append(byFile[d.at.File], d)
	}
	for _, name := range slices.Sorted(maps.Keys(byFile)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var wanted []group
		for _, d := range byFile[name] {
			wanted = append(wanted, f.wanted(d)...)
		}
		if len(wanted) > 0 {
			f.fixFile(ctx, name, byFile[name], wanted)
		}
	}
	if o.Set == SetLabels {
		f.nameOtherLabelSources(c)
	}
	f.sortLeft()
	return f.result, ctx.Err()
}

// fixer makes fixes with one set of options.
type fixer struct {
	Options
	evaluator *pss.Evaluator
	result    *Result
	// workloads are those of the Plan, values what policies set in each, by namespace, kind and name.
	workloads map[patch.WorkloadRef]*migrate.Workload
	values    map[patch.WorkloadRef][]patch.TemplateValue
	// namespacesOf are the namespaces of the Plan that have a workload of a kind and name.
	namespacesOf map[patch.WorkloadRef][]string
	namespaces   map[string]*migrate.Namespace
}

// group is the edits of one document that are made together or not at all: with them it meets a check.
type group struct {
	document *document
	// template is the index of the pod template that the check is of; it is not used for Namespaces.
	template int
	check    string
	edits    []Edit
}

// wanted returns the edits that a document is to get, and notes what is left of it.
func (f *fixer) wanted(d *document) []group {
	if (d.kind == "Namespace" && d.templates == nil) != (f.Set == SetLabels) {
		return nil
	}
	f.result.Documents++
	if d.owned {
		f.result.Owned++
		return nil
	}
	var out []group
	before := len(f.result.Left)
	switch f.Set {
	case SetLabels:
		out = f.wantedLabels(d)
	case patch.SetKeep:
		out = f.wantedToKeep(d)
	default:
		for i := range d.templates {
			out = append(out, f.wantedToRaise(d, i)...)
		}
	}
	isPart := slices.ContainsFunc(d.templates, func(t template) bool { return t.withoutImages })
	if len(out) == 0 && len(f.result.Left) == before || d.duplicateKey == "" && !isPart {
		return out
	}
	// What each edit would need does not matter: none is made.
	f.result.Left = f.result.Left[:before]
	if d.duplicateKey != "" {
		f.leave(d, ReasonFile, "", "readers differ on it: "+d.duplicateKey)
	} else {
		f.leave(d, ReasonDecide, "", "its containers have no image: if it is a patch of another manifest, edit that")
	}
	return nil
}

// leave notes that something of a document gets no fix.
func (f *fixer) leave(d *document, r Reason, what, why string) {
	f.result.Left = append(f.result.Left, Left{Position: d.at, Object: d.label(), Reason: r, What: what, Why: why})
}

// edit returns an edit of a document's template for a fix.
func (d *document) edit(t *template, path fieldpath.Path, value json.RawMessage) Edit {
	return Edit{Position: d.at, Object: d.label(), Path: t.path.Join(path), Value: value}
}

// indexPlan prepares the look-up of the documents to fix in the Plan.
func (f *fixer) indexPlan() {
	f.workloads, f.values = map[patch.WorkloadRef]*migrate.Workload{}, map[patch.WorkloadRef][]patch.TemplateValue{}
	f.namespacesOf, f.namespaces = map[patch.WorkloadRef][]string{}, map[string]*migrate.Namespace{}
	if f.Plan == nil {
		return
	}
	for i := range f.Plan.Namespaces {
		ns := &f.Plan.Namespaces[i]
		f.namespaces[ns.Name] = ns
		for j := range ns.Workloads {
			w := &ns.Workloads[j]
			f.workloads[patch.WorkloadRef{Namespace: ns.Name, Kind: w.Kind, Name: w.Name}] = w
			anywhere := patch.WorkloadRef{Kind: w.Kind, Name: w.Name}
			f.namespacesOf[anywhere] = append(f.namespacesOf[anywhere], ns.Name)
		}
	}
	if f.Set != patch.SetKeep {
		return
	}
	for _, p := range patch.PatchesFor(f.Plan, patch.Options{Set: patch.SetKeep}) {
		f.values[p.WorkloadRef] = p.Values
	}
}

// refOf returns how the Plan names the workload of a document to fix: by its own namespace, else the default one, else the only one in
// which the Plan has a workload of this kind and name.
func (f *fixer) refOf(d *document) (patch.WorkloadRef, string) {
	ref := patch.WorkloadRef{Namespace: d.namespace, Kind: d.kind, Name: d.name}
	if ref.Namespace == "" {
		ref.Namespace = f.DefaultNamespace
	}
	if ref.Namespace != "" {
		return ref, ""
	}
	in := f.namespacesOf[patch.WorkloadRef{Kind: d.kind, Name: d.name}]
	if len(in) > 1 {
		return ref, fmt.Sprintf("it states no namespace, and the plan has it in %s: say which with -n", strings.Join(in, ", "))
	}
	if len(in) == 1 {
		ref.Namespace = in[0]
	}
	return ref, ""
}

// sortLeft sorts what is left by position, and of one object by reason, so that one line can say what has one reason.
func (f *fixer) sortLeft() {
	order := []Reason{ReasonFile, ReasonTest, ReasonDecide, ReasonNotPlanned}
	objects := map[Left]int{}
	of := func(l *Left) Left { return Left{Position: l.Position, Object: l.Object} }
	for i := range f.result.Left {
		if l := of(&f.result.Left[i]); objects[l] == 0 {
			objects[l] = i + 1
		}
	}
	slices.SortStableFunc(f.result.Left, func(a, b Left) int {
		return cmp.Or(
			cmp.Compare(a.Position.File, b.Position.File), cmp.Compare(a.Position.Line, b.Position.Line),
			cmp.Compare(objects[of(&a)], objects[of(&b)]), cmp.Compare(slices.Index(order, a.Reason), slices.Index(order, b.Reason)),
		)
	})
}
