package files

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse/archive"
	"github.com/psp2pss/psp2pss/pspparse/dump"
)

// SeveralClustersError is the error for a dump of kubectl gather that holds several clusters, where one inventory is wanted.
type SeveralClustersError struct {
	Path string
	// Clusters are their folders, sorted.
	Clusters []string
}

// Error names the dump and the first few of its clusters.
func (e *SeveralClustersError) Error() string {
	var clusters []string
	for _, c := range e.Clusters {
		clusters = append(clusters, quoteInput(c))
	}
	return fmt.Sprintf("%s is a dump of %d clusters (%s)", quoteInput(e.Path), len(clusters), strings.Join(firstOf(clusters), ", "))
}

// GatheredClusters returns the folders of the clusters in a folder or archive that kubectl gather wrote, sorted; none for anything else, and
// for what cannot be read. It reads names alone, and the beginnings of a few files.
func GatheredClusters(path string) []string {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	var survey *dump.Survey
	if info.IsDir() {
		survey = surveyFolder(path)
	} else if f, packed := fileFormat(path); packed {
		survey = surveyArchive(path, f)
	}
	if survey == nil {
		return nil
	}
	roots := survey.Roots()
	if len(roots) != 1 || roots[0].Kind != dump.Gather {
		return nil
	}
	return roots[0].Clusters
}

// surveyArchive looks at the names in an archive, as far as it can be read.
func surveyArchive(path string, f archive.Format) *dump.Survey {
	r := &Reader{}
	in, err := os.Open(path) //nolint:gosec // G304: the file that the user names
	if err != nil {
		return nil
	}
	defer func() { _ = in.Close() }() // it was only read
	var survey dump.Survey
	_ = r.newPackedReading(context.Background(), path, nil, nil).walk(in, f, func(e *archive.Entry) error { return surveyEntry(&survey, e) })
	return &survey
}
