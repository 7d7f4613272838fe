package patch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// path is the way to a value within a pod template, taken apart.
type path struct {
	// keys lead to the value. Where the second is a list of containers, the container at index is meant.
	keys      []string
	container bool
	index     int
}

// field is one that may be written; into is what its value has to decode into.
type field struct {
	keys []string
	into func() any
}

func is[T any]() any { return new(T) }

// shared are the fields that pods and containers both have.
func shared() []field {
	return []field{
		{[]string{"runAsUser"}, is[int64]},
		{[]string{"runAsGroup"}, is[int64]},
		{[]string{"runAsNonRoot"}, is[bool]},
		{[]string{"seLinuxOptions"}, is[corev1.SELinuxOptions]},
		{[]string{"seccompProfile"}, is[corev1.SeccompProfile]},
		{[]string{"appArmorProfile"}, is[corev1.AppArmorProfile]},
	}
}

func podFields() []field {
	return append(shared(), field{[]string{"fsGroup"}, is[int64]}, field{[]string{"supplementalGroups"}, is[[]int64]})
}

func containerFields() []field {
	return append(
		shared(),
		field{[]string{"readOnlyRootFilesystem"}, is[bool]},
		field{[]string{"allowPrivilegeEscalation"}, is[bool]},
		field{[]string{"capabilities", "add"}, is[[]corev1.Capability]},
		field{[]string{"capabilities", "drop"}, is[[]corev1.Capability]},
	)
}

var (
	ofContainer  = regexp.MustCompile(`^spec\.(initContainers|containers)\[(\d{1,4})\]\.securityContext\.([A-Za-z.]+)$`)
	ofPod        = regexp.MustCompile(`^spec\.securityContext\.([A-Za-z.]+)$`)
	ofAnnotation = regexp.MustCompile(`^metadata\.annotations\[(` +
		regexp.QuoteMeta(corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix) + `[a-z0-9-]{1,63})\]$`)
)

var errUnknown = errors.New("it is no field that a patch may write")

// value takes a path and its value apart. An error says why no sound plan has it.
func value(at, container, text string) (Value, error) {
	v := Value{Path: at, Container: container}
	f, err := v.find()
	if err != nil {
		return v, fmt.Errorf("%q: %w", at, err)
	}
	if !v.names(container) {
		return v, fmt.Errorf("%q: the container %q has no valid name there", at, container)
	}
	into := f.into()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil || d.More() || text == "null" {
		return v, fmt.Errorf("%q: %q is no value of this field", at, text)
	}
	var compacted bytes.Buffer
	if err := json.Compact(&compacted, []byte(text)); err != nil {
		return v, fmt.Errorf("%q: %w", at, err)
	}
	v.Value = compacted.Bytes()
	return v, nil
}

// names is true if the path may be that of this container: of none at the pod level, of the one that an annotation names or
// of none.
func (v *Value) names(container string) bool {
	switch {
	case v.path.container:
		return label.MatchString(container)
	case v.path.keys[0] == "metadata":
		return container == "" || strings.HasSuffix(v.Path, "/"+container+"]")
	}
	return container == ""
}

// find takes the path apart.
func (v *Value) find() (field, error) {
	if v.Path == "spec.runtimeClassName" {
		v.path = path{keys: []string{"spec", "runtimeClassName"}}
		return field{into: is[string]}, nil
	}
	if m := ofAnnotation.FindStringSubmatch(v.Path); m != nil {
		v.path = path{keys: []string{"metadata", "annotations", m[1]}}
		return field{into: is[string]}, nil
	}
	if m := ofPod.FindStringSubmatch(v.Path); m != nil {
		v.path = path{keys: []string{"spec", "securityContext"}}
		return v.among(podFields(), m[1])
	}
	if m := ofContainer.FindStringSubmatch(v.Path); m != nil {
		index, err := strconv.Atoi(m[2])
		if err != nil {
			return field{}, err
		}
		v.path = path{keys: []string{"spec", m[1], "securityContext"}, container: true, index: index}
		return v.among(containerFields(), m[3])
	}
	return field{}, errUnknown
}

func (v *Value) among(fields []field, rest string) (field, error) {
	keys := strings.Split(rest, ".")
	i := slices.IndexFunc(fields, func(f field) bool { return slices.Equal(f.keys, keys) })
	if i < 0 {
		return field{}, errUnknown
	}
	v.path.keys = append(v.path.keys, keys...)
	return fields[i], nil
}

// name is that of the field, wherever it stands.
func (v *Value) name() string {
	keys := v.path.keys
	if i := slices.Index(keys, "securityContext"); i >= 0 {
		keys = keys[i+1:]
	}
	return strings.Join(keys, ".")
}

// setting is the value as a person reads it: container "app" capabilities.drop=["ALL"].
func (v *Value) setting() string {
	name := v.name()
	switch {
	case v.path.container:
		name = fmt.Sprintf("container %q %s", v.Container, name)
	case v.path.keys[0] == "metadata":
		name = "annotation " + v.path.keys[2]
	default:
		name = "pod " + strings.TrimPrefix(name, "spec.")
	}
	return name + "=" + string(v.Value)
}

// order is that of the template: the pod's values first, then containers as they stand.
func (v *Value) order(other *Value) int {
	key := func(v *Value) string {
		switch {
		case v.path.container && v.path.keys[1] == "initContainers":
			return fmt.Sprintf("1 %04d", v.path.index)
		case v.path.container:
			return fmt.Sprintf("2 %04d", v.path.index)
		}
		return "0"
	}
	if c := strings.Compare(key(v), key(other)); c != 0 {
		return c
	}
	return strings.Compare(v.Path, other.Path)
}
