package cmd

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/psp2pss/psp2pss/migrate/report"
)

// helpWidth is the number of columns that the help of a command keeps to; on a narrower terminal it keeps to that.
const helpWidth = 80

// commandGroups are the parts of a migration in their order, with the commands of each, as the help of the root command
// shows them. A command in none of them is among the others.
func commandGroups() []struct {
	title    string
	commands []string
} {
	return []struct {
		title    string
		commands []string
	}{
		{"Look: what is there, and which level fits (nothing is changed)", []string{"plan", "simulate"}},
		{"Understand: why, down to the field, and hand it over", []string{"explain", "report"}},
		{"Change: workloads first, then labels, each with a way back", []string{"patch", "fix", "labels", "rollout", "verify", "rollback"}},
		{"Keep: what is deployed meets the level, and what no level says stays", []string{"check", "generate"}},
		{"Upgrade: past the last version that has PodSecurityPolicy", []string{"gate", "clean-helm"}},
	}
}

// useHelp has the root command, and all below it, print help within helpWidth and the width of a terminal; 0 is for no
// terminal. Cobra's own would not fold it, and its templates would keep the linker from leaving out what nobody calls: a
// fifth of the binary.
func useHelp(root *cobra.Command, terminal int) {
	width := helpWidth
	if terminal > 0 {
		width = min(width, terminal)
	}
	root.SetUsageFunc(func(c *cobra.Command) error { return printUsage(c.OutOrStderr(), c, "", width) })
	root.SetHelpFunc(func(c *cobra.Command, _ []string) {
		about := strings.TrimSpace(c.Long)
		if about == "" {
			about = c.Short
		}
		rest := ""
		if !c.HasParent() { // the commands come before what holds for all of them
			about, rest, _ = strings.Cut(about, "\n\n")
		}
		_, _ = fmt.Fprintf(c.OutOrStdout(), "%s\n\n", foldHelp(about, width))
		_ = printUsage(c.OutOrStdout(), c, rest, width)
	})
}

// printUsage writes what --help of a command shows below the first part of the description; rest is the other part.
func printUsage(w io.Writer, c *cobra.Command, rest string, width int) error {
	var b strings.Builder
	b.WriteString("Usage:\n")
	if c.Runnable() {
		writeHanging(&b, "  ", c.UseLine(), width)
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s [command]\n", c.CommandPath())
	}
	if len(c.Aliases) > 0 {
		b.WriteString("\nAliases:\n")
		writeHanging(&b, "  ", c.NameAndAliases(), width)
	}
	if c.HasParent() {
		writeExamples(&b, c, width)
		writeCommands(&b, "Commands:", c.Commands(), width)
	} else {
		writeGroups(&b, c, width)
		writeExamples(&b, c, width)
	}
	if rest != "" {
		fmt.Fprintf(&b, "\n%s\n", foldHelp(rest, width))
	}
	if c.HasAvailableLocalFlags() {
		b.WriteString("\nFlags:\n")
		writeFlags(&b, c.LocalFlags().FlagUsages(), width)
	}
	if c.HasAvailableInheritedFlags() {
		b.WriteString("\nFlags of every command:\n")
		writeFlags(&b, c.InheritedFlags().FlagUsages(), width)
	}
	if c.HasAvailableSubCommands() {
		b.WriteString("\n")
		writeHanging(&b, "", fmt.Sprintf("'%s [command] --help' shows more about a command.", c.CommandPath()), width)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeExamples writes the examples in the help of a command. They are whole, since they are copied.
func writeExamples(b *strings.Builder, c *cobra.Command, width int) {
	if !c.HasExample() {
		return
	}
	b.WriteString("\nExamples:\n")
	for line := range strings.SplitSeq(c.Example, "\n") {
		if comment, ok := strings.CutPrefix(line, "  # "); ok {
			for _, part := range report.Fold(comment, width-len("  # ")) {
				b.WriteString("  # " + part + "\n")
			}
			continue
		}
		b.WriteString(line + "\n")
	}
}

// writeGroups writes the commands of the root command into its help, by the part of a migration that they are for.
func writeGroups(b *strings.Builder, root *cobra.Command, width int) {
	others := root.Commands()
	for _, group := range commandGroups() {
		var commands []*cobra.Command
		for _, name := range group.commands {
			for i, c := range others {
				if c.Name() == name {
					commands, others = append(commands, c), slices.Delete(slices.Clone(others), i, i+1)
					break
				}
			}
		}
		writeCommands(b, group.title, commands, width)
	}
	writeCommands(b, "Others:", others, width)
}

// writeCommands writes the names of commands into the help of the one above them, each with its first line.
func writeCommands(b *strings.Builder, title string, commands []*cobra.Command, width int) {
	commands = slices.DeleteFunc(slices.Clone(commands), func(c *cobra.Command) bool { return !c.IsAvailableCommand() })
	if len(commands) == 0 {
		return
	}
	b.WriteString("\n")
	writeHanging(b, "", title, width)
	for _, c := range commands {
		writeHanging(b, fmt.Sprintf("  %-*s ", c.NamePadding(), c.Name()), c.Short, width)
	}
}

// writeHanging writes a line of the help of a command behind a lead, and what has no room in it below its text.
func writeHanging(b *strings.Builder, lead, text string, width int) {
	indent := strings.Repeat(" ", len(lead))
	b.WriteString(lead + strings.Join(report.Fold(text, width-len(lead)), "\n"+indent) + "\n")
}

// helpFlag matches what pflag writes about a flag: its names and the type of its value, and what it is for.
var helpFlag = regexp.MustCompile(`^(\s+(?:-\S, )?--\S+(?: \S+)?\s{2,})(\S.*)$`)

// writeFlags writes the flags of a command into its help, from a line for each. Where a terminal has little room beside
// the names, what they are for stands below them.
func writeFlags(b *strings.Builder, usages string, width int) {
	const least, below = 24, "        "
	for line := range strings.Lines(usages) {
		line = strings.TrimSuffix(line, "\n")
		flag := helpFlag.FindStringSubmatch(line)
		switch {
		case flag == nil:
			b.WriteString(line + "\n")
		case width-len(flag[1]) < least:
			writeHanging(b, "", strings.TrimRight(flag[1], " "), width)
			writeHanging(b, below, flag[2], width)
		default:
			writeHanging(b, flag[1], flag[2], width)
		}
	}
}

// helpEntry matches a line of a description that begins with a word and its explanation, in two columns.
var helpEntry = regexp.MustCompile(`^( +\S.*?  +)(\S.*)$`)

// foldHelp returns the description of a command in lines of at most width columns. Lines without an indentation make
// paragraphs, which end at an empty line; an indented line goes on in indented lines below it, under its second column
// where it has two.
func foldHelp(text string, width int) string {
	var b strings.Builder
	var lead, entry string
	end := func() {
		if lead+entry != "" {
			writeHanging(&b, lead, entry, width)
		}
		lead, entry = "", ""
	}
	for line := range strings.SplitSeq(text, "\n") {
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		goesOn := entry != "" && len(indent) == len(lead)
		if two := helpEntry.FindStringSubmatch(line); two != nil && len(indent) != len(lead) {
			end()
			lead, entry = two[1], two[2]
			continue
		}
		switch {
		case line == "":
			end()
			b.WriteString("\n")
		case goesOn && (indent == "" || strings.TrimSpace(lead) != ""):
			entry += " " + line[len(indent):]
		default:
			end()
			lead, entry = indent, line[len(indent):]
		}
	}
	end()
	return strings.TrimSuffix(b.String(), "\n")
}
