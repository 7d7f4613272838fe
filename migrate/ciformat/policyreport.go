package ciformat

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"regexp"
	"slices"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/migrate/manifest"
)

// What an API server and kubectl take of an object.
const (
	reportMostResults = 5_000
	// reportMostBytes leaves room in the 1.5 MiB of an object for what a server adds to it.
	reportMostBytes = 1_200_000
	// reportMostText is how many characters of one text a report has: PSA's sentences name every container.
	reportMostText = 10_000
	// reportMostApplied is what kubectl apply can keep of an object in an annotation.
	reportMostApplied = 256 << 10
)

// reportKinds are the kinds of a format of report objects.
type reportKinds struct {
	format, apiVersion, kind, clusterKind string
	// source is whether a report names its source beside its results.
	source bool
}

// WritePolicyReport writes a check's result as YAML of PolicyReport objects, wgpolicyk8s.io/v1alpha2: one for each namespace, more where
// one would be too large, and one ClusterPolicyReport of what has no namespace to stand in. It returns the error of writing.
func WritePolicyReport(w io.Writer, r *finding.Result, o Options) error {
	return writeReports(w, r, o, reportKinds{"policyreport", "wgpolicyk8s.io/v1alpha2", "PolicyReport", "ClusterPolicyReport", false})
}

// reportObject is one PolicyReport or Report, of a namespace or of the cluster.
type reportObject struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   reportMetadata `json:"metadata"`
	Source     string         `json:"source,omitempty"`
	Summary    reportSummary  `json:"summary"`

	// results is the YAML text of the reportResults behind the summary, count how many there are, and size how many bytes of JSON: each
	// is encoded once.
	results     []byte
	count, size int
}

// reportMetadata is the metadata of a report object.
type reportMetadata struct {
	Name      string            `json:"name"`
	Namespace string            `json:"namespace,omitempty"`
	Labels    map[string]string `json:"labels"`
}

// reportSummary counts the results of a report object.
type reportSummary struct {
	Pass  int `json:"pass"`
	Fail  int `json:"fail"`
	Warn  int `json:"warn"`
	Error int `json:"error"`
	Skip  int `json:"skip"`
}

// reportResult is one result of a report object.
type reportResult struct {
	Source     string           `json:"source"`
	Policy     string           `json:"policy"`
	Rule       string           `json:"rule,omitempty"`
	Category   string           `json:"category"`
	Severity   string           `json:"severity,omitempty"`
	Result     string           `json:"result"`
	Scored     bool             `json:"scored"`
	Message    string           `json:"message,omitempty"`
	Resources  []reportResource `json:"resources,omitempty"`
	Properties reportProperties `json:"properties,omitzero"`
	Timestamp  *reportTimestamp `json:"timestamp,omitempty"`
}

// reportProperties are what a result of a report object says beside the fields that every program knows.
type reportProperties struct {
	DemandedBy string `json:"demandedBy,omitempty"`
	Exception  string `json:"exception,omitempty"`
	New        string `json:"new,omitempty"`
	Position   string `json:"position,omitempty"`
	Reason     string `json:"reason,omitempty"`
	Versions   string `json:"versions,omitempty"`
}

// reportResource names the object of a result.
type reportResource struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
}

// reportTimestamp is when a result was found.
type reportTimestamp struct {
	Seconds int64 `json:"seconds"`
	Nanos   int32 `json:"nanos"`
}

// namespaceName matches what a server takes for the name of a namespace.
var namespaceName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// writeReports writes a check's result as YAML of report objects, one at a time.
func writeReports(w io.Writer, r *finding.Result, o Options, kinds reportKinds) error {
	out := &reportWriter{w: w, options: o, kinds: kinds, rules: map[string]rule{}}
	groups := groupOutcomes(r, reportNamespace)
	for _, ns := range slices.Sorted(maps.Keys(groups)) {
		if ns == clusterReport {
			continue
		}
		if err := out.writeGroup(kinds.kind, ns, groups[ns].outcomes()); err != nil {
			return err
		}
	}
	if err := out.writeGroup(kinds.clusterKind, "", func(yield func(outcome) bool) {
		for from := range groups[clusterReport].outcomes() {
			if !yield(from) {
				return
			}
		}
		for i := range r.Gaps {
			if !yield(gapOutcome(&r.Gaps[i])) {
				return
			}
		}
	}); err != nil {
		return err
	}
	out.remarkLarge()
	return nil
}

// clusterReport is what no namespace can be called: the group of outcomes that stand in a report of the cluster.
const clusterReport = "*"

// reportNamespace returns the namespace of the report in which the outcomes of an object stand; clusterReport for what has none to
// stand in.
func reportNamespace(o *finding.Object) string {
	if o.Namespace != "" && !namespaceName.MatchString(o.Namespace) || o.Kind == "" {
		return clusterReport
	}
	return o.Namespace
}

// reportWriter writes report objects as YAML documents. Of their results it holds those of one object, as JSON.
type reportWriter struct {
	w       io.Writer
	options Options
	kinds   reportKinds
	// rules keeps what is told of a rule.
	rules map[string]rule
	// written is how many objects were written.
	written int
	// large is the name of the first object that plain kubectl apply does not take, largeCount how many there are.
	large      string
	largeCount int
}

// writeGroup writes the outcomes of one namespace, or of the cluster, as report objects of a kind, none of them too large for a
// server; none without outcomes.
func (w *reportWriter) writeGroup(kind, namespace string, from iter.Seq[outcome]) error {
	object := w.newObject(kind, namespace, 1)
	n := 1
	for outcome := range from {
		result := w.options.reportResult(outcome, w.rules)
		text, err := json.Marshal(result)
		if err != nil {
			return fmt.Errorf("writing a result of a report: %w", err)
		}
		if object.count == reportMostResults || object.count > 0 && object.size+len(text) > reportMostBytes {
			if err := w.write(object); err != nil {
				return err
			}
			n++
			object = w.newObject(kind, namespace, n)
		}
		if err := object.add(result.Result, text); err != nil {
			return err
		}
	}
	if object.count == 0 {
		return nil
	}
	return w.write(object)
}

// add adds a result as JSON to a report object.
func (r *reportObject) add(result string, text []byte) (err error) {
	r.Summary.add(result)
	r.count++
	r.size += len(text) + 1
	r.results, err = manifest.AppendItem(r.results, text)
	return err
}

// newObject returns the n-th report object of a namespace, without results.
func (w *reportWriter) newObject(kind, namespace string, n int) *reportObject {
	object := &reportObject{
		APIVersion: w.kinds.apiVersion, Kind: kind,
		Metadata: reportMetadata{Name: "psp2pss", Namespace: namespace, Labels: map[string]string{"app.kubernetes.io/managed-by": "psp2pss"}},
	}
	if n > 1 {
		object.Metadata.Name += fmt.Sprintf("-%d", n)
	}
	if w.kinds.source {
		object.Source = "psp2pss"
	}
	return object
}

// write writes a report object and counts those that plain kubectl apply does not take.
func (w *reportWriter) write(object *reportObject) error {
	if object.size > reportMostApplied {
		if w.largeCount++; w.largeCount == 1 {
			w.large = objectName(finding.Object{Kind: object.Kind, Namespace: object.Metadata.Namespace, Name: object.Metadata.Name})
		}
	}
	if w.written++; w.written > 1 {
		if _, err := io.WriteString(w.w, "---\n"); err != nil {
			return err
		}
	}
	if err := manifest.WriteYAML(w.w, object); err != nil {
		return err
	}
	if _, err := io.WriteString(w.w, "results:\n"); err != nil {
		return err
	}
	_, err := w.w.Write(escape.YAML(object.results))
	return err
}

// remarkLarge remarks once on the report objects that plain kubectl apply does not take, if there are any.
func (w *reportWriter) remarkLarge() {
	switch {
	case w.largeCount == 1:
		w.options.remark(fmt.Sprintf("%s: %s is too large for plain kubectl apply: use kubectl apply --server-side", w.kinds.format, w.large))
	case w.largeCount > 1:
		w.options.remark(fmt.Sprintf("%s: %d objects (%s is the first) are too large for plain kubectl apply: use kubectl apply --server-side", w.kinds.format, w.largeCount, w.large))
	}
}

// add counts a result of a report object.
func (s *reportSummary) add(result string) {
	switch result {
	case "pass":
		s.Pass++
	case "fail":
		s.Fail++
	case "warn":
		s.Warn++
	case "error":
		s.Error++
	case "skip":
		s.Skip++
	}
}

// reportResult returns an outcome as a result of a report object. rules keeps what is told of a rule.
func (o Options) reportResult(from outcome, rules map[string]rule) reportResult {
	about, ok := rules[from.rule]
	if !ok && from.rule != "" {
		about = o.ruleOf(from.rule)
		rules[from.rule] = about
	}
	out := reportResult{
		Source: "psp2pss", Policy: "pod-security", Rule: shown(from.rule), Category: about.category(), Result: "pass", Scored: true,
		Resources: reportResources(from.object),
	}
	if from.level != "" {
		out.Policy = "pod-security-" + shown(from.level)
	}
	if !o.Time.IsZero() {
		out.Timestamp = &reportTimestamp{o.Time.Unix(), int32(o.Time.Nanosecond())} //nolint:gosec // below a thousand million
	}
	if from.position.File != "" {
		out.Properties.Position = reportText(rangePosition(positionRange(from.position)))
	}
	switch from.status {
	case statusFailed:
		out.Result, out.Severity = "fail", reportSeverity(about, from.finding)
		if from.finding != nil && from.finding.Severity != finding.SeverityError {
			out.Result = "warn"
		}
	case statusExcepted:
		out.Result, out.Severity = "skip", reportSeverity(about, from.finding)
		out.Properties.Exception = reportText(exceptionText(from.ignored))
	case statusSkipped:
		out.Result, out.Message = "skip", from.why
	case statusUnknown:
		out.Result, out.Message = "error", reportText(gapText(from.gap))
		out.Properties.Reason = reportText(from.gap.ID)
	}
	if f := from.finding; f != nil {
		out.Message = reportText(f.Message)
		if at := rangePosition(firstRange(f)); at != "" {
			out.Properties.Position = reportText(at)
		}
		out.Properties.Versions = reportText(versions(f))
		out.Properties.DemandedBy = reportText(f.Demand.Source)
		if f.New {
			out.Properties.New = "true"
		}
	}
	return out
}

// reportText returns text of the input for a report object, cut where it would make the object too large for a server.
func reportText(s string) string { return firstRunes(shown(s), reportMostText) }

// reportSeverity returns the severity of a failed rule in a report object: that of the standard, lower where a label only warns
// or audits.
func reportSeverity(about rule, f *finding.Finding) string {
	switch {
	case f != nil && f.Severity == finding.SeverityNote:
		return "info"
	case f != nil && f.Severity == finding.SeverityWarning:
		return "low"
	case about.level == "restricted":
		return "medium"
	}
	return "high"
}

// reportResources returns the object of a result; nil if it is about none.
func reportResources(o finding.Object) []reportResource {
	if o.Kind == "" {
		return nil
	}
	return []reportResource{{reportText(o.APIVersion), reportText(o.Kind), reportText(o.Namespace), reportText(o.Name)}}
}
