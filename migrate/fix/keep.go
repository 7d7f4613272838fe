package fix

import (
	"encoding/json"
	"reflect"
	"slices"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
)

// wantedToKeep returns the edits that fix in a document what policies set in its pods today, each by itself.
func (f *fixer) wantedToKeep(d *document) []group {
	ref, why := f.refOf(d)
	if why != "" {
		f.leave(d, ReasonFile, "", why)
		return nil
	}
	values := f.values[ref]
	if len(values) == 0 {
		return nil
	}
	if len(d.templates) != 1 {
		f.leave(d, ReasonFile, "", "it holds several pod templates: write what policies set by hand")
		return nil
	}
	t := &d.templates[0]
	var out []group
	for i := range values {
		v := &values[i]
		path, err := fieldpath.Parse(v.Path)
		if err != nil {
			continue // patch.PatchesFor returns known fields alone
		}
		path, found := t.containerPath(path, v.Container)
		if !found {
			f.leave(d, ReasonDecide, v.Path, "it has no container "+v.Container+", in which policies set it")
			continue
		}
		now := t.valueAt(path)
		switch {
		case sameValue(now, v.Value):
		case now != nil && !isList(now), !keepsList(now, string(v.Value)):
			f.leave(d, ReasonDecide, path.String(), "it says otherwise: policies set "+string(v.Value))
		default:
			out = append(out, group{document: d, edits: []Edit{d.keepingEdit(t, path, v)}})
		}
	}
	return out
}

// keepingEdit returns the edit that fixes a value that is set in pods today in their template.
func (d *document) keepingEdit(t *template, path fieldpath.Path, v *patch.TemplateValue) Edit {
	e := d.edit(t, path, v.Value)
	e.Safety, e.Why = finding.SafetySafe, v.Why.Text
	return e
}

// sameValue reports whether a JSON value of a document to fix is the one that an edit writes.
func sameValue(now any, text json.RawMessage) bool {
	var want any
	return json.Unmarshal(text, &want) == nil && reflect.DeepEqual(now, want)
}

// isList reports whether a JSON value of a document to fix is a list.
func isList(v any) bool {
	_, is := v.([]any)
	return is
}

// keepsList reports whether the list that an edit writes has all that the document to fix has there. It is true for what is no list.
func keepsList(now any, text string) bool {
	list, is := now.([]any)
	if !is {
		return true
	}
	var want []any
	if json.Unmarshal([]byte(text), &want) != nil {
		return false
	}
	return !slices.ContainsFunc(list, func(item any) bool {
		return !slices.ContainsFunc(want, func(w any) bool { return reflect.DeepEqual(item, w) })
	})
}
