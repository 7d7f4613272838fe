package migrate

import "k8s.io/pod-security-admission/api"

// levels from loose to strict.
func levels() []api.Level {
	return []api.Level{api.LevelPrivileged, api.LevelBaseline, api.LevelRestricted}
}

// strictness orders levels; an unknown one is -1.
func strictness(l api.Level) int {
	for i, known := range levels() {
		if l == known {
			return i
		}
	}
	return -1
}

// looser is true if a is less strict than b. An unknown level is looser than none and stricter than none.
func looser(a, b api.Level) bool {
	return strictness(a) >= 0 && strictness(b) >= 0 && strictness(a) < strictness(b)
}

// leastStrict returns the looser of the two; an unknown level gives way to the other.
func leastStrict(a, b api.Level) api.Level {
	if strictness(a) < 0 || looser(b, a) {
		return b
	}
	return a
}

// nextStricter returns the level above l, or "" for restricted.
func nextStricter(l api.Level) api.Level {
	switch l {
	case api.LevelPrivileged:
		return api.LevelBaseline
	case api.LevelBaseline:
		return api.LevelRestricted
	default:
		return ""
	}
}
