// Command mutate measures how many changes of its code the tests of a package notice: it makes small edits to the code, one at a time, and
// runs the tests on each. An edit that no test notices survives. The tree is never written to.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// required is the share in percent that has to be caught of the edits that change what the code does. Those that do not,
// such as another order of two statements that have nothing to do with each other, are known, each with its reason.
const required = 95

// A test program takes seconds, on a busy machine more; one that has not ended by then hangs, and that is caught.
const longestTestRun = 5 * time.Minute

// main runs the command mutate; it exits with 1 where too many edits survive the tests.
func main() {
	sample := flag.Int("n", 0, "how many `edits` to try, chosen at random (0: all)")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano())%1_000_000, "of the choice")
	listed := flag.String("known", "", "`file` of the survivors that have a reason")
	flag.Parse()
	ok, err := run(flag.Args(), *sample, *seed, *listed)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
	}
	if !ok {
		os.Exit(1)
	}
}

// run finds the edits of some Go files, chooses a sample of them and tries each. It returns whether enough were caught.
func run(files []string, sample int, seed uint64, listed string) (ok bool, err error) {
	var edits []edit
	for _, file := range files {
		found, err := editsOf(file)
		if err != nil {
			return false, err
		}
		edits = append(edits, found...)
	}
	known, err := readKnown(listed, edits)
	if err != nil {
		return false, err
	}
	possible := len(edits)
	if possible == 0 {
		return false, errors.New("there is nothing to edit: name the files of a package")
	}
	rng := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // repeatable on purpose
	rng.Shuffle(possible, func(i, j int) { edits[i], edits[j] = edits[j], edits[i] })
	if sample > 0 && sample < possible {
		edits = edits[:sample]
	}
	fmt.Printf("%d of %d possible edits, -seed=%d\n", len(edits), possible, seed)
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return tally(dir, edits, known)
}

// tally tries the edits until it is interrupted, and prints how many the tests caught. Edits that do not build are not
// counted: no test can see them.
func tally(dir string, edits []edit, known map[string]string) (bool, error) {
	none := edits[0]
	none.start, none.end, none.with = 0, 0, ""
	if out, err := none.try(dir); err != nil || out != survived {
		return false, errors.Join(errors.New("the tests fail without any edit"), err)
	}
	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var caught, explained, unexplained int
	for i := range edits {
		e := &edits[i]
		out, err := e.try(dir)
		if interrupted.Err() != nil {
			fmt.Printf("interrupted after %d edits\n", i)
			break
		}
		if err != nil {
			return false, err
		}
		reason, isKnown := known[e.key()]
		switch {
		case out == caughtByTests:
			caught++
		case out == survived && isKnown:
			explained++
			fmt.Printf("%s:%d: %s\n\tknown: %s\n", e.file, e.line, e.key(), reason)
		case out == survived:
			unexplained++
			fmt.Printf("%s:%d: %s\n\tno test notices\n", e.file, e.line, e.key())
		}
	}
	built, noticeable := caught+explained+unexplained, caught+unexplained
	if noticeable == 0 {
		return false, fmt.Errorf("none of %d edits builds and changes anything", len(edits))
	}
	percent := func(of int) float64 { return 100 * float64(caught) / float64(of) }
	fmt.Printf("%d edits that build: %d caught (%.1f %%; %.1f %% of those that change anything), %d survive for a known reason, %d for none\n",
		built, caught, percent(built), percent(noticeable), explained, unexplained)
	return caught*100 >= required*noticeable, nil
}

// readKnown reads the file of edits that no test can notice, of lines "file function: edit | reason". A line that fits
// no possible edit is an error: the code has changed.
func readKnown(file string, edits []edit) (map[string]string, error) {
	known := map[string]string{}
	if file == "" {
		return known, nil
	}
	text, err := os.ReadFile(file) //nolint:gosec // the file that was asked for
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndex(line, " | ")
		if at < 0 {
			return nil, fmt.Errorf("%s: no reason: %s", file, line)
		}
		if !slices.ContainsFunc(edits, func(e edit) bool { return e.key() == line[:at] }) {
			return nil, fmt.Errorf("%s: there is no such edit: %s", file, line[:at])
		}
		known[line[:at]] = line[at+3:]
	}
	return known, nil
}

// outcome is what the tests of a package do with one edit: it does not build, it is caught, or it survives.
type outcome int

const (
	doesNotBuild outcome = iota
	caughtByTests
	survived
)

// try builds the tests of the package with the edit, by an overlay, and runs them. It writes into dir alone.
func (e *edit) try(dir string) (outcome, error) {
	edited, overlay, program := filepath.Join(dir, "edited.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "tests")
	path, err := filepath.Abs(e.file)
	if err != nil {
		return 0, err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {path: edited}})
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile(edited, e.apply(), 0o600); err != nil {
		return 0, err
	}
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		return 0, err
	}
	build := exec.Command("go", "test", "-c", "-p=1", "-vet=off", "-ldflags=-s -w", "-overlay="+overlay, "-o", program, ".") //nolint:gosec // of our own words
	build.Dir = filepath.Dir(path)
	var failed *exec.ExitError
	switch err := build.Run(); {
	case errors.As(err, &failed):
		return doesNotBuild, nil
	case err != nil:
		return 0, err
	}
	return passes(program, build.Dir)
}

// passes runs a test program until its first failure, and returns whether the edit in it survives.
func passes(program, dir string) (outcome, error) {
	ctx, cancel := context.WithTimeout(context.Background(), longestTestRun)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-test.v", "-test.failfast")
	cmd.Dir = dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.Contains(lines.Text(), "--- FAIL: ") {
			cancel()
		}
	}
	if cmd.Wait() != nil {
		return caughtByTests, nil
	}
	return survived, nil
}
