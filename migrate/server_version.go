package migrate

import "k8s.io/pod-security-admission/api"

// ServerVersion returns the minor of the API server that a Plan was read from; false if it is not known.
func (p *Plan) ServerVersion() (api.Version, bool) { return parseServerMinor(p.Source.ServerVersion) }
