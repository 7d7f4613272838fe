package files_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// recorder is a Sink that keeps what a reader delivers and can deliver it again. What a reader asks in between a Builder
// answers.
type recorder struct {
	inventory.Sink
	calls []func(inventory.Sink)
}

func (r *recorder) record(call func(inventory.Sink)) {
	r.calls = append(r.calls, call)
	call(r.Sink)
}

func (r *recorder) Decode(apiVersion, kind string, data []byte, at pspparse.Position) (handled bool, err error) {
	data = bytes.Clone(data) // a reader may use its buffer again
	r.record(func(s inventory.Sink) { handled, err = s.Decode(apiVersion, kind, data, at) })
	return handled, err
}

func (r *recorder) DecodeBothReadings(apiVersion, kind string, first, last []byte, why string, at pspparse.Position) (ok bool) {
	first, last = bytes.Clone(first), bytes.Clone(last)
	r.record(func(s inventory.Sink) { ok = s.DecodeBothReadings(apiVersion, kind, first, last, why, at) })
	return ok
}

func (r *recorder) AddCustomObject(o inventory.CustomObject) (err error) {
	o.JSON = bytes.Clone(o.JSON)
	r.record(func(s inventory.Sink) { err = s.AddCustomObject(o) })
	return err
}

func (r *recorder) AddPolicy(p *pspparse.Policy) {
	r.record(func(s inventory.Sink) { s.AddPolicy(p) })
}

func (r *recorder) AddGap(g inventory.Gap) { r.record(func(s inventory.Sink) { s.AddGap(g) }) }

func (r *recorder) AddObjectGap(g inventory.Gap) {
	r.record(func(s inventory.Sink) { s.AddObjectGap(g) })
}

func (r *recorder) AddNote(n inventory.Note) { r.record(func(s inventory.Sink) { s.AddNote(n) }) }

func (r *recorder) CountSkipped(kind string) {
	r.record(func(s inventory.Sink) { s.CountSkipped(kind) })
}

func (r *recorder) AddLabelWriter(w inventory.LabelWriter) {
	r.record(func(s inventory.Sink) { s.AddLabelWriter(w) })
}

func (r *recorder) AddNamespaceParent(child, parent string) {
	r.record(func(s inventory.Sink) { s.AddNamespaceParent(child, parent) })
}

func (r *recorder) AddAdmissionRule(rule inventory.AdmissionRule) {
	r.record(func(s inventory.Sink) { s.AddAdmissionRule(rule) })
}

// A reader of files fills any Sink: one that records delivers to a second Builder what makes the same Inventory.
func TestReadersFillAnySink(t *testing.T) {
	t.Parallel()
	for _, input := range []string{"demo", "every-kind-of-workload", "one-policy-twice", "template-not-rendered"} {
		t.Run(input, func(t *testing.T) {
			t.Parallel()
			first, second := inventory.NewBuilder(), inventory.NewBuilder()
			r := &recorder{Sink: first}
			reader := files.Reader{Paths: []string{"../../fixtures/" + input + "/input"}, Recursive: true}
			if err := reader.Read(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			for _, call := range r.calls {
				call(second)
			}
			want := first.Build(inventory.Source{})
			got := second.Build(inventory.Source{})
			if len(want.Workloads) == 0 {
				t.Fatal("nothing was read")
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.AllowUnexported(inventory.MisplacedKey{}), cmp.Comparer(func(x, y corev1.PodSpec) bool { return x.String() == y.String() })); diff != "" {
				t.Errorf("(-recorded +delivered again):\n%s", diff)
			}
		})
	}
}
