package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/psp2pss/psp2pss/migrate/escape"
	"github.com/psp2pss/psp2pss/migrate/rollout"
	"github.com/psp2pss/psp2pss/migrate/script"
	"github.com/psp2pss/psp2pss/pspparse/english"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
)

// stageNames returns the values of the flag --stage of the command rollout.
func stageNames() []string {
	var names []string
	for _, s := range rollout.Stages() {
		names = append(names, string(s))
	}
	return names
}

// parseStages reads the values of the flag --stage of the command rollout. It returns a usage error for another one.
func parseStages(values []string) ([]rollout.Stage, error) {
	var stages []rollout.Stage
	for _, v := range values {
		if !slices.Contains(stageNames(), v) {
			return nil, usagef("--stage=%q: %s", v, notOneOf(v, stageNames()))
		}
		stages = append(stages, rollout.Stage(v))
	}
	return stages, nil
}

// checkFileExists returns an error for a journal of a roll-out, or a saved Plan, that is not there, before anything is asked
// of a person or a server. advice says how to come by one.
func checkFileExists(kind, path, advice string) error {
	info, err := os.Stat(path) //nolint:gosec // G703: the file that the user names
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if why := fileerror.Explain(path, err); why.IsNoPath {
			return usagef("--%s=%q: %w", kind, path, why)
		}
		return fmt.Errorf("no such %s: %q; %s", kind, path, advice)
	case err == nil && info.IsDir():
		return fmt.Errorf("%q is a folder, and no %s: %s", path, kind, advice)
	}
	return nil // what else is wrong with it is found where it is read
}

// checkJournalExists returns an error for the journal of a roll-out that is not there; it names those in the same folder.
func checkJournalExists(path string) error {
	const most = 3
	advice := "name the file that rollout wrote, by default psp2pss-CONTEXT-TIME.journal"
	if there, err := filepath.Glob(filepath.Join(filepath.Dir(path), "psp2pss-*.journal")); err == nil && len(there) > 0 {
		advice = "there is " + english.First(there, most)
	}
	return checkFileExists("journal", path, advice)
}

// checkIsJournal returns an error for a file that holds no journal of a roll-out, and says what it is.
func checkIsJournal(path string) error {
	f, err := os.Open(path) //nolint:gosec // G304: the file that the user names
	if err != nil {
		return rollout.OpenError(path, err)
	}
	defer func() { _ = f.Close() }()
	if _, err := rollout.ReadJournal(f); err != nil {
		return fmt.Errorf("reading the journal %q: %w", path, err)
	}
	return nil
}

// checkPlanExists returns an error for the saved Plan of the flag --plan that is not there; "-" is standard input.
func checkPlanExists(path string) error {
	if path == "-" {
		return nil
	}
	return checkFileExists("plan", path, "save one with 'plan -o json=FILE'")
}

// journalCommand returns a psp2pss command line with a journal, on the same cluster as the same user, for people to
// copy. A token is not in it: the shell takes that from the environment.
func (o *rolloutOptions) journalCommand(verb, journal string) string {
	return journalCommand(o.deps, o.Source, verb, journal)
}

// journalCommand returns a psp2pss command line with the journal of a roll-out, with the connection flags of the command
// that was given, for people to copy. A token is not in it: the shell takes that from the environment.
func journalCommand(deps Deps, src SourceOptions, verb, journal string) string {
	words := []string{deps.ToolName, verb, "--" + journalFlag, escape.Shell(journal)}
	for _, f := range [][2]string{
		{kubeconfigFlag, src.Kubeconfig}, {contextFlag, src.Context}, {clusterFlag, src.Cluster}, {userFlag, src.User}, {serverFlag, src.Server}, {asFlag, src.As},
	} {
		if f[1] != "" {
			words = append(words, "--"+f[0], escape.Shell(f[1]))
		}
	}
	for _, group := range src.AsGroups {
		words = append(words, "--"+asGroupFlag, escape.Shell(group))
	}
	if src.Token != "" {
		words = append(words, script.TokenFlag)
	}
	return strings.Join(words, " ")
}

// resumeCommand returns the psp2pss command line that resumes a roll-out, with the flags that the journal does not
// record.
func (o *rolloutOptions) resumeCommand(j *rollout.Journal) string {
	words := []string{o.journalCommand("rollout --resume", j.Path())}
	add := func(differs bool, format string, args ...any) {
		if differs {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	g := &j.Guards
	add(o.Verify.RollbackOnFailure && !g.RollbackOnFailure, "--%s", rollbackOnFailureFlag)
	add(o.Verify.Asked && !o.Verify.RollbackOnFailure && !g.Verify, "--%s", verifyFlag)
	add(o.Verify.Wait != g.VerifyWait.Duration, "--%s %s", verifyWaitFlag, o.Verify.Wait)
	add(o.Decide.AllowPartial && !g.AllowPartial, "--%s", allowPartialFlag)
	add(!o.Decide.AllowPartial && g.AllowPartial, "--%s=false", allowPartialFlag)
	add(o.Rollout.Force && !j.Force, "--%s", forceFlag)
	add(!o.Rollout.Force && j.Force, "--%s=false", forceFlag)
	add(o.Source.Timeout > 0, "--%s %s", timeoutFlag, o.Source.Timeout)
	add(o.Source.SkipCustomResources, "--%s=false", customFlag)
	for _, ns := range o.Scope.Exclude {
		add(o.Resume, "--exclude %s", escape.Shell(ns))
	}
	return strings.Join(words, " ")
}

// invalidNameChars are the characters of a context that file names do not get.
var invalidNameChars = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// defaultFileName returns the default beginning of the file names of a journal and of backups: psp2pss-CONTEXT-TIME,
// without characters that file systems refuse.
func defaultFileName(contextName string, at time.Time) string {
	name := strings.Trim(invalidNameChars.ReplaceAllString(contextName, "-"), "-")
	return fmt.Sprintf("psp2pss-%s-%s", name[:min(len(name), 60)], at.Format("20060102T150405Z"))
}
