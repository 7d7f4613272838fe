package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/psp2pss/psp2pss/pspparse"
	"github.com/psp2pss/psp2pss/pspparse/inventory"
)

// Stdin is the path that stands for standard input.
const Stdin = "-"

// Reader reads files, folders and standard input. The zero value of all but Paths is a sensible choice.
type Reader struct {
	// Paths are files, folders and "-". A path that does not exist or cannot be read is an error; whatever else is wrong
	// with what lies there becomes a gap. A file that is reached twice, through links or by name, is read once. The
	// order of the paths changes nothing but the name of the source.
	Paths []string
	// Recursive reads folders with all that is below them. Of a folder only .yaml, .yml and .json files are read, and
	// the same with .gz, in any case; hidden files and backups of editors are not.
	Recursive bool
	// Stdin is read for the path "-".
	Stdin  io.Reader
	Limits Limits
	// Progress is told which file is read next, and every 64 MiB how far it is.
	Progress func(string)
	// Other, if set, is given the objects of kinds that hold no pod, policy or grant, which the Builder only counts. The
	// data is JSON, and its own only until it returns.
	Other func(apiVersion, kind string, data []byte, at pspparse.Position)
}

// Load reads everything into an Inventory of its own.
func (r *Reader) Load(ctx context.Context) (*inventory.Inventory, error) {
	b := inventory.NewBuilder()
	if err := r.Read(ctx, b); err != nil {
		return nil, err
	}
	return b.Build(inventory.Source{Kind: inventory.SourceFiles, Name: strings.Join(r.Paths, ", ")}), nil
}

// Read adds everything to a Builder. All paths are looked up before the first is read. The error is that of a path
// named by the user, or of the context; the Builder may then hold some of the input.
func (r *Reader) Read(ctx context.Context, b *inventory.Builder) error {
	t := &told{}
	w := &walker{recursive: r.Recursive, told: t, out: b}
	if err := w.find(r.Paths); err != nil {
		return err
	}
	for _, f := range w.files() {
		if err := r.file(ctx, f, b, t); err != nil {
			return err
		}
	}
	t.flush(b)
	return nil
}

// file reads one file. It fails only if the user named it and it cannot be opened, or if the context ends.
func (r *Reader) file(ctx context.Context, f found, b *inventory.Builder, t *told) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.progress("reading " + clean(f.path))
	s := &stream{name: f.path, limits: r.Limits.withDefaults(), out: b, told: t, passed: r.Other}
	if f.path == Stdin {
		if r.Stdin == nil {
			return errors.New("reading standard input: there is none; name a file instead of -")
		}
		s.readAll(until(ctx, r.counted(f.path, r.Stdin)))
		return ctx.Err()
	}
	open := func() (io.ReadCloser, error) { return os.Open(f.resolved) }
	if f.regular {
		s.reopen = func() (io.ReadCloser, error) { return reopen(ctx, open, s.limits) }
	}
	in, err := open()
	if err != nil {
		if f.named {
			return fmt.Errorf("opening %s: %w; check the path and its permissions", quote(f.path), reason(err))
		}
		s.gap(inventory.Gap{What: quote(f.path), Why: fmt.Sprintf("opening it failed: %v; read it as a user who may, or leave it out",
			reason(err)), Position: s.at(0)})
		return nil
	}
	s.readAll(until(ctx, r.counted(f.path, in)))
	if err := in.Close(); err != nil {
		return fmt.Errorf("closing %s: %w", quote(f.path), reason(err))
	}
	return ctx.Err()
}

// reopen starts a stream anew.
func reopen(ctx context.Context, open func() (io.ReadCloser, error), limits Limits) (io.ReadCloser, error) {
	in, err := open()
	if err != nil {
		return nil, err
	}
	again, err := text(until(ctx, in), limits)
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{again, in}, nil
}

// readAll reads everything in a file that could be opened.
func (s *stream) readAll(src io.Reader) {
	in, err := text(src, s.limits)
	var unreadable *unreadableError
	switch {
	case errors.As(err, &unreadable):
		s.gap(inventory.Gap{What: quote(s.name), Why: unreadable.msg, Position: s.at(0)})
	case err != nil:
		s.gap(inventory.Gap{What: quote(s.name), Why: fmt.Sprintf("reading it failed: %s; read the file again, or mend it",
			readReason(err)), Position: s.at(0)})
	default:
		s.read(in)
	}
}

func (r *Reader) progress(msg string) {
	if r.Progress != nil {
		r.Progress(msg)
	}
}

// counted tells of progress in large files.
func (r *Reader) counted(path string, src io.Reader) io.Reader {
	if r.Progress == nil {
		return src
	}
	const step = 64 << 20
	var total, next int64 = 0, step
	return readerFunc(func(p []byte) (int, error) {
		n, err := src.Read(p)
		if total += int64(n); total >= next {
			next += step
			r.progress(fmt.Sprintf("reading %s: %d MiB", clean(path), total>>20))
		}
		return n, err
	})
}

// reason drops the path from an error: it may hold anything, and is told already.
func reason(err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// ReadFS adds all .yaml, .yml and .json files of a file system, an embedded folder say, to a Builder. Positions are
// the paths in it. It fails if a file cannot be opened.
func ReadFS(fsys fs.FS, b *inventory.Builder) error {
	t := &told{}
	err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("reading %s: %w", quote(path), reason(err))
		}
		if !d.Type().IsRegular() || !wanted(d.Name()) {
			return nil
		}
		open := func() (io.ReadCloser, error) { return fsys.Open(path) }
		in, err := open()
		if err != nil {
			return fmt.Errorf("opening %s: %w", quote(path), reason(err))
		}
		s := &stream{name: path, limits: Limits{}.withDefaults(), out: b, told: t}
		s.reopen = func() (io.ReadCloser, error) { return reopen(context.Background(), open, s.limits) }
		s.readAll(in)
		return in.Close()
	})
	t.flush(b)
	return err
}

// fileAt is where a file as a whole is.
func fileAt(path string) pspparse.Position { return pspparse.Position{File: path} }
