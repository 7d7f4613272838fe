package cmd

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/psp2pss/psp2pss/simulate/pss"
)

// buildInfo is the version, commit, date and library versions of the binary. It comes from build info alone, so that 'go install' and a release agree.
type buildInfo struct {
	Version  string // module version, or (devel)
	Revision string // commit, with "+dirty" for a changed tree; empty where unknown
	Date     string // day of the commit, in UTC; empty where the commit is unknown
	Library  string // version of k8s.io/pod-security-admission
	Go       string
}

// readBuildInfo reads the version, commit, date and library versions that the Go toolchain put into the binary.
func readBuildInfo() *buildInfo {
	b := &buildInfo{Version: "(devel)", Library: "(unknown)", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	dirty := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			b.Revision = s.Value
		case s.Key == "vcs.time":
			b.Date, _, _ = strings.Cut(s.Value, "T")
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	if b.Revision != "" {
		b.Revision += dirty
	}
	for _, d := range info.Deps {
		if d.Path == "k8s.io/pod-security-admission" {
			b.Library = d.Version
		}
	}
	return b
}

// versionAndRevision returns the version of the tool, and the commit with its day in parentheses where they are known.
func (b *buildInfo) versionAndRevision() string {
	if b.Revision == "" {
		return b.Version
	}
	if b.Date == "" {
		return b.Version + " (" + b.Revision + ")"
	}
	return b.Version + " (" + b.Revision + ", " + b.Date + ")"
}

// versionOptions are what the command version needs: the streams to print to.
type versionOptions struct {
	streams Streams
}

// newVersion returns the cobra command "version".
func newVersion(streams Streams, runF func(context.Context, *versionOptions) error) *cobra.Command {
	if runF == nil {
		runF = versionRun
	}
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of the tool and of the standards it knows",
		Example: "  psp2pss version",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return asRunError(runF(cmd.Context(), &versionOptions{streams}))
		},
	}
}

// versionRun prints the version of the tool, of Go and of the Pod Security Standards that it knows.
func versionRun(_ context.Context, o *versionOptions) error {
	b := readBuildInfo()
	_, err := fmt.Fprintf(o.streams.Out, "psp2pss %s\nPod Security Standards: up to %s (k8s.io/pod-security-admission %s)\nbuilt with %s for %s/%s\n",
		b.versionAndRevision(), pss.NewestVersion(), b.Library, b.Go, runtime.GOOS, runtime.GOARCH)
	return err
}
