//go:build !race

// The race detector takes memory of its own, so what is measured here says nothing under it.

package cluster

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	apiruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/psp2pss/psp2pss/pspparse/custom"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// bombs are answers to every list at once, each made to fill the memory of whoever reads it.
func bombs(t *testing.T) map[string]bomb {
	t.Helper()
	emptyContainers := func(n int) string {
		spec := strings.Repeat("\x12\x00", n)
		body := "\x0a\x03\x0a\x01a\x12" + string(varint(len(spec))) + spec
		return "\x12" + string(varint(len(body))) + body
	}
	long, blanks, few := strings.Repeat("x", 1<<20), strings.Repeat(" ", 1<<20), strings.Repeat("{},", 1000)
	light, heavy := emptyContainers(uncheckedObjectBytes/2-20), emptyContainers(maxObjectBytes/2-20)
	return map[string]bomb{
		"objects without end":                 {protobuf, func(n int) string { return protobufPod(t, fmt.Sprint("p-", n)) }, "there are over 5000 of them", 0},
		"JSON without end":                    {asJSON, func(n int) string { return jsonPod(n, "x") + "," }, "there are over 5000 of them", 0},
		"objects of empty parts":              {protobuf, func(int) string { return light }, "is longer than 1 MiB", 1 << 20},
		"an object of very many empty parts":  {protobuf, func(int) string { return heavy }, "holds more parts than any object has", 8 << 20},
		"a string without end":                {asJSON, func(n int) string { return `"`[:max(0, 1-n)] + long }, "too long for a list", 0},
		"objects without end before any kind": {unkind, func(int) string { return few }, "its items come before its kind and metadata, and are longer than 16 MiB", 0},
		"white space in gzip":                 {blank, func(int) string { return blanks }, "too long for a list", 0},
		"a failure without end":               {failure, func(int) string { return long }, "is longer than 64 KiB", 0},
	}
}

// bomb is an answer that goes on for as long as it is read.
type bomb struct {
	form string
	next func(n int) string
	why  string // is in what is said about the list of pods
	// list is how many bytes a list may have; 0 leaves it at more than any bomb takes to go off.
	list int
}

const (
	protobuf = apiruntime.ContentTypeProtobuf
	asJSON   = apiruntime.ContentTypeJSON
	unkind   = "JSON that begins with its items"
	blank    = "gzip"
	failure  = "403"
)

func (b bomb) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	gv, resource := split(r.URL.Path)
	kind := listKinds[resource]
	if resource == podSecurityPoliciesResource {
		kind = "PodSecurityPolicyList"
	}
	if gv.Group == bombGroup {
		kind = bombKind(resource) + "List"
	}
	switch {
	case r.URL.Path == "/apis":
		_, _ = io.WriteString(w, bombDiscovery())
	case resource == "" || resource == podSecurityPoliciesResource && b.form == protobuf:
		http.NotFound(w, r)
	case b.form == protobuf:
		about := apiruntime.TypeMeta{APIVersion: gv.String(), Kind: kind}
		data, _ := about.Marshal()
		endless(w, protobuf, "k8s\x00\x0a"+string(varint(len(data)))+string(data)+protobufList[len("k8s\x00\x0a\x0d\x0a\x02v1\x12\x07PodList"):], b.next)
	case b.form == asJSON:
		endless(w, asJSON, fmt.Sprintf(`{"kind":%q,"apiVersion":%q,"metadata":{},"items":[`, kind, gv), b.next)
	case b.form == unkind:
		endless(w, asJSON, `{"items":[`, b.next)
	case b.form == failure:
		w.WriteHeader(http.StatusForbidden)
		endless(w, asJSON, `{"kind":"Status","message":"`, b.next)
	case b.form == blank:
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		for _, err := io.WriteString(z, "{"); err == nil; {
			_, err = io.WriteString(z, b.next(0))
		}
	}
}

// As many kinds of custom resources are served as are read at a time, and all of them explode.
const bombGroup = "bombs.example.com"

func bombTable() *customResourceTable {
	t := &customResourceTable{read: func(inventory.CustomSink, custom.RawObject) bool { return true }}
	for i := range concurrentLists {
		resource := fmt.Sprintf("bomb%02d", i)
		t.resources = append(t.resources, custom.KnownResource{Group: bombGroup, Versions: []string{"v1"}, Name: resource, Kind: bombKind(resource), Namespaced: true})
	}
	return t
}

func bombKind(resource string) string { return "B" + resource[1:] }

func bombDiscovery() string {
	var resources []string
	for _, r := range bombTable().resources {
		resources = append(resources, fmt.Sprintf(`{"resource":%q,"scope":"Namespaced","verbs":["get","list"]}`, r.Name))
	}
	return fmt.Sprintf(`{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":%q},"versions":[{"version":"v1","resources":[%s]}]}]}`, bombGroup, strings.Join(resources, ","))
}

const victimVariable = "PSP2PSS_TEST_HOSTILE_SERVER"

// TestMain reads what TestBombs serves if this process was started for that.
func TestMain(m *testing.M) {
	host := os.Getenv(victimVariable)
	if host == "" {
		os.Exit(m.Run())
	}
	if err := readBomb(host); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// readBomb reads a server, and prints how much memory this process had from the system and what is said of the pods.
func readBomb(host string) error {
	list, _ := strconv.Atoi(os.Getenv(victimVariable + "_LIST"))
	r := &Reader{
		Config: &rest.Config{Host: host}, Context: "test", Timeout: time.Hour, custom: bombTable(),
		limits: serverLimits{listObjects: 5000, listBytes: int64(list), idleTime: time.Hour},
	}
	setClientDefaults(r.Config, ConnectionFlags{})
	inv, err := r.Load(context.Background())
	if err != nil {
		return err
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Printf("took %d MiB\n", m.Sys>>20)
	for _, g := range inv.Gaps {
		if g.What == "pods" || g.What == "bomb00."+bombGroup {
			fmt.Printf("said of %s:  %s\n", g.What, g.Why)
		}
	}
	return nil
}

// No answer takes the memory of who reads it, even where every list is answered so at the same time.
func TestBombs(t *testing.T) {
	t.Parallel()
	took := regexp.MustCompile(`took (\d+) MiB`)
	for name, b := range bombs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/version" {
					writeJSON(w, http.StatusOK, map[string]string{"gitVersion": "v1.24.17"})
					return
				}
				b.ServeHTTP(w, r)
			}))
			defer s.Close()
			defer s.CloseClientConnections()
			victim := exec.CommandContext(t.Context(), os.Args[0])
			victim.Env = append(os.Environ(), victimVariable+"="+s.URL, fmt.Sprintf("%s_LIST=%d", victimVariable, b.list))
			out, err := victim.CombinedOutput()
			found := took.FindSubmatch(out)
			if err != nil || found == nil || !strings.Contains(string(out), b.why) {
				t.Fatalf("%v\n%s\nwant %q", err, out, b.why)
			}
			if mib, _ := strconv.Atoi(string(found[1])); mib >= 512 {
				t.Errorf("it took %d MiB", mib)
			}
		})
	}
}
