package migrate

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/simulate"
	"github.com/psp2pss/psp2pss/simulate/psp"
)

// crowd is a cluster of 150,000 pods in 1,000 shapes: 10,000 Deployments of 15 pods, each with an account of its own, which
// may use some of 50 policies. The pods are as PSP admission makes them of 100 templates. Where policies are off, the same
// pods run, and none says that a policy admitted it.
type crowd struct {
	policies []*pspparse.Policy
	specs    []corev1.PodSpec
	judge    *simulate.Simulator
	shapes   map[*inventory.Shape]bool
	sets     map[string]bool
}

const (
	crowdPolicies, crowdFillings, crowdTemplates = 50, 9, 100
	crowdAccounts, crowdReplicas                 = 10_000, 15
)

// crowdPolicy has one of nine ways to fill pods in. Every fifth allows all that the templates ask for.
func crowdPolicy(i int) string {
	volumes, network := `["configMap","emptyDir","projected","secret"]`, false
	if i%5 == 0 {
		volumes, network = `["*"]`, true
	}
	return fmt.Sprintf(`{"apiVersion":"policy/v1beta1","kind":"PodSecurityPolicy","metadata":{"name":"p%02d",
		"annotations":{"seccomp.security.alpha.kubernetes.io/defaultProfileName":"runtime/default","seccomp.security.alpha.kubernetes.io/allowedProfileNames":"*"}},
		"spec":{"allowPrivilegeEscalation":false,"requiredDropCapabilities":["ALL"],"hostNetwork":%t,"hostPorts":[{"min":0,"max":65535}],"volumes":%s,
		"runAsUser":{"rule":"MustRunAs","ranges":[{"min":%d,"max":65535}]},"fsGroup":{"rule":"MustRunAs","ranges":[{"min":2000,"max":65535}]},
		"seLinux":{"rule":"RunAsAny"},"supplementalGroups":{"rule":"RunAsAny"}}}`, i, network, volumes, 1000+i%crowdFillings)
}

// crowdSpec is a pod of two containers and an init container; some ask for what most policies refuse.
func crowdSpec(i int) corev1.PodSpec {
	app := corev1.Container{Name: fmt.Sprintf("app-%d", i), Image: "app", Ports: []corev1.ContainerPort{{ContainerPort: 80}}}
	if i%3 == 0 {
		app.SecurityContext = &corev1.SecurityContext{RunAsUser: new(int64(10_000)), RunAsNonRoot: new(true)}
	}
	spec := corev1.PodSpec{InitContainers: []corev1.Container{{Name: "init"}}, Containers: []corev1.Container{app, {Name: "sidecar"}}, HostNetwork: i%10 == 0}
	for j := range 4 {
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: fmt.Sprint("v", j), VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{}}})
	}
	if i%7 == 0 {
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "logs", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/var/log"}}})
	}
	return spec
}

func newCrowd(b *testing.B) *crowd {
	b.Helper()
	c := &crowd{sets: map[string]bool{}}
	for i := range crowdPolicies {
		p, problems := pspparse.ParseJSON([]byte(crowdPolicy(i)), pspparse.Position{})
		if p == nil || len(problems) > 0 {
			b.Fatalf("policy %d: %v", i, problems)
		}
		c.policies = append(c.policies, p)
	}
	for i := range crowdTemplates {
		c.specs = append(c.specs, crowdSpec(i))
	}
	var err error
	if c.judge, err = simulate.NewSimulator(c.policies); err != nil {
		b.Fatal(err)
	}
	return c
}

// inventory is the cluster with its policies on, or off.
func (c *crowd) inventory(b *testing.B, on bool) *inventory.Inventory {
	b.Helper()
	builder := inventory.NewBuilder()
	for _, p := range c.policies {
		builder.AddPolicy(p)
		builder.AddRole(inventory.Role{Name: p.Name, Rules: []rbacv1.PolicyRule{{
			Verbs: []string{"use"}, APIGroups: []string{"policy"}, Resources: []string{"podsecuritypolicies"}, ResourceNames: []string{p.Name},
		}}})
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range crowdAccounts {
		c.add(b, builder, fmt.Sprintf("team-%03d", i/10), fmt.Sprintf("app-%d", i%10), rng, on)
	}
	inv := builder.Build(cluster("v1.24.17"))
	c.shapes = map[*inventory.Shape]bool{}
	for i := range inv.Workloads {
		c.shapes[inv.Workloads[i].Template] = true
		for _, g := range inv.Workloads[i].PodGroups {
			c.shapes[g.Shape] = true
		}
	}
	return inv
}

// add makes one account, its grants, its Deployment and the pods of that.
func (c *crowd) add(b *testing.B, builder *inventory.Builder, namespace, name string, rng *rand.Rand, on bool) {
	usable := []string{c.policies[5*rng.IntN(crowdPolicies/5)].Name}
	for range 1 + rng.IntN(4) {
		usable = append(usable, c.policies[rng.IntN(crowdPolicies)].Name)
	}
	c.sets[fmt.Sprint(c.judge.UsablePolicies(usable))] = true
	builder.AddServiceAccount(inventory.ServiceAccount{Namespace: namespace, Name: name})
	for i, policy := range usable {
		builder.AddBinding(inventory.Binding{
			Namespace: namespace, Name: fmt.Sprintf("%s-%d", name, i), RoleKind: "ClusterRole", RoleName: policy,
			Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: name}},
		})
	}
	template := &corev1.PodTemplateSpec{Spec: c.specs[rng.IntN(crowdTemplates)]}
	template.Spec.ServiceAccountName = name
	builder.AddTemplate("Deployment", inventory.ObjectMeta{Name: name, Namespace: namespace}, crowdReplicas, template, pspparse.Position{})
	made := c.judge.PredictAdmission(inventory.ReducePod(nil, &template.Spec), psp.AdmissionContext{UsablePolicies: c.judge.UsablePolicies(usable)})
	if made.Policy == "" {
		b.Fatalf("no policy admits %s/%s: %v", namespace, name, made.Refusals)
	}
	pod := made.Shape.Spec
	pod.ServiceAccountName = name
	annotations := map[string]string{}
	for k, v := range made.Shape.Annotations {
		annotations[k] = v
	}
	if on {
		annotations["kubernetes.io/psp"] = made.Policy
	}
	owned := inventory.ObjectMeta{Namespace: namespace, Annotations: annotations, OwnerReferences: []metav1.OwnerReference{
		{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: name + "-5d4f8", Controller: new(true)},
	}}
	for i := range crowdReplicas {
		owned.Name = fmt.Sprintf("%s-5d4f8-%05d", name, i)
		builder.AddPod(owned, &pod, corev1.PodRunning, pspparse.Position{})
	}
}

// BenchmarkSimulation: what the simulation of PSP admission adds to a plan, beside the same cluster with its policies off, in
// turn. What differs is what is foreseen of templates and pods, pods without what was filled into them, and what of that is
// told in the plan; reading, the policies' mapping, RBAC and the judging of each shape are on both sides. The figures to watch
// are s-added and MiB-added (the largest live heap, the plan's own part included); 3 and 100 are the promise.
func BenchmarkSimulation(b *testing.B) {
	c := newCrowd(b)
	with, without := c.inventory(b, true), c.inventory(b, false)
	var on, off time.Duration
	for b.Loop() {
		off += timed(b, without)
		on += timed(b, with)
	}
	n := float64(b.N)
	b.ReportMetric(on.Seconds()/n, "s-plan")
	b.ReportMetric((on-off).Seconds()/n, "s-added")
	b.ReportMetric(float64(peak(b, with)-peak(b, without))/(1<<20), "MiB-added")
	b.ReportMetric(float64(len(c.shapes)), "shapes")
	b.ReportMetric(float64(len(c.sets)), "usable-sets")
	runtime.KeepAlive(with)
	runtime.KeepAlive(without)
}

func timed(b *testing.B, inv *inventory.Inventory) time.Duration {
	b.Helper()
	runtime.GC()
	start := time.Now()
	if _, err := Build(inv, Options{}); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

// peak is the largest live heap while a plan is made, as often as the collector looks, over that before.
func peak(b *testing.B, inv *inventory.Inventory) int64 {
	b.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	live := func() int64 {
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	runtime.GC()
	before, largest := live(), make(chan int64)
	stop := make(chan struct{})
	go func() {
		most := int64(0)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				most = max(most, live())
			case <-stop:
				largest <- most
				return
			}
		}
	}()
	plan, err := Build(inv, Options{})
	runtime.GC()
	last := live()
	close(stop)
	if err != nil {
		b.Fatal(err)
	}
	runtime.KeepAlive(plan)
	return max(<-largest, last) - before
}
