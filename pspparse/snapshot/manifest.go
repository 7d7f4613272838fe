package snapshot

import (
	"cmp"

	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// ManifestName is the name of the first entry of a snapshot, by which one is known.
const ManifestName = "psp2pss-snapshot.json"

// What a manifest of a snapshot says that it is, and the number of its form. A change of the form that an earlier version of this
// tool would read wrongly raises the number.
const (
	apiVersion = "psp2pss.dev/v1"
	kind       = "Snapshot"
	form       = 1
)

// Manifest is the first entry of a snapshot: what it is of, and what follows.
type Manifest struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Form is the number of the form of the archive.
	Form int `json:"form"`
	// Tool is the version of the tool that wrote the archive.
	Tool string `json:"tool"`
	// Source is what was read.
	Source Source `json:"source"`
	// KindsRead are the workload kinds of which at least one object was read.
	KindsRead []string `json:"kindsRead,omitzero"`
	// ListedResources are the resources of which a server gave all objects.
	ListedResources []string `json:"listedResources,omitzero"`
	// FinishedPods is the number of Succeeded and Failed pods that count nowhere.
	FinishedPods int `json:"finishedPods,omitzero"`
	// SCCPods is the number of pods that OpenShift's SecurityContextConstraints admitted.
	SCCPods int `json:"sccPods,omitzero"`
	// Entries are the entries that follow, in their order.
	Entries []Entry `json:"entries"`
	// NotHeld says what no snapshot holds.
	NotHeld []string `json:"notHeld"`
}

// Source is what a snapshot was made from. Flags by which a cluster was reached are not kept: whoever is given the archive has
// no use for them.
type Source struct {
	Kind          inventory.SourceKind `json:"kind"`
	Name          string               `json:"name,omitzero"`
	ServerVersion string               `json:"serverVersion,omitzero"`
	UID           string               `json:"uid,omitzero"`
	// Redacted is true where names are pseudonyms.
	Redacted bool `json:"redacted,omitzero"`
	// Run is the version of the tool that read the source, and when; absent for the demo.
	Run *inventory.Run `json:"run,omitzero"`
}

// Entry is one entry of a snapshot: JSON lines, one record each.
type Entry struct {
	Name string `json:"name"`
	// Holds says what the records are.
	Holds   string `json:"holds"`
	Records int    `json:"records"`
	// Bytes is the size of the entry, SHA256 its sum in hexadecimal.
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// notHeld returns what no snapshot holds, or no redacted one, for its manifest.
func notHeld(redacted bool) []string {
	out := []string{
		"Secrets, ConfigMaps and stored Helm releases",
		"credentials, kubeconfigs and addresses of API servers",
		"environment, commands, arguments and image tags of containers",
		"objects of kinds without pods, policies and grants: they are counted",
	}
	if redacted {
		out = append(out,
			"names that people have chosen: they are pseudonyms, which the key file takes back in a plan or report",
			"the order of the names, but for that of the policies: a detail that lists several hosts or SELinux types may have them in another order than that of the source",
		)
	}
	return out
}

// newManifest returns the manifest of an inventory without its entries.
func newManifest(inv *inventory.Inventory, tool string) Manifest {
	s := &inv.Source
	return Manifest{
		APIVersion: apiVersion, Kind: kind, Form: form, Tool: tool,
		Source: Source{
			Kind: s.Origin(), Name: s.Name, ServerVersion: s.ServerVersion, UID: s.UID, Redacted: s.Redacted, Run: s.Run,
		},
		KindsRead: inv.KindsRead, ListedResources: trueKeys(inv.ListedResources),
		FinishedPods: inv.FinishedPods, SCCPods: inv.SCCPods, NotHeld: notHeld(s.Redacted),
	}
}

// inventory returns an inventory with what the manifest holds of it.
func (m *Manifest) inventory() *inventory.Inventory {
	return &inventory.Inventory{
		Source: inventory.Source{
			Kind: inventory.SourceSnapshot, Of: cmp.Or(m.Source.Kind, inventory.SourceFiles), Name: m.Source.Name, ServerVersion: m.Source.ServerVersion,
			UID: m.Source.UID, Redacted: m.Source.Redacted, Run: m.Source.Run,
		},
		KindsRead: m.KindsRead, ListedResources: setOf(m.ListedResources), FinishedPods: m.FinishedPods, SCCPods: m.SCCPods,
	}
}
