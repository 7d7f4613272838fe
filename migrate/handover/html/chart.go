package html

import (
	"strconv"

	"github.com/psp2pss/psp2pss/migrate/handover"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// summary is the first screen of an HTML report: the one of the report, with its charts.
type summary struct {
	*handover.Summary
	// Bars are the chart of levels; there are none where there is no namespace.
	Bars []bar
	// Blockers are the checks that the chart shows at once, MoreBlockers those that it opens to.
	Blockers, MoreBlockers []measured[handover.BlockerCount]
	Lost                   []measured[handover.LossCount]
}

// bar is one bar of the chart of levels: the namespaces at one time, as parts that fill its width.
type bar struct {
	Title, Text string
	Parts       []part
}

// part is the namespaces of one level in a bar of the chart of levels. Start and Width are shares of the bar as SVG writes
// them; Inside is whether the number fits into it on a narrow screen.
type part struct {
	Level, Name  string
	Count        int
	Start, Width string
	Inside       bool
}

// measured is one line of a chart: what it counts, and the share of the longest one that its bar takes, as SVG writes it.
type measured[T any] struct {
	Of    T
	Width string
}

// mostBlockers is how many checks the first screen of an HTML report shows at once.
const mostBlockers = 6

// recommendedText returns what the bar of the recommended levels of an HTML report shows.
func recommendedText(from *handover.Summary) string {
	if n := from.Refusing; n > 0 {
		return "what was asked for; it would refuse what runs today in " + english.Count(n, "namespace", "namespaces")
	}
	return "what can be enforced as things are"
}

// withPatchesText returns what the bar of the levels with patches of an HTML report shows.
func withPatchesText(from *handover.Summary) string {
	if from.Refusing > 0 {
		return "the same, once templates state what policies set today"
	}
	return "what can be enforced once templates state what policies set today"
}

// newSummary returns the first screen of an HTML report.
func newSummary(from *handover.Summary) summary {
	blockers := measure(from.Blockers, func(c handover.BlockerCount) int { return c.Namespaces })
	shown := min(len(blockers), mostBlockers)
	return summary{
		Summary: from, Bars: newBars(from), Blockers: blockers[:shown], MoreBlockers: blockers[shown:],
		Lost: measure(from.Lost, func(c handover.LossCount) int { return c.Constraints }),
	}
}

// newBars returns the chart of levels of the first screen; nil where no namespace is counted.
func newBars(from *handover.Summary) []bar {
	namespaces := 0
	for _, c := range from.Levels {
		namespaces += c.Today + c.Recommended + c.WithPatches
	}
	if namespaces == 0 {
		return nil
	}
	return []bar{
		newBar("Today", "by the labels that the namespaces have", from.Levels, func(c handover.LevelCount) int { return c.Today }),
		newBar("Recommended", recommendedText(from), from.Levels, func(c handover.LevelCount) int { return c.Recommended }),
		newBar("With patches", withPatchesText(from), from.Levels, func(c handover.LevelCount) int { return c.WithPatches }),
	}
}

// narrowest is how wide the chart of levels is on a phone, in pixels; a digit takes ten with what is around it.
const narrowest = 320

// newBar returns one bar of the chart of levels.
func newBar(title, text string, counts []handover.LevelCount, count func(handover.LevelCount) int) bar {
	b := bar{Title: title, Text: text}
	total := 0
	for _, c := range counts {
		total += count(c)
	}
	before := 0
	for _, c := range counts {
		n := count(c)
		if n == 0 && c.Level == "unknown" {
			continue
		}
		digits := len(english.Number(int64(n)))
		b.Parts = append(b.Parts, part{
			Level: c.Level, Name: levelName(c.Level), Count: n, Start: share(before, total), Width: share(n, total),
			Inside: n > 0 && n*narrowest >= total*(10*digits+8),
		})
		before += n
	}
	return b
}

// levelName returns how the chart of levels calls a level.
func levelName(level string) string {
	switch level {
	case "none":
		return "no level"
	case "unknown":
		return "not known"
	}
	return level
}

// measure returns the lines of a chart, each with its share of the longest.
func measure[T any](counts []T, count func(T) int) []measured[T] {
	longest := 0
	for _, c := range counts {
		longest = max(longest, count(c))
	}
	lines := make([]measured[T], len(counts))
	for i, c := range counts {
		lines[i] = measured[T]{c, share(count(c), longest)}
	}
	return lines
}

// share returns a part of a whole as a percentage that SVG takes as a length.
func share(n, of int) string {
	if of <= 0 {
		return "0%"
	}
	return strconv.FormatFloat(100*float64(n)/float64(of), 'f', 2, 64) + "%"
}
