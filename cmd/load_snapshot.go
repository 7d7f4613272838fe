package cmd

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/psp2pss/psp2pss/pspparse/fileerror"
	"github.com/psp2pss/psp2pss/pspparse/files"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
	"github.com/psp2pss/psp2pss/pspparse/snapshot"
)

// openedSnapshot is a snapshot that -f names.
type openedSnapshot struct {
	io.ReadCloser
	name string
}

// openSnapshot returns the snapshot among the files that the flags name, by what is in them; nil where there is none. It returns a usage
// error for a snapshot beside anything else. What it looks at of standard input stays there to read.
func openSnapshot(o *SourceOptions) (*openedSnapshot, error) {
	for _, name := range o.Files {
		in, err := snapshotAt(name, o)
		switch {
		case err != nil:
			return nil, err
		case in == nil:
			continue
		case o.WrapSink != nil:
			return nil, errors.Join(in.Close(), usagef("-f %s is a snapshot, which holds no manifests: name the files themselves", fileerror.Name(name)))
		case len(o.Files) > 1 || o.ReadsCluster():
			return nil, errors.Join(in.Close(), usagef("-f %s is a snapshot, which is read alone, as it says what its source has whole: leave the other sources out", fileerror.Name(name)))
		}
		return &openedSnapshot{in, name}, nil
	}
	return nil, nil //nolint:nilnil // no snapshot is the usual case, and no error
}

// snapshotAt opens a file that -f names if it is a snapshot, and returns nil for any other one. What is wrong with a file that cannot be opened
// is left to who reads the files.
func snapshotAt(name string, o *SourceOptions) (io.ReadCloser, error) {
	if name == files.StdinPath {
		if o.Stdin == nil {
			return nil, nil //nolint:nilnil // there is no standard input, which who reads the files says
		}
		in := bufio.NewReaderSize(o.Stdin, snapshot.RecogniseBytes())
		o.Stdin = in
		if begin, _ := in.Peek(2); !bytes.Equal(begin, []byte{0x1f, 0x8b}) && !bytes.Equal(begin, []byte(snapshot.ManifestName[:2])) {
			return nil, nil //nolint:nilnil // neither compressed nor an archive of ours
		}
		if begin, _ := in.Peek(snapshot.RecogniseBytes()); !snapshot.Recognise(begin) {
			return nil, nil //nolint:nilnil // another compressed file
		}
		return io.NopCloser(in), nil
	}
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return nil, nil //nolint:nilerr,nilnil // a folder, a pipe that can be read only once, or nothing
	}
	f, err := os.Open(name) //nolint:gosec // G304: the file that the user names
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // who reads the files says so
	}
	begin := make([]byte, snapshot.RecogniseBytes())
	n, err := io.ReadFull(f, begin)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || !snapshot.Recognise(begin[:n]) {
		return nil, f.Close()
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, errors.Join(fmt.Errorf("reading %s: %w", fileerror.Name(name), err), f.Close())
	}
	return f, nil
}

// readSnapshot reads the inventory of a snapshot that -f names, and closes it.
func readSnapshot(in *openedSnapshot) (*inventory.Inventory, error) {
	inv, err := snapshot.Read(in)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading %s: %w", fileerror.Name(in.name), err), in.Close())
	}
	return inv, in.Close()
}

// refuseSnapshots returns a usage error for a snapshot among files whose manifests are wanted.
func refuseSnapshots(names []string, do string) error {
	for _, name := range slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == files.StdinPath }) {
		in, err := snapshotAt(name, nil)
		if err != nil {
			return err
		}
		if in != nil {
			return errors.Join(in.Close(), usagef("%s is a snapshot, which holds no manifests to %s: name the files themselves, or read it with 'plan -f'", fileerror.Name(name), do))
		}
	}
	return nil
}
