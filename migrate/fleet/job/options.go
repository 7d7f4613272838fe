package job

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Options say what the Jobs of a fleet are called, what they run, and what they may use. The names of the fields are those of the flags of
// 'psp2pss fleet', without hyphens.
type Options struct {
	// Tool is the program and its version that print the manifests.
	Tool string
	// JobName is what the names of the Jobs begin with, and that of the claim and of the account where none is named. JobNamespace is
	// where all of it lies.
	JobName, JobNamespace string
	// Image has psp2pss as its entrypoint; it needs no shell. ImagePullSecrets are Secrets for its registry.
	Image            string
	ImagePullSecrets []string
	// Clusters is the number of shards of the fleet, and of indexes of the Job. Each context is in one of them, whatever the number is.
	Clusters int
	// Parallelism, BackoffLimitPerIndex and MaxFailedIndexes are the fields of the Job.
	Parallelism, BackoffLimitPerIndex, MaxFailedIndexes int
	// KubeconfigSecrets hold the kubeconfigs of the fleet. A Secret holds at most 1 MiB.
	KubeconfigSecrets []SecretKey
	// VolumeClaim is the claim on which rows, plans and the report are left; where it is "", one is printed that asks for Storage of
	// StorageClass, or of the cluster's default class.
	VolumeClaim, Storage, StorageClass string
	// ServiceAccount is the account of the pods, of whose token none of them is given one; where it is "", one is printed.
	ServiceAccount string
	// Memory is the most that a pod may use.
	Memory string
	// Timeout is how long the plan of one cluster may take; 0 means no limit.
	Timeout time.Duration
	// Plans has the plan of each cluster kept beside its row.
	Plans bool
	// OnlyUnread has only those clusters read that an earlier run of the same Jobs has not.
	OnlyUnread bool
}

// SecretKey is a key of a Secret, under which a kubeconfig is.
type SecretKey struct{ Secret, Key string }

// defaultKey is the key of a Secret under which a kubeconfig is, where no other one is named.
const defaultKey = "kubeconfig"

// ParseSecretKey reads NAME or NAME:KEY.
func ParseSecretKey(text string) SecretKey {
	name, key, found := strings.Cut(text, ":")
	if !found {
		key = defaultKey
	}
	return SecretKey{name, key}
}

// String returns the key of a Secret as ParseSecretKey reads it.
func (s SecretKey) String() string {
	if s.Key == defaultKey {
		return s.Secret
	}
	return s.Secret + ":" + s.Key
}

// InvalidError says which option cannot be what it is, and why.
type InvalidError struct {
	// Option is the name of the flag.
	Option        string
	Value, Reason string
}

// Error returns the option with its value and the reason.
func (e *InvalidError) Error() string { return fmt.Sprintf("--%s=%q %s", e.Option, e.Value, e.Reason) }

// MaxClusters is how many indexes a Job may have whose indexes are tried again one by one, without further limits on it:
// kubernetes/kubernetes, pkg/apis/batch/validation/validation.go.
const MaxClusters = 100_000

// maxSecrets is how many Secrets a pod can have its kubeconfig from. It bounds what is printed; a hundred hold 100 MiB.
const maxSecrets = 100

// imageReference is the form of an image: registry and port, path, tag, digest. It is narrower than what registries take, and holds
// nothing that a shell, YAML or the kubelet could read as more than a name.
var imageReference = regexp.MustCompile(`^[A-Za-z0-9]+([._-]+[A-Za-z0-9]+)*(:[0-9]+)?(/[A-Za-z0-9]+([._-]+[A-Za-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$`)

// maxImageBytes is how long the name of an image may be.
const maxImageBytes = 1024

// Check returns an *InvalidError for the first option of which an API server would refuse what is printed, or which could mean more than
// it names.
func (o *Options) Check() error {
	for _, check := range []func() error{o.checkNames, o.checkImage, o.checkNumbers, o.checkSecrets, o.checkVolume} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkNames checks the names of the Jobs, of their namespace and of the account.
func (o *Options) checkNames() error {
	if err := invalid("job-namespace", o.JobNamespace, validation.IsDNS1123Label(o.JobNamespace)); err != nil {
		return err
	}
	// The host name of a pod is that of the Job with the index; what begins the longest of the names must leave room.
	longest := planJob(o.JobName) + "-" + strconv.Itoa(max(o.Clusters, 1)-1)
	for _, name := range []string{o.JobName, longest, mergeJob(o.JobName)} {
		problems := validation.IsDNS1123Label(name)
		if len(problems) > 0 && name != o.JobName {
			problems[0] = fmt.Sprintf("gives the name %s: %s", name, problems[0])
			return &InvalidError{"job-name", o.JobName, problems[0]}
		}
		if err := invalid("job-name", name, problems); err != nil {
			return err
		}
	}
	if o.ServiceAccount == "" {
		return nil
	}
	return invalid("service-account", o.ServiceAccount, validation.IsDNS1123Subdomain(o.ServiceAccount))
}

// checkImage checks the image and the Secrets for its registry.
func (o *Options) checkImage() error {
	if len(o.Image) > maxImageBytes || !imageReference.MatchString(o.Image) {
		return &InvalidError{"image", o.Image, "is no image: give REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST"}
	}
	return eachOnce("image-pull-secret", o.ImagePullSecrets)
}

// checkNumbers checks the numbers of the Job, the memory and the time limit.
func (o *Options) checkNumbers() error {
	for _, n := range []struct {
		option             string
		value, least, most int
	}{
		{"clusters", o.Clusters, 1, MaxClusters},
		{"parallelism", o.Parallelism, 1, MaxClusters},
		{"backoff-limit-per-index", o.BackoffLimitPerIndex, 0, 100},
		{"max-failed-indexes", o.MaxFailedIndexes, 0, o.Clusters},
	} {
		if n.value < n.least || n.value > n.most {
			return &InvalidError{n.option, strconv.Itoa(n.value), fmt.Sprintf("is not from %d to %d", n.least, n.most)}
		}
	}
	if o.Timeout < 0 {
		return &InvalidError{"timeout", o.Timeout.String(), "is negative: give a duration such as 5m"}
	}
	return checkQuantity("memory", o.Memory)
}

// checkSecrets checks the Secrets with the kubeconfigs.
func (o *Options) checkSecrets() error {
	if len(o.KubeconfigSecrets) == 0 {
		return &InvalidError{"kubeconfig-secret", "", "is missing: without a kubeconfig a pod reads no cluster"}
	}
	if len(o.KubeconfigSecrets) > maxSecrets {
		return &InvalidError{"kubeconfig-secret", o.KubeconfigSecrets[maxSecrets].String(), fmt.Sprintf("is one too many: name at most %d", maxSecrets)}
	}
	seen := map[SecretKey]bool{}
	for _, s := range o.KubeconfigSecrets {
		if problems := validation.IsConfigMapKey(s.Key); len(problems) > 0 {
			return &InvalidError{"kubeconfig-secret", s.String(), fmt.Sprintf("has %q for its key: %s", s.Key, problems[0])}
		}
		if problems := validation.IsDNS1123Subdomain(s.Secret); len(problems) > 0 {
			return &InvalidError{"kubeconfig-secret", s.String(), "names no Secret: " + problems[0]}
		}
		if seen[s] {
			return &InvalidError{"kubeconfig-secret", s.String(), "is named twice"}
		}
		seen[s] = true
	}
	return nil
}

// checkVolume checks the claim that is named, or what is asked for with one that is printed.
func (o *Options) checkVolume() error {
	if o.VolumeClaim != "" {
		return invalid("volume-claim", o.VolumeClaim, validation.IsDNS1123Subdomain(o.VolumeClaim))
	}
	if o.StorageClass != "" {
		if err := invalid("storage-class", o.StorageClass, validation.IsDNS1123Subdomain(o.StorageClass)); err != nil {
			return err
		}
	}
	return checkQuantity("storage", o.Storage)
}

// checkQuantity checks an amount of bytes.
func checkQuantity(option, text string) error {
	q, err := resource.ParseQuantity(text)
	if err != nil || q.Sign() <= 0 || q.MilliValue()%1000 != 0 {
		return &InvalidError{option, text, "is no amount of bytes: give one such as 2Gi"}
	}
	return nil
}

// eachOnce checks the names of Secrets that an option names, none of them twice.
func eachOnce(option string, names []string) error {
	seen := map[string]bool{}
	for _, name := range names {
		if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
			return &InvalidError{option, name, "names no Secret: " + problems[0]}
		}
		if seen[name] {
			return &InvalidError{option, name, "is named twice"}
		}
		seen[name] = true
	}
	return nil
}

// invalid returns an *InvalidError for the first problem that there is with the value of an option.
func invalid(option, value string, problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	return &InvalidError{option, value, "is no such name: " + problems[0]}
}
