// Command release makes what a release of psp2pss has, into the folder dist of the repository: archives, packages, a container
// image, software bills of materials, a Krew manifest and checksums. Everything is made from one commit, and the same commit
// gives the same bytes. It never publishes anything.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// errPlatform is returned for a platform that no release is made for.
var errPlatform = errors.New("no such platform")

// platform is an operating system and an architecture in the words of Go.
type platform struct{ os, arch string }

// String returns the platform as flags name it: linux/amd64.
func (p platform) String() string { return p.os + "/" + p.arch }

// program returns the file name of the program on the platform.
func (p platform) program() string {
	if p.os == "windows" {
		return "psp2pss.exe"
	}
	return "psp2pss"
}

// allPlatforms returns the platforms of a whole release.
func allPlatforms() []platform {
	var all []platform
	for _, system := range []string{"darwin", "linux", "windows"} {
		for _, arch := range []string{"amd64", "arm64"} {
			all = append(all, platform{system, arch})
		}
	}
	return all
}

// options are what a caller asks of a release.
type options struct {
	dirty     bool       // take a tree that differs from its commit; the version says so
	platforms []platform // in the order of allPlatforms
}

// parseOptions reads the arguments. It returns an error for an unknown flag, and for a platform that no release is made for.
func parseOptions(args []string, log io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.BoolVar(&o.dirty, "dirty", false, "take a tree that differs from its commit: the version ends with +dirty")
	names := flags.String("platforms", "all", "platforms to build for, as linux/amd64,darwin/arm64")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if *names == "all" {
		o.platforms = allPlatforms()
		return o, nil
	}
	wanted := strings.Split(*names, ",")
	for _, p := range allPlatforms() {
		if i := slices.Index(wanted, p.String()); i >= 0 {
			o.platforms, wanted = append(o.platforms, p), slices.Delete(wanted, i, i+1)
		}
	}
	if len(wanted) > 0 {
		return o, fmt.Errorf("building for %q: %w; there are %v", strings.Join(wanted, ","), errPlatform, allPlatforms())
	}
	return o, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parseOptions(os.Args[1:], os.Stderr)
	if err == nil {
		err = makeRelease(ctx, ".", o, os.Stdout)
	}
	if err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "release: %v\n", err)
		os.Exit(1)
	}
}
