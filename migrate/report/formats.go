// Package report owns how a Plan looks: a table for people, JSON and YAML for programs, names for scripts, and the
// explanation of one thing. Each format is a function of a writer, the Plan and Options, and everything it shows comes
// from the Plan. It never changes a Plan, decides nothing, and lets no character of the input act on a terminal.
package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
)

// Options of a format. The zero value suits a pipe or a file.
type Options struct {
	// Width is the number of columns to keep to; 0 means that tables are as wide as they need to be.
	Width int
	// Colour marks levels with colours.
	Colour bool
	// NoHeaders leaves the lines of the first table and nothing around them. Formats for programs ignore it.
	NoHeaders bool
}

// Format is one way to write a Plan.
type Format struct {
	Name  string
	Write func(io.Writer, *migrate.Plan, Options) error
}

// Formats are all formats of this package, the default first.
func Formats() []Format {
	return []Format{
		{"table", PlanTable},
		{"wide", PlanWideTable},
		{"json", PlanJSON},
		{"yaml", PlanYAML},
		{"name", PlanNames},
	}
}

// FindFormat returns the format of a name.
func FindFormat(formats []Format, name string) (Format, bool) {
	for _, f := range formats {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}

// WritePlan writes a Plan in one of Formats.
func WritePlan(w io.Writer, name string, p *migrate.Plan, opts Options) error {
	f, ok := FindFormat(Formats(), name)
	if !ok {
		var names []string
		for _, f := range Formats() {
			names = append(names, f.Name)
		}
		return fmt.Errorf("writing the plan: there is no format %q; the formats are %s", name, strings.Join(names, ", "))
	}
	return f.Write(w, p, opts)
}
