package job

import (
	"fmt"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

const (
	// root is the folder of the containers below which the volume and the kubeconfigs are.
	root           = "/fleet"
	rowsFolder     = root + "/rows"
	plansFolder    = root + "/plans"
	reportFolder   = root + "/report"
	kubeconfigRoot = root + "/kubeconfigs"
	// volumeName is that of the claim in the pods.
	volumeName = "fleet"
	// completionIndex is the variable of each container of an Indexed Job in which its index is, as the kubelet expands it in arguments:
	// kubernetes/kubernetes, pkg/controller/job/indexed_job_utils.go and third_party/forked/golang/expansion.
	completionIndex = "$(JOB_COMPLETION_INDEX)"
	// user is the user and the group of the pods: those of the image of a release, in which nothing belongs to them.
	user int64 = 65532
	// usageExit is the exit code of psp2pss for wrong usage, which no second attempt makes right.
	usageExit int32 = 2
)

// planJob and mergeJob return the names of the two Jobs.
func planJob(name string) string  { return name + "-plan" }
func mergeJob(name string) string { return name + "-merge" }

// metadata is the metadata of a manifest.
type metadata struct {
	Name      string            `json:"name"`
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
}

// typed is the head of a manifest.
type typed struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   metadata `json:"metadata"`
}

// serviceAccount is the manifest of a ServiceAccount.
type serviceAccount struct {
	typed
	AutomountServiceAccountToken bool `json:"automountServiceAccountToken"`
}

// claim is the manifest of a PersistentVolumeClaim.
type claim struct {
	typed
	Spec corev1.PersistentVolumeClaimSpec `json:"spec"`
}

// job is the manifest of a Job.
type job struct {
	typed
	Spec jobSpec `json:"spec"`
}

// jobSpec is the spec of a Job, with the pods' metadata that their type writes in full.
type jobSpec struct {
	batchv1.JobSpec
	Template podTemplate `json:"template"`
}

// podTemplate is the template of the pods of a Job.
type podTemplate struct {
	Metadata struct {
		Labels map[string]string `json:"labels"`
	} `json:"metadata"`
	Spec corev1.PodSpec `json:"spec"`
}

// documents returns the manifests in the order in which they are applied.
func (o *Options) documents() []any {
	var out []any
	if o.ServiceAccount == "" {
		out = append(out, serviceAccount{typed: o.head("v1", "ServiceAccount", o.JobName)})
	}
	if o.VolumeClaim == "" {
		out = append(out, o.claim())
	}
	return append(out, o.plan(), o.merge())
}

// labels returns the labels of everything that is printed.
func (o *Options) labels() map[string]string {
	return map[string]string{"app.kubernetes.io/name": "psp2pss", "app.kubernetes.io/instance": o.JobName}
}

// head returns the head of a manifest.
func (o *Options) head(apiVersion, kind, name string) typed {
	return typed{apiVersion, kind, metadata{name, o.JobNamespace, o.labels()}}
}

// claim returns the claim on the volume. Pods on several nodes write to it at once.
func (o *Options) claim() claim {
	spec := corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteMany},
		Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(o.Storage)}},
	}
	if o.StorageClass != "" {
		spec.StorageClassName = &o.StorageClass
	}
	return claim{o.head("v1", "PersistentVolumeClaim", o.JobName), spec}
}

// claimName returns the name of the claim that the pods use.
func (o *Options) claimName() string {
	if o.VolumeClaim != "" {
		return o.VolumeClaim
	}
	return o.JobName
}

// accountName returns the name of the pods' account.
func (o *Options) accountName() string {
	if o.ServiceAccount != "" {
		return o.ServiceAccount
	}
	return o.JobName
}

// plan returns the Job that reads the clusters, one shard for each index. An index that fails is tried again, and fails alone.
func (o *Options) plan() job {
	args := []string{
		"plan", "--all-contexts", fmt.Sprintf("--shard=%s/%d", completionIndex, o.Clusters), "--allow-partial", "--fail-on=unread",
		"-o", fmt.Sprintf("fleet=%s/%s.json", rowsFolder, completionIndex),
	}
	mounts := []corev1.VolumeMount{o.mount(rowsFolder, "rows", false)}
	if o.Plans {
		args = append(args, "-o", "json="+plansFolder)
		mounts = append(mounts, o.mount(plansFolder, "plans", false))
	}
	if o.OnlyUnread {
		args = append(args, "--only-unread")
	}
	if o.Timeout > 0 {
		args = append(args, "--timeout="+o.Timeout.String())
	}
	volumes, paths := []corev1.Volume{o.volume()}, []string{}
	for i, s := range o.KubeconfigSecrets {
		name := fmt.Sprintf("kubeconfig-%d", i)
		folder := fmt.Sprintf("%s/%d", kubeconfigRoot, i)
		volumes = append(volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
			SecretName: s.Secret, Items: []corev1.KeyToPath{{Key: s.Key, Path: defaultKey}}, DefaultMode: new(int32(0o440)),
		}}})
		mounts = append(mounts, corev1.VolumeMount{Name: name, MountPath: folder, ReadOnly: true})
		paths = append(paths, folder+"/"+defaultKey)
	}
	spec := o.jobSpec(args, mounts, volumes, []corev1.EnvVar{{Name: "KUBECONFIG", Value: strings.Join(paths, ":")}})
	spec.CompletionMode, spec.Completions = new(batchv1.IndexedCompletion), new(int32(o.Clusters))                        // #nosec G115 -- Check bounds the numbers
	spec.Parallelism = new(int32(min(o.Parallelism, o.Clusters)))                                                         // #nosec G115 -- Check bounds it
	spec.BackoffLimitPerIndex, spec.MaxFailedIndexes = new(int32(o.BackoffLimitPerIndex)), new(int32(o.MaxFailedIndexes)) // #nosec G115 -- Check bounds it
	spec.PodFailurePolicy = &batchv1.PodFailurePolicy{Rules: []batchv1.PodFailurePolicyRule{
		{Action: batchv1.PodFailurePolicyActionIgnore, OnPodConditions: []batchv1.PodFailurePolicyOnPodConditionsPattern{{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue}}},
		{Action: batchv1.PodFailurePolicyActionFailIndex, OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{
			Operator: batchv1.PodFailurePolicyOnExitCodesOpIn, Values: []int32{usageExit},
		}},
	}}
	return job{o.head("batch/v1", "Job", planJob(o.JobName)), spec}
}

// merge returns the Job that makes one report of the rows. It is suspended until somebody has seen the other one end, and has no
// kubeconfig. A cluster that was not read is in the report as that, so that it is no reason to try again.
func (o *Options) merge() job {
	args := []string{"report", "--merge", rowsFolder, "-o", "html=" + reportFolder + "/fleet.html", "-o", "fleet=" + reportFolder + "/fleet.json", "--allow-partial"}
	spec := o.jobSpec(args, []corev1.VolumeMount{o.mount(rowsFolder, "rows", true), o.mount(reportFolder, "report", false)}, []corev1.Volume{o.volume()}, nil)
	spec.Suspend, spec.BackoffLimit = new(true), new(int32(2))
	return job{o.head("batch/v1", "Job", mergeJob(o.JobName)), spec}
}

// volume returns the volume of the claim.
func (o *Options) volume() corev1.Volume {
	return corev1.Volume{Name: volumeName, VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: o.claimName()}}}
}

// mount returns the mount of one folder of the claim, which the kubelet makes. Its name has that of the Jobs in it, so that several may
// share a claim.
func (o *Options) mount(path, folder string, readOnly bool) corev1.VolumeMount {
	return corev1.VolumeMount{Name: volumeName, MountPath: path, SubPath: folderOnClaim(o.JobName, folder), ReadOnly: readOnly}
}

// folderOnClaim returns the name of a folder on the claim.
func folderOnClaim(name, folder string) string { return name + "-" + folder }

// jobSpec returns what the specs of both Jobs have in common: one container that meets the restricted level and runs psp2pss with the
// arguments. The image names the program.
func (o *Options) jobSpec(args []string, mounts []corev1.VolumeMount, volumes []corev1.Volume, env []corev1.EnvVar) jobSpec {
	t := podTemplate{Spec: corev1.PodSpec{
		RestartPolicy:                corev1.RestartPolicyNever,
		ServiceAccountName:           o.accountName(),
		AutomountServiceAccountToken: new(false),
		EnableServiceLinks:           new(false),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot: new(true), RunAsUser: new(user), RunAsGroup: new(user), FSGroup: new(user),
			FSGroupChangePolicy: new(corev1.FSGroupChangeOnRootMismatch), // else the owner of every row is set anew for every pod
			SeccompProfile:      &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		Containers: []corev1.Container{{
			Name: "psp2pss", Image: o.Image, Args: args, Env: env, VolumeMounts: mounts,
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: o.requestedMemory()},
				Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(o.Memory)},
			},
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true),
				Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
		}},
		Volumes: volumes,
	}}
	for _, name := range o.ImagePullSecrets {
		t.Spec.ImagePullSecrets = append(t.Spec.ImagePullSecrets, corev1.LocalObjectReference{Name: name})
	}
	t.Metadata.Labels = o.labels()
	return jobSpec{Template: t}
}

// requestedMemory returns the memory that a pod asks for: most clusters need far less than the limit.
func (o *Options) requestedMemory() resource.Quantity {
	asked, most := resource.MustParse("256Mi"), resource.MustParse(o.Memory)
	if most.Cmp(asked) < 0 {
		return most
	}
	return asked
}
