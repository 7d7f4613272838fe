package cmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// readSavedPlan reads a saved Plan from a file or standard input, as 'plan -o json' or 'plan -o yaml' wrote it.
func readSavedPlan(name string, stdin io.Reader) (*migrate.Plan, error) {
	if err := checkPlanExists(name); err != nil {
		return nil, err
	}
	data, err := readFileOrStdin(name, stdin)
	if err != nil {
		return nil, fmt.Errorf("reading the plan %q: %w", name, fileerror.Explain(name, err))
	}
	plan, err := parseSavedPlan(data)
	if err != nil {
		return nil, fmt.Errorf("reading the plan %q: %w", name, err)
	}
	return plan, nil
}

// parseSavedPlan reads a saved Plan from its text, JSON or YAML.
func parseSavedPlan(data []byte) (*migrate.Plan, error) {
	if data = bytes.TrimSpace(data); len(data) == 0 {
		return nil, errors.New("it is empty; " + howToSavePlan)
	}
	if what := files.NotText(data); what != "" {
		return nil, errors.New(what)
	}
	if data[0] != '{' {
		var err error
		if data, err = yamlToJSON(data); err != nil {
			return nil, err
		}
	}
	plan, err := migrate.ParsePlan(data)
	if err != nil {
		return nil, err
	}
	if err := patch.CheckPlan(plan); err != nil {
		return nil, fmt.Errorf("%w; correct it, or save the plan again", err)
	}
	return plan, nil
}

// readFileOrStdin reads a whole file that the command line names, or standard input where the name is "-".
func readFileOrStdin(name string, stdin io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(name) //nolint:gosec // G304: reading the file that the user names is the point
}

// howToSavePlan is the end of an error about what should be a saved Plan.
const howToSavePlan = `save one with "psp2pss plan -o json=plan.json"`

// yamlErrorLine matches the line in an error of the YAML parser.
var yamlErrorLine = regexp.MustCompile(`line [0-9]+`)

// notYAMLError returns the error of a saved Plan that is no YAML, as far as the parser says where.
func notYAMLError(err error) error {
	line := yamlErrorLine.FindString(err.Error())
	switch {
	case strings.Contains(err.Error(), "unexpected end of stream"):
		return errors.New("the file ends early; " + howToSavePlan)
	case line != "":
		return fmt.Errorf("it is neither JSON nor YAML from %s on; %s", line, howToSavePlan)
	}
	return errors.New("it is neither JSON nor YAML; " + howToSavePlan)
}

// yamlToJSON converts a saved Plan from YAML to JSON, for the flag --plan. It returns an error for what is not one
// document, and for one whose aliases make too much of it.
func yamlToJSON(data []byte) ([]byte, error) {
	var node yaml.Node
	if err := yaml.Unmarshal(data, &node); err != nil {
		return nil, notYAMLError(err)
	}
	if err := yamlnode.CheckExpansion(&node); err != nil {
		return nil, fmt.Errorf("%w; or save the plan again", err)
	}
	var doc any
	if err := node.Decode(&doc); err != nil {
		return nil, notYAMLError(err)
	}
	if _, is := doc.(map[string]any); !is {
		return nil, errors.New("it is not a plan; " + howToSavePlan)
	}
	return json.Marshal(doc)
}
