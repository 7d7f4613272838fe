package places

import (
	"github.com/psp2pss/psp2pss/pspparse/fieldpath"
)

// PathIn returns the place's path in a pod template as it is written in a manifest, given as JSON values. It differs from Path for
// volumes, found by name, and for ports, of which a Shape has only those of the node. It is Path where the template does not have
// them, as the volume of a claim of a StatefulSet.
func (p *Place) PathIn(template map[string]any) fieldpath.Path {
	spec, _ := template["spec"].(map[string]any)
	switch {
	case p.Volume != "":
		volumes, _ := spec["volumes"].([]any)
		return p.withIndex(2, indexWhere(volumes, 0, func(v map[string]any) bool { return v["name"] == p.Volume }))
	case p.listRank() > 0 && p.Path[3].Key == "ports":
		list, _ := spec[p.Path[1].Key].([]any)
		if p.Path[2].Index >= len(list) {
			return p.Path
		}
		container, _ := list[p.Path[2].Index].(map[string]any)
		ports, _ := container["ports"].([]any)
		onHost := spec["hostNetwork"] == true && p.Path[1].Key != ephemeralContainers
		return p.withIndex(4, indexWhere(ports, p.Path[4].Index, func(port map[string]any) bool {
			return isNumber(port["hostPort"]) || onHost && isNumber(port["containerPort"])
		}))
	}
	return p.Path
}

// withIndex returns the place's path with another index at a step; the path itself where the index is -1.
func (p *Place) withIndex(step, index int) fieldpath.Path {
	if index < 0 {
		return p.Path
	}
	return p.Path[:step:step].Item(index).Join(p.Path[step+1:])
}

// indexWhere returns the index of the object in a template's list that meets a condition after some others that meet it; -1 for none.
func indexWhere(list []any, after int, meets func(map[string]any) bool) int {
	for i, item := range list {
		object, _ := item.(map[string]any)
		if !meets(object) {
			continue
		}
		if after == 0 {
			return i
		}
		after--
	}
	return -1
}

// isNumber reports whether a template's JSON value is a number other than 0, in any of the types that decoders make of one.
func isNumber(v any) bool {
	switch n := v.(type) {
	case int:
		return n != 0
	case int64:
		return n != 0
	case float64:
		return n != 0
	}
	return false
}
