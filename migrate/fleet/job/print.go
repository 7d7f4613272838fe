package job

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/manifest"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// WriteYAML writes the manifests of a fleet with comments that say how to run them. It writes nothing and returns an *InvalidError where an
// option cannot be what it is; other errors are those of w.
func WriteYAML(w io.Writer, o Options) error {
	if err := o.Check(); err != nil {
		return err
	}
	var out bytes.Buffer
	out.WriteString(o.header())
	if err := manifest.WriteYAML(&out, o.documents()...); err != nil {
		return err
	}
	_, err := w.Write(out.Bytes())
	return err
}

// comments collects the comment lines of a header.
type comments struct{ text strings.Builder }

// line adds a comment line.
func (c *comments) line(format string, args ...any) {
	c.text.WriteString(strings.TrimRight("# "+escape.Comment(fmt.Sprintf(format, args...)), " ") + "\n")
}

// header returns the comments before the manifests. What stands in them at an indent of four is to be run in a shell; every name in it has
// passed Check, and needs no quotes.
func (o *Options) header() string {
	c := &comments{}
	kubectl := "kubectl -n " + o.JobNamespace
	plan, merge := planJob(o.JobName), mergeJob(o.JobName)
	c.line("Printed by %s: Jobs that read a fleet in %s and make one report.", o.Tool, english.Count(o.Clusters, "shard", "shards"))
	c.line("They need Kubernetes v1.29 or later. Their pods have no right in the cluster that they run in, and get no token of it.")
	c.line("What reads the fleet is the kubeconfig; its users need the role that 'psp2pss plan --print-role' prints, and no more.")
	c.line("")
	c.line("1. Have the namespace, and the kubeconfig in it as a Secret: all contexts of it are read. It must hold its tokens or")
	c.line("certificates: the image has no files of yours, and no program that gets credentials. A fleet.kubeconfig that is there")
	c.line("already is taken as it is. Nobody else may read it: delete it once it is in a Secret.")
	c.line("    kubectl create namespace %s", o.JobNamespace)
	c.line("    test -e fleet.kubeconfig || (umask 077; kubectl config view --raw --flatten > fleet.kubeconfig)")
	if len(o.KubeconfigSecrets) == 1 {
		s := o.KubeconfigSecrets[0]
		c.line("    %s create secret generic %s --from-file=%s=fleet.kubeconfig", kubectl, s.Secret, s.Key)
		c.line("A Secret holds at most 1 MiB: split a larger kubeconfig, and print this with one --kubeconfig-secret for each part.")
	} else {
		c.line("Each of these Secrets has a part of it, and they are merged: of two entries of one name, the first counts.")
		for _, s := range o.KubeconfigSecrets {
			c.line("  %s, key %s", s.Secret, s.Key)
		}
	}
	c.line("")
	c.line("2. Apply this file. Index I reads the contexts whose place in the sorted list, from 0, leaves I when divided by %d.", o.Clusters)
	c.line("One that fails is tried again %s, and what was read is not read again.", times(o.BackoffLimitPerIndex))
	c.line("")
	c.line("3. Wait for the end, which is Complete, or Failed where some cluster could not be read; then merge what there is:")
	c.line("    until %s get job %s -o jsonpath='{.status.conditions[*].type}' | grep -qE '(^| )(Complete|Failed)( |$)'; do sleep 5; done", kubectl, plan)
	c.line("    %s patch job %s --type=merge -p '{\"spec\":{\"suspend\":false}}'", kubectl, merge)
	c.line("    %s wait --for=condition=Complete --timeout=1h job/%s", kubectl, merge)
	c.line("The indexes that failed: %s get job %s -o jsonpath='{.status.failedIndexes}'", kubectl, plan)
	c.line("")
	c.line("4. The report is fleet.html in the folder %s of the claim %s, and fleet.json beside it is for", folderOnClaim(o.JobName, "report"), o.claimName())
	c.line("'psp2pss report --merge'. The image has no shell: copy them from a pod of your own that mounts the claim.")
	c.line("")
	if o.OnlyUnread {
		c.line("This reads only what an earlier run has not: delete its two Jobs before this is applied, and nothing else.")
	} else {
		c.line("To read the fleet anew, delete the two Jobs, and apply this file again. To read only what could not be read, print it with")
		c.line("--only-unread for that. With another number of clusters, take another --job-name, so that no old rows are among the new.")
	}
	if o.VolumeClaim == "" {
		c.line("Whoever deletes what is in this file deletes the claim %s, and all that is on it.", o.claimName())
	}
	return c.text.String()
}

// times says how often something is tried again.
func times(n int) string {
	switch n {
	case 0:
		return "no more"
	case 1:
		return "once"
	}
	return fmt.Sprintf("up to %d times", n)
}
