package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/migrate/since"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
	"github.com/psp2pss/psp2pss/pspparse/files"
)

// sinceFlag is the name of the flag of "psp2pss check" for an earlier result.
const sinceFlag = "since"

// maxSinceSize is how many bytes an earlier result or plan may have: that of 100,000 findings is smaller.
const maxSinceSize = 256 << 20

// earlier is what "psp2pss check" compares its result with: a saved result or a saved plan.
type earlier struct {
	name   string
	result *finding.Result
	plan   *migrate.Plan
}

// completeSince sets what "psp2pss check" fails on where --since is given and --fail-on is not, and refuses --fail-on=new without it.
func (o *checkOptions) completeSince(failOnGiven bool) error {
	switch {
	case o.Since != "" && !failOnGiven:
		o.FailOn = []string{failOnNew}
	case o.Since == "" && slices.Contains(o.FailOn, failOnNew):
		return usagef("--fail-on=%s needs an earlier result to compare with: add --%s", failOnNew, sinceFlag)
	}
	return nil
}

// readSince reads the earlier result or plan that "psp2pss check" is given; nil if it is given none.
func (o *checkOptions) readSince(ctx context.Context) (*earlier, error) {
	if o.Since == "" {
		return nil, nil
	}
	e, err := callUntilCancelled(ctx, "reading the earlier result", func() (*earlier, error) {
		data, err := readUpTo(o.Since, o.Source.Stdin, maxSinceSize)
		if err != nil {
			return nil, fileerror.Explain(o.Since, err)
		}
		if len(data) > maxSinceSize {
			return nil, fmt.Errorf("it has more than %d MiB, which no result of check has", maxSinceSize>>20)
		}
		return parseSince(data)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the earlier result %q: %w", o.Since, err)
	}
	e.name = o.Since
	return e, nil
}

// planInYAML matches a saved plan in YAML.
var planInYAML = regexp.MustCompile(`(?m)^kind: Plan\s*$`)

// parseSince reads a saved result of "psp2pss check" or a saved plan.
func parseSince(data []byte) (*earlier, error) {
	data = bytes.TrimSpace(data)
	if what := files.NotText(data); what != "" {
		return nil, fmt.Errorf("%s", what)
	}
	var header struct{ Kind string }
	_ = json.Unmarshal(data, &header) // what is no JSON has no kind
	if header.Kind == migrate.Kind || len(data) > 0 && data[0] != '{' && planInYAML.Match(data) {
		plan, err := parseSavedPlan(data)
		if err == nil && plan.Source.Redacted {
			err = errRedacted
		}
		return &earlier{plan: plan}, err
	}
	result, err := finding.ReadResult(data)
	return &earlier{result: result}, err
}

// compare marks in a result what is new since the earlier one. It does nothing where there is none.
func (e *earlier) compare(r *finding.Result) {
	switch {
	case e == nil:
	case e.plan != nil:
		since.ComparePlan(r, e.plan, e.name)
	default:
		since.Compare(r, e.result, e.name)
	}
}
