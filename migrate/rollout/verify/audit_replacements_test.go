package verify

import "testing"

// A controller whose pods a generated policy refuses is refused pods; other policies are not ours to tell.
func TestReplacementRefusal(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]bool{
		`pods "web-1" is forbidden: ValidatingAdmissionPolicy 'psp2pss-shop' with binding 'psp2pss-shop' denied request: no usable pod security policy accepts this pod`: true,
		`pods "web-1" is forbidden: ValidatingAdmissionPolicy 'of-somebody' with binding 'psp2pss-shop' denied request: no`:                                              false,
		`pods "web-1" is forbidden: exceeded quota`:                             false,
		`ValidatingAdmissionPolicy 'psp2pss-shop' has a type that is not known`: false,
	} {
		if got := isSecurityRefusal(said); got != want {
			t.Errorf("%s: a refusal: %t, want %t", said, got, want)
		}
	}
}
