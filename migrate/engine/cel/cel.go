// Package cel owns how a decision table is said in the expressions of Kubernetes' own admission: ValidatingAdmissionPolicy and
// MutatingAdmissionPolicy. It is pure: it asks no API server, and fixtures/controlplane/replacement compares what it writes with
// real ones.
package cel

import "github.com/psp2pss/psp2pss/migrate/engine"

// Action is what becomes of a pod that a generated policy refuses: audit, warn or deny.
type Action string

// The actions. Warn includes audit.
const (
	Audit Action = "audit"
	Warn  Action = "warn"
	Deny  Action = "deny"
)

// Options say for which API server documents are written, and what they do.
type Options struct {
	// Minor of the API server: 37 is v1.37.
	Minor int
	// Validating and Mutating choose the kinds of documents.
	Validating, Mutating bool
	Action               Action
	// Reinvoke runs the MutatingAdmissionPolicy again after webhooks that change pods, as PSP admission ran again. Where no webhook
	// changes pods, PSP admission ran once, and so has this.
	Reinvoke bool
}

// Document is one object to apply.
type Document struct {
	// Kind and Name of the object. File is the name that it gets in a folder.
	Kind, Name, File string
	// Object is what is written, in the types of k8s.io/api or as a tree of maps.
	Object any
	// Stage is when it may be applied: the documents of a stage after those of the stages before are in force.
	Stage int
}

// Documents are the objects that a decision table becomes, in the order in which to apply them, and what they cannot express.
type Documents struct {
	Documents []Document
	Remarks   []engine.Remark
}
