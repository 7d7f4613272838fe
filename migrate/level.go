package migrate

import "k8s.io/pod-security-admission/api"

// podSecurityLevels from loose to strict.
func podSecurityLevels() []api.Level {
	return []api.Level{api.LevelPrivileged, api.LevelBaseline, api.LevelRestricted}
}

// strictness orders levels; an unknown one is -1.
func strictness(l api.Level) int {
	for i, known := range podSecurityLevels() {
		if l == known {
			return i
		}
	}
	return -1
}

// isLooserLevel is true if a is less strict than b. An unknown level is looser than none and stricter than none.
func isLooserLevel(a, b api.Level) bool {
	return strictness(a) >= 0 && strictness(b) >= 0 && strictness(a) < strictness(b)
}

// looserLevel returns the looser of the two; an unknown level gives way to the other.
func looserLevel(a, b api.Level) api.Level {
	if strictness(a) < 0 || isLooserLevel(b, a) {
		return b
	}
	return a
}

// NextStricterLevel returns the Pod Security level that is next stricter than l; "" for restricted and for an unknown level.
func NextStricterLevel(l api.Level) api.Level {
	switch l {
	case api.LevelPrivileged:
		return api.LevelBaseline
	case api.LevelBaseline:
		return api.LevelRestricted
	default:
		return ""
	}
}
