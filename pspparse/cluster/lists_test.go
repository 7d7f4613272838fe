package cluster

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
)

// encoded is a list of pods as a server sends it.
func encoded(t testing.TB, mediaType string, meta metav1.ListMeta, names ...string) []byte {
	t.Helper()
	scheme, err := newScheme()
	if err != nil {
		t.Fatal(err)
	}
	codecs := serializer.NewCodecFactory(scheme)
	info, _ := runtime.SerializerInfoForMediaType(codecs.SupportedMediaTypes(), mediaType)
	list := &corev1.PodList{ListMeta: meta, Items: []corev1.Pod{}}
	for _, name := range names {
		list.Items = append(list.Items, *pod(name))
	}
	var out bytes.Buffer
	if err := codecs.EncoderForVersion(info.Serializer, corev1.SchemeGroupVersion).Encode(list, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var podList = corev1.SchemeGroupVersion.WithKind("PodList")

// decoded is what readList makes of an answer.
type decoded struct {
	Meta  []metav1.ListMeta
	Names []string
}

func decode(body io.Reader, want schema.GroupVersionKind) (decoded, error) {
	var got decoded
	item := decoderFor(addPod)
	err := decodeList(body, want, listHandler{
		meta: func(m metav1.ListMeta) { got.Meta = append(got.Meta, m) },
		item: func(data []byte, c objectEncoding) error {
			e, err := item(data, c)
			got.Names = append(got.Names, e.key.name)
			return err
		},
	})
	return got, err
}

func TestReadList(t *testing.T) {
	t.Parallel()
	remaining := int64(7)
	metas := []metav1.ListMeta{
		{},
		{ResourceVersion: "12"},
		{ResourceVersion: "12", Continue: "eyJydiI6MTIsInN0YXJ0IjoiYSJ9", RemainingItemCount: &remaining},
	}
	for _, mediaType := range []string{runtime.ContentTypeProtobuf, runtime.ContentTypeJSON} {
		for _, meta := range metas {
			for _, names := range [][]string{nil, {"a"}, {"a", "b", strings.Repeat("long", 50_000)}} {
				want := decoded{Meta: []metav1.ListMeta{meta}, Names: names}
				got, err := decode(iotest.OneByteReader(bytes.NewReader(encoded(t, mediaType, meta, names...))), podList)
				if err != nil {
					t.Errorf("%s with %d items: %v", mediaType, len(names), err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", mediaType, diff)
				}
			}
		}
	}
}

// Wherever an answer ends too early, it is not taken for a shorter list.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	for _, mediaType := range []string{runtime.ContentTypeProtobuf, runtime.ContentTypeJSON} {
		whole := encoded(t, mediaType, metav1.ListMeta{ResourceVersion: "12"}, "a", "b")
		end := len(bytes.TrimSpace(whole))
		if mediaType == runtime.ContentTypeProtobuf {
			// What follows the list in the envelope is empty and tells nothing: all items have come by then.
			end -= len("\x1a\x00\x22\x00")
		}
		for n := range end {
			if got, err := decode(bytes.NewReader(whole[:n]), podList); err == nil {
				t.Errorf("%s cut after %d of %d bytes passes for %q", mediaType, n, len(whole), got.Names)
			}
		}
	}
}

func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	const envelope = "k8s\x00\x0a\x0d\x0a\x02v1\x12\x07PodList"
	tests := []struct{ name, body, want string }{
		{"nothing", "", "unexpected EOF"},
		{"only the magic", "k8s\x00", "unexpected EOF"},
		{"no list", envelope, "unexpected EOF"},
		{"a list without metadata", envelope + "\x12\x00", "decoding the answer: its list has no metadata"},
		{"an item before the metadata", envelope + "\x12\x02\x12\x00", "decoding the answer: its list does not begin with its metadata"},
		{"a list before its kind", "k8s\x00\x12\x02\x0a\x00", "decoding the answer: its parts are out of order"},
		{"two lists", envelope + "\x12\x02\x0a\x00\x12\x02\x0a\x00", "decoding the answer: its parts are out of order"},
		{"an item without a name", envelope + "\x12\x04\x0a\x00\x12\x00", "decoding the answer: an item has no name"},
		{"an item that is no pod", envelope + "\x12\x06\x0a\x00\x12\x02\x0a\x7f", "decoding the answer: an item: unexpected EOF"},
		{"an item longer than its list", envelope + "\x12\x04\x0a\x00\x12\x7f", "decoding the answer: a field is longer than its message"},
		{"a size beyond all bounds", envelope + "\x12\xff\xff\xff\xff\xff\xff\xff\x7f\x0a\xff\xff\xff\xff\x0f", "decoding the answer: one of its parts claims 4294967295 bytes"},
		{"a number where bytes belong", envelope + "\x10\x01", "decoding the answer: a field holds no bytes"},
		{"another kind", "k8s\x00\x0a\x0d\x0a\x02v1\x12\x07PodLost", "the answer is a PodLost of v1"},
		{"JSON of another version", `{"apiVersion":"v2","kind":"PodList","metadata":{},"items":[]}`, "the answer is a PodList of v2"},
		{"JSON without items", `{"apiVersion":"v1","kind":"PodList","metadata":{}}`, "decoding the answer: a list without metadata and items"},
		{"JSON without metadata", `{"apiVersion":"v1","kind":"PodList","items":[]}`, "decoding the answer: a list without metadata and items"},
		{"JSON keys in another case", `{"apiVersion":"v1","kind":"PodList","metadata":{},"Items":[]}`, "decoding the answer: a list without metadata and items"},
		{"JSON with an empty item", `{"apiVersion":"v1","kind":"PodList","metadata":{},"items":[{}]}`, "decoding the answer: an item has no name"},
	}
	for _, tt := range tests {
		got, err := decode(strings.NewReader(tt.body), podList)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %+v, %v; want %s", tt.name, got, err, tt.want)
		}
	}
	if got, err := decode(strings.NewReader(`{"apiVersion":"v1","kind":"PodList","metadata":{},"items":null}`), podList); err != nil || got.Names != nil {
		t.Errorf("an empty list as old servers write it: got %+v, %v", got, err)
	}
	broken := errors.New("broken")
	if _, err := decode(iotest.ErrReader(broken), podList); !errors.Is(err, broken) {
		t.Errorf("a connection that breaks at once: got %v", err)
	}
}

func FuzzReadList(f *testing.F) {
	whole := encoded(f, runtime.ContentTypeProtobuf, metav1.ListMeta{ResourceVersion: "12", Continue: "x"}, "a", "b")
	for n := range len(whole) + 1 {
		f.Add(whole[:n])
	}
	f.Add(encoded(f, runtime.ContentTypeJSON, metav1.ListMeta{}, "a"))
	f.Add([]byte("k8s\x00\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := decode(bytes.NewReader(data), podList)
		if err == nil && len(got.Meta) != 1 {
			t.Errorf("a list with metadata %d times", len(got.Meta))
		}
		for _, name := range got.Names {
			if len(name) > len(data) {
				t.Errorf("a name of %d bytes in %d", len(name), len(data))
			}
		}
	})
}
