package cmd

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/atomicfile"
	"github.com/psp2pss/psp2pss/migrate/redact"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// redactFlag names the key file by which names of a plan become pseudonyms.
const redactFlag = "redact"

// redactFlagUsage is the help of the flag --redact.
const redactFlagUsage = "write pseudonyms in place of names, by this key file, which is made if it is not there; 'unredact' takes them back"

// redactPlan returns a plan with pseudonyms in place of its names, by the key file of the flag --redact, and keeps in that file what
// they stand for. Without a file it returns the plan as it is.
func redactPlan(keyFile string, plan *migrate.Plan) (*migrate.Plan, error) {
	if keyFile == "" {
		return plan, nil
	}
	out := plan
	err := withRedactionKey(keyFile, func(key *redact.Key) (err error) {
		if out, err = redact.Plan(plan, key); err != nil {
			return fmt.Errorf("redacting the plan: %w", err)
		}
		return nil
	})
	return out, err
}

// redactInventory returns an inventory with pseudonyms in place of its names, by the key file of the flag --redact, and keeps in that file what
// they stand for. Without a file it returns the inventory as it is. It makes the plan of the inventory, whose names become the same.
func redactInventory(keyFile string, inv *inventory.Inventory, build func(*inventory.Inventory, migrate.Options) (*migrate.Plan, error)) (*inventory.Inventory, error) {
	if keyFile == "" {
		return inv, nil
	}
	plan, err := build(inv, migrate.Options{})
	if err != nil {
		return nil, err
	}
	out := inv
	err = withRedactionKey(keyFile, func(key *redact.Key) (err error) {
		if out, err = redact.Inventory(inv, plan, key); err != nil {
			return fmt.Errorf("redacting the snapshot: %w", err)
		}
		return nil
	})
	return out, err
}

// withRedactionKey calls a function with the key of a redaction, from its file or a new one, and keeps in the file the pseudonyms that it has
// added.
func withRedactionKey(keyFile string, redacts func(*redact.Key) error) error {
	key, err := readRedactionKey(keyFile)
	isNew := errors.Is(err, fs.ErrNotExist)
	if isNew {
		secret := make([]byte, redact.SecretSize)
		_, _ = rand.Read(secret) // it never fails
		key, err = redact.NewKey(secret), nil
	}
	if err != nil {
		return err
	}
	if err := redacts(key); err != nil {
		return err
	}
	if isNew {
		return atomicfile.CreateDurable(keyFile, append(key.Header(), key.Added()...))
	}
	return appendToRedactionKey(keyFile, key.Added())
}

// buildArrangedPlan is migrate.Build, and sorts what it builds from a redacted snapshot by its pseudonyms.
func buildArrangedPlan(inv *inventory.Inventory, opts migrate.Options) (*migrate.Plan, error) {
	plan, err := migrate.Build(inv, opts)
	if err == nil && inv.Source.Redacted {
		redact.Arrange(plan)
	}
	return plan, err
}

// checkRedactionKey returns an error, before the work starts, for a key file of --redact that cannot be used. One that is not there is
// made later.
func checkRedactionKey[R any](keyFile string, outs []outputTarget[R]) error {
	if keyFile == "" {
		return nil
	}
	if slices.ContainsFunc(outs, func(o outputTarget[R]) bool { return o.file == keyFile }) {
		return usagef("--%s=%q: the key cannot go to the file of an output", redactFlag, keyFile)
	}
	if slices.ContainsFunc(outs, func(o outputTarget[R]) bool {
		return o.format.Name == csvFormat && o.file != "" && filepath.Clean(o.file) == filepath.Dir(keyFile)
	}) {
		return usagef("--%s=%q: the key would be in the folder of tables that is handed over: name another place for it", redactFlag, keyFile)
	}
	if _, err := readRedactionKey(keyFile); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return checkOutputFiles([]outputTarget[R]{{file: keyFile}})
}

// readRedactionKey reads the key file of a redaction. It returns an error for one that others can read.
func readRedactionKey(name string) (*redact.Key, error) {
	info, err := os.Stat(name) //nolint:gosec // G703: the file that the user names
	if err != nil {
		return nil, fmt.Errorf("reading the key file %q: %w", name, fileerror.Explain(name, err))
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading the key file %q: it is no file", name)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("reading the key file %q: others than its owner can read it (mode %04o), and it takes every pseudonym back: 'chmod 600' it", name, info.Mode().Perm())
	}
	data, err := os.ReadFile(name) //nolint:gosec // G304: the file that the user names
	if err != nil {
		return nil, fmt.Errorf("reading the key file %q: %w", name, fileerror.Explain(name, err))
	}
	key, err := redact.ReadKey(data)
	if err != nil {
		return nil, fmt.Errorf("reading the key file %q: %w", name, err)
	}
	return key, nil
}

// appendToRedactionKey adds lines to the key file of a redaction, in one write, so that two runs at once keep both. What follows its last
// whole line was cut off, and goes.
func appendToRedactionKey(name string, lines []byte) error {
	if len(lines) == 0 {
		return nil
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_APPEND, 0) //nolint:gosec // G304: the file that the user names
	if err != nil {
		return fileerror.Writing(name, err)
	}
	data, err := io.ReadAll(f)
	if whole := redact.WholeLines(data); err == nil && whole < len(data) {
		err = f.Truncate(int64(whole))
	}
	if err == nil {
		_, err = f.Write(lines)
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fileerror.Writing(name, err)
	}
	return nil
}

// redactedInvocation is the call of a command whose output is redacted, as far as it names nothing. One for some namespaces stays one
// for these, by their pseudonyms.
func redactedInvocation(i report.Invocation, shown *migrate.Plan) report.Invocation {
	out := report.Invocation{Tool: i.Tool, OneTime: true}
	if len(i.Scope) > 0 {
		names := make([]string, len(shown.Namespaces))
		for k := range shown.Namespaces {
			names[k] = shown.Namespaces[k].Name
		}
		out.Scope = []string{"-n", strings.Join(names, ",")}
	}
	return out
}

// errRedacted is the error of a command that needs names, for a plan whose names are pseudonyms.
var errRedacted = errors.New("it is redacted: its names are pseudonyms, which no object has; 'psp2pss unredact --key KEYFILE' takes them back")

// errRedactedSnapshot is errRedacted for the plan that was made of a redacted snapshot.
var errRedactedSnapshot = errors.New("the snapshot is redacted: its names are pseudonyms, which no object has; save its plan with 'psp2pss plan -o json=FILE', and 'psp2pss unredact --key KEYFILE' takes them back in that")

// refuseRedacted returns an error for a plan that was saved, or without a file made of a snapshot, whose names are pseudonyms, for a command that needs the names.
func refuseRedacted(plan *migrate.Plan, file string) error {
	if !plan.Source.Redacted {
		return nil
	}
	if file == "" {
		return fmt.Errorf("this needs names, and %w", errRedactedSnapshot)
	}
	return fmt.Errorf("reading the plan %q: %w", file, errRedacted)
}

// readNamedPlan is readSavedPlan for a command that needs the names: it refuses a redacted plan.
func readNamedPlan(name string, stdin io.Reader) (*migrate.Plan, error) {
	plan, err := readSavedPlan(name, stdin)
	if err != nil {
		return nil, err
	}
	return plan, refuseRedacted(plan, name)
}
