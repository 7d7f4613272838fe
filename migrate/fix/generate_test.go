package fix

import (
	"fmt"
	"math/rand"
	"strings"
)

// entry is a key of a generated map with its value: a map, a list, or the text of a scalar.
type entry struct {
	key   string
	value any
}

type (
	mapping  []entry
	sequence []any
)

// generator writes manifests at random, in every style and with a comment wherever YAML takes one.
type generator struct {
	*rand.Rand
	b        strings.Builder
	comments int
	// step is the indentation of maps, list that of lists below their key; newline ends lines.
	step, list int
	newline    string
}

func newGenerator(seed int64) *generator {
	r := rand.New(rand.NewSource(seed))
	g := &generator{Rand: r, step: 2 + 2*r.Intn(2), newline: "\n"}
	g.list = []int{0, g.step}[r.Intn(2)]
	if r.Intn(6) == 0 {
		g.newline = "\r\n"
	}
	return g
}

// oneOf returns one of some values at random.
func oneOf[T any](g *generator, values ...T) T { return values[g.Intn(len(values))] }

// file returns the text of a file with some documents, some of them in a List.
func (g *generator) file(documents int) string {
	for i := range documents {
		if i > 0 || g.Intn(2) == 0 {
			g.line(0, "---")
		}
		if g.Intn(5) == 0 {
			items := sequence{g.workload(fmt.Sprint("a", i)), g.workload(fmt.Sprint("b", i))}
			g.mapping(0, mapping{{"apiVersion", "v1"}, {"kind", "List"}, {"items", items}})
			continue
		}
		g.mapping(0, g.workload(fmt.Sprint("w", i)))
	}
	text := g.b.String()
	if g.Intn(4) == 0 {
		text = strings.TrimSuffix(text, g.newline)
	}
	return text
}

// workload returns a workload whose security fields are set at random.
func (g *generator) workload(name string) mapping {
	pod := g.podSpec()
	template := mapping{{"metadata", mapping{{"labels", mapping{{"app", name}}}}}, {"spec", pod}}
	head := func(apiVersion, kind string, spec ...entry) mapping {
		return g.shuffled(mapping{
			{"apiVersion", apiVersion},
			{"kind", kind},
			{"metadata", mapping{{"name", name}, {"namespace", oneOf(g, "shop", `"blog"`, "'web'")}}},
			{"spec", g.shuffled(spec)},
		})
	}
	switch g.Intn(5) {
	case 0:
		return head("v1", "Pod", pod...)
	case 1:
		return head("batch/v1", "CronJob", entry{"schedule", `"* * * * *"`}, entry{"jobTemplate", mapping{{"spec", mapping{{"template", template}}}}})
	case 2:
		return head("argoproj.io/v1alpha1", "Rollout", entry{"replicas", "2"}, entry{"template", template})
	default:
		return head("apps/v1", oneOf(g, "Deployment", "StatefulSet", "DaemonSet"), entry{"template", template})
	}
}

// shuffled returns a map with its keys in another order, half of the time.
func (g *generator) shuffled(m mapping) mapping {
	if g.Intn(2) == 0 {
		g.Shuffle(len(m), func(i, j int) { m[i], m[j] = m[j], m[i] })
	}
	return m
}

// podSpec returns a pod spec whose security fields are set at random.
func (g *generator) podSpec() mapping {
	var list sequence
	for i := range 1 + g.Intn(3) {
		list = append(list, g.container(fmt.Sprint("c", i)))
	}
	spec := mapping{{"containers", list}}
	if g.Intn(4) == 0 {
		spec = append(spec, entry{"initContainers", sequence{g.container("init")}})
	}
	if g.Intn(2) == 0 {
		sc := mapping{}
		sc = g.maybe(sc, "runAsNonRoot", "true", "true", "false")
		sc = g.maybe(sc, "runAsUser", "1000", "0", "7")
		if g.Intn(3) == 0 {
			sc = append(sc, entry{"seccompProfile", mapping{{"type", oneOf(g, "RuntimeDefault", `"RuntimeDefault"`, "Unconfined")}}})
		}
		spec = append(spec, entry{"securityContext", sc})
	}
	if g.Intn(6) == 0 {
		spec = append(spec, entry{"hostNetwork", "true"})
	}
	return g.shuffled(spec)
}

// container returns a container whose security fields are set at random.
func (g *generator) container(name string) mapping {
	c := mapping{{"name", name}, {"image", oneOf(g, "nginx:1.27", `"nginx"`, "'a/b@sha256:0'")}}
	if g.Intn(2) == 0 {
		c = append(c, entry{"command", sequence{"sh", "-c", "|block"}})
	}
	if g.Intn(3) > 0 {
		sc := mapping{}
		sc = g.maybe(sc, "allowPrivilegeEscalation", "false", "true")
		sc = g.maybe(sc, "runAsNonRoot", "true", "false")
		sc = g.maybe(sc, "runAsUser", "1000", "0")
		sc = g.maybe(sc, "privileged", "false", "false", "true")
		if g.Intn(3) == 0 {
			caps := mapping{}
			if g.Intn(2) == 0 {
				caps = append(caps, entry{"drop", oneOf(g, sequence{"ALL"}, sequence{"KILL", `"NET_RAW"`}, sequence{})})
			}
			if g.Intn(3) == 0 {
				caps = append(caps, entry{"add", oneOf(g, sequence{"NET_BIND_SERVICE"}, sequence{"CHOWN", "NET_ADMIN"})})
			}
			sc = append(sc, entry{"capabilities", caps})
		}
		c = append(c, entry{"securityContext", sc})
	}
	return g.shuffled(c)
}

// maybe adds a key with one of some values to a map, half of the time.
func (g *generator) maybe(m mapping, key string, values ...string) mapping {
	if g.Intn(2) == 0 {
		return m
	}
	return append(m, entry{key, oneOf(g, values...)})
}

// comment returns a comment that stands nowhere else.
func (g *generator) comment() string {
	g.comments++
	return fmt.Sprintf("# c%d: {[%s", g.comments, oneOf(g, "- a: b", `"`, "'", "é"))
}

// line writes a line with a comment at its end, and sometimes a line that is a comment, or empty, before it.
func (g *generator) line(indent int, text string) {
	if g.Intn(3) == 0 && text != "---" {
		g.b.WriteString(oneOf(g, "", strings.Repeat(" ", indent)+g.comment(), strings.Repeat(" ", g.Intn(indent+1))+g.comment()) + g.newline)
	}
	g.b.WriteString(strings.Repeat(" ", indent) + text)
	if g.Intn(2) == 0 {
		g.b.WriteString(" " + g.comment())
	}
	g.b.WriteString(g.newline)
}

// mapping writes a map in block style.
func (g *generator) mapping(indent int, m mapping) {
	for _, e := range m {
		g.entry(indent, "", e)
	}
}

// entry writes a key with its value; before stands in the line of the key.
func (g *generator) entry(indent int, before string, e entry) {
	at := indent - len(before)
	key := before + e.key + ":"
	switch v := e.value.(type) {
	case string:
		g.line(at, key+" "+v)
	case mapping:
		if len(v) == 0 || g.Intn(8) == 0 {
			g.line(at, key+" "+flow(v))
			return
		}
		g.line(at, key)
		g.mapping(indent+g.step, v)
	case sequence:
		if len(v) == 0 || g.Intn(6) == 0 && !hasBlock(v) {
			g.line(at, key+" "+flow(v))
			return
		}
		g.line(at, key)
		for _, item := range v {
			g.item(indent+g.list, item)
		}
	}
}

// item writes an item of a list in block style.
func (g *generator) item(indent int, item any) {
	m, is := item.(mapping)
	switch {
	case item == "|block":
		g.b.WriteString(strings.Repeat(" ", indent) + "- |" + g.newline + strings.Repeat(" ", indent+2) + "# no comment: x" + g.newline)
	case !is:
		g.line(indent, "- "+item.(string))
	case len(m) == 0:
		g.line(indent, "- {}")
	default:
		g.entry(indent+2, "- ", m[0])
		g.mapping(indent+2, m[1:])
	}
}

// hasBlock reports whether a list has a text that is written as a block.
func hasBlock(s sequence) bool { return strings.Contains(fmt.Sprint(s...), "|block") }

// flow returns a value in flow style.
func flow(v any) string {
	var parts []string
	switch v := v.(type) {
	case mapping:
		for _, e := range v {
			parts = append(parts, e.key+": "+flow(e.value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case sequence:
		for _, item := range v {
			parts = append(parts, flow(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return strings.ReplaceAll(v.(string), "|block", `"block"`)
}
