// Package handover owns the report that is handed over to those who decide and to those who do the work: Build makes one
// Report from a Plan and the answer of the gate, and every form of it (HTML, Markdown, CSV, JSON) shows that one. It
// decides nothing: every number and every sentence in it is the Plan's or the gate's.
package handover
