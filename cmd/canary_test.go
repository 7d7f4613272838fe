package cmd

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"k8s.io/client-go/dynamic"

	"github.com/psp2pss/psp2pss/migrate/script"
)

// canary is in every credential that the tests below give.
const canary = "canary"

// credentials are ways to give credentials, as arguments and variables, with what the server must get in its header.
func credentials(server string) []struct {
	name   string
	args   []string
	env    map[string]string
	header string
} {
	return []struct {
		name   string
		args   []string
		env    map[string]string
		header string
	}{
		{"--token", []string{"--server=" + server, "--token=canary-of-the-flag"}, nil, "Bearer canary-of-the-flag"},
		{"PSP2PSS_TOKEN", []string{"--cluster=ok"}, map[string]string{"PSP2PSS_TOKEN": "canary-of-the-variable"}, "Bearer canary-of-the-variable"},
		{"the kubeconfig", []string{"--cluster=ok", "--user=other"}, nil, "Bearer canary-of-other"},
		{"the address", []string{"--cluster=secret"}, nil, "Basic " + base64.StdEncoding.EncodeToString([]byte("canary-user:canary-password"))},
	}
}

// birdcage is a server with credentials to lose, and the folder of all that a command writes.
type birdcage struct {
	t               *testing.T
	dir, kubeconfig string
	server          *httptest.Server
	mu              sync.Mutex
	headers         map[string]bool
}

// newBirdcage starts a server that answers by a handler, which gets what else there is to do with a request.
func newBirdcage(t *testing.T, handler func(saw func(*http.Request)) http.Handler) *birdcage {
	t.Helper()
	b := &birdcage{t: t, dir: t.TempDir(), headers: map[string]bool{}}
	b.server = httptest.NewTLSServer(handler(func(r *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.headers[r.Header.Get("Authorization")] = true
	}))
	t.Cleanup(b.server.Close)
	ca := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.server.Certificate().Raw}))
	secret := strings.Replace(b.server.URL, "https://", "https://canary-user:canary-password@", 1)
	b.kubeconfig = filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf(`{"apiVersion": "v1", "kind": "Config", "current-context": "c", "clusters": [
			{"name": "nowhere", "cluster": {"server": "https://127.0.0.1:1", "certificate-authority-data": %[1]q}},
			{"name": "ok", "cluster": {"server": %[2]q, "certificate-authority-data": %[1]q}},
			{"name": "secret", "cluster": {"server": %[3]q, "certificate-authority-data": %[1]q}}],
		"users": [{"name": "u", "user": {"token": "canary-of-u"}}, {"name": "other", "user": {"token": "canary-of-other"}}],
		"contexts": [{"name": "c", "context": {"cluster": "nowhere", "user": "u"}}]}`, ca, b.server.URL, secret)
	if err := os.WriteFile(b.kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

// run runs a command line, at the highest verbosity, and fails where a credential is in anything that is written.
func (b *birdcage) run(env map[string]string, args ...string) (code int, errOut string) {
	b.t.Helper()
	deps := SystemDeps("psp2pss")
	deps.LookupEnv = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	var out, said bytes.Buffer
	args = append(args, "--kubeconfig="+b.kubeconfig, "-v=10")
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "DIR", b.dir)
	}
	code = Run(b.t.Context(), Streams{In: strings.NewReader(""), Out: &out, ErrOut: &said}, deps, args)
	b.check(fmt.Sprintf("%q, standard output", args), out.String())
	b.check(fmt.Sprintf("%q, standard error", args), said.String())
	if err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		b.check(fmt.Sprintf("%q, file %s", args, path), string(data))
		return err
	}); err != nil {
		b.t.Fatal(err)
	}
	return code, said.String()
}

// check fails where a credential is in a text.
func (b *birdcage) check(what, text string) {
	b.t.Helper()
	for line := range strings.Lines(text) {
		if strings.Contains(strings.ToLower(line), canary) || strings.Contains(line, "Y2FuYXJ5") {
			b.t.Errorf("%s: %s", what, line)
		}
	}
}

// Credentials go to the server and nowhere else, whatever the command, its formats and its way to give them.
func TestCredentialsAreNotShown(t *testing.T) {
	t.Parallel()
	connects := map[string]*cobra.Command{}
	forEachCommand(t, func(path string, c *cobra.Command) {
		if c.Flags().Lookup(tokenFlag) != nil {
			connects[path] = c
		}
	})
	for way := range credentials("") {
		b := newBirdcage(t, func(saw func(*http.Request)) http.Handler { return apiServer(t, "/", saw) })
		given := credentials(b.server.URL)[way]
		t.Run(given.name, func(t *testing.T) {
			t.Parallel()
			b.t = t
			for path, c := range connects {
				args := slices.Concat(strings.Fields(path), servedObjects.name(screenOf(path)))
				for _, name := range formats(c, world(nil), path, args[len(strings.Fields(path)):]) {
					line := inFormat(t, slices.Concat(args, given.args), name)
					if code, errOut := b.run(given.env, line...); code == exitUsage && !strings.HasPrefix(path, "explain") || path == "plan" && !strings.Contains(errOut, "GET "+b.server.URL+"/version 200 OK in ") {
						t.Errorf("%q: exit code %d, %s", line, code, errOut)
					}
				}
			}
			if want := map[string]bool{given.header: true}; len(b.headers) != 1 || !b.headers[given.header] {
				t.Errorf("the server got the headers %v, want %v", b.headers, want)
			}
		})
	}
}

// Nor are they shown where the server refuses them, sends somebody elsewhere, or is not there.
func TestCredentialsAreNotShownInErrors(t *testing.T) {
	t.Parallel()
	handlers := map[string]http.HandlerFunc{
		"refuses": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprintf(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Unauthorized", "code": 401}`)
		},
		"redirects": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://canary:canary@127.0.0.1:1/?token=canary", http.StatusFound)
		},
	}
	for name, answer := range handlers {
		b := newBirdcage(t, func(func(*http.Request)) http.Handler { return answer })
		for _, given := range credentials(b.server.URL) {
			for path, c := range commands(t) {
				if c.Flags().Lookup(tokenFlag) == nil {
					continue
				}
				if code, errOut := b.run(given.env, slices.Concat(strings.Fields(path), servedObjects.name(screenOf(path)), given.args)...); code == exitDone || errOut == "" {
					t.Errorf("%s: %s was run with %s: exit code %d, %s", name, path, given.name, code, errOut)
				}
			}
		}
	}
	b := newBirdcage(t, func(func(*http.Request)) http.Handler { return http.NotFoundHandler() })
	for _, args := range [][]string{
		{"--server=https://127.0.0.1:1", "--token=canary"},
		{"--server=https://canary:canary@127.0.0.1:1"},
		{"--server=https://canary:ca%nary@a", "--token=canary"},
		{"--server=http://127.0.0.1:1", "--token=canary"},
		{"--token=canary canary"},
		{"--token=canary\n"},
		{"-token=canary"},
		{"--demo", "--token=canary"},
		{"-f", "x", "--token=canary"},
		{"--server=127.0.0.1:1", "--token=canary", "--user=nosuch"},
	} {
		if code, errOut := b.run(nil, append([]string{"plan"}, args...)...); code == exitDone || errOut == "" {
			t.Errorf("%q: exit code %d, %s", args, code, errOut)
		}
	}
}

// What is made of a plan that was read with a token names the variable that holds one, and the connection.
func TestScriptsNameTheTokenVariable(t *testing.T) {
	t.Parallel()
	if got := environmentVariable(tokenFlag); got != script.TokenVariable {
		t.Errorf("scripts take the token from %s, and this tool from %s", script.TokenVariable, got)
	}
	b := newBirdcage(t, func(saw func(*http.Request)) http.Handler { return apiServer(t, "/", saw) })
	connection := []string{"--cluster=ok", "--user=other", "--server=" + b.server.URL, "--token=canary", "--as=jane"}
	if code, errOut := b.run(nil, append([]string{"plan", "-o", "json=DIR/plan.json"}, connection...)...); code != exitDone {
		t.Fatalf("exit code %d, %s", code, errOut)
	}
	want := fmt.Sprintf(` --kubeconfig=%s --context=c --cluster=ok --user=other --server=%s --as=jane --token="${PSP2PSS_TOKEN:?}" `, b.kubeconfig, b.server.URL)
	for _, args := range [][]string{{"labels"}, {"labels", "-o", "manifest"}, {"labels", "-o", "apply"}, {"patch", "--raise", "-o", "commands"}, {"gate", "-o", "json"}, {"gate", "-o", "commands"}} {
		streams, out, errOut := BufferStreams("")
		code := Run(t.Context(), streams, world(nil), append(args, "--plan="+filepath.Join(b.dir, "plan.json")))
		if text := strings.ReplaceAll(out.String(), `\"`, `"`); code == exitUsage || code == exitFailed || !strings.Contains(text, want) {
			t.Errorf("%q: exit code %d, %s\nwant %s\n%s", args, code, errOut, want, text)
		}
	}
}

// A journal has what is needed to come back to its cluster, but for a token and, since credentials would be sent there, the
// address of a server.
func TestJournalKeepsTheConnection(t *testing.T) {
	t.Parallel()
	const token, noToken, server = "PSP2PSS_TOKEN", "", "--server=https://a"
	tests := []struct {
		name        string
		began, back []string
		env         string // the variable that holds a token on the way back
		// want is how the way back comes; "" if it is refused, with refusal.
		want    SourceOptions
		refusal string
	}{
		{name: "nothing but the kubeconfig", want: SourceOptions{Context: "prod"}},
		{name: "entries of the kubeconfig", began: []string{"--context=x", "--cluster=c", "--user=u"}, want: SourceOptions{Context: "x", Cluster: "c", User: "u"}},
		{name: "another user on the way back", began: []string{"--cluster=c", "--user=u"}, back: []string{"--user=v"}, want: SourceOptions{Cluster: "c", User: "v"}},
		{name: "another cluster on the way back", began: []string{"--cluster=c", "--user=u"}, back: []string{"--context=d"}, want: SourceOptions{Context: "d"}},
		{
			name: "a server", began: []string{server}, env: noToken,
			refusal: `the roll-out of "JOURNAL" was begun with --server=https://a: give --server again, since no credentials are sent to an address that only a file names`,
		},
		{name: "a server, given again", began: []string{server, "--token=canary"}, back: []string{server}, env: token, want: SourceOptions{Server: "https://a", Token: canary}},
		{
			name: "a token", began: []string{"--token=canary"},
			refusal: `the roll-out of "JOURNAL" was begun with a token: put one into the environment as PSP2PSS_TOKEN, or name a user with --user`,
		},
		{name: "a token, given again", began: []string{"--token=canary"}, env: token, want: SourceOptions{Token: canary}},
		{name: "a token, and a user instead", began: []string{"--token=canary"}, back: []string{"--user=u"}, want: SourceOptions{User: "u"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t)
			code, out, errOut := g.run(t.Context(), nil, g.both(append([]string{"--yes"}, tt.began...)...)...)
			journal, err := os.ReadFile(g.journal())
			if text := out + errOut + string(journal); err != nil || code != exitDone || strings.Contains(text, canary) {
				t.Fatalf("exit code %d, %v: %s", code, err, text)
			}
			for _, args := range [][]string{{"rollout", "--resume", "--yes"}, {"verify", "--allow-partial"}, {"rollback", "--yes"}} {
				var came *SourceOptions
				g.deps.Connect = func(o SourceOptions) (dynamic.Interface, string, error) {
					came = &SourceOptions{Context: o.Context, Cluster: o.Cluster, User: o.User, Server: o.Server, Token: o.Token}
					return g.client, "prod", nil
				}
				g.deps.LookupEnv = func(name string) (string, bool) { return canary, name == tt.env }
				code, out, errOut := g.run(t.Context(), nil, slices.Concat(args, []string{"--journal", g.journal()}, tt.back)...)
				if tt.refusal != "" {
					want := "psp2pss: " + strings.Replace(tt.refusal, "JOURNAL", g.journal(), 1) + "\nTry 'psp2pss " + args[0] + " --help'.\n"
					if code != exitUsage || came != nil || errOut != want {
						t.Errorf("%q: exit code %d (-want +got):\n%s", args, code, cmp.Diff(want, errOut))
					}
					continue
				}
				if code == exitUsage || code == exitFailed || strings.Contains(out+errOut, canary) {
					t.Errorf("%q: exit code %d, %s%s", args, code, out, errOut)
				}
				if diff := cmp.Diff(&tt.want, came); diff != "" {
					t.Errorf("%q (-want +got):\n%s", args, diff)
				}
			}
		})
	}
}
