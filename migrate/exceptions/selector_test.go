package exceptions

import (
	"regexp"
	"strings"
	"testing"

	"github.com/psp2pss/psp2pss/migrate/finding"
)

func TestPatterns(t *testing.T) {
	t.Parallel()
	texts := []string{"", "a", "b", "ab", "aa", "aba", "abab", "abcab", "aab", "bab", "a.b"}
	for _, pattern := range []string{"a", "*", "a*", "*b", "a*b", "a*a", "*a*", "**", "a**b", "ab*ab", "*ab*ab*", "a.b", "a*b*c"} {
		want := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$")
		for _, text := range texts {
			if got := matchesPattern(pattern, text); got != want.MatchString(text) {
				t.Errorf("%q matches %q: %v", pattern, text, got)
			}
		}
	}
	if !matchesPattern("", "x") {
		t.Error("no pattern has to match everything")
	}
}

func TestSelector(t *testing.T) {
	t.Parallel()
	object := finding.Object{Kind: "DaemonSet", Namespace: "logging", Name: "fluent-bit"}
	for _, test := range []struct {
		selector Selector
		want     bool
	}{
		{Selector{Kind: "daemonset"}, true},
		{Selector{Kind: "DaemonSet", Namespace: "logging", Name: "fluent-*"}, true},
		{Selector{Kind: "Pod", Namespace: "logging", Name: "fluent-*"}, false},
		{Selector{Namespace: "log"}, false},
		{Selector{Name: "Fluent-*"}, false},
	} {
		if got := test.selector.matches(&object); got != test.want {
			t.Errorf("%+v: got %v", test.selector, got)
		}
	}
	if (Selector{Namespace: "logging"}).matches(&finding.Object{Kind: "Pod", Name: "a"}) {
		t.Error("an object without a namespace is in none")
	}
}
