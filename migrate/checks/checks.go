// Package checks owns what is told of single checks of the Pod Security Standards: what each refuses, how to meet it, with one pod
// of either kind. Levels, versions and the words of a refusal are those of k8s.io/pod-security-admission. It knows no Plan and
// prints nothing.
package checks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

// Check is one check of the Pod Security Standards, told to a reader.
type Check struct {
	// ID and Level are the library's.
	ID    string
	Level api.Level
	// Since is the version that introduced the check, Changes are the later versions that changed it.
	Since   api.Version
	Changes []Change
	// Replaces names the checks of baseline that it replaces at restricted.
	Replaces []string
	// Refuses says what it refuses, HowToMeet what to do about it.
	Refuses, HowToMeet string
	// Refused and Compliant are the YAML of pods that it refuses and admits; Refusal is what Pod Security admission says of the first,
	// at the newest version.
	Refused, Compliant, Refusal string
	// References are what other standards and scanners call what it refuses.
	References *References
}

// Change is what one version of the Pod Security Standards changed in a check.
type Change struct {
	Version api.Version
	What    string
}

// All returns every check of the standards that API servers enable by default, baseline first, each level by ID. It returns an
// error for an example that is no pod, and for a check without a row in the table of references.
func All() ([]Check, error) {
	var out []Check
	for _, c := range policy.DefaultChecks() {
		check, err := tell(c)
		if err != nil {
			return nil, err
		}
		out = append(out, check)
	}
	slices.SortFunc(out, func(a, b Check) int {
		return cmp.Or(api.CompareLevels(a.Level, b.Level), strings.Compare(a.ID, b.ID))
	})
	return out, nil
}

// IDs returns the IDs of all checks of the standards, in the order of All.
func IDs() []string {
	all := policy.DefaultChecks()
	slices.SortFunc(all, func(a, b policy.Check) int {
		return cmp.Or(api.CompareLevels(a.Level, b.Level), cmp.Compare(a.ID, b.ID))
	})
	ids := make([]string, len(all))
	for i, c := range all {
		ids[i] = string(c.ID)
	}
	return ids
}

// Find returns the check of the standards with an ID. It returns an error where there is none, and as All does.
func Find(id string) (*Check, error) {
	for _, c := range policy.DefaultChecks() {
		if string(c.ID) == id {
			check, err := tell(c)
			return &check, err
		}
	}
	return nil, fmt.Errorf("there is no check %q in the Pod Security Standards", id)
}

// tell returns what the library and the table of this package say of a check.
func tell(c policy.Check) (Check, error) {
	about := telling(string(c.ID))
	out := Check{
		ID: string(c.ID), Level: c.Level, Since: c.Versions[0].MinimumVersion,
		Refuses: about.refuses, HowToMeet: about.meet, Refused: about.refused, Compliant: about.compliant,
	}
	for _, id := range c.Versions[0].OverrideCheckIDs {
		out.Replaces = append(out.Replaces, string(id))
	}
	for _, v := range c.Versions[1:] {
		out.Changes = append(out.Changes, Change{v.MinimumVersion, about.changes[v.MinimumVersion.String()]})
	}
	var err error
	if out.References, err = ReferencesOf(out.ID); err != nil || about.refused == "" {
		return out, err
	}
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict([]byte(about.refused), &pod); err != nil {
		return out, fmt.Errorf("reading the example of check %s: %w", c.ID, err)
	}
	result := c.Versions[len(c.Versions)-1].CheckPod(&pod.ObjectMeta, &pod.Spec)
	out.Refusal = result.ForbiddenReason
	if result.ForbiddenDetail != "" {
		out.Refusal += " (" + result.ForbiddenDetail + ")"
	}
	return out, nil
}

// told is what this package says itself of a check of the standards. changes are by version.
type told struct {
	id, refuses, meet  string
	refused, compliant string
	changes            map[string]string
}

// telling returns what this package says of a check of the standards; for a check that it does not know only its ID.
func telling(id string) told {
	for _, t := range slices.Concat(hostChecks(), privilegeChecks(), profileChecks(), userChecks()) {
		if t.id == id {
			return t
		}
	}
	return told{id: id}
}

// podWith returns the YAML of a pod for an example of a check: fields of its spec, indented by two, before its one container.
func podWith(specFields string) string {
	return "spec:\n" + specFields + "  containers:\n  - name: app\n"
}

// containerWith returns the YAML of a pod for an example of a check: fields of its one container, indented by four.
func containerWith(fields string) string { return "spec:\n  containers:\n  - name: app\n" + fields }
