package migrate

import (
	"k8s.io/pod-security-admission/api"

	"github.com/psp2pss/psp2pss/migrate/levels"
)

// isLooserLevel reports whether Pod Security level a is less strict than b; false if either is unknown.
func isLooserLevel(a, b api.Level) bool { return levels.Looser(a, b) }

// looserLevel returns the looser of two Pod Security levels; an unknown level gives way to the other.
func looserLevel(a, b api.Level) api.Level { return levels.LeastStrict(a, b) }

// nextStricterLevel returns the Pod Security level above l; "" for restricted.
func nextStricterLevel(l api.Level) api.Level { return levels.NextStricter(l) }
