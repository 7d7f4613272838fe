package redact

import (
	"reflect"
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// TestEveryFieldHasAClass walks the types of a Plan: a field with a text, or with a map from one, has a class, and the tables have no other.
func TestEveryFieldHasAClass(t *testing.T) {
	t.Parallel()
	unusedFields, unusedKeys := fieldClasses(), keyClasses()
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	field := func(of reflect.Type, f reflect.StructField) {
		inner := f.Type
		if inner.Kind() == reflect.Map {
			if keyClasses()[of][f.Name] == unclassed {
				t.Errorf("%s.%s is a map: enter the class of its keys", of, f.Name)
			}
			delete(unusedKeys[of], f.Name)
		}
		for inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Map {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.String {
			if fieldClasses()[of][f.Name] == unclassed {
				t.Errorf("%s.%s is a text: enter its class", of, f.Name)
			}
			delete(unusedFields[of], f.Name)
			return
		}
		walk(inner)
	}
	walk = func(of reflect.Type) {
		if of.Kind() != reflect.Struct || seen[of] || of == reflect.TypeFor[message.Message]() {
			return
		}
		seen[of] = true
		for i := range of.NumField() {
			if f := of.Field(i); f.IsExported() && f.Tag.Get("json") != "-" {
				field(of, f)
			}
		}
	}
	walk(reflect.TypeFor[migrate.Plan]())
	for _, table := range []map[reflect.Type]map[string]class{unusedFields, unusedKeys} {
		for of, fields := range table {
			for name := range fields {
				t.Errorf("%s has no field %s with a text", of, name)
			}
		}
	}
}

// TestEveryArgumentHasAClass compares the classes with the arguments of all messages that a Plan can hold: what compares two Plans is in none.
func TestEveryArgumentHasAClass(t *testing.T) {
	t.Parallel()
	unused := argumentClasses()
	for _, k := range message.Table() {
		if strings.HasPrefix(k.ID, "difference-") {
			continue
		}
		for _, name := range k.Arguments() {
			if argumentClasses()[name] == unclassed {
				t.Errorf("the argument %q of %s has no class", name, k.ID)
			}
			delete(unused, name)
			delete(unused, k.ID+" "+name)
		}
	}
	for name := range unused {
		t.Errorf("no message has an argument %q", name)
	}
}
