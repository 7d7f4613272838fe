package handover

// Report is what "psp2pss report" hands over: the cover, the first screen, and sections of tables. All forms are drawn from it.
// Its texts are unescaped: a writer escapes them for where they go.
type Report struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Cover      Cover     `json:"cover"`
	Summary    Summary   `json:"summary"`
	Sections   []Section `json:"sections"`
}

// Cover is what a Report says of itself: for whom and by whom it was made, from what, when, and with which version.
type Cover struct {
	Title  string `json:"title"`
	Client string `json:"client,omitempty"`
	Author string `json:"author,omitempty"`
	// Source says in words what was read: a cluster, files, a saved plan.
	Source string `json:"source"`
	// Scope says of how many namespaces the tables and counts are, where that is not all; absent where it is.
	Scope string `json:"scope,omitempty"`
	// ReadAt is when it was read, in RFC 3339; absent where that is not known.
	ReadAt        string `json:"readAt,omitempty"`
	TargetVersion string `json:"targetVersion"`
	ServerVersion string `json:"serverVersion,omitempty"`
	ToolVersion   string `json:"toolVersion,omitempty"`
	// Command is the call that makes the Report again, without its formats: a form that leaves something out names it.
	Command string `json:"command"`
}

// Summary is the first screen of a Report: what somebody with ten minutes reads, and nothing else.
type Summary struct {
	Verdict Verdict `json:"verdict"`
	// Changes is a sentence on what changed since an earlier plan; absent where nothing was compared.
	Changes string `json:"changes,omitempty"`
	// Levels count the namespaces by level, strictest first, then those of no level.
	Levels []LevelCount `json:"levels"`
	// Refusing is in how many namespaces the recommended level would refuse what runs there: it was asked for all the same.
	Refusing int `json:"refusing,omitempty"`
	// Namespaces and Workloads are how many there are.
	Namespaces int `json:"namespaces"`
	Workloads  int `json:"workloads"`
	// Blockers are the checks that keep namespaces from the next level, the most frequent first.
	Blockers []BlockerCount `json:"blockers"`
	// Lost is what PodSecurityPolicy does today and the recommended levels do not, by risk.
	Lost []LossCount `json:"lost"`
	// Unseen are sentences on what could not be seen, the most important first; empty if everything was.
	Unseen []string `json:"unseen"`
	// Next are the next things to do, in their order: at most three.
	Next []NextStep `json:"next"`
}

// Verdict is the answer of the gate in one sentence of a Report.
type Verdict struct {
	Status string `json:"status" values:"ready not-ready unknown"`
	Text   string `json:"text"`
}

// LevelCount is, in the first screen of a Report, how many namespaces are at one level: by their labels today, as recommended,
// and once the patches are made. Level is "none" for those without one, "unknown" where a gap hides it.
type LevelCount struct {
	Level       string `json:"level" values:"restricted baseline privileged none unknown"`
	Today       int    `json:"today"`
	Recommended int    `json:"recommended"`
	WithPatches int    `json:"withPatches"`
}

// BlockerCount is, in the first screen of a Report, how many namespaces and workloads one check keeps from the next level.
type BlockerCount struct {
	Check      string `json:"check"`
	Level      string `json:"level"`
	Text       string `json:"text"`
	Namespaces int    `json:"namespaces"`
	Workloads  int    `json:"workloads"`
}

// LossCount is, in the first screen of a Report, how much of one class is lost with PodSecurityPolicy.
type LossCount struct {
	Class       string `json:"class" values:"security functional drift"`
	Text        string `json:"text"`
	Constraints int    `json:"constraints"`
	Namespaces  int    `json:"namespaces"`
}

// NextStep is one of the next things to do in a Report: the effort in what has to be touched ("8 workloads in 5 namespaces").
type NextStep struct {
	Text   string `json:"text"`
	Effort string `json:"effort"`
	// Workloads and Namespaces are the numbers in Effort.
	Workloads  int      `json:"workloads,omitempty"`
	Namespaces int      `json:"namespaces,omitempty"`
	Commands   []string `json:"commands,omitempty"`
}

// Section is one part of a Report, chosen by its ID with --sections.
type Section struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	// Text are paragraphs before the tables.
	Text   []string `json:"text,omitempty"`
	Tables []*Table `json:"tables,omitempty"`
}

// Table is one table of a Report: in CSV a file of its own, in every form the same rows.
type Table struct {
	// ID names its file and its anchor: lower-case letters and hyphens.
	ID    string `json:"id"`
	Title string `json:"title"`
	// Text says what a row is, for readers who do not know the field.
	Text    string   `json:"text,omitempty"`
	Columns []Column `json:"columns"`
	// Details are all that its rows can open to, in their order: each a column of its CSV.
	Details []DetailColumn `json:"details,omitempty"`
	Rows    []Row          `json:"rows"`
}

// Column is one column of a Table of a Report. Its ID is stable over releases.
type Column struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Kind  string `json:"kind" values:"text number level name status command evidence"`
	// Table names the table whose rows the cells of this column refer to; absent where they refer to none.
	Table string `json:"table,omitempty"`
}

// DetailColumn is one of the things that the rows of a Table of a Report can open to. Its ID is stable over releases.
type DetailColumn struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Kind  string `json:"kind" values:"text code evidence"`
}

// Row is one row of a Table of a Report.
type Row struct {
	// ID is the anchor of the row: that of its table and a number, never a name from the input.
	ID     string   `json:"id"`
	Cells  []Cell   `json:"cells"`
	Detail []Detail `json:"detail,omitempty"`
}

// Cell is what a Row has in one Column: the Number for the kind number, else the Text.
type Cell struct {
	Text   string `json:"text,omitempty"`
	Number int    `json:"number,omitempty"`
	// Rows are the IDs of the rows that it refers to, in the Table of its Column: one for each name that the text lists, in its order,
	// or for a number the rows that were counted. A name without a row ("*", what was not read) has "".
	Rows []string `json:"rows,omitempty"`
}

// Detail is what a Row opens to: sentences, or text to copy (labels, a patch), or the evidence of what the row says.
type Detail struct {
	// ID is that of a DetailColumn of its Table.
	ID    string   `json:"id"`
	Title string   `json:"title"`
	Kind  string   `json:"kind" values:"text code evidence"`
	Lines []string `json:"lines"`
}
