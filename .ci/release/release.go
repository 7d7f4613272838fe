package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// release is one release while it is made: which commit of which folder, and what was built of it so far.
type release struct {
	root string // the repository
	work string // a folder of its own, removed at the end
	out  string // what becomes dist, in work

	module  string // path of the module: github.com/psp2pss/psp2pss
	version string // as the go command tells it from git: a tag, or v0.0.0-DATE-COMMIT
	commit  string
	date    time.Time // of the commit, or SOURCE_DATE_EPOCH; all files have it

	programs map[platform]string // path of each built program
	extras   []file              // beside the program in every archive: licence, README, completions, man pages
	made     []artifact
}

// artifact is one file of the folder dist.
type artifact struct {
	name     string
	platform platform // empty for what is not of one platform
	sha256   string
}

// makeRelease makes the release of the repository that holds dir, and replaces its folder dist when everything is made. It tells
// log what there is. It returns an error, and leaves dist as it was, for a tree that differs from its commit, and for whatever
// could not be built or written.
func makeRelease(ctx context.Context, dir string, o options, log io.Writer) (err error) {
	root, err := cleanRoot(ctx, dir, o.dirty)
	if err != nil {
		return err
	}
	// Both bin and dist are ignored by git, so that files in them do not make the tree dirty.
	if err := os.MkdirAll(filepath.Join(root, "bin"), 0o750); err != nil {
		return fmt.Errorf("making a folder to work in: %w", err)
	}
	work, err := os.MkdirTemp(filepath.Join(root, "bin"), "release-")
	if err != nil {
		return fmt.Errorf("making a folder to work in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	r := &release{root: root, work: work, out: filepath.Join(work, "dist"), programs: map[platform]string{}}
	if err := os.Mkdir(r.out, 0o755); err != nil { // #nosec G301 -- what is published may be read by all
		return fmt.Errorf("making the folder of the release: %w", err)
	}
	if err := r.makeAll(ctx, o.platforms, log); err != nil {
		return err
	}
	dist := filepath.Join(root, "dist")
	if err := os.RemoveAll(dist); err != nil {
		return fmt.Errorf("removing the last release: %w", err)
	}
	if err := os.Rename(r.out, dist); err != nil {
		return fmt.Errorf("moving the release to its place: %w", err)
	}
	_, err = fmt.Fprintf(log, "psp2pss %s (%s) is in %s\n", r.version, r.commit, dist)
	return err
}

// makeAll takes the steps of a release in their order and tells log about each that takes long.
func (r *release) makeAll(ctx context.Context, platforms []platform, log io.Writer) error {
	for _, p := range platforms {
		_, _ = fmt.Fprintf(log, "building for %s\n", p)
		if err := r.build(ctx, p); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintln(log, "making archives and packages")
	for _, step := range []func(context.Context) error{
		r.makeExtras,     // completions and man pages, by the program itself
		r.writeArchives,  // for every platform
		r.writePackages,  // deb and rpm, for Linux
		r.writeBills,     // what each program is made of
		r.writeImage,     // for Linux
		r.writeKrew,      // names the archives and their checksums
		r.writeChecksums, // last: of all that there is
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// stem is the beginning of the file names of a platform: psp2pss_v1.2.3_linux_amd64.
func (r *release) stem(p platform) string {
	return "psp2pss_" + r.version + "_" + p.os + "_" + p.arch
}

// built returns the platforms that there are programs for, in the order of allPlatforms, and only those of a system where one is named.
func (r *release) built(system string) []platform {
	var built []platform
	for _, p := range allPlatforms() {
		if r.programs[p] != "" && (system == "" || system == p.os) {
			built = append(built, p)
		}
	}
	return built
}
