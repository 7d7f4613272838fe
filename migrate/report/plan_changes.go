package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/difference"
	"github.com/psp2pss/psp2pss/migrate/phrases"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// maxChangesShown is how many changes the report on what changed shows of each group; wide has all.
const maxChangesShown = 15

// ChangeFormats returns the formats of the report on what changed between two Plans, the default first.
func ChangeFormats() []Format[*difference.Changes] {
	return []Format[*difference.Changes]{
		document("table", ChangesDocument), document("wide", ChangesWideDocument),
		NewJSONFormat[*difference.Changes]("changes"), NewYAMLFormat[*difference.Changes](),
	}
}

// ChangesDocument builds the report on what changed between two Plans, for one screen: what they are, what is not compared, and by group,
// the worst first, a sentence for each change and its consequence. What only follows from another change is left to wide, with its count,
// and so are the changes of a long group. Without headers it has one line for each change that is told.
func ChangesDocument(c *difference.Changes, opts Options) *Document {
	told := changesToTell(c)
	if opts.NoHeaders {
		return &Document{OneLine: true, Blocks: []Block{changesTable(told, nil)}}
	}
	d := changesHead(c)
	counts := map[difference.Group]int{}
	for _, change := range told {
		counts[change.Group]++
	}
	d.add(Paragraph{changesSentence(c, counts)})
	for _, group := range difference.Groups() {
		if counts[group] > 0 {
			d.add(Heading(groupHeading(group)), changesList(told, group))
		}
	}
	if rest := len(c.Changes) - len(told); rest > 0 {
		d.add(Paragraph{fmt.Sprintf("%s from these: -o wide has all.", english.Count(rest, "more change follows", "more changes follow"))})
	}
	if next := changesNext(told, c, opts.Invocation); len(next) > 0 {
		d.add(pointersTable(next, opts.Width))
	}
	return d
}

// ChangesTold is what the report that is handed over says of what changed between two Plans.
type ChangesTold struct {
	// Head are sentences on the two Plans, with what has to be known before the changes are read.
	Head []string
	// Sentence counts the changes that the plan's report tells, by group.
	Sentence string
	// Told are these: the others follow from them.
	Told map[*difference.Change]bool
}

// TellChanges returns what the report that is handed over says of what changed between two Plans.
func TellChanges(c *difference.Changes) ChangesTold {
	out := ChangesTold{Head: []string{"Earlier: " + sidePhrase(&c.Before) + ".", "Later: " + sidePhrase(&c.After) + "."}, Told: map[*difference.Change]bool{}}
	for _, m := range c.Cautions {
		out.Head = append(out.Head, capitalized(m.Text)+".")
	}
	counts := map[difference.Group]int{}
	for _, change := range changesToTell(c) {
		out.Told[change] = true
		counts[change.Group]++
	}
	out.Sentence = changesSentence(c, counts)
	if rest := len(c.Changes) - len(out.Told); rest > 0 {
		out.Sentence += fmt.Sprintf(" %s from these.", english.Count(rest, "more change follows", "more changes follow"))
	}
	return out
}

// changesNext returns the report's lines on the commands that tell more of what became looser and of what blocks, and that label what can
// be stricter now; none where the source can be read only once.
func changesNext(told []*difference.Change, c *difference.Changes, call Invocation) []pointer {
	if call.OneTime {
		return nil
	}
	if len(call.Source) == 0 && c.After.Source.Kind == inventory.SourceDemo {
		call.Source = []string{"--demo"}
	}
	looser, blocker, stricter := "", "", []string(nil)
	for _, change := range told {
		switch {
		case change.Group == difference.GroupLooser && looser == "":
			looser = change.Namespace
		case change.Group == difference.GroupNewBlocker && blocker == "":
			kind, name, _ := strings.Cut(change.Object, "/")
			blocker = change.Namespace + "/" + strings.ToLower(kind) + "/" + name
		case change.Group == difference.GroupStricter && change.Field == "recommended.enforce":
			stricter = append(stricter, change.Namespace)
		}
	}
	var out []pointer
	if looser != "" {
		out = append(out, pointer{"", "what may run in " + looser, call.Command("explain ns", []string{looser}, call.Source, call.Target, call.Decide)})
	}
	if blocker != "" {
		out = append(out, pointer{"", "what blocks, and the edit", call.Command("explain workload", []string{blocker}, call.Source, call.Target, call.Decide)})
	}
	if len(stricter) > 0 {
		const most = 10 // a longer line is not copied
		scope := []string{"-n", strings.Join(stricter, ",")}
		if len(stricter) > most {
			scope = nil
		}
		out = append(out, pointer{"", "enforce in " + namespaces(len(stricter)), call.Command("labels", call.Source, call.Target, call.Decide, scope, []string{"--stage=enforce"})})
	}
	if len(out) > 0 {
		out[0].title = "NEXT"
	}
	return out
}

// ChangesWideDocument builds the report on what changed between two Plans with every change, a line each.
func ChangesWideDocument(c *difference.Changes, opts Options) *Document {
	all := make([]*difference.Change, len(c.Changes))
	counts := map[difference.Group]int{}
	for i := range c.Changes {
		all[i] = &c.Changes[i]
		counts[all[i].Group]++
	}
	if opts.NoHeaders {
		return &Document{OneLine: true, Blocks: []Block{changesTable(all, nil)}}
	}
	d := changesHead(c)
	d.add(Paragraph{changesSentence(c, counts)}, changesTable(all, []string{"GROUP", "NAMESPACE", "KIND", "WHAT CHANGED"}))
	return d
}

// changesHead returns the beginning of the report on what changed: the two Plans, and the cautions.
func changesHead(c *difference.Changes) *Document {
	d := &Document{}
	cautions := c.Cautions
	if len(cautions) > 0 && cautions[0].ID == "difference-two-clusters" {
		d.add(Paragraph{capitalized(cautions[0].Text) + "."})
		cautions = cautions[1:]
	}
	d.add(Facts{{Name: "earlier", Value: sidePhrase(&c.Before)}, {Name: "later", Value: sidePhrase(&c.After)}})
	if len(cautions) > 0 {
		p := Paragraph{}
		for _, m := range cautions {
			p = append(p, capitalized(m.Text)+".")
		}
		d.add(p)
	}
	return d
}

// capitalized returns a sentence of a report with a capital letter at its beginning.
func capitalized(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// sidePhrase returns the report's words for one of two compared Plans: what it was read from and when, its target and its size.
func sidePhrase(s *difference.Side) string {
	text := phrases.SourcePhrase(s.Source)
	if s.Source.Run != nil && !s.Source.Run.ReadAt.IsZero() {
		text += ", read " + s.Source.Run.ReadAt.UTC().Format("2006-01-02 15:04 UTC")
	} else {
		text += ", time not known"
	}
	text += fmt.Sprintf(", for %s: %s", s.TargetVersion, namespaces(s.Namespaces))
	if s.Gaps > 0 {
		text += ", " + english.Count(s.Gaps, "gap", "gaps")
	}
	return text
}

// changesSentence returns the report's sentence that counts changes by group.
func changesSentence(c *difference.Changes, counts map[difference.Group]int) string {
	if len(c.Changes) == 0 {
		return "Nothing changed."
	}
	total, in := 0, map[string]bool{}
	for _, n := range counts {
		total += n
	}
	for i := range c.Changes {
		if c.Changes[i].Namespace != "" {
			in[c.Changes[i].Namespace] = true
		}
	}
	text := english.Count(total, "change", "changes")
	if len(in) > 0 {
		text += " in " + namespaces(len(in))
	}
	var parts []string
	for _, part := range []count{
		{counts[difference.GroupLooser], "looser", "looser"},
		{counts[difference.GroupNewBlocker], "new blocker", "new blockers"},
		{counts[difference.GroupStricter], "stricter", "stricter"},
		{counts[difference.GroupUnknown], "not known", "not known"},
		{counts[difference.GroupOther], "other", "others"},
	} {
		if part.n > 0 {
			parts = append(parts, english.Count(part.n, part.one, part.many))
		}
	}
	return text + ": " + strings.Join(parts, ", ") + "."
}

// groupHeading returns the heading of a group of changes in the report.
func groupHeading(g difference.Group) string {
	switch g {
	case difference.GroupLooser:
		return "BECAME LOOSER"
	case difference.GroupNewBlocker:
		return "NEW BLOCKERS"
	case difference.GroupStricter:
		return "STRICTER, OR CAN BE NOW"
	case difference.GroupUnknown:
		return "NOT KNOWN"
	}
	return "OTHER CHANGES"
}

// changesList returns the points of a group of changes in the report, the first of a long one.
func changesList(told []*difference.Change, group difference.Group) List {
	var l List
	n := 0
	for _, change := range told {
		if change.Group != group {
			continue
		}
		if n++; n <= maxChangesShown {
			l.Items = append(l.Items, Item{Text: change.Consequence.Text})
		}
	}
	if n > maxChangesShown {
		l.Omitted = fmt.Sprintf("and %d more: -o wide has all", n-maxChangesShown)
	}
	return l
}

// changesTable returns the report's table of changes, a line each.
func changesTable(changes []*difference.Change, titles []string) *Table {
	t := &Table{Columns: []Column{{"", RoleText}, {"", RoleName}, {"", RoleText}, {"", RoleText}}}
	for i, title := range titles {
		t.Columns[i].Title = title
	}
	for _, c := range changes {
		t.Rows = append(t.Rows, []string{string(c.Group), orDash(c.Namespace), string(c.Kind), c.Consequence.Text})
	}
	return t
}

// changesToTell returns the changes between two Plans that the report tells: without those that follow from another one.
func changesToTell(c *difference.Changes) []*difference.Change {
	f := newFollowing(c)
	var out []*difference.Change
	for i := range c.Changes {
		if change := &c.Changes[i]; !f.follows(change) {
			out = append(out, change)
		}
	}
	return out
}

// changedThing names what changes between two Plans are about.
type changedThing struct {
	kind                     difference.Kind
	namespace, object, field string
}

// following is what the report looks up to see whether a change follows from another.
type following struct {
	changes map[changedThing]*difference.Change
	// roles are those of bindings that came or went.
	roles map[string]bool
	// causes are the workloads that sentences on levels name.
	causes map[changedThing]bool
}

// newFollowing returns the changes of the report by what they are about.
func newFollowing(c *difference.Changes) following {
	f := following{changes: make(map[changedThing]*difference.Change, len(c.Changes)), roles: map[string]bool{}, causes: map[changedThing]bool{}}
	for i := range c.Changes {
		change := &c.Changes[i]
		f.changes[changedThing{change.Kind, change.Namespace, change.Object, change.Field}] = change
		if change.Kind == difference.KindGrant && change.Op != difference.OpChanged {
			f.roles[change.Field] = true
		}
		for _, arg := range []string{"fixed", "gone", "new", "worse"} {
			names, _ := change.Consequence.Args.Get(arg).([]string)
			for _, name := range names {
				f.causes[changedThing{namespace: change.Namespace, object: name}] = true
			}
		}
	}
	return f
}

// follows reports whether a change of the report follows from another one that it tells.
func (f following) follows(c *difference.Change) bool {
	if ns := f.changes[changedThing{kind: difference.KindNamespace, namespace: c.Namespace}]; ns != nil && c.Kind != difference.KindNamespace {
		switch {
		case ns.Op != difference.OpAdded:
			return ns.Op != difference.OpChanged
		case len(c.NewBlockers) == 0 && c.Kind != difference.KindGrant && c.Kind != difference.KindRole && c.Kind != difference.KindGap:
			return true
		}
	}
	switch c.Kind {
	case difference.KindLevel:
		return f.levelFollows(c)
	case difference.KindLabel:
		label := strings.TrimSuffix(c.Field, "Version")
		return label != c.Field && f.changes[changedThing{kind: c.Kind, namespace: c.Namespace, field: label}] != nil
	case difference.KindBlocker:
		return len(c.NewBlockers) == 0
	case difference.KindWorkload:
		kind, name, _ := strings.Cut(c.Object, "/")
		blocker := f.changes[changedThing{difference.KindBlocker, c.Namespace, c.Object, ""}]
		return blocker != nil && len(blocker.NewBlockers) > 0 || f.causes[changedThing{namespace: c.Namespace, object: strings.ToLower(kind) + "/" + name}]
	case difference.KindRole:
		return c.Op != difference.OpChanged && f.roles[c.Object]
	}
	return false
}

// levelFollows reports whether the change of a namespace's level is told by that of another level.
func (f following) levelFollows(c *difference.Change) bool {
	same := func(fields ...string) bool {
		return slices.ContainsFunc(fields, func(field string) bool {
			other := f.changes[changedThing{kind: difference.KindLevel, namespace: c.Namespace, field: field}]
			return other != nil && other.Before == c.Before && other.After == c.After
		})
	}
	enforce := f.changes[changedThing{kind: difference.KindLevel, namespace: c.Namespace, field: "recommended.enforce"}]
	switch c.Field {
	case "needed":
		return same("recommended.enforce") || enforce != nil && c.Direction == difference.Unknown
	case "achievable":
		return same("recommended.enforce", "needed") || enforce != nil && c.Direction == difference.Unknown
	case "recommended.enforceVersion", "recommended.auditVersion", "recommended.warnVersion":
		return f.changes[changedThing{kind: difference.KindLevel, namespace: c.Namespace, field: strings.TrimSuffix(c.Field, "Version")}] != nil
	}
	return false
}
