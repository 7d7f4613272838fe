package check

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/pod-security-admission/admission"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"github.com/psp2pss/psp2pss/migrate/finding"
	"github.com/psp2pss/psp2pss/pspparse/files"
)

// checkText checks one text as standard input.
func checkText(t testing.TB, text string, o Options) *finding.Result {
	t.Helper()
	r, err := Run(context.Background(), &files.Reader{Paths: []string{files.StdinPath}, Stdin: strings.NewReader(text)}, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// messages returns the sentences of the findings of a result by the order of the checks' levels and IDs, as the library has them.
func messages(r *finding.Result) map[string]string {
	out := map[string]string{}
	for _, f := range r.Findings {
		out[f.Rule] = f.Message
	}
	return out
}

// libraryMessages returns what Pod Security admission's own code says of an API object at restricted:latest, by check.
func libraryMessages(t testing.TB, object runtime.Object) (map[string]string, bool) {
	t.Helper()
	meta, spec, err := admission.DefaultPodSpecExtractor{}.ExtractPodSpec(object)
	if err != nil || spec == nil || len(spec.Containers) == 0 {
		return nil, false
	}
	if _, pod := object.(*corev1.Pod); pod && spec.HostNetwork { // the API server's default
		for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
			for i := range list {
				for j := range list[i].Ports {
					if p := &list[i].Ports[j]; p.HostPort == 0 {
						p.HostPort = p.ContainerPort
					}
				}
			}
		}
	}
	out := map[string]string{}
	for _, c := range policy.DefaultChecks() { // one by one, for the library's evaluator does not say which check said what
		e, err := policy.NewEvaluator([]policy.Check{c}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, result := range e.EvaluatePod(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, meta, spec) {
			if !result.Allowed {
				text := result.ForbiddenReason
				if result.ForbiddenDetail != "" {
					text += " (" + result.ForbiddenDetail + ")"
				}
				out[string(c.ID)] = text
			}
		}
	}
	for _, c := range policy.DefaultChecks() { // what a restricted check overrides is not evaluated
		for _, id := range c.Versions[len(c.Versions)-1].OverrideCheckIDs {
			delete(out, string(id))
		}
	}
	return out, true
}

// workloadDecoder returns a decoder of the API's own types of workloads.
func workloadDecoder(t testing.TB) runtime.Decoder {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return serializer.NewCodecFactory(scheme).UniversalDeserializer()
}

// apiObject decodes a document as an API server would; nil for a kind that it does not know.
func apiObject(decoder runtime.Decoder, document []byte) runtime.Object {
	data, err := yaml.YAMLToJSON(document)
	if err != nil {
		return nil
	}
	object, _, err := decoder.Decode(data, nil, nil)
	if err != nil {
		return nil
	}
	return object
}

// compareWithLibrary checks one document of one object and compares what is found with what the library's own code says.
func compareWithLibrary(t *testing.T, decoder runtime.Decoder, name string, document []byte) bool {
	t.Helper()
	object := apiObject(decoder, document)
	if object == nil {
		return false
	}
	want, ok := libraryMessages(t, object)
	if !ok {
		return false
	}
	r := checkText(t, string(document), Options{Level: api.LevelRestricted})
	if len(r.Workloads) != 1 {
		return false // it has a name that no object can have, or is a gap for another reason that the server has, too
	}
	if diff := cmp.Diff(want, messages(r)); diff != "" {
		t.Errorf("%s (-library +check):\n%s\n%s", name, diff, document)
	}
	return true
}

// TestVerdictIsThatOfTheLibrary compares what is found with the words of Pod Security admission's own code: of all workloads of the
// scenarios, of manifests that other people have published, and of generated ones.
func TestVerdictIsThatOfTheLibrary(t *testing.T) {
	t.Parallel()
	decoder, compared := workloadDecoder(t), 0
	for _, folder := range []string{"../../fixtures", "../../../shared/corpus/devset"} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !files.IsManifestName(d.Name()) || strings.HasSuffix(path, ".gz") {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, document := range bytes.Split(data, []byte("\n---")) {
				if len(document) < 1<<16 && compareWithLibrary(t, decoder, path, bytes.TrimPrefix(document, []byte("---"))) {
					compared++
				}
			}
			return nil
		})
		if err != nil && (folder == "../../fixtures" || !os.IsNotExist(err)) {
			t.Fatal(err)
		}
	}
	if compared < 50 {
		t.Errorf("only %d objects were compared", compared)
	}
	for seed := range tries(300) {
		for _, object := range []runtime.Object{randomDeployment(seed), randomPod(seed)} {
			document, err := yaml.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			if !compareWithLibrary(t, decoder, "generated", document) {
				t.Errorf("a generated object was not compared:\n%s", document)
			}
		}
	}
}
