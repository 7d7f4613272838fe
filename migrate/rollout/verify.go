package rollout

// Failure is a controller that is refused pods by Pod Security or by the policies.
type Failure struct {
	Namespace string `json:"namespace"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	// Message is what the server said.
	Message string `json:"message"`
}
