// Package browser opens the HTML report in a real browser, for its tests and its pictures. It starts a headless Chromium and
// speaks with it through a pipe; it knows nothing of how a report is made.
package browser

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Browser is a running browser.
type Browser struct {
	ctx    context.Context
	cancel context.CancelFunc
}

// Start starts a browser; Close ends it. The error says which Debian package has one.
func Start(ctx context.Context) (*Browser, error) {
	path, err := find()
	if err != nil {
		return nil, err
	}
	// Where user namespaces are off the browser has no sandbox; it opens nothing but files of ours.
	ctx, cancel := chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(chromedp.ExecPath(path), chromedp.NoSandbox))
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		return nil, fmt.Errorf("starting %s: %w", path, err)
	}
	return &Browser{ctx, cancel}, nil
}

// find returns the path of a headless browser.
func find() (string, error) {
	for _, name := range []string{"chromium-headless-shell", "chromium", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no browser on PATH: install chromium-headless-shell (a package of Debian)")
}

// Close ends the browser.
func (b *Browser) Close() { b.cancel() }

// View is how a page is looked at.
type View struct {
	Width, Height int64
	Dark          bool
	ScriptsOff    bool
	// Before is JavaScript that runs before any of the page.
	Before string
}

// Tab is an open page.
type Tab struct {
	Context context.Context
	close   context.CancelFunc
	own     string

	mu   sync.Mutex
	said []string
}

// Open opens a file, with a fragment behind its name or none, in a new tab; Close closes it.
func (b *Browser) Open(path, fragment string, view View) (*Tab, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	t := &Tab{own: (&url.URL{Scheme: "file", Path: path}).String()}
	t.Context, t.close = chromedp.NewContext(b.ctx, chromedp.WithListener(t.listen))
	if err := t.load(fragment, view); err != nil {
		t.close()
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	return t, nil
}

// load sets how the page is looked at, and loads it.
func (t *Tab) load(fragment string, view View) error {
	if err := chromedp.Do(t.Context, chromedp.EmulateViewport(view.Width, view.Height)); err != nil {
		return err
	}
	if _, err := chromedp.Call(t.Context, network.Enable, network.EnableParams{}); err != nil {
		return err
	}
	if err := t.Dark(view.Dark); err != nil {
		return err
	}
	off := emulation.SetScriptExecutionDisabledParams{Value: view.ScriptsOff}
	if _, err := chromedp.Call(t.Context, emulation.SetScriptExecutionDisabled, off); err != nil {
		return err
	}
	if view.Before != "" {
		if _, err := chromedp.Call(t.Context, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: view.Before}); err != nil {
			return err
		}
	}
	if err := chromedp.Do(t.Context, chromedp.Navigate(t.own+fragment)); err != nil || view.ScriptsOff {
		return err
	}
	return t.Wait(`document.documentElement.dataset.ready === ""`)
}

// Dark switches a tab to the dark scheme or to the light one.
func (t *Tab) Dark(dark bool) error {
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	feature := &emulation.MediaFeature{Name: "prefers-color-scheme", Value: scheme}
	_, err := chromedp.Call(t.Context, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{feature}})
	return err
}

// Paper shows a tab as it prints.
func (t *Tab) Paper() error {
	_, err := chromedp.Call(t.Context, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	return err
}

// listen keeps what a page writes on the console, its errors, and each request that is neither the page itself nor data in it.
func (t *Tab) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		t.say("console: %s", arguments(e))
	case *runtime.EventExceptionThrown:
		t.say("exception: %s", exception(e.ExceptionDetails))
	case *log.EventEntryAdded:
		t.say("log: %s", e.Entry.Text)
	case *network.EventRequestWillBeSent:
		if at := e.Request.URL; at != t.own && !strings.HasPrefix(at, "data:") {
			t.say("request: %s", at)
		}
	}
}

// arguments returns what a page wrote on the console.
func arguments(e *runtime.EventConsoleAPICalled) string {
	var words []string
	for _, a := range e.Args {
		words = append(words, strings.TrimSpace(string(a.Value)+" "+a.Description))
	}
	return strings.Join(words, " ")
}

// say keeps a sentence on what a page did.
func (t *Tab) say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.said = append(t.said, fmt.Sprintf(format, args...))
}

// Said returns what the page wrote on the console, its errors and its requests, since it was opened.
func (t *Tab) Said() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.said...)
}

// Close closes the tab.
func (t *Tab) Close() { t.close() }

// exception returns what went wrong in the script of a page, and where.
func exception(e *runtime.ExceptionDetails) string {
	if e.Exception != nil {
		return e.Text + " " + e.Exception.Description
	}
	return e.Text
}
