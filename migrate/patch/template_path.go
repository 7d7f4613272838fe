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
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/psp2pss/psp2pss/pspparse/message"
)

// templatePath is the parsed path of a patched value within a pod template.
type templatePath struct {
	// keys lead to the value. If container is true, the second is a list of containers, and the container at index is
	// meant.
	keys      []string
	container bool
	index     int
}

// securityField is a field of a security context that a patch may write.
type securityField struct {
	keys []string
	// newValue returns a pointer to what its value has to decode into.
	newValue func() any
}

// newOf returns a pointer to a new value of the type of a patched field, to decode into.
func newOf[T any]() any { return new(T) }

// sharedFields returns the fields that a patch may write in the security contexts of pods and of containers alike.
func sharedFields() []securityField {
	return []securityField{
		{[]string{"runAsUser"}, newOf[int64]},
		{[]string{"runAsGroup"}, newOf[int64]},
		{[]string{"runAsNonRoot"}, newOf[bool]},
		{[]string{"seLinuxOptions"}, newOf[corev1.SELinuxOptions]},
		{[]string{"seccompProfile"}, newOf[corev1.SeccompProfile]},
		{[]string{"appArmorProfile"}, newOf[corev1.AppArmorProfile]},
	}
}

// podFields returns the fields of the security context of a pod that a patch may write.
func podFields() []securityField {
	return append(sharedFields(), securityField{[]string{"fsGroup"}, newOf[int64]}, securityField{[]string{"supplementalGroups"}, newOf[[]int64]})
}

// containerFields returns the fields of the security context of a container that a patch may write.
func containerFields() []securityField {
	return append(
		sharedFields(),
		securityField{[]string{"readOnlyRootFilesystem"}, newOf[bool]},
		securityField{[]string{"allowPrivilegeEscalation"}, newOf[bool]},
		securityField{[]string{"capabilities", "add"}, newOf[[]corev1.Capability]},
		securityField{[]string{"capabilities", "drop"}, newOf[[]corev1.Capability]},
	)
}

// The paths that a patch may write.
var (
	containerPathPattern = regexp.MustCompile(`^spec\.(initContainers|containers)\[(\d{1,6})\]\.securityContext\.([A-Za-z.]+)$`)
	podPathPattern       = regexp.MustCompile(`^spec\.securityContext\.([A-Za-z.]+)$`)
	appArmorPathPattern  = regexp.MustCompile(`^metadata\.annotations\[(` +
		regexp.QuoteMeta(corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix) + `[a-z0-9-]{1,63})\]$`)
)

// What parseTemplateValue returns for a path that a patch may not write, and for a name that no container can have.
var (
	errUnknownField  = errors.New("it is no field that a patch may write")
	errContainerName = errors.New("has no valid name there")
)

// parseTemplateValue parses the path and the value that the Plan wants a patch to write. An error says why no sound
// plan has them.
func parseTemplateValue(at, container, text string) (TemplateValue, error) {
	v := TemplateValue{Path: at, Container: container}
	f, err := v.parsePath()
	if err != nil {
		return v, fmt.Errorf("%q: %w", at, err)
	}
	into := f.newValue()
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
	if !v.acceptsContainer(container) {
		return v, fmt.Errorf("%q: the container %q %w", at, container, errContainerName)
	}
	return v, nil
}

// acceptsContainer reports whether the path of a patched value may be that of a container: of none at the pod level, of
// the one that an annotation names or of none.
func (v *TemplateValue) acceptsContainer(container string) bool {
	switch {
	case v.path.container:
		return len(validation.IsDNS1123Label(container)) == 0
	case v.path.keys[0] == "metadata":
		return container == "" || strings.HasSuffix(v.Path, "/"+container+"]")
	}
	return container == ""
}

// parsePath parses the path of the patched value and returns the field that it leads to.
func (v *TemplateValue) parsePath() (securityField, error) {
	if v.Path == "spec.runtimeClassName" {
		v.path = templatePath{keys: []string{"spec", "runtimeClassName"}}
		return securityField{newValue: newOf[string]}, nil
	}
	if m := appArmorPathPattern.FindStringSubmatch(v.Path); m != nil {
		v.path = templatePath{keys: []string{"metadata", "annotations", m[1]}}
		return securityField{newValue: newOf[string]}, nil
	}
	if m := podPathPattern.FindStringSubmatch(v.Path); m != nil {
		v.path = templatePath{keys: []string{"spec", "securityContext"}}
		return v.findField(podFields(), m[1])
	}
	if m := containerPathPattern.FindStringSubmatch(v.Path); m != nil {
		index, err := strconv.Atoi(m[2])
		if err != nil {
			return securityField{}, err
		}
		v.path = templatePath{keys: []string{"spec", m[1], "securityContext"}, container: true, index: index}
		return v.findField(containerFields(), m[3])
	}
	return securityField{}, errUnknownField
}

// findField finds the security context field that the rest of a patch's path leads to.
func (v *TemplateValue) findField(fields []securityField, rest string) (securityField, error) {
	keys := strings.Split(rest, ".")
	i := slices.IndexFunc(fields, func(f securityField) bool { return slices.Equal(f.keys, keys) })
	if i < 0 {
		return securityField{}, errUnknownField
	}
	v.path.keys = append(v.path.keys, keys...)
	return fields[i], nil
}

// fieldName returns the name of the patched field, without the path to it.
func (v *TemplateValue) fieldName() string {
	keys := v.path.keys
	if i := slices.Index(keys, "securityContext"); i >= 0 {
		keys = keys[i+1:]
	}
	return strings.Join(keys, ".")
}

// remark returns the remark of a patch on one of its values: container "app" capabilities.drop=["ALL"], and why.
func (v *TemplateValue) remark() message.Message {
	var container, annotation string
	field := v.fieldName()
	switch {
	case v.path.container:
		container = v.Container
	case v.path.keys[0] == "metadata":
		field, annotation = "", v.path.keys[2]
	default:
		field = strings.TrimPrefix(field, "spec.")
	}
	return message.New("patch-value", "safety", v.Safety, "container", container, "annotation", annotation, "field", field,
		"value", string(v.Value), "why", v.Why.Text, "whyId", v.Why.ID)
}

// compareInTemplate orders patched values as in the pod template: the pod's values first, then containers in their
// order.
func (v *TemplateValue) compareInTemplate(other *TemplateValue) int {
	key := func(v *TemplateValue) string {
		switch {
		case v.path.container && v.path.keys[1] == "initContainers":
			return fmt.Sprintf("1 %06d", v.path.index)
		case v.path.container:
			return fmt.Sprintf("2 %06d", v.path.index)
		}
		return "0"
	}
	if c := strings.Compare(key(v), key(other)); c != 0 {
		return c
	}
	return strings.Compare(v.Path, other.Path)
}
