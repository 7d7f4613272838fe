package cmd

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
)

var manFolder = flag.String("man", "", "folder to write the man pages to")

// manPages renders one page for each command, from what the command reference is made of, by the name of the file.
func manPages(t *testing.T) (pages map[string][]byte, of map[string]*cobra.Command) {
	t.Helper()
	streams, _, _ := BufferStreams("")
	root := NewRootCommand(streams, world(nil))
	pages, of = map[string][]byte{}, map[string]*cobra.Command{}
	header := &doc.GenManHeader{Section: "1", Source: "psp2pss", Manual: "psp2pss"}
	var render func(cmd *cobra.Command)
	render = func(cmd *cobra.Command) {
		cmd.InitDefaultHelpFlag()
		cmd.Long = markdownOfHelp(cmd.Long)
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.DefValue == "0" { // which the help does not show
				f.DefValue = ""
			}
		})
		var b bytes.Buffer
		if err := doc.GenMan(cmd, header, &b); err != nil {
			t.Fatal(err)
		}
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1"
		pages[name], of[name] = b.Bytes(), cmd
		header = &doc.GenManHeader{Section: "1", Source: "psp2pss", Manual: "psp2pss"} // GenMan puts the title into it
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				render(sub)
			}
		}
	}
	render(root)
	return pages, of
}

// markdownOfHelp turns help text into the Markdown that man pages are made of: what is indented stays as it is, and no character of
// the rest is markup.
func markdownOfHelp(text string) string {
	var b strings.Builder
	literal := false
	for line := range strings.Lines(text) {
		if indented := strings.HasPrefix(line, "  "); indented != literal {
			b.WriteString("```\n")
			literal = indented
		}
		if !literal {
			line = regexp.MustCompile("[*_<>`\\[\\]#]").ReplaceAllString(line, `\$0`)
		}
		b.WriteString(line)
	}
	if literal {
		b.WriteString("```\n")
	}
	return b.String()
}

// Every command has a man page with each of its flags, and what formats pages has nothing to complain of.
func TestManPages(t *testing.T) {
	t.Parallel()
	pages, of := manPages(t)
	dir := *manFolder
	if dir == "" {
		dir = t.TempDir()
	} else if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	for name, page := range pages {
		text := strings.ReplaceAll(string(page), `\-`, "-")
		of[name].Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && !strings.Contains(text, "--"+f.Name) {
				t.Errorf("%s has no --%s", name, f.Name)
			}
		})
		if err := os.WriteFile(filepath.Join(dir, name), page, 0o600); err != nil {
			t.Fatal(err)
		}
		for program, args := range map[string][]string{"mandoc": {"-Tlint", "-Wwarning"}, "groff": {"-man", "-Tascii", "-ww", "-z"}} {
			if _, err := exec.LookPath(program); err != nil {
				continue
			}
			if out, err := exec.CommandContext(t.Context(), program, append(args, filepath.Join(dir, name))...).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%s %s: %v\n%s", program, name, err, out)
			}
		}
	}
	for path := range commands(t) {
		if name := "psp2pss-" + strings.ReplaceAll(path, " ", "-") + ".1"; pages[name] == nil && pages[path+".1"] == nil {
			t.Errorf("there is no page %s", name)
		}
	}
}
