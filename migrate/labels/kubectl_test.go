package labels_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/pod-security-admission/admission"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const stateFile = "KUBECTL_STATE"

// TestMain lets this very program be the kubectl of a script: scripts run against the namespaces in a file.
func TestMain(m *testing.M) {
	if file := os.Getenv(stateFile); file != "" {
		if err := kubectl(file, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// state is what a kubectl finds: the labels of namespaces, by name.
type state struct {
	// UID is that of the namespace kube-system; "" is refused.
	UID string
	// Calls are counted; the one with the number FailAt fails.
	Calls, FailAt int
	Namespaces    map[string]map[string]string

	server *admission.Admission
}

func kubectl(file string, args []string) error {
	var s state
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	s.Calls++
	if s.Calls == s.FailAt {
		err = errors.New("the connection was refused")
	} else {
		err = s.run(args)
	}
	if data, e := json.Marshal(s); e != nil || os.WriteFile(file, data, 0o600) != nil {
		return errors.Join(err, errors.New("the state was not saved"))
	}
	return err
}

// run knows of kubectl what the scripts ask: label and get, by name or by selectors.
func (s *state) run(args []string) error {
	if slices.Equal(args, strings.Fields("get namespace kube-system --output=jsonpath={.metadata.uid}")) {
		if s.UID == "" {
			return errors.New("namespaces \"kube-system\" is forbidden")
		}
		_, err := fmt.Print(s.UID)
		return err
	}
	verb, args := args[0], args[1:]
	overwrite, byName, selector := false, "", labels.Everything()
	var words []string
	for _, arg := range args {
		var err error
		switch flag, value, _ := strings.Cut(arg, "="); flag {
		case "--overwrite":
			overwrite = true
		case "--output":
		case "--field-selector":
			byName = strings.TrimPrefix(value, "metadata.name=")
		case "--selector":
			selector, err = labels.Parse(value)
		default:
			words = append(words, arg)
		}
		if err != nil {
			return err
		}
	}
	if len(words) == 0 || words[0] != "namespace" || strings.HasPrefix(strings.Join(words, ""), "-") {
		return fmt.Errorf("not understood: %q", args)
	}
	words, named := words[1:], byName == ""
	if named {
		byName, words = words[0], words[1:]
	}
	found, there := s.Namespaces[byName]
	switch {
	case named && !there:
		return fmt.Errorf("namespaces %q not found", byName)
	case !there || !selector.Matches(labels.Set(found)):
		return nil
	case verb == "get":
		_, err := fmt.Println("namespace/" + byName)
		return err
	case verb == "label":
		return s.label(found, words, overwrite)
	}
	return fmt.Errorf("not understood: %q", verb)
}

// label refuses what is there without overwrite, even the very value, as kubectl v1.24 does, and what Pod Security
// admission refuses.
func (s *state) label(set map[string]string, words []string, overwrite bool) error {
	for _, word := range words {
		key, _, isSet := strings.Cut(word, "=")
		if _, there := set[key]; isSet && there && !overwrite {
			return fmt.Errorf("%q is there", key)
		}
	}
	will := maps.Clone(set)
	for _, word := range words {
		if key, value, isSet := strings.Cut(word, "="); isSet {
			will[key] = value
		} else {
			delete(will, strings.TrimSuffix(word, "-"))
		}
	}
	if s.server == nil {
		var err error
		if s.server, err = newServer(); err != nil {
			return err
		}
	}
	if err := admit(s.server, set, will); err != nil {
		return err
	}
	clear(set)
	maps.Copy(set, will)
	return nil
}

// cluster runs scripts with a kubectl of its own.
type cluster struct {
	t     *testing.T
	shell []string
	dir   string
}

// shells are the POSIX shells that are here.
func shells(t *testing.T) [][]string {
	t.Helper()
	var out [][]string
	for _, shell := range [][]string{{"sh"}, {"dash"}, {"bash", "--posix"}, {"busybox", "sh"}} {
		path, err := exec.LookPath(shell[0])
		if err == nil {
			out = append(out, append([]string{path}, shell[1:]...))
		}
	}
	if len(out) == 0 {
		t.Skip("there is no sh here")
	}
	return out
}

func newCluster(t *testing.T, shell []string, namespaces map[string]map[string]string) *cluster {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t, shell, t.TempDir()}
	if err := os.Symlink(self, filepath.Join(c.dir, "kubectl")); err != nil {
		t.Skipf("no links here: %v", err)
	}
	c.put(namespaces)
	return c
}

func (c *cluster) file() string { return filepath.Join(c.dir, "state.json") }

// put makes the namespaces what they are in the cluster that plans here are of.
func (c *cluster) put(namespaces map[string]map[string]string) {
	c.t.Helper()
	c.save(state{UID: planned().UID, Namespaces: namespaces})
}

// planned is that cluster.
func planned() inventory.Source {
	return inventory.Source{Kind: inventory.SourceCluster, UID: "8c1d0ad7-5a4f-4b0e-9d3c-000000000001"}
}

func (c *cluster) save(s state) {
	c.t.Helper()
	data, err := json.Marshal(s)
	if err == nil {
		err = os.WriteFile(c.file(), data, 0o600)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) state() state {
	c.t.Helper()
	var s state
	data, err := os.ReadFile(c.file())
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

// run is the exit code of a script, and what it said on standard error. With cut, that call of kubectl fails.
func (c *cluster) run(script []byte, cut int, env ...string) (code int, said string) {
	c.t.Helper()
	s := c.state()
	s.Calls, s.FailAt = 0, cut
	c.save(s)
	cmd := exec.CommandContext(context.Background(), c.shell[0], c.shell[1:]...)
	cmd.Stdin = bytes.NewReader(script)
	// A program under the race detector waits a second before it ends, unless told not to.
	cmd.Env = []string{"PATH=" + c.dir, stateFile + "=" + c.file(), "GORACE=atexit_sleep_ms=0"}
	cmd.Env = append(cmd.Env, env...)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), errOut.String()
}
