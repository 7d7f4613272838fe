package cmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"gopkg.in/yaml.v3"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/patch"
	"github.com/psp2pss/psp2pss/pspparse/yamlnode"
)

// readSavedPlan reads a saved Plan from a file or standard input, as 'plan -o json' or 'plan -o yaml' wrote it.
func readSavedPlan(name string, stdin io.Reader) (*migrate.Plan, error) {
	data, err := readFileOrStdin(name, stdin)
	if err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	if data = bytes.TrimSpace(data); len(data) == 0 {
		return nil, fmt.Errorf("reading the plan %q: it is empty; save one with \"psp2pss plan -o json=plan.json\"", name)
	}
	if data[0] != '{' {
		if data, err = yamlToJSON(data); err != nil {
			return nil, fmt.Errorf("reading the plan %q: %w", name, err)
		}
	}
	plan, err := migrate.ReadPlan(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("reading the plan %q: %w", name, err)
	}
	if err := patch.CheckPlan(plan); err != nil {
		return nil, fmt.Errorf("reading the plan %q: %w; correct it, or save the plan again", name, err)
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

// yamlToJSON converts a saved Plan from YAML to JSON, for the flag --plan. It returns an error for what is not one
// document, and for one whose aliases make too much of it.
func yamlToJSON(data []byte) ([]byte, error) {
	var node yaml.Node
	if err := yaml.Unmarshal(data, &node); err != nil {
		return nil, fmt.Errorf("decoding YAML: %w", err)
	}
	if err := yamlnode.CheckExpansion(&node); err != nil {
		return nil, fmt.Errorf("%w; or save the plan again", err)
	}
	var doc any
	if err := node.Decode(&doc); err != nil {
		return nil, fmt.Errorf("decoding YAML: %w", err)
	}
	if _, is := doc.(map[string]any); !is {
		return nil, errors.New(`it is neither a JSON object nor a YAML mapping; save a plan with "psp2pss plan -o json=plan.json"`)
	}
	return json.Marshal(doc)
}
