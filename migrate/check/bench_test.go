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

	"github.com/psp2pss/psp2pss/pspparse/files"
)

// benchmarkManifests is how many manifests BenchmarkCheck reads, of benchmarkBytes each.
const (
	benchmarkManifests = 10_000
	benchmarkBytes     = 4_000
)

// benchmarkDocuments returns manifests as people write them, 40 MB of them, every other one of which does not meet restricted.
func benchmarkDocuments() [][]byte {
	out := make([][]byte, benchmarkManifests)
	for i := range out {
		out[i] = benchmarkDocument(i, i%2 == 0)
	}
	return out
}

// benchmarkDocument returns a Deployment that meets restricted, or does not.
func benchmarkDocument(i int, meets bool) []byte {
	security := ""
	if meets {
		security = "          securityContext:\n            allowPrivilegeEscalation: false\n            runAsNonRoot: true\n            capabilities:\n              drop: [ALL]\n            seccompProfile:\n              type: RuntimeDefault\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Source: shop/templates/web-%d.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web-%d\n  namespace: team-%d\n  labels:\n    app.kubernetes.io/name: web\nspec:\n  replicas: 2\n  selector:\n    matchLabels:\n      app: web-%[1]d\n  template:\n    metadata:\n      labels:\n        app: web-%[1]d\n    spec:\n      serviceAccountName: web\n      containers:\n", i, i, i%200)
	for c := range 3 {
		fmt.Fprintf(&b, "        - name: app-%d\n          image: registry.example.com/team/app-%d:1.%d\n%s          ports:\n            - name: http\n              containerPort: 8080\n          resources:\n            requests: {cpu: 100m, memory: 128Mi}\n            limits:\n              memory: 256Mi\n          livenessProbe:\n            httpGet:\n              path: /healthz\n              port: http\n            periodSeconds: 10\n          env:\n", c, c, i, security)
		for e := 0; b.Len() < benchmarkBytes*(c+1)/3; e++ {
			fmt.Fprintf(&b, "            - name: SETTING_%d\n              value: \"a value of setting %d in container %d\"\n", e, e, c)
		}
	}
	return []byte(b.String())
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
		for i := range 200 {
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
