package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	appsv1beta1 "k8s.io/api/apps/v1beta1"
	appsv1beta2 "k8s.io/api/apps/v1beta2"
	batchv1 "k8s.io/api/batch/v1"
	batchv1beta1 "k8s.io/api/batch/v1beta1"
	corev1 "k8s.io/api/core/v1"
	extensionsv1beta1 "k8s.io/api/extensions/v1beta1"
	rbacv1 "k8s.io/api/rbac/v1"
	rbacv1beta1 "k8s.io/api/rbac/v1beta1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// server speaks as much of the API as a reader needs (lists in protobuf and JSON, discovery, /version) and records
// every request. What it does not hold is served as an empty list; what is in absent is not served.
type server struct {
	*httptest.Server
	t       *testing.T
	codecs  serializer.CodecFactory
	scheme  *runtime.Scheme
	version string
	// pageSize, if set, makes pages smaller than the client allows.
	pageSize int
	// objects by list path, as typed objects; policies as maps.
	objects map[string][]runtime.Object
	psps    []map[string]any
	// onlyJSON makes the server answer in JSON whatever is asked for.
	onlyJSON bool
	// absent group versions ("batch/v1"), or resources in them ("batch/v1/cronjobs").
	absent map[string]bool
	// extra are custom resources that it serves.
	extra extras
	// before, if set, may answer a request itself; nth counts requests for the same path from 1.
	before func(w http.ResponseWriter, r *http.Request, nth int) bool

	// mu guards what follows, and objects while the server runs.
	mu       sync.Mutex
	requests []*http.Request
	count    map[string]int
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := unstarted(t)
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func unstarted(t *testing.T) *server {
	t.Helper()
	scheme, err := newScheme()
	if err != nil {
		t.Fatal(err)
	}
	return &server{
		t: t, scheme: scheme, codecs: serializer.NewCodecFactory(scheme), version: "v1.24.17",
		objects: map[string][]runtime.Object{}, absent: map[string]bool{}, count: map[string]int{},
	}
}

// inBubble is a reader whose connections to the server are pipes: in a bubble of testing/synctest, time passes only where
// both sides wait.
func (s *server) inBubble() *Reader {
	conns := make(pipes)
	web := &http.Server{Handler: s, ReadHeaderTimeout: time.Hour}
	go func() { _ = web.Serve(conns) }()
	s.t.Cleanup(func() { _ = web.Close() })
	cfg := &rest.Config{Host: "http://pipe", Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		conns <- there
		return here, nil
	}}
	setClientDefaults(cfg, ConnectionFlags{})
	return &Reader{Config: cfg, Context: "test", custom: &customResourceTable{}}
}

// pipes is a listener for the far ends of pipes.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error {
	close(p)
	return nil
}

func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// reader returns a Reader of the server that never waits between attempts, and gives a busy machine all the time that it needs.
func (s *server) reader() *Reader {
	cfg := &rest.Config{Host: s.URL}
	setClientDefaults(cfg, ConnectionFlags{})
	return &Reader{
		Config: cfg, Context: "test", custom: &customResourceTable{}, Timeout: time.Hour, limits: serverLimits{idleTime: time.Hour},
		sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

func (s *server) load() *inventory.Inventory {
	s.t.Helper()
	inv, err := s.reader().Load(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return inv
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r.Clone(context.WithoutCancel(r.Context())))
	s.count[r.URL.Path]++
	nth := s.count[r.URL.Path]
	s.mu.Unlock()
	if s.before != nil && s.before(w, r, nth) {
		return
	}
	if r.URL.Path == "/version" {
		writeJSON(w, http.StatusOK, map[string]string{"gitVersion": s.version})
		return
	}
	if s.extra.answer(w, r) {
		return
	}
	gv, resource := split(r.URL.Path)
	if s.absent[gv.String()] || s.absent[gv.String()+"/"+resource] {
		http.NotFound(w, r)
		return
	}
	switch {
	case resource == "":
		s.discovery(w, gv)
	case resource == podSecurityPoliciesResource:
		s.policies(w, gv)
	default:
		s.list(w, r, gv, resource)
	}
}

// split takes a list or discovery path apart, whatever namespace it is of.
func split(path string) (schema.GroupVersion, string) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if parts[0] == "api" {
		parts = slices.Insert(parts, 1, "")
	}
	if len(parts) == 6 && parts[3] == "namespaces" {
		parts = slices.Delete(parts, 3, 5)
	}
	parts = append(parts, "", "", "")
	return schema.GroupVersion{Group: parts[1], Version: parts[2]}, parts[3]
}

func (s *server) discovery(w http.ResponseWriter, gv schema.GroupVersion) {
	list := metav1.APIResourceList{GroupVersion: gv.String()}
	for _, k := range builtinKinds() {
		for _, source := range k.sources {
			if source.gv == gv && !s.absent[gv.String()+"/"+k.resource] {
				list.APIResources = append(list.APIResources, metav1.APIResource{Name: k.resource})
			}
		}
	}
	writeJSON(w, http.StatusOK, list)
}

func (s *server) policies(w http.ResponseWriter, gv schema.GroupVersion) {
	writeJSON(w, http.StatusOK, map[string]any{
		"apiVersion": gv.String(), "kind": "PodSecurityPolicyList", "metadata": map[string]any{}, "items": s.psps,
	})
}

func (s *server) list(w http.ResponseWriter, r *http.Request, gv schema.GroupVersion, resource string) {
	s.mu.Lock()
	items := selected(s.t, s.objects[r.URL.Path], r.URL.Query().Get("labelSelector"))
	s.mu.Unlock()
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	if s.pageSize > 0 {
		limit = min(limit, s.pageSize)
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("continue"))
	if limit == 0 {
		limit = len(items)
	}
	to := min(from+limit, len(items))
	list, err := s.scheme.New(gv.WithKind(listKinds[resource]))
	if err != nil {
		s.t.Errorf("%s: %v", r.URL, err)
		http.NotFound(w, r)
		return
	}
	if err := apimeta.SetList(list, items[from:to]); err != nil {
		s.t.Error(err)
	}
	if to < len(items) {
		remaining := int64(len(items) - to)
		list.(metav1.ListInterface).SetContinue(strconv.Itoa(to))
		list.(metav1.ListInterface).SetRemainingItemCount(&remaining)
	}
	mediaType := runtime.ContentTypeJSON
	if !s.onlyJSON && strings.HasPrefix(r.Header.Get("Accept"), runtime.ContentTypeProtobuf) {
		mediaType = runtime.ContentTypeProtobuf
	}
	info, _ := runtime.SerializerInfoForMediaType(s.codecs.SupportedMediaTypes(), mediaType)
	w.Header().Set("Content-Type", mediaType)
	if err := s.codecs.EncoderForVersion(info.Serializer, gv).Encode(list, w); err != nil {
		s.t.Error(err)
	}
}

// selected are the objects that a label selector selects.
func selected(t *testing.T, items []runtime.Object, selector string) []runtime.Object {
	matching, err := labels.Parse(selector)
	if err != nil {
		t.Error(err)
	}
	return slices.DeleteFunc(slices.Clone(items), func(o runtime.Object) bool {
		return !matching.Empty() && !matching.Matches(labels.Set(o.(metav1.Object).GetLabels()))
	})
}

// newScheme knows the group versions in the table.
func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	builder := runtime.NewSchemeBuilder(
		corev1.AddToScheme, appsv1.AddToScheme, appsv1beta2.AddToScheme, appsv1beta1.AddToScheme,
		extensionsv1beta1.AddToScheme, batchv1.AddToScheme, batchv1beta1.AddToScheme,
		rbacv1.AddToScheme, rbacv1beta1.AddToScheme,
	)
	return scheme, builder.AddToScheme(scheme)
}

var listKinds = map[string]string{
	"pods": "PodList", "replicasets": "ReplicaSetList", "jobs": "JobList", "deployments": "DeploymentList",
	"statefulsets": "StatefulSetList", "daemonsets": "DaemonSetList", "cronjobs": "CronJobList",
	"replicationcontrollers": "ReplicationControllerList", "podtemplates": "PodTemplateList",
	"serviceaccounts": "ServiceAccountList", "rolebindings": "RoleBindingList", "roles": "RoleList",
	"secrets": "SecretList", "configmaps": "ConfigMapList",
	"namespaces": "NamespaceList", "clusterrolebindings": "ClusterRoleBindingList", "clusterroles": "ClusterRoleList",
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// refuse answers like an API server: a Status with a reason and a message.
func refuse(w http.ResponseWriter, status int, reason metav1.StatusReason, message string) {
	writeJSON(w, status, metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure, Code: int32(status), Reason: reason, Message: message,
	})
}

// cut ends the connection in the middle of an answer.
func cut(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "100000")
	w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
	_, _ = fmt.Fprint(w, "k8s\x00")
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// seen are the requests so far.
func (s *server) seen() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}
