package cel

import (
	"fmt"
	"math"
	"slices"

	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse"
)

// checkHostNamespace: the pod does not state true for hostNetwork, hostPID or hostIPC that the policy does not allow.
func checkHostNamespace(c mapping.HostNamespace) []check {
	what := map[string]string{"hostNetwork": "Host network", "hostPID": "Host PID", "hostIPC": "Host IPC"}[c.Name]
	return []check{{
		good:  "!object.spec.?" + c.Name + ".orValue(false)",
		wrong: quote("spec." + c.Name + ": Invalid value: true: " + what + " is not allowed to be used"),
	}}
}

// checkHostPorts: every host port of every container is in one of the policy's ranges, both ends included. No port is 0, also
// where it is stated. With hostNetwork the API server has written the container port there by now, as it had for PSP. A range that
// ends before it begins has no port.
func checkHostPorts(c mapping.HostPorts) []check {
	var ranges []pspparse.IDRange
	var texts []string
	for _, r := range c.Ranges {
		ranges = append(ranges, pspparse.IDRange{Min: int64(r.Min), Max: int64(r.Max)})
		texts = append(texts, rangeText(int64(r.Min), int64(r.Max)))
	}
	// Pods have no port below 0, so 0 and all below stand for no port.
	good := inRanges("h", append(ranges, pspparse.IDRange{Min: math.MinInt32, Max: 0}))
	port := "[p.?hostPort.orValue(0)].all(h, " + good + ")"
	return []check{{
		each: "variables.all", as: "c",
		good: "c.?ports.orValue([]).all(p, " + port + ")",
		wrong: inContainer("'hostPort: Invalid value: ' + c.ports.filter(p, !(" + port + ")).map(p, string(p.hostPort))[0] + " +
			quote(": Host port is not allowed to be used. Allowed ports: "+allowedList(texts))),
	}}
}

// inRanges returns a CEL boolean: the CEL integer is in one of the ranges of a policy, both ends included.
func inRanges(number string, ranges []pspparse.IDRange) string {
	var conditions []string
	for _, r := range mergedRanges(ranges) {
		switch {
		case r.Min == r.Max:
			conditions = append(conditions, fmt.Sprintf("%s == %d", number, r.Min))
		case r.Min == math.MinInt32:
			conditions = append(conditions, fmt.Sprintf("%s <= %d", number, r.Max))
		default:
			conditions = append(conditions, fmt.Sprintf("(%s >= %d && %s <= %d)", number, r.Min, number, r.Max))
		}
	}
	return anyOf(conditions...)
}

// contains reports whether an ID is in one of the ranges of a policy.
func contains(ranges []pspparse.IDRange, id int64) bool {
	return slices.ContainsFunc(ranges, func(r pspparse.IDRange) bool { return r.Min <= id && id <= r.Max })
}

// mergedRanges returns the ranges of a policy in order, without those that end before they begin, and those that overlap as one.
func mergedRanges(ranges []pspparse.IDRange) []pspparse.IDRange {
	sorted := slices.DeleteFunc(slices.Clone(ranges), func(r pspparse.IDRange) bool { return r.Min > r.Max })
	slices.SortFunc(sorted, func(a, b pspparse.IDRange) int {
		if a.Min < b.Min {
			return -1
		}
		if a.Min > b.Min {
			return 1
		}
		return 0
	})
	var out []pspparse.IDRange
	for _, r := range sorted {
		if n := len(out); n > 0 && r.Min <= out[n-1].Max {
			out[n-1].Max = max(out[n-1].Max, r.Max)
			continue
		}
		out = append(out, r)
	}
	return out
}

// rangeText returns a range of a policy, as a reason shows it.
func rangeText(from, to int64) string {
	if from == to {
		return fmt.Sprint(from)
	}
	return fmt.Sprintf("%d-%d", from, to)
}

// rangesText returns the ranges of a policy, as a reason shows them.
func rangesText(ranges []pspparse.IDRange) string {
	var texts []string
	for _, r := range ranges {
		texts = append(texts, rangeText(r.Min, r.Max))
	}
	return allowedList(texts)
}
