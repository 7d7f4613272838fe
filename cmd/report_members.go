package cmd

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
	"github.com/psp2pss/psp2pss/pspparse/files"
)

// savedMember is what 'report --merge' reads of one or more clusters: a file with a plan, a fleet or a snapshot, or one cluster of a dump
// of kubectl gather.
type savedMember struct {
	path string
	// cluster is the folder of a cluster in a dump; "" for a file.
	cluster string
	// isSnapshot is true for a snapshot, of which a plan is made.
	isSnapshot bool
}

// name returns what the cluster of a member is called where what is read of it has no name.
func (m *savedMember) name() string {
	if m.cluster != "" {
		return m.cluster
	}
	base := filepath.Base(m.path)
	for _, ending := range []string{snapshotEnding, ".tar.gz"} {
		if name, is := strings.CutSuffix(base, ending); is {
			return name
		}
	}
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// membersIn returns what the paths of 'report --merge' name, each once and sorted: the files given, the .json, .yaml and .yml files and the
// snapshots of folders, and the clusters of dumps of kubectl gather. It fails for a path that is not there, and for a folder without any.
func membersIn(paths []string) ([]savedMember, error) {
	seen := map[savedMember]bool{}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("opening %s: %w", fileerror.Name(path), fileerror.Explain(path, err))
		}
		found, err := membersAt(path, info.IsDir())
		if err != nil {
			return nil, err
		}
		for _, m := range found {
			seen[m] = true
		}
	}
	var out []savedMember
	for m := range seen {
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b savedMember) int {
		return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.cluster, b.cluster))
	})
	return out, nil
}

// membersAt returns what one path of 'report --merge' names: a file, the clusters of a dump, or what is in a folder.
func membersAt(path string, isFolder bool) ([]savedMember, error) {
	file := savedMember{path: filepath.Clean(path)}
	if !isFolder {
		var err error
		if file.isSnapshot, err = isSnapshotFile(path); err != nil || file.isSnapshot {
			return []savedMember{file}, err
		}
	}
	gathered := files.GatheredClusters(path)
	switch {
	case len(gathered) > 0:
		var out []savedMember
		for _, cluster := range gathered {
			out = append(out, savedMember{path: file.path, cluster: cluster})
		}
		return out, nil
	case isFolder:
		return membersInFolder(path)
	}
	return []savedMember{file}, nil
}

// membersInFolder returns the plans, fleets and snapshots in a folder of 'report --merge'. Hidden files, pipes and what is below
// are none.
func membersInFolder(folder string) ([]savedMember, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", fileerror.Name(folder), fileerror.Explain(folder, err))
	}
	var out []savedMember
	for _, e := range entries {
		m := savedMember{path: filepath.Join(folder, e.Name())}
		info, err := os.Stat(m.path)
		if err == nil && !info.Mode().IsRegular() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		switch strings.ToLower(filepath.Ext(e.Name())) {
		case ".json", ".yaml", ".yml":
		default:
			if m.isSnapshot, err = isSnapshotFile(m.path); err != nil {
				return nil, err
			}
			if !m.isSnapshot {
				continue
			}
		}
		out = append(out, m)
	}
	if len(out) == 0 {
		return nil, usagef("--%s=%s is a folder without .json and .yaml files, snapshots or clusters of kubectl gather: save plans into it with 'plan -o json=%s'", mergeFlag, folder, filepath.Join(folder, "CLUSTER.json"))
	}
	return out, nil
}

// isSnapshotFile reports whether a file is a snapshot, by what it begins with. One that cannot be opened is none.
func isSnapshotFile(path string) (bool, error) {
	in, err := snapshotAt(path, nil)
	if in == nil || err != nil {
		return false, err
	}
	return true, in.Close()
}

// planOf makes the plan of a member of 'report --merge' that is a snapshot, or a cluster of a dump: the plan that 'plan -f' makes of it.
func (o *mergeOptions) planOf(ctx context.Context, m savedMember) (*migrate.Plan, error) {
	quiet := Streams{In: strings.NewReader(""), Out: io.Discard, ErrOut: io.Discard}
	_, plan, err := buildPlan(ctx, quiet, o.deps, SourceOptions{Files: []string{m.path}, DumpCluster: m.cluster, Stdin: quiet.In}, migrate.Options{})
	return plan, err
}
