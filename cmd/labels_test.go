package cmd

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLabelsFlags(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		args    []string
		env     map[string]string
		outputs []string
		err     string
	}{
		{name: "none", outputs: []string{"commands"}},
		{name: "the undo script is written first", args: []string{"--undo=u.sh"}, outputs: []string{"undo=u.sh", "commands"}},
		{name: "beside files", args: []string{"-o", "apply", "-o", "commands=c.sh", "--undo", "u.sh"}, outputs: []string{"undo=u.sh", "apply", "commands=c.sh"}},
		{name: "from the environment", env: map[string]string{"PSP2PSS_UNDO": "u.sh", "PSP2PSS_STAGE": "observe"}, outputs: []string{"undo=u.sh", "commands"}},
		{name: "from the environment, for when there are commands", args: []string{"-o", "terraform"}, env: map[string]string{"PSP2PSS_UNDO": "u.sh"}, outputs: []string{"terraform"}},
		{name: "stages", args: []string{"--stage=enforce", "-o", "kustomize"}, outputs: []string{"kustomize"}},
		{name: "no such stage", args: []string{"--stage=bypass"}, err: `invalid argument "bypass" for "--stage" flag: it is not one of observe, enforce`},
		{name: "nothing to undo", args: []string{"--undo=u.sh", "-o", "manifest"}, err: "--undo takes back what commands do: add -o commands"},
		{name: "no file", args: []string{"--undo="}, err: `invalid argument "" for "--undo" flag: it is empty, perhaps because a shell variable is not set: give it a value, or leave the flag out`},
		{name: "standard output", args: []string{"--undo=-"}, err: `--undo="-" names no file: give one, as in --undo=undo.sh`},
		{name: "one file twice", args: []string{"--undo=x", "-o", "commands=x"}, err: `--undo="x": the script cannot go to the file of another format`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			streams, _, _ := BufferStreams("")
			var outputs []string
			root := NewRootCommand(streams, world(test.env))
			for _, c := range root.Commands() {
				if c.Name() == "labels" {
					root.RemoveCommand(c)
				}
			}
			cmd := newLabels(streams, world(test.env), func(_ context.Context, o *planOptions) error {
				for _, out := range o.Outputs {
					outputs = append(outputs, strings.TrimSuffix(out.format.Name+"="+out.file, "="))
				}
				return nil
			})
			refuseEmptyFlags(cmd)
			root.AddCommand(cmd)
			root.SetArgs(append([]string{"labels"}, test.args...))
			err := root.ExecuteContext(context.Background())
			said := ""
			if err != nil {
				said = err.Error()
			}
			if said != test.err || test.err != "" && exitCode(err) != exitUsage {
				t.Fatalf("got %v (exit %d), want %q", err, exitCode(err), test.err)
			}
			if diff := cmp.Diff(test.outputs, outputs); diff != "" {
				t.Errorf("outputs (-want +got):\n%s", diff)
			}
		})
	}
}
