package redact

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/psp2pss/psp2pss/migrate"
)

// textPart matches a text in double quotes, or a run of what is no space and no mark between words.
var textPart = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[^\s",;()]+`)

// text returns a sentence, or a part of one, in the redacted plan. What stands in quotes is data and replaced, unless it is a
// word of Kubernetes. Outside of them the words of our own sentences stay; every other word is replaced.
func (r *redactor) text(text string) string {
	if r.collecting || text == "" {
		return text
	}
	for _, i := range injectors() {
		if rest, ok := strings.CutPrefix(text, i.Name); ok && (rest == "" || strings.HasPrefix(rest, " (")) {
			return i.Name + r.text(rest)
		}
	}
	text = r.replaceAwkward(text)
	var out strings.Builder
	end, noun := 0, ""
	for _, at := range textPart.FindAllStringIndex(text, -1) {
		between, part := text[end:at[0]], text[at[0]:at[1]]
		out.WriteString(between)
		end = at[1]
		if part[0] == '"' && len(part) > 1 {
			out.WriteString(`"` + r.quoted(noun, part[1:len(part)-1]) + `"`)
			continue
		}
		if policy, mark, _ := strings.Cut(part, ":"); noun == "policy" && mark == "" && r.policies[policy] != "" {
			out.WriteString(r.policies[policy] + part[len(policy):]) // it may be called as a level is
		} else {
			out.WriteString(r.words(part))
		}
		if part != "and" && part != "=" {
			noun = part
		}
	}
	out.WriteString(text[end:])
	return out.String()
}

// replaceAwkward replaces the known names that are several words in a text.
func (r *redactor) replaceAwkward(text string) string {
	for _, name := range r.awkward {
		text = strings.ReplaceAll(text, name, r.known[name])
	}
	return text
}

// setAwkward sorts out the known names that a text cannot be searched for by its words.
func (r *redactor) setAwkward() {
	for name := range r.known {
		if len(name) > 3 && (strings.ContainsAny(name, " \t\",;()") || strings.TrimFunc(name, isMark) != name) {
			r.awkward = append(r.awkward, name)
		}
	}
	slices.SortFunc(r.awkward, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
}

// isMark reports whether a character ends a word of a text.
func isMark(c rune) bool { return strings.ContainsRune(".,:;!?'`)(", c) }

// quoted returns what stands in quotes in a text of the redacted plan; noun is the word before it.
func (r *redactor) quoted(noun, content string) string {
	if r.collecting {
		return content
	}
	switch strings.ToLower(strings.Trim(noun, ":")) {
	case "container", "containers":
		return r.quotedName(prefixContainer, content)
	case "volume", "volumes":
		return r.quotedName(prefixVolume, content)
	case "namespace", "namespaces":
		return r.quotedName(prefixNamespace, content)
	case "policy", "policies":
		return r.quotedName(prefixPolicy, content)
	case "resource", "resources":
		return r.resource(content)
	case "kind", "kinds":
		if isKnownKind(content) {
			return content
		}
	}
	switch noun {
	case "type", "types", "user", "role":
		if seLinuxPattern.MatchString(content) {
			return content
		}
	case "include":
		if isCapability(content) {
			return content
		}
	case "ServiceAccount", "User", "Group":
		if !strings.HasPrefix(content, "system:") {
			return r.slash(content, r.ofKind(noun))
		}
	}
	switch {
	case strings.HasPrefix(content, "system:"):
		return r.user(content)
	case content == "" || isQuotedWord(content) || isKnownAnywhere(content) || strings.Contains(content, ".") && isKnownGroup(content):
		return content
	case pseudonymPattern().FindString(content) == content && r.key.originals[content] != "":
		return content // it was replaced as one of several words
	case strings.HasPrefix(content, "/"):
		return r.hostPath(content)
	case strings.HasPrefix(content, "localhost/"):
		return r.profile(content)
	case strings.HasPrefix(content, "container.apparmor.security.beta.kubernetes.io/"):
		domain, name, _ := strings.Cut(content, "/")
		return domain + "/" + r.name(prefixContainer, name)
	}
	if known, ok := r.known[content]; ok {
		return known
	}
	if isKindWord(noun) {
		return r.slash(content, r.ofKind(noun))
	}
	if namespace, name, ok := strings.Cut(content, "/"); ok && r.known[namespace] != "" {
		return r.known[namespace] + "/" + r.quoted("", name)
	}
	return r.key.pseudonym(prefixText, content)
}

// quotedName returns a name of a known kind in quotes.
func (r *redactor) quotedName(prefix, content string) string {
	if content == "" || isKnown(prefix, content) {
		return content
	}
	return r.key.pseudonym(prefixFor(prefix, content), content)
}

// isKindWord reports whether a word before a name in quotes can be the kind of an object.
func isKindWord(word string) bool {
	return word != "" && unicode.IsUpper(rune(word[0])) && wordPattern.FindString(word) == word
}

var (
	apiVersionPattern = regexp.MustCompile(`^([a-z0-9.-]+\.k8s\.io/|apps/|batch/|policy/|extensions/|autoscaling/)?v[0-9]+((alpha|beta)[0-9]+)?$`)
	fieldPathPattern  = regexp.MustCompile(`^(spec|metadata|rules|subjects|status|items|initContainers|containers|volumes|annotations|labels|roleRef|aggregationRule)([.\[]|$)`)
	fixedNumber       = regexp.MustCompile(`^[-+]?[0-9]+([-.x%][0-9]+)*%?$`)
)

// isQuotedWord reports whether what stands in quotes is a word of Kubernetes.
func isQuotedWord(text string) bool {
	return isCapability(text) && text == strings.ToUpper(text) || isProfile(text) || slices.Contains(volumeTypes(), text) || knownKinds()[text] ||
		apiVersionPattern.MatchString(text) || sysctlPattern.MatchString(text) || plainValue.MatchString(text) ||
		strings.Contains(text, "/") && isKnownKey(text) && wordPattern.FindString(text) != "" && !strings.HasPrefix(text, "/") && isWellKnownKey(text) ||
		isCamelWord(text) || fixedNumber.MatchString(text) && !isAddress(text)
}

// isWellKnownKey reports whether the part of a key after its domain has only words of our vocabulary.
func isWellKnownKey(key string) bool {
	_, name, _ := strings.Cut(key, "/")
	return onlyVocabulary(name)
}

// isCamelWord reports whether a text is a word such as hostNetwork, that no object can have as its name and that is one of ours.
func isCamelWord(text string) bool {
	return wordPattern.FindString(text) == text && text != strings.ToLower(text) && vocabulary()[strings.ToLower(text)]
}

// onlyVocabulary reports whether all words of a text are ours, and the rest numbers and marks.
func onlyVocabulary(text string) bool {
	for _, word := range wordPattern.FindAllString(text, -1) {
		if !vocabulary()[strings.ToLower(word)] {
			return false
		}
	}
	return !isAddress(text) && strings.IndexFunc(text, func(c rune) bool { return c > unicode.MaxASCII }) < 0
}

// words returns a run of characters without a space in a text of the redacted plan.
func (r *redactor) words(run string) string {
	word := strings.TrimRightFunc(strings.TrimLeftFunc(run, isMark), isMark)
	if word == "" {
		return run
	}
	start := strings.Index(run, word)
	return run[:start] + r.word(word) + run[start+len(word):]
}

// word returns one word in a text of the redacted plan.
func (r *redactor) word(word string) string {
	known, isName := r.known[word]
	switch {
	case r.key.originals[pseudonymPattern().FindString(word)] != "":
		return word // part of it has been replaced
	case isName && !(wordPattern.FindString(word) == word && vocabulary()[strings.ToLower(word)]):
		return known
	case strings.HasPrefix(word, "system:"):
		return r.user(word)
	case strings.HasPrefix(word, "https://") && isKnownPage(word):
		return word
	case strings.Contains(word, "://"):
		return r.server(word)
	case strings.HasPrefix(word, "/") && len(word) > 1:
		return r.hostPath(word)
	case fieldPathPattern.MatchString(word):
		return r.fieldPath(word)
	}
	if key, value, ok := strings.Cut(word, "="); ok && key != "" {
		return r.labelKeyIn(key) + "=" + r.words(value)
	}
	if m := lineAfterFile.FindStringSubmatch(word); m != nil && r.known[m[1]] != "" {
		return r.known[m[1]] + m[2]
	}
	if isKindOrSystemName(word) || onlyVocabulary(word) || isQuotedWord(word) {
		return word
	}
	if strings.Contains(word, "/") {
		return r.slashed(word)
	}
	return r.key.pseudonym(prefixText, word)
}

// labelKeyIn returns the key before an equals sign in a text of the redacted plan.
func (r *redactor) labelKeyIn(key string) string {
	if isKnownKey(key) {
		return key
	}
	if onlyVocabulary(key) || fieldPathPattern.MatchString(key) {
		return r.fieldPath(key)
	}
	if known, ok := r.known[key]; ok {
		return known
	}
	return r.key.pseudonym(prefixKey, key)
}

// isKindOrSystemName reports whether a word of a text is a kind of Kubernetes or one of its own names.
func isKindOrSystemName(word string) bool {
	return knownKinds()[word] || migrate.IsGatekeeperTemplate(word) || isKnown(prefixNamespace, word) || isKnown(prefixPolicy, word) || isKnown(prefixRole, word)
}

// isKnownPage reports whether an address is that of a page of a known project.
func isKnownPage(address string) bool {
	for _, site := range []string{"github.com/dapr/", "github.com/hashicorp/", "github.com/istio/", "github.com/kumahq/", "github.com/linkerd/", "kubernetes.io/", "istio.io/", "linkerd.io/"} {
		if strings.HasPrefix(strings.TrimPrefix(address, "https://"), site) {
			return true
		}
	}
	return false
}

// slashed returns a word with slashes in a text of the redacted plan: "deployment/web", "shop/web".
func (r *redactor) slashed(word string) string {
	first, rest, _ := strings.Cut(word, "/")
	if rest == "" {
		return r.key.pseudonym(prefixText, word)
	}
	if first != "" && isKnownKind(first) {
		return first + "/" + r.slash(rest, r.ofKind(first))
	}
	return r.words(first) + "/" + r.words(rest)
}

// keyInPath matches the key in a path such as metadata.annotations[example.com/key].
var keyInPath = regexp.MustCompile(`\[[^\[\]]*[^0-9\[\]*][^\[\]]*\]`)

// fieldPath returns the path of a field in the redacted plan: the keys of maps in it may be names.
func (r *redactor) fieldPath(path string) string {
	if r.collecting {
		return path
	}
	if strings.Contains(path, "/") && !strings.Contains(path, "[") { // an annotation stands for a field
		return r.labelKey(path)
	}
	fixed := keyInPath.ReplaceAllStringFunc(path, func(found string) string {
		key := found[1 : len(found)-1]
		if domain, name, ok := strings.Cut(key, "/"); ok && domain == "container.apparmor.security.beta.kubernetes.io" {
			return "[" + domain + "/" + r.name(prefixContainer, name) + "]"
		}
		if isKnownKey(key) {
			return found
		}
		return "[" + r.key.pseudonym(prefixKey, key) + "]"
	})
	plain := keyInPath.ReplaceAllString(path, "")
	if onlyVocabulary(plain) || len(plain) < 4 {
		return fixed
	}
	segments := strings.Split(fixed, ".")
	if plain != path {
		return fixed // dots in keys are none between fields
	}
	for i, segment := range segments {
		if !onlyVocabulary(segment) {
			segments[i] = r.key.pseudonym(prefixText, segment)
		}
	}
	return strings.Join(segments, ".")
}
