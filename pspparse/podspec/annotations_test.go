package podspec

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestSameSeccompProfile(t *testing.T) {
	t.Parallel()
	local := func(profile *string) *corev1.SeccompProfile {
		return &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost, LocalhostProfile: profile}
	}
	for _, c := range []struct {
		a, b *corev1.SeccompProfile
		want bool
	}{
		{nil, nil, false},
		{local(nil), nil, false},
		{nil, local(nil), false},
		{local(nil), &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}, false},
		{local(nil), local(nil), true},
		{local(nil), local(new("a")), false},
		{local(new("a")), local(nil), false},
		{local(new("a")), local(new("b")), false},
		{local(new("a")), local(new("a")), true},
	} {
		if got := SameSeccompProfile(c.a, c.b); got != c.want {
			t.Errorf("SameSeccompProfile(%v, %v) = %t", c.a, c.b, got)
		}
	}
}
