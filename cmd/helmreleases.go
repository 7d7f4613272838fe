package cmd

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/migrate/gate"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/helm"
)

// readHelmReleases reads all Helm releases that a live cluster stores, with a progress line on the terminal. What could
// not be read is a gap; an error is one of connecting, or the end of ctx.
func readHelmReleases(ctx context.Context, streams Streams, deps Deps, src SourceOptions) (gate.HelmReleases, error) {
	p := streams.startProgress("reading Helm releases")
	defer p.close()
	return callUntilCancelled(ctx, "reading the Helm releases", func() (gate.HelmReleases, error) {
		c, n := helm.ReleaseCollector{}, 0
		gaps, err := deps.LoadHelmReleases(ctx, src, func(kind string, m metav1.ObjectMeta, payload []byte) {
			n++
			p.update(fmt.Sprintf("reading Helm releases, %s %s so far", english.Number(int64(n)), english.Plural(n, "revision", "revisions")))
			c.Add(kind, m, payload)
		})
		all := collectedHelmReleases(&c)
		all.All, all.Gaps = true, append(gaps, all.Gaps...)
		return all, err
	})
}

// collectedHelmReleases returns the Helm releases that a command collected, and what could not be decoded. It does not
// say that they are all there are.
func collectedHelmReleases(c *helm.ReleaseCollector) gate.HelmReleases {
	releases, gaps := c.Releases()
	return gate.HelmReleases{Histories: helm.GroupByRelease(releases), Gaps: gaps}
}
