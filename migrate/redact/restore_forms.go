package redact

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/csv"
	"io"
	"reflect"
	"regexp"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
)

// RestoreDocument puts the names into all texts of a document that a redaction's key knows, a pointer to structs, lists and texts.
func (k *Key) RestoreDocument(document any) { k.restoreValue(reflect.ValueOf(document)) }

// restoreValue puts the names into all texts of one value of a redacted document.
func (k *Key) restoreValue(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			k.restoreValue(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			k.restoreValue(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			k.restoreValue(v.Index(i))
		}
	case reflect.String:
		v.SetString(k.RestoreText(v.String()))
	}
}

// restorePacked returns the packed data block of a redacted page with its names; one that is damaged stays as it is.
func (k *Key) restorePacked(block string) string {
	parts := packedBlock.FindStringSubmatch(block)
	zipped, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(parts[2])))
	if err != nil {
		return block
	}
	text, err := io.ReadAll(zipped)
	if err != nil {
		return block
	}
	var packed bytes.Buffer
	encoded := base64.NewEncoder(base64.StdEncoding, &packed)
	again := gzip.NewWriter(encoded)
	_, _ = io.WriteString(again, k.restoreEach(string(text), jsonText)) // a buffer takes everything
	_, _ = again.Close(), encoded.Close()
	return parts[1] + packed.String() + "</script>"
}

// tableHead matches the first line of a table of the report as comma-separated values: column IDs.
var tableHead = regexp.MustCompile(`^\x{FEFF}?[a-z]+(-[a-z]+)*(,[a-z]+(-[a-z]+)*)*\n`)

// restoreCSV returns a redacted table with its names, where the text is one: cells have the quotes that they need, and begin no formula.
func (k *Key) restoreCSV(text string) (restored string, isCSV bool) {
	if !tableHead.MatchString(text) {
		return "", false
	}
	rows := csv.NewReader(strings.NewReader(text))
	var out strings.Builder
	table := csv.NewWriter(&out)
	for {
		row, err := rows.Read() // a line with more or fewer cells is an error
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", false
		}
		for i := range row {
			row[i] = k.restoreAt(row[i], func(before, original string) string { return escape.SpreadsheetBehind(before, printable(original)) })
		}
		_ = table.Write(row) // Flush reports it, and a builder takes everything
	}
	table.Flush()
	return out.String(), true
}

// plainInMarkdown matches names that Markdown shows as they are.
var plainInMarkdown = regexp.MustCompile(`^[A-Za-z0-9/.]([A-Za-z0-9_./:=+,-]*[A-Za-z0-9])?$`)

// restoreMarkdown returns a redacted page of Markdown with its names, others than plain words in code spans, and the number of the
// pseudonyms that it has to keep, since the name has a backquote.
func (k *Key) restoreMarkdown(text string) (restored string, left int) {
	var out strings.Builder
	inBlock := false
	for line := range strings.Lines(text) {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		block := inBlock || fence
		if fence {
			inBlock = !inBlock
		}
		isRow, isSummary := strings.HasPrefix(line, "|"), strings.Contains(line, "<summary>")
		out.WriteString(k.restoreAt(line, func(before, original string) string {
			name := escape.Terminal(original)
			span := strings.Count(before, "`")%2 == 1
			switch {
			case strings.Contains(name, "`") && !block && !isSummary:
				left++
				return ""
			case isSummary:
				return htmlText(original)
			case block || plainInMarkdown.MatchString(name) && !strings.Contains(name, "://"):
				return name
			case isRow:
				name = strings.ReplaceAll(name, "|", `\|`)
			}
			if span {
				return name
			}
			return "`" + name + "`"
		}))
	}
	return out.String(), left
}
