package ciformat

import (
	"io"

	"github.com/psp2pss/psp2pss/migrate/finding"
)

// WriteOpenReports writes a check's result as YAML of Report objects, openreports.io/v1alpha1, the successor of PolicyReport: as
// WritePolicyReport does, with one ClusterReport. It returns the error of writing.
func WriteOpenReports(w io.Writer, r *finding.Result, o Options) error {
	return writeReports(w, r, o, reportKinds{"openreports", "openreports.io/v1alpha1", "Report", "ClusterReport", true})
}
