package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// edit is one small change of a Go source file: the text at a place is replaced by another one.
type edit struct {
	file, function string
	line           int
	source         []byte
	start, end     int
	with           string
}

// apply returns the whole text of the Go source file with the edit made.
func (e *edit) apply() []byte {
	return bytes.Join([][]byte{e.source[:e.start], []byte(e.with), e.source[e.end:]}, nil)
}

// key names the edit by what it does to the Go code, not by where it stands, so that it outlives other changes. Edits
// that do the same in one function share it.
func (e *edit) key() string {
	return fmt.Sprintf("%s %s: %s -> %s", filepath.Base(e.file), e.function, short(string(e.source[e.start:e.end])), short(e.with))
}

// short returns a piece of Go code on one line, cut after 100 bytes, for the key of an edit.
func short(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 100 {
		text = text[:100] + "..."
	}
	return text
}

// finder collects the possible edits of one function of a Go file, or of one declaration outside of functions.
type finder struct {
	fset   *token.FileSet
	into   *[]edit
	within edit
}

// editsOf returns all possible edits of a Go file. It returns an error for a file that cannot be read or parsed.
func editsOf(file string) ([]edit, error) {
	source, err := os.ReadFile(file) //nolint:gosec // the file that was asked for
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, source, 0)
	if err != nil {
		return nil, err
	}
	var edits []edit
	for _, d := range parsed.Decls {
		f := &finder{fset: fset, into: &edits, within: edit{file: file, source: source, function: "-"}}
		switch d := d.(type) {
		case *ast.FuncDecl:
			f.within.function = d.Name.Name
			f.function(d.Type, d.Body)
		case *ast.GenDecl:
			if d.Tok == token.CONST || d.Tok == token.VAR {
				ast.Inspect(d, f.visit)
			}
		}
	}
	return edits, nil
}

// replace adds the edit that puts a formatted text in place of the code between two positions.
func (f *finder) replace(from, to token.Pos, format string, args ...any) {
	e := f.within
	e.start, e.end = f.fset.Position(from).Offset, f.fset.Position(to).Offset
	e.line, e.with = f.fset.Position(from).Line, fmt.Sprintf(format, args...)
	*f.into = append(*f.into, e)
}

// text returns the code of a node of the syntax tree as it stands in the file.
func (f *finder) text(n ast.Node) string {
	return string(f.within.source[f.fset.Position(n.Pos()).Offset:f.fset.Position(n.End()).Offset])
}

// function adds the edits of the body of one Go function: a return becomes one of zero values. What an edit takes away
// stays in the code where it can, out of reach, so that all that it uses is still used and the code builds.
func (f *finder) function(of *ast.FuncType, body *ast.BlockStmt) {
	var zero []string
	if of.Results != nil {
		for _, r := range of.Results.List {
			for range max(1, len(r.Names)) {
				zero = append(zero, "*new("+f.text(r.Type)+")")
			}
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			f.function(n.Type, n.Body)
			return false
		case *ast.ReturnStmt:
			if !allZero(n.Results) {
				f.replace(n.Pos(), n.End(), "if true { return %s }; %s", strings.Join(zero, ", "), f.text(n))
			}
		}
		return f.visit(n)
	})
}

// allZero reports whether all values of a return statement are zero values already.
func allZero(values []ast.Expr) bool {
	return !slices.ContainsFunc(values, func(e ast.Expr) bool {
		switch e := e.(type) {
		case *ast.Ident:
			return e.Name != "nil" && e.Name != "false"
		case *ast.BasicLit:
			return e.Value != "0" && e.Value != `""`
		case *ast.CompositeLit:
			return len(e.Elts) > 0
		default:
			return true
		}
	})
}

// visit adds the edits of one node of the syntax tree, by its kind, and goes on below it.
func (f *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		f.binary(n)
	case *ast.UnaryExpr:
		if n.Op == token.NOT {
			f.replace(n.Pos(), n.End(), "%s", f.text(n.X))
		}
	case *ast.BasicLit:
		f.literal(n)
	case *ast.Ident:
		if other := map[string]string{"true": "false", "false": "true"}[n.Name]; other != "" {
			f.replace(n.Pos(), n.End(), "%s", other)
		}
	case *ast.IfStmt:
		f.negate(n.Cond)
	case *ast.BranchStmt:
		if n.Tok == token.CONTINUE {
			f.replace(n.Pos(), n.End(), "break")
		}
	case *ast.BlockStmt:
		f.statements(n.List)
	case *ast.CaseClause:
		f.statements(n.Body)
	case *ast.SwitchStmt:
		f.cases(n)
	case *ast.CallExpr:
		f.swap(n.Args)
	case *ast.CompositeLit:
		f.elements(n)
	case *ast.AssignStmt:
		if other := map[token.Token]string{token.OR_ASSIGN: "&=", token.ADD_ASSIGN: "-="}[n.Tok]; other != "" {
			f.replace(n.TokPos, n.TokPos+2, "%s", other)
		}
	}
	return true
}

// binary adds edits that change the operator of a binary expression, and those that leave one side of && or || out.
func (f *finder) binary(n *ast.BinaryExpr) {
	for _, other := range map[token.Token][]string{
		token.EQL: {"!="}, token.NEQ: {"=="}, token.LSS: {"<=", ">="}, token.LEQ: {"<", ">"}, token.GTR: {">=", "<="}, token.GEQ: {">", "<"},
		token.LAND: {"||"}, token.LOR: {"&&"}, token.ADD: {"-"}, token.SUB: {"+"}, token.MUL: {"/"}, token.QUO: {"*"}, token.REM: {"*"},
		token.SHL: {">>"}, token.SHR: {"<<"}, token.AND: {"|"}, token.OR: {"&"},
	}[n.Op] {
		f.replace(n.Pos(), n.End(), "%s %s %s", f.text(n.X), other, f.text(n.Y))
	}
	neutral := map[token.Token]string{token.LAND: "|| true", token.LOR: "&& false"}[n.Op]
	if neutral == "" {
		return
	}
	for _, operand := range []ast.Expr{n.X, n.Y} {
		f.replace(operand.Pos(), operand.End(), "(%s %s)", f.text(operand), neutral)
		f.negate(operand)
	}
}

// negate adds the edit that negates a condition, unless the condition is an expression that binary edits anyway.
func (f *finder) negate(condition ast.Expr) {
	switch condition.(type) {
	case *ast.BinaryExpr, *ast.UnaryExpr:
	default:
		f.replace(condition.Pos(), condition.End(), "!%s", f.text(condition))
	}
}

// literal adds the edit that changes a whole number or a string in the code.
func (f *finder) literal(n *ast.BasicLit) {
	switch n.Kind {
	case token.INT:
		f.replace(n.Pos(), n.End(), "(%s+1)", n.Value)
	case token.STRING:
		if text, err := strconv.Unquote(n.Value); err == nil {
			f.replace(n.Pos(), n.End(), "%q", text+"x")
		}
	}
}

// statements adds edits that leave a statement out, and that swap it with the next one.
func (f *finder) statements(list []ast.Stmt) {
	for i, s := range list {
		if !movable(s) {
			continue
		}
		f.replace(s.Pos(), s.End(), "if false { %s }", f.text(s))
		if i+1 < len(list) && movable(list[i+1]) {
			next := list[i+1]
			f.replace(s.Pos(), next.End(), "%s; %s", f.text(next), f.text(s))
		}
	}
}

// movable reports whether a Go statement can be left out or swapped with another one.
func movable(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.ExprStmt, *ast.IfStmt, *ast.RangeStmt, *ast.SwitchStmt:
		return true
	case *ast.AssignStmt:
		return s.Tok != token.DEFINE
	default:
		return false
	}
}

// cases adds edits that leave out the cases of a switch one by one. A switch without a tag has conditions.
func (f *finder) cases(n *ast.SwitchStmt) {
	for _, s := range n.Body.List {
		clause := s.(*ast.CaseClause)
		for i, e := range clause.List {
			switch {
			case n.Tag == nil:
				f.replace(e.Pos(), e.End(), "(%s) && false", f.text(e))
				f.negate(e)
			case len(clause.List) == 1:
				f.replace(clause.Pos(), clause.End(), "")
			case i+1 < len(clause.List):
				f.replace(e.Pos(), clause.List[i+1].Pos(), "")
			default:
				f.replace(clause.List[i-1].End(), e.End(), "")
			}
		}
	}
}

// elements adds edits that leave out an element of a composite literal, and that swap elements without keys.
func (f *finder) elements(n *ast.CompositeLit) {
	for i, e := range n.Elts {
		end := n.Rbrace
		if i+1 < len(n.Elts) {
			end = n.Elts[i+1].Pos()
		}
		f.replace(e.Pos(), end, "")
	}
	f.swap(n.Elts)
}

// swap adds edits that swap two neighbours of a list of Go expressions, unless they are keyed or the same.
func (f *finder) swap(list []ast.Expr) {
	for i := range len(list) - 1 {
		a, b := list[i], list[i+1]
		if _, keyed := a.(*ast.KeyValueExpr); keyed || f.text(a) == f.text(b) {
			continue
		}
		f.replace(a.Pos(), b.End(), "%s, %s", f.text(b), f.text(a))
	}
}
