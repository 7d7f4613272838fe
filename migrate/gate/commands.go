package gate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/wording"
)

// Commands writes a script for sh that clears the reasons in order, as far as may be gone on without somebody's word: what
// waits for an assertion that was not made is a comment, and so is what holds characters that do not show.
func Commands(w io.Writer, r *Result) error {
	if _, ok := wording.Kubectl(r.Source); !ok {
		return fmt.Errorf("writing commands: the context name %s holds characters that do not show", strconv.QuoteToASCII(r.Source.Name))
	}
	var b bytes.Buffer
	comment := func(format string, args ...any) {
		b.WriteString("# " + escape.Comment(fmt.Sprintf(format, args...)) + "\n")
	}
	b.WriteString("#!/bin/sh\n")
	comment("%s", r.Summary())
	comment("Review every line before you run it, and ask the gate again after it.")
	b.WriteString("set -eu\n")
	for _, s := range r.steps() {
		b.WriteString("\n")
		if s.unknown != nil {
			comment("could not tell %s: %s", s.unknown.ID, s.unknown.Why)
			for _, text := range []string{s.unknown.How, strings.Join(s.unknown.Clear, "; ")} {
				if text != "" {
					comment("  %s", text)
				}
			}
			if s.unknown.Assert != "" {
				comment("  once you know: --assert=%s", s.unknown.Assert)
			}
			continue
		}
		comment("%s: %s", s.reason.ID, s.reason.What)
		if s.reason.How != "" {
			comment("  %s", s.reason.How)
		}
		waits := s.reason.After != "" && !slices.Contains(r.Asserted, string(s.reason.After))
		if waits {
			comment("  not before %s is known to hold, and asserted:", s.reason.After)
		}
		for _, c := range s.reason.Clear {
			if waits || escape.Terminal(c) != c {
				comment("  %s", c)
			} else {
				b.WriteString(c + "\n")
			}
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

func marshal(r *Result) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return nil, fmt.Errorf("writing the answer as JSON: %w", err)
	}
	return b.Bytes(), nil
}
