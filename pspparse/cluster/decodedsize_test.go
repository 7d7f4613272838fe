package cluster

import (
	"math"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestCheckWeight(t *testing.T) {
	t.Parallel()
	containers := func(n int, c corev1.Container) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "web"}}
		for range n {
			p.Spec.Containers = append(p.Spec.Containers, c)
		}
		return p
	}
	named := corev1.Container{Name: "a", Image: "b", ImagePullPolicy: "Always", TerminationMessagePath: "/dev/termination-log", TerminationMessagePolicy: "File"}
	volumes := &corev1.Pod{}
	for range 5000 {
		volumes.Spec.Volumes = append(volumes.Spec.Volumes, corev1.Volume{Name: "v", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
	}
	tests := []struct {
		name string
		pod  *corev1.Pod
		want string
	}{
		{"the least containers that an API server takes", containers(5000, named), ""},
		{"volumes of the shortest kind", volumes, ""},
		{"a long annotation", &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"a": strings.Repeat("x", 1<<20)}}}, ""},
		{"a few empty containers", containers(1000, corev1.Container{}), ""},
	}
	for _, tt := range tests {
		data, err := tt.pod.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if err := checkDecodedSize(reflect.TypeFor[corev1.Pod](), data, protobufEncoding); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	// What an API server encodes of an empty container is longer than what can be.
	heavy := "\x12\xc0\xb8\x02" + strings.Repeat("\x12\x00", 20_000)
	const want = "decoding the answer: an item of 40004 bytes holds more parts than any object has"
	if err := checkDecodedSize(reflect.TypeFor[corev1.Pod](), []byte(heavy), protobufEncoding); err == nil || err.Error() != want {
		t.Errorf("empty containers: got %v, want %s", err, want)
	}
	json := `{"spec":{"containers":[` + strings.Repeat("{},", 20_000) + `{}]}}`
	if err := checkDecodedSize(reflect.TypeFor[corev1.Pod](), []byte(json), jsonEncoding); err == nil || !strings.Contains(err.Error(), "more parts than any object has") {
		t.Errorf("empty containers in JSON: got %v", err)
	}
	if got, least := (decodedSizeEstimator{}).estimate(reflect.TypeFor[corev1.Pod](), []byte(heavy), math.MaxInt), 20_000*int(reflect.TypeFor[corev1.Container]().Size()); got < least {
		t.Errorf("20,000 containers weigh %d, and take at least %d", got, least)
	}
}
