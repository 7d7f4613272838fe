package cluster

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	protobufcodec "k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/rest"

	fixture "github.com/psp2pss/psp2pss/fixtures/cluster"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// BenchmarkReadPods reads 20,000 pods of a usual size in one answer, as they are and packed.
func BenchmarkReadPods(b *testing.B) {
	list := corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}}
	for i := range 20_000 {
		p := pod(fmt.Sprintf("web-%d", i))
		p.Annotations = map[string]string{"note": strings.Repeat(fmt.Sprint(i%100), 500)}
		p.Spec.Containers = append(p.Spec.Containers, p.Spec.Containers...)
		for j := range 20 {
			p.Spec.Containers[0].Env = append(p.Spec.Containers[0].Env, corev1.EnvVar{Name: fmt.Sprint("VARIABLE_", j), Value: fmt.Sprint("value ", i)})
		}
		list.Items = append(list.Items, *p)
	}
	raw, err := list.Marshal()
	if err != nil {
		b.Fatal(err)
	}
	about := runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: "v1", Kind: "PodList"}, Raw: raw}
	body, err := about.Marshal()
	if err != nil {
		b.Fatal(err)
	}
	body = append([]byte("k8s\x00"), body...)
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write(body)
	_ = w.Close()
	for _, packed := range []bool{false, true} {
		b.Run(fmt.Sprintf("gzip=%t", packed), func(b *testing.B) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == "/version":
					writeJSON(w, http.StatusOK, map[string]string{"gitVersion": "v1.24.17"})
				case r.URL.Path != "/api/v1/pods":
					http.NotFound(w, r)
				case r.URL.Query().Get("limit") == "1":
					remaining := int64(19_999)
					writeJSON(w, http.StatusOK, map[string]any{
						"kind": "PodList", "apiVersion": "v1", "items": []any{pod("web-0")},
						"metadata": metav1.ListMeta{Continue: "x", RemainingItemCount: &remaining},
					})
				default:
					w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
					if packed {
						w.Header().Set("Content-Encoding", "gzip")
						_, _ = w.Write(z.Bytes())
						return
					}
					_, _ = w.Write(body)
				}
			}))
			defer s.Close()
			cfg := &rest.Config{Host: s.URL}
			setClientDefaults(cfg, ConnectionFlags{})
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				inv, err := (&Reader{Config: cfg, Context: "test"}).Load(b.Context())
				if err != nil || len(inv.Workloads) != 20_000 {
					b.Fatal(err, len(inv.Workloads))
				}
			}
		})
	}
}

// BenchmarkDecodePods puts a list of 10,000 pods of the usual mix into an inventory: as a Reader does it, with every field decoded,
// and with the library's decoder of whole lists. ADR-0003 has the figures.
func BenchmarkDecodePods(b *testing.B) {
	const pods = 10_000
	lists, err := fixture.Spec{Namespaces: 100, Pods: pods, ManagedFields: true}.NewListServer(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = lists.Close() })
	answer := httptest.NewRecorder()
	lists.ServeHTTP(answer, httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/api/v1/pods", nil))
	body := answer.Body.Bytes()
	run := func(name string, read func(b *inventory.Builder) error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if err := read(inventory.NewBuilder()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	byItem := func(decode objectDecoder) func(*inventory.Builder) error {
		return func(builder *inventory.Builder) error {
			return decodeList(bytes.NewReader(body), corev1.SchemeGroupVersion.WithKind("PodList"), listHandler{
				meta: func(metav1.ListMeta) {},
				item: func(data []byte, c objectEncoding) error {
					o, err := decode(data, c)
					if err == nil {
						o.add(builder)
					}
					return err
				},
			})
		}
	}
	run("filtered", byItem(podDecoder()))
	run("every_field", byItem(decoderFor(addPod)))
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		b.Fatal(err)
	}
	codec := protobufcodec.NewSerializer(scheme, scheme)
	run("library", func(builder *inventory.Builder) error {
		var list corev1.PodList
		if _, _, err := codec.Decode(body, nil, &list); err != nil {
			return err
		}
		for i := range list.Items {
			addPod(builder, &list.Items[i])
		}
		return nil
	})
}
