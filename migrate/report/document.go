package report

// Document is a report for people by the role of its parts: what each part is, and not how it looks. Builders make one
// from a Plan or another result; a renderer draws it. Every text in it is unescaped: a renderer escapes it for where it
// goes.
type Document struct {
	Blocks []Block
	// OneLine keeps every sentence and every table row on one line, for output that people search by line.
	OneLine bool
}

// Block is one part of a Document: Heading, Paragraph, List, Table, Facts, Steps, Objects, Commands or Manifest.
type Block interface{ block() }

// Heading begins a section of a report, which goes on to the next Heading.
type Heading string

// Paragraph is running text of a report. Each element begins a line of its own.
type Paragraph []string

// List is a list of points in a report, without numbers.
type List struct {
	Items []Item
	// Omitted says what is left out of the list and where it is; "" for nothing.
	Omitted string
	// Flat shows that the points, and those below them, are lines of a log rather than of a report.
	Flat bool
}

// Item is one point of a List in a report, with the points below it and the objects that it is about. Its Role may be
// RoleStatus: the text begins with an outcome; or RoleStep, which begins with the number of a step.
type Item struct {
	Text    string
	Role    Role
	Items   []Item
	Objects Objects
}

// Table is a table in a report. A Table without titles has no header.
type Table struct {
	Columns []Column
	Rows    [][]string
	// Spare are the titles of the columns that a narrow terminal goes without, the first to go first.
	Spare []string
	// Omitted says what is left out of the table and where it is; "" for nothing.
	Omitted string
}

// Column is a column of a Table in a report: its title and what its cells hold. What they hold says what becomes of them
// on a terminal that is too narrow for the table: see Role.
type Column struct {
	Title string
	Role  Role
}

// Role is what the value of a table cell, a Fact or an Item in a report is. It decides the colour of the value, and what
// a narrow terminal makes of a cell; elsewhere every cell is whole.
type Role int

// The roles of values in a report, with what becomes of them where a terminal is too narrow for the table.
const (
	// RoleText is a sentence, a list or a number, and anything that has no role of its own. It is wrapped at spaces, and
	// nothing of it is lost.
	RoleText Role = iota
	// RoleLevel is a level of the Pod Security Standards, perhaps with a mark before it and a version or a remark behind it.
	// It keeps to one line as long as anything else can give way; then it wraps, and at last it ends in "…".
	RoleLevel
	// RoleName is the name of an object, which people copy, perhaps with a remark. It is whole up to half of the terminal; a
	// longer one has "…" in its middle.
	RoleName
	// RoleSummary is text whose beginning says enough: one line, which ends in "…" where there is no room for the rest.
	RoleSummary
	// RoleStatus is an outcome in a word or two, such as "not ok"; a colon and a remark may follow. It wraps as RoleLevel does.
	RoleStatus
	// RoleStep is the number of a step among all, "3/14", with its outcome behind it. It wraps as RoleText does.
	RoleStep
	// RoleCommand is a line for a shell, which people copy, in the last column of a table. It is whole, even where it is
	// longer than the terminal is wide.
	RoleCommand
)

// Facts are what a report says of one object: names with values.
type Facts []Fact

// Fact is one name with its value in a report.
type Fact struct {
	Name, Value string
	Role        Role
}

// Steps are the numbered steps of a report.
type Steps []Step

// Step is one numbered step of a report: what is to be done, and below it the objects, sentences and commands. Its Role
// may be RoleStatus: the text begins with an outcome.
type Step struct {
	Text   string
	Role   Role
	Blocks []Block
}

// Objects are the names of the Kubernetes objects that a sentence of a report is about.
type Objects struct {
	Names []string
	// Omitted is how many more there are.
	Omitted int
}

// Commands are lines for a shell in a report.
type Commands []string

// Manifest is a YAML document in a report, shown to the letter.
type Manifest string

// block makes a Heading a Block of a report Document.
func (Heading) block() {}

// block makes a Paragraph a Block of a report Document.
func (Paragraph) block() {}

// block makes a List a Block of a report Document.
func (List) block() {}

// block makes a Table a Block of a report Document.
func (*Table) block() {}

// block makes Facts a Block of a report Document.
func (Facts) block() {}

// block makes Steps a Block of a report Document.
func (Steps) block() {}

// block makes Objects a Block of a report Document.
func (Objects) block() {}

// block makes Commands a Block of a report Document.
func (Commands) block() {}

// block makes a Manifest a Block of a report Document.
func (Manifest) block() {}

// add appends blocks to a report.
func (d *Document) add(blocks ...Block) { d.Blocks = append(d.Blocks, blocks...) }

// addSection appends a heading and its points to a report; nothing if there are no points.
func (d *Document) addSection(heading string, points []string) {
	if len(points) > 0 {
		d.add(Heading(heading), listOf(points))
	}
}

// listOf returns a List of plain points for a report.
func listOf(points []string) List {
	var l List
	for _, text := range points {
		l.Items = append(l.Items, Item{Text: text})
	}
	return l
}

// orDash returns the text of a report's table cell, or a dash for what is absent.
func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
