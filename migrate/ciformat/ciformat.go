// Package ciformat owns the forms in which pipelines show what "psp2pss check" found: SARIF 2.1.0, JUnit XML, annotations and
// summaries of GitHub, Code Quality reports of GitLab, and the objects PolicyReport and Report (OpenReports). Each is written from a
// finding.Result alone. It decides nothing about a finding, and lets no character of the input act on a log, a document or a page.
package ciformat

import (
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/psp2pss/psp2pss/migrate/finding"
)

// Options say what a format of a check's result has beside the result. The zero value suits all formats.
type Options struct {
	// Time is when the check ran. Where it is zero, formats leave it out, and JUnit, which demands one, has the first second of 1970.
	Time time.Time
	// Dir is the working directory, as an absolute path: files below it are named relative to it, as forges want them. "" leaves
	// the names of files as the user gave them.
	Dir string
	// Remark is told, in one sentence each, what a format had to leave out and what its reader will not show; nil drops it.
	Remark func(string)

	// since is true where the result was compared with an earlier one: New and Fixed of the result say something then.
	since bool
}

// Format is one output format of a check's result, by the name that -o takes.
type Format struct {
	Name  string
	Write func(io.Writer, *finding.Result, Options) error
}

// Formats returns the output formats of a check's result that pipelines read.
func Formats() []Format {
	return []Format{
		{"sarif", WriteSARIF},
		{"junit", WriteJUnit},
		{"github", WriteGitHub},
		{"github-summary", WriteGitHubSummary},
		{"gitlab", WriteGitLab},
		{"policyreport", WritePolicyReport},
		{"openreports", WriteOpenReports},
	}
}

// remark tells a remark on a format to whoever wants it.
func (o Options) remark(text string) {
	if o.Remark != nil {
		o.Remark(text)
	}
}

// stdin is what standard input is called where a format needs the name of a file.
const stdin = "stdin"

// region is where forges show a finding: a file, and lines and columns of it that count from 1. EndColumn is the one after the
// last character.
type region struct {
	file                             string
	line, column, endLine, endColumn int
}

// regionOf returns where forges show a place of an object. What was rendered by Helm and came through standard input is shown in its
// template, whose lines nobody knows: in the first.
func (o Options) regionOf(object finding.Object, place finding.Range) region {
	r := region{o.fileName(place.File), max(place.Line, 1), max(place.Column, 1), max(place.EndLine, place.Line, 1), place.EndColumn}
	if place.File == "-" && object.Template != "" {
		r = region{file: object.Template, line: 1, column: 1, endLine: 1}
	}
	if r.endLine == r.line {
		r.endColumn = max(r.endColumn, r.column+1)
	}
	r.endColumn = max(r.endColumn, 1)
	return r
}

// fileName returns the name of a file of the input for forges: relative to the working directory where it lies below it, with
// slashes.
func (o Options) fileName(file string) string {
	switch {
	case file == "-" || file == "":
		return stdin
	case filepath.IsAbs(file) && o.Dir != "":
		if relative, err := filepath.Rel(o.Dir, file); err == nil && filepath.IsLocal(relative) {
			file = relative
		}
	}
	return filepath.ToSlash(filepath.Clean(file))
}

// fileURI returns the URI of a file of the input: a relative reference, or one with the scheme file for an absolute path.
func fileURI(file string) string {
	switch {
	case strings.HasPrefix(file, "/"):
		return (&url.URL{Scheme: "file", Path: file}).String()
	case filepath.IsAbs(file): // with the letter of a drive
		return (&url.URL{Scheme: "file", Path: "/" + file}).String()
	}
	return (&url.URL{Path: file}).String()
}
