package cel

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse/podspec"
)

// Profiles in policies are in the words of annotations: runtime/default, unconfined, localhost/NAME. Pods have fields for both kinds
// by now, whose values are put into the same words here.

// windowsPod is a CEL boolean: the pod is for Windows.
const windowsPod = "object.spec.?os.?name.orValue('') == 'windows'"

// checkProfiles: the profile of each container is in the policy's list, compared literally. Without a list every AppArmor profile is
// good, and no seccomp profile.
func checkProfiles(c mapping.Profiles, f form) []check {
	switch {
	case c.Any:
		return nil
	case c.Kind == mapping.SeccompProfiles:
		return checkSeccomp(c, f)
	case !c.Listed:
		return nil
	}
	return checkAppArmor(c, f)
}

// fillProfiles writes the policy's default profile where there is none.
func fillProfiles(c mapping.Profiles) []fill {
	switch {
	case c.Default == "":
		return nil
	case c.Kind == mapping.SeccompProfiles:
		return fillSeccomp(c)
	default:
		return fillAppArmor(c)
	}
}

// checkSeccomp: with a list that has no *, the seccomp profile that each container states or inherits from the pod is in the list;
// docker/default and runtime/default are one. No profile is good only if the list has an empty entry, or if the policy writes a
// default that the list has; not if it writes one that the list has not. Without a list it is as if that had an empty entry alone: every
// profile is refused, a default that the policy writes among them. PSP looked at annotations, to which API servers of its time copied
// the fields; it demanded a profile of the pod also where every container had its own. Nothing reads these annotations any more, so
// that is left out.
func checkSeccomp(c mapping.Profiles, f form) []check {
	allowed := slices.Clone(c.Allowed)
	if slices.Contains(allowed, "docker/default") {
		allowed = append(allowed, "runtime/default")
	}
	absent := slices.Contains(allowed, "")
	if seccompDefault(c) != nil {
		accepted := slices.Contains(allowed, canonicalSeccomp(c.Default))
		absent = accepted && (absent || f == asFilled)
	}
	absent = absent && (c.Listed || c.Default == "")
	stated := slices.DeleteFunc(allowed, func(p string) bool { return p == "" || p == "docker/default" })
	slices.Sort(stated)
	stated = slices.Compact(stated)
	if absent {
		stated = append(stated, "")
	}
	profile := "[" + effective("seccompProfile") + "].map(o, o.hasValue() ? " + profileText("o.value()") + " : '')"
	return []check{{
		each: "variables.all", as: "c",
		good: profile + ".all(p, " + isOneOf("p", stated) + ")",
		wrong: inContainer("'securityContext.seccompProfile: Forbidden: ' + " + shownFirst(profile) + " + " +
			quote(" is not an allowed seccomp profile. Valid values are "+allowedList(c.Allowed))),
	}}
}

// fillSeccomp writes the policy's default into the pod's field where that is absent. PSP wrote an annotation, from which API servers of
// its time filled in the field.
func fillSeccomp(c mapping.Profiles) []fill {
	value := seccompDefault(c)
	if value == nil {
		return nil
	}
	return []fill{{place: inPodSecurity, field: "seccompProfile", value: profileValue(canonicalSeccomp(c.Default)), when: "!variables.psc.?seccompProfile.hasValue()"}}
}

// seccompDefault returns the field that the policy's default seccomp profile is; nil if no field can say it.
func seccompDefault(c mapping.Profiles) *corev1.SeccompProfile {
	return podspec.SeccompProfile(c.Default)
}

// canonicalSeccomp returns the one spelling of a seccomp profile of which there are two.
func canonicalSeccomp(profile string) string {
	if profile == "docker/default" {
		return "runtime/default"
	}
	return profile
}

// checkAppArmor: with a list, each container has an AppArmor profile and it is in the list, in which * and an empty entry are
// nothing special. PSP looked at the annotation of the container. The API server of today reads fields, the container's, else the pod's;
// it copies annotations to fields, but after mutation, so both count here. Windows knows no AppArmor, and its pods may not have the
// field: they are not looked at.
func checkAppArmor(c mapping.Profiles, f form) []check {
	allowed := slices.DeleteFunc(slices.Clone(c.Allowed), func(p string) bool { return p == "" })
	good := slices.Clone(allowed)
	if f == asFilled && profileValue(c.Default) != "" && slices.Contains(allowed, c.Default) {
		good = append(good, "")
	}
	return []check{{
		each: "variables.all", as: "c",
		good: anyOf(windowsPod, "["+appArmorProfile()+"].all(p, "+isOneOf("p", good)+")"),
		wrong: inContainer("'securityContext.appArmorProfile: Forbidden: ' + " + shownFirst("["+appArmorProfile()+"]") + " + " +
			quote(" is not an allowed profile. Allowed values: "+allowedList(allowed))),
	}}
}

// fillAppArmor writes the policy's default into the field of containers that have no AppArmor profile, and over an annotation that is
// there and empty, since the API server wants both to agree. PSP wrote the annotation alone.
func fillAppArmor(c mapping.Profiles) []fill {
	value := profileValue(c.Default)
	if value == "" {
		return nil
	}
	when := "(!(" + windowsPod + ") && " + appArmorProfile() + " == '')"
	key := quote(podspec.AppArmorAnnotationPrefix) + " + c.name"
	return []fill{
		{place: inContainers, field: "appArmorProfile", value: value, when: when},
		{place: inAnnotation, field: key, value: quote(c.Default), when: "(" + key + " in object.metadata.?annotations.orValue({}) && " + when + ")"},
	}
}

// appArmorProfile returns a CEL string: the AppArmor profile of the container c, empty for none.
func appArmorProfile() string {
	return "(has(c.securityContext) && has(c.securityContext.appArmorProfile) ? " + profileText("c.securityContext.appArmorProfile") +
		" : object.metadata.?annotations[?" + quote(podspec.AppArmorAnnotationPrefix) + " + c.name].orValue(variables.podAppArmor))"
}

// podAppArmorProfile returns a CEL string: the AppArmor profile that containers inherit from the pod, empty for none.
func podAppArmorProfile() string {
	return "variables.psc.?appArmorProfile.hasValue() ? " + profileText("variables.psc.appArmorProfile") + " : ''"
}

// profileText returns a CEL string: the profile in a field of a pod, in the words of annotations.
func profileText(field string) string {
	return "{'RuntimeDefault': 'runtime/default', 'Unconfined': 'unconfined'}[?" + field + ".type].orValue('localhost/' + " + field + ".?localhostProfile.orValue(''))"
}

// profileValue returns a CEL map: the field of a pod that says a profile that is in the words of annotations; "" if none can.
func profileValue(profile string) string {
	name, local := strings.CutPrefix(profile, "localhost/")
	switch {
	case profile == "runtime/default":
		return "{'type': 'RuntimeDefault'}"
	case profile == "unconfined":
		return "{'type': 'Unconfined'}"
	case local && name != "":
		return "{'type': 'Localhost', 'localhostProfile': " + quote(name) + "}"
	default:
		return ""
	}
}

// shownFirst returns a CEL string that shows the one string in a CEL list.
func shownFirst(list string) string {
	return list + ".map(p, p == '' ? 'none' : " + shown("p") + ")[0]"
}
