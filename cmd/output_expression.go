package cmd

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/jsonpath"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
)

const (
	jsonpathFormat = "jsonpath"
	columnsFormat  = "custom-columns"
)

// formatsWithExpression returns the names of the output formats that take an expression, as -o has them; none for a result
// without a JSON form, of which they would select.
func formatsWithExpression[R any](formats []report.Format[R]) []string {
	if _, ok := report.FindFormat(formats, report.JSONFormat); !ok {
		return nil
	}
	return []string{columnsFormat + "=", jsonpathFormat + "="}
}

// parseExpression reads a value of -o that is not one of the formats: jsonpath=EXPRESSION or custom-columns=COLUMNS, which select
// from the JSON form of the result, or jsonpath-file=FILE or custom-columns-file=FILE, whose file has that. It returns a usage error for an expression that is wrong whatever the result is, and
// for any other value.
func parseExpression[R any](value string, formats []report.Format[R]) (report.Format[R], error) {
	name, expression, _ := strings.Cut(value, "=")
	document, ok := report.FindFormat(formats, report.JSONFormat)
	parseColumns := jsonpath.ParseColumns
	if format, isFile := strings.CutSuffix(name, "-file"); ok && isFile && (format == jsonpathFormat || format == columnsFormat) {
		text, err := readExpression(value, expression)
		if err != nil {
			return report.Format[R]{}, err
		}
		name, expression, parseColumns = format, text, jsonpath.ParseColumnsFile
	}
	switch {
	case !ok || name != jsonpathFormat && name != columnsFormat:
		return report.Format[R]{}, noFormatError(value, name, formats)
	case isBlank(expression) && name == jsonpathFormat:
		return report.Format[R]{}, usagef("-o %q has no expression: give one, as in -o %s='{.%s[*]}'", value, jsonpathFormat, document.Rows[0])
	case isBlank(expression):
		return report.Format[R]{}, usagef("-o %q has no columns: give each as HEADER:PATH, as in -o %s=NAME:.name", value, columnsFormat)
	}
	format := report.Format[R]{Name: name}
	if name == columnsFormat {
		columns, err := parseColumns(expression)
		if err != nil {
			return format, usagef("-o %q: %w", value, err)
		}
		format.Write = writeSelected(document, func(w io.Writer, r io.Reader, opts report.Options) error {
			return columns.Write(w, r, document.Rows, opts.NoHeaders)
		})
		return format, nil
	}
	parsed, err := jsonpath.Parse(expression)
	if err != nil {
		return format, usagef("-o %q: %w", value, err)
	}
	format.Write = writeSelected(document, func(w io.Writer, r io.Reader, _ report.Options) error { return parsed.Write(w, r) })
	return format, nil
}

// readExpression reads the file that has the expression of a value of -o. It returns a usage error where none is named, and an error
// where it cannot be read.
func readExpression(value, file string) (string, error) {
	if isBlank(file) {
		return "", usagef("-o %q names no file: give the one that has the expression", value)
	}
	const most = 1 << 20
	f, err := os.Open(file) //nolint:gosec // G304: reading the file that the user names is the point
	if err != nil {
		return "", asRunError(fmt.Errorf("-o %q: %w", value, fileerror.Explain(file, err)))
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return "", asRunError(fmt.Errorf("-o %q: %w", value, fileerror.Explain(file, err)))
	case len(data) > most:
		return "", asRunError(fmt.Errorf("-o %q: the file is larger than 1 MiB: it is no expression", value))
	}
	return string(data), nil
}

// noFormatError returns the usage error for a value of -o that names none of the formats.
func noFormatError[R any](value, name string, formats []report.Format[R]) error {
	more := ""
	if len(formatsWithExpression(formats)) > 0 {
		more = fmt.Sprintf("; and %s=HEADER:PATH,... and %s=EXPRESSION", columnsFormat, jsonpathFormat)
	}
	return usagef("-o %q: there is no format %q; the formats are %s%s", value, name, strings.Join(report.FormatNames(formats), ", "), more+formatSuggestion(value, name, report.FormatNames(formats)))
}

// writeSelected returns the writer of an output format that reads the JSON form of a result while that is written.
func writeSelected[R any](document report.Format[R], write func(io.Writer, io.Reader, report.Options) error) func(io.Writer, R, report.Options) error {
	return func(w io.Writer, result R, opts report.Options) error {
		from, to := io.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = to.CloseWithError(document.Write(to, result, opts)) // whoever reads gets the error
		}()
		err := write(w, from, opts)
		_ = from.Close() // ends a writer that nobody reads any more
		<-done
		return err
	}
}

// outputFlag is the value of the command-line flag -o: formats, some with a file or an expression.
type outputFlag struct{ values *[]string }

// String returns the values of the flag -o, as pflag shows a list.
func (f outputFlag) String() string { return "[" + strings.Join(*f.values, ",") + "]" }

// Type returns the word that the help shows for a value of the flag -o.
func (f outputFlag) Type() string { return "stringArray" }

// Set adds a value of the flag -o.
func (f outputFlag) Set(value string) error { return f.Append(value) }

// Append adds a value of the flag -o.
func (f outputFlag) Append(value string) error {
	*f.values = append(*f.values, value)
	return nil
}

// Replace sets the values of the flag -o, from text that was cut at every comma: an expression has the rest of them.
func (f outputFlag) Replace(values []string) error {
	*f.values = nil
	for i, value := range values {
		if strings.HasPrefix(value, columnsFormat+"=") || strings.HasPrefix(value, jsonpathFormat+"=") {
			*f.values = append(*f.values, strings.Join(values[i:], ","))
			break
		}
		*f.values = append(*f.values, value)
	}
	return nil
}

// GetSlice returns the values of the flag -o.
func (f outputFlag) GetSlice() []string { return *f.values }
