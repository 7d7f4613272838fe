package cluster

import (
	"bytes"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
)

// encoded is a list of pods as a server sends it.
func encoded(t testing.TB, token string) []byte {
	t.Helper()
	scheme, err := newScheme()
	if err != nil {
		t.Fatal(err)
	}
	codecs := serializer.NewCodecFactory(scheme)
	info, _ := runtime.SerializerInfoForMediaType(codecs.SupportedMediaTypes(), runtime.ContentTypeProtobuf)
	list := &corev1.PodList{Items: []corev1.Pod{*pod("a"), *pod("b")}}
	list.ResourceVersion = "12"
	list.Continue = token
	var out bytes.Buffer
	if err := codecs.EncoderForVersion(info.Serializer, corev1.SchemeGroupVersion).Encode(list, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestPeekContinue(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", "x", "eyJydiI6MTIsInN0YXJ0IjoiYSJ9"} {
		if got := peekContinue(encoded(t, token)); got != token {
			t.Errorf("peeked %q, want %q", got, token)
		}
	}
	if got := peekContinue([]byte(`{"metadata":{"continue":"x"}}`)); got != "" {
		t.Errorf("peeked %q in JSON, which is left to the decoder", got)
	}
}

func FuzzPeekContinue(f *testing.F) {
	whole := encoded(f, "token")
	for n := range len(whole) {
		f.Add(whole[:n])
	}
	f.Add([]byte("k8s\x00\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got := peekContinue(data); len(got) > len(data) {
			t.Errorf("a token of %d bytes in %d", len(got), len(data))
		}
	})
}
