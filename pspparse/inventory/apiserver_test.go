package inventory

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/psp2pss/psp2pss/pspparse"
)

// apiServerPod is the JSON of a pod that is started in some way, with the annotation of a mirror pod.
func apiServerPod(namespace, name, started string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q,"namespace":%q,"uid":"u","annotations":{"kubernetes.io/config.mirror":"x"},`+
		`"ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"n1","controller":true}]},`+
		`"spec":{"containers":[{"name":"log"},{"name":"server","image":"i",%s}]}}`, name, namespace, started)
}

func TestAPIServers(t *testing.T) {
	t.Parallel()
	at := pspparse.Position{File: "pods.json", Line: 7}
	tests := []struct {
		name, pod string
		want      map[string]string // nil where it is none
	}{
		{
			"kubeadm", apiServerPod("kube-system", "kube-apiserver-n1", `"command":["kube-apiserver","--advertise-address=10.0.0.1","--enable-admission-plugins=NodeRestriction,PodSecurityPolicy","--tls-private-key-file=/x"]`),
			map[string]string{"enable-admission-plugins": "NodeRestriction,PodSecurityPolicy"},
		},
		{
			"RKE2: the flags are arguments", apiServerPod("kube-system", "kube-apiserver-n1", `"command":["kube-apiserver"],"args":["--admission-control-config-file=/etc/psa.yaml","--feature-gates=A=true,PodSecurity=false"]`),
			map[string]string{"admission-control-config-file": "/etc/psa.yaml", "feature-gates": "A=true,PodSecurity=false"},
		},
		{
			"kops: a script for a shell", apiServerPod("kube-system", "kube-apiserver-ip-10", `"command":["/bin/sh","-c","mkfifo /tmp/pipe; (tee -a /var/log/x < /tmp/pipe & ) ; exec /usr/local/bin/kube-apiserver --disable-admission-plugins=PodSecurity --v=2 > /tmp/pipe 2>&1"]`),
			map[string]string{"disable-admission-plugins": "PodSecurity"},
		},
		{
			"kops: behind go-runner", apiServerPod("kube-system", "kube-apiserver-ip-10", `"command":["/go-runner","--log-file=/var/log/kube-apiserver.log","/usr/local/bin/kube-apiserver"],"args":["--admission-control=A,B"]`),
			map[string]string{"admission-control": "A,B"},
		},
		{
			"other spellings, and lists given twice", apiServerPod("kube-system", "kube-apiserver-n1",
				`"command":["kube-apiserver","--enable_admission_plugins","A","--enable-admission-plugins=B","--admission-control-config-file=/a","--admission-control-config-file","/b","--feature-gates"]`),
			map[string]string{"enable-admission-plugins": "A,B", "admission-control-config-file": "/b", "feature-gates": ""},
		},
		{"no such flag", apiServerPod("kube-system", "kube-apiserver-n1", `"command":["kube-apiserver","--v=2"]`), map[string]string{}},
		{"no command", apiServerPod("kube-system", "kube-apiserver-n1", `"args":[]`), nil},
		{"keys in another case are none", apiServerPod("kube-system", "kube-apiserver-n1", `"Command":["kube-apiserver","--enable-admission-plugins=PodSecurityPolicy"]`), nil},
		{"another program", apiServerPod("kube-system", "kube-apiserver-proxy", `"command":["haproxy","--enable-admission-plugins=PodSecurityPolicy"]`), nil},
		{"another namespace", apiServerPod("tenant", "kube-apiserver-n1", `"command":["kube-apiserver","--enable-admission-plugins=PodSecurityPolicy"]`), nil},
		{"another static pod", apiServerPod("kube-system", "etcd-n1", `"command":["kube-apiserver","--enable-admission-plugins=PodSecurityPolicy"]`), nil},
		{
			"a hosted control plane", `{"metadata":{"name":"kube-apiserver-7f9","namespace":"kube-system","ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"kube-apiserver","controller":true}]},` +
				`"spec":{"containers":[{"name":"kube-apiserver","image":"i","command":["kube-apiserver","--enable-admission-plugins=PodSecurityPolicy"]}]}}`, nil,
		},
	}
	for _, tt := range tests {
		b := NewBuilder()
		if _, err := b.Decode("v1", "Pod", []byte(tt.pod), at); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		inv := b.Build(Source{})
		var got map[string]string
		for _, s := range inv.APIServers {
			got = s.Flags
			if s.Position != at {
				t.Errorf("%s: at %v", tt.name, s.Position)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		for _, w := range inv.Workloads {
			for _, p := range w.PodGroups {
				for _, c := range p.Shape.Spec.Containers {
					if c.Command != nil || c.Args != nil {
						t.Errorf("%s: the shape has kept %v %v", tt.name, c.Command, c.Args)
					}
				}
			}
		}
	}
}

// A mirror pod that is read twice is one; one that was read before and after a change of its flags is told with both.
func TestAPIServersTwice(t *testing.T) {
	t.Parallel()
	b := NewBuilder()
	add := func(pod, plugin string) {
		m := ObjectMeta{Name: pod, Namespace: "kube-system", UID: "u", Annotations: map[string]string{"kubernetes.io/config.mirror": "x"}}
		containers := []corev1.Container{{Name: "kube-apiserver", Image: "i", Args: []string{"--enable-admission-plugins=" + plugin}}}
		b.AddAPIServer(m, containers, corev1.PodRunning, pspparse.Position{})
		m.Name += "-finished"
		b.AddAPIServer(m, containers, corev1.PodFailed, pspparse.Position{})
	}
	add("kube-apiserver-b", "Y")
	add("kube-apiserver-a", "X")
	add("kube-apiserver-b", "X")
	add("kube-apiserver-b", "Y")
	server := func(pod, plugin string) APIServer {
		return APIServer{Pod: pod, Flags: map[string]string{FlagEnablePlugins: plugin}}
	}
	want := []APIServer{server("kube-apiserver-a", "X"), server("kube-apiserver-b", "X"), server("kube-apiserver-b", "Y")}
	if diff := cmp.Diff(want, b.Build(Source{}).APIServers); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
