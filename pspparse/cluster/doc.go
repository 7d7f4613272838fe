// Package cluster owns reading a live cluster: the kubeconfig, which kinds its server serves, their lists page by page,
// and limits on what a server may answer. It takes a client configuration and delivers to an inventory.Sink, page by
// page, with everything the analysis may see; what could not be listed becomes a gap that names the permission to ask
// for. It never writes: get and list are the only verbs it knows, and it evaluates nothing.
package cluster
