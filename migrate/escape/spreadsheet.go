package escape

import "regexp"

// formula matches, in a cell of comma-separated values, what a spreadsheet may take for the beginning of a formula, behind quotes and
// blanks too; with the wide forms of the characters, which some turn into the narrow ones. formulaBehind matches it where a spreadsheet
// that takes semicolons for separators would find it, and beginsCell what a formula may stand behind.
var (
	formula       = regexp.MustCompile("^[\\s\"'`\u00a0\u3000“”„‘’]*[=+\\-@\t\r＝＋－＠]")
	formulaBehind = regexp.MustCompile("(;[\\s\"'`\u00a0\u3000“”„‘’]*)([=+\\-@＝＋－＠])")
	beginsCell    = regexp.MustCompile("(^|;)[\\s\"'`\u00a0\u3000“”„‘’]*$")
)

// Spreadsheet returns a text for a cell of a spreadsheet: one that would begin a formula has an apostrophe in front of it.
func Spreadsheet(s string) string { return SpreadsheetBehind("", s) }

// SpreadsheetBehind returns a text that follows another one in a cell of a spreadsheet, escaped as by Spreadsheet.
func SpreadsheetBehind(before, s string) string {
	s = formulaBehind.ReplaceAllString(s, "$1'$2")
	if formula.MatchString(s) && beginsCell.MatchString(before) {
		return "'" + s
	}
	return s
}
