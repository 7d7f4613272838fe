package browser

import (
	"context"
	"fmt"
	"time"

	"github.com/chromedp/chromedp"
)

// patience is how long one thing may take that a browser is asked for: it ends a browser that hangs, and none on a busy computer.
const patience = 10 * time.Minute

// run asks the browser for one thing in a page.
func run[T any](t *Tab, action chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(t.Context, patience)
	defer cancel()
	return chromedp.Run(ctx, action)
}

// Evaluate returns the value of a JavaScript expression in a page.
func Evaluate[T any](t *Tab, expression string) (T, error) {
	value, err := run(t, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		return value, fmt.Errorf("evaluating %s: %w", expression, err)
	}
	return value, nil
}

// Click clicks the first element that a CSS selector names, as a person does: it is scrolled into view first.
func (t *Tab) Click(selector string) error {
	if _, err := run(t, chromedp.Click(chromedp.CSS(selector))); err != nil {
		return fmt.Errorf("clicking %s: %w", selector, err)
	}
	return nil
}

// Type types into the first element that a CSS selector names.
func (t *Tab) Type(selector, text string) error {
	if _, err := run(t, chromedp.SendKeys(chromedp.CSS(selector), text)); err != nil {
		return fmt.Errorf("typing into %s: %w", selector, err)
	}
	return nil
}

// Press presses a key.
func (t *Tab) Press(keys string) error {
	_, err := run(t, chromedp.KeyEvent(keys))
	return err
}

// Back goes one step back in the history and waits until the address has a fragment.
func (t *Tab) Back(fragment string) error {
	if _, err := Evaluate[bool](t, "history.back(), true"); err != nil {
		return err
	}
	return t.Wait(fmt.Sprintf("location.hash === %q", fragment))
}

// Wait waits until a JavaScript expression is true in a page; after half a minute it is an error.
func (t *Tab) Wait(expression string) error {
	if _, err := run(t, chromedp.Poll[bool](expression)); err != nil {
		return fmt.Errorf("waiting for %s: %w", expression, err)
	}
	return nil
}

// Print returns the page as it prints on A4.
func (t *Tab) Print() ([]byte, error) {
	return run(t, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4), chromedp.PDFPreferCSSPageSize()))
}

// Picture returns the whole page as a PNG.
func (t *Tab) Picture() ([]byte, error) { return run(t, chromedp.FullScreenshot(100)) }

// Screen returns what is in view as a PNG.
func (t *Tab) Screen() ([]byte, error) { return run(t, chromedp.CaptureScreenshot()) }
