package check

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/fixtures/cluster"
	"github.com/psp2pss/psp2pss/pspparse/files"
)

// benchmarkManifests is how many manifests BenchmarkCheck reads, 4 kB each.
const benchmarkManifests = 10_000

// benchmarkDocuments returns manifests as people write them, 40 MB of them, every other one of which does not meet restricted.
func benchmarkDocuments() [][]byte {
	out := make([][]byte, benchmarkManifests)
	for i := range out {
		out[i] = cluster.Manifest(i, i%2 == 0)
	}
	return out
}

// BenchmarkCheck checks 10,000 manifests in one stream, and beside it parses the same bytes with sigs.k8s.io/yaml alone.
func BenchmarkCheck(b *testing.B) {
	documents := benchmarkDocuments()
	stream := bytes.Join(documents, []byte("---\n"))
	b.Run("check", func(b *testing.B) {
		b.SetBytes(int64(len(stream)))
		b.ReportAllocs()
		for b.Loop() {
			r, err := Run(context.Background(), &files.Reader{Paths: []string{files.StdinPath}, Stdin: bytes.NewReader(stream)}, Options{Level: api.LevelRestricted})
			if err != nil || len(r.Workloads) != benchmarkManifests || len(r.Findings) != benchmarkManifests/2*4 {
				b.Fatal(err, len(r.Findings))
			}
		}
	})
	b.Run("labels", func(b *testing.B) {
		var namespaces strings.Builder
		for i := range cluster.ManifestNamespaces {
			namespaces.WriteString("---\n" + namespace(fmt.Sprint("team-", i), "enforce: restricted"))
		}
		b.SetBytes(int64(len(stream)))
		b.ReportAllocs()
		for b.Loop() {
			in := io.MultiReader(bytes.NewReader(stream), strings.NewReader(namespaces.String()))
			r, err := Run(context.Background(), &files.Reader{Paths: []string{files.StdinPath}, Stdin: in}, Options{})
			if err != nil || len(r.Findings) != benchmarkManifests/2*4 {
				b.Fatal(err, len(r.Findings))
			}
		}
	})
	b.Run("sigs.k8s.io-yaml", func(b *testing.B) {
		b.SetBytes(int64(len(stream)))
		b.ReportAllocs()
		for b.Loop() {
			for _, document := range documents {
				var v any
				if err := yaml.Unmarshal(document, &v); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
