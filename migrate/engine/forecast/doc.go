// Package forecast owns what is said of replacement policies before any is generated: what delta would have to add in each namespace
// of a Plan, and which mode keeps what of a policy. It stands above migrate and the engines because the answer needs both: an engine's
// decision table is made from a whole Plan, so that migrate.Build cannot ask for it, and what cannot be expressed is known to the
// engine that writes the documents. So whoever builds a Plan calls Fill on it, and the Plan has the answer for all that read it. The
// package is pure: it reads no cluster and writes no document.
package forecast
