package manifest

// KustomizePatch is one patch of a kustomize component: the path of a file, or the patch itself.
type KustomizePatch struct {
	Path  string `json:"path,omitempty"`
	Patch string `json:"patch,omitempty"`
}

// KustomizeComponent is the kustomization.yaml of a kustomize component, which overlays can include.
type KustomizeComponent struct {
	APIVersion string           `json:"apiVersion"`
	Kind       string           `json:"kind"`
	Patches    []KustomizePatch `json:"patches"`
}

// NewKustomizeComponent returns the kustomization.yaml to write, that of a component without patches.
func NewKustomizeComponent() KustomizeComponent {
	return KustomizeComponent{"kustomize.config.k8s.io/v1alpha1", "Component", []KustomizePatch{}}
}
