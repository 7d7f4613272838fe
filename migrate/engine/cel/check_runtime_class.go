package cel

import (
	"slices"

	"github.com/psp2pss/psp2pss/migrate/mapping"
)

// checkRuntimeClass: a runtime class that the pod states is one of the policy's names; no name allows none. A pod that states none
// is accepted, unless the policy has a default that is none of the names: PSP wrote it and then refused it, so that it admitted no
// pod without a class.
func checkRuntimeClass(c mapping.RuntimeClasses) []check {
	if c.Any {
		return nil
	}
	absent := "true"
	if c.Default != nil && !slices.Contains(c.Names, *c.Default) {
		absent = "false"
	}
	shownClass := "(object.spec.?runtimeClassName.hasValue() ? " + shown("object.spec.runtimeClassName") + " : 'none')"
	return []check{{
		good:  "(!has(object.spec.runtimeClassName) ? " + absent + " : " + isOneOf("object.spec.runtimeClassName", c.Names) + ")",
		wrong: "'spec.runtimeClassName: Invalid value: ' + " + shownClass + " + " + quote(": is not allowed. Allowed runtime classes: "+allowedList(c.Names)),
	}}
}

// fillRuntimeClass writes the policy's default into pods that state no runtime class.
func fillRuntimeClass(c mapping.RuntimeClasses) []fill {
	if c.Default == nil {
		return nil
	}
	return []fill{{place: inPod, field: "runtimeClassName", value: quote(*c.Default), when: "!has(object.spec.runtimeClassName)"}}
}
