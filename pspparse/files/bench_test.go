package files

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/fixtures/cluster"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

const benchPods = 5000

// podDump is what kubectl get pods -A would print, as JSON or YAML.
func podDump(tb testing.TB, pods int, write func(cluster.Spec, io.Writer) error) []byte {
	tb.Helper()
	var buf bytes.Buffer
	if err := write(cluster.Spec{Pods: pods, Namespaces: 50, PodsOnly: true}, &buf); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}

// readBytes reads a stream as if it were a file.
func readBytes(tb testing.TB, data []byte) {
	tb.Helper()
	b := inventory.NewBuilder()
	s := &documentReader{name: "dump", limits: Limits{}.withDefaults(), sink: b, notes: &noteCollector{}}
	s.readSource(bytes.NewReader(data))
	inv := b.Build(inventory.Source{})
	if len(inv.Gaps) > 0 {
		tb.Fatalf("gaps: %v", inv.Gaps)
	}
}

func BenchmarkJSONDump(b *testing.B) {
	data := podDump(b, benchPods, cluster.Spec.WriteJSON)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		readBytes(b, data)
	}
}

// BenchmarkJSONScan is the part of BenchmarkJSONDump that finds the items.
func BenchmarkJSONScan(b *testing.B) {
	data := podDump(b, benchPods, cluster.Spec.WriteJSON)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		items := 0
		err := eachItem(bytes.NewReader(data), func([]byte) { items++ })
		if err != nil || items == 0 {
			b.Fatal(items, err)
		}
	}
}

// BenchmarkUnmarshalPodList is what BenchmarkJSONDump is measured against.
func BenchmarkUnmarshalPodList(b *testing.B) {
	data := podDump(b, benchPods, cluster.Spec.WriteJSON)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var pods corev1.PodList
		if err := json.Unmarshal(data, &pods); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkYAMLDump(b *testing.B) {
	data := podDump(b, benchPods/10, cluster.Spec.WriteYAML)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		readBytes(b, data)
	}
}

// eachItem calls item with the text of each item of a JSON List.
func eachItem(r io.Reader, item func([]byte)) error {
	s := &jsonScanner{input: newLineBuffer(r), maxBytes: 16 << 20, maxDepth: 300}
	if c := s.skipWhitespace(); c != '{' {
		return fmt.Errorf("no object but %q", c)
	}
	return s.scanObject(func(key string) error {
		if key != "items" || s.input.buf[s.input.pos] != '[' {
			_, err := s.skipValue()
			return err
		}
		return s.scanArray(func() error {
			s.input.discardKept()
			_, err := s.skipValue()
			if err == nil {
				item(s.input.kept())
			}
			return err
		})
	})
}
