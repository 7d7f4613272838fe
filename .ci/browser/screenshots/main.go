// Command screenshots writes pictures of the HTML report for people to look at: at three widths, light and dark, with a row
// open, and as it prints. It takes the folder of the pages and the folder for the pictures.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/psp2pss/psp2pss/ci/browser"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: screenshots FOLDER-OF-PAGES FOLDER-FOR-PICTURES")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run takes the pictures of all pages in a folder.
func run(pages, out string) error {
	found, err := filepath.Glob(filepath.Join(pages, "*.html"))
	if err != nil || len(found) == 0 {
		return fmt.Errorf("there is no page in %s", pages)
	}
	if err := os.MkdirAll(out, 0o750); err != nil {
		return err
	}
	b, err := browser.Start(context.Background())
	if err != nil {
		return err
	}
	defer b.Close()
	for _, page := range found {
		name := filepath.Join(out, strings.TrimSuffix(filepath.Base(page), ".html"))
		if err := take(b, page, name); err != nil {
			return fmt.Errorf("%s: %w", page, err)
		}
	}
	return nil
}

// take takes the pictures of one page: whole for a small one, and the first screen.
func take(b *browser.Browser, page, name string) error {
	for _, width := range []int64{1280, 800, 390} {
		for _, dark := range []bool{false, true} {
			scheme := map[bool]string{false: "light", true: "dark"}[dark]
			if err := shoot(b, page, "#namespaces-1", fmt.Sprintf("%s-%d-%s.png", name, width, scheme), browser.View{Width: width, Height: 900, Dark: dark}); err != nil {
				return err
			}
		}
	}
	return print(b, page, name)
}

// shoot takes a picture of a page from top to bottom.
func shoot(b *browser.Browser, page, fragment, name string, view browser.View) error {
	tab, err := b.Open(page, fragment, view)
	if err != nil {
		return err
	}
	defer tab.Close()
	picture, err := tab.Picture()
	if err != nil {
		return err
	}
	return os.WriteFile(name, picture, 0o600)
}

// print prints a page to PDF, and makes a picture of each of its first pages.
func print(b *browser.Browser, page, name string) error {
	tab, err := b.Open(page, "", browser.View{Width: 1280, Height: 900})
	if err != nil {
		return err
	}
	defer tab.Close()
	printed, err := tab.Print()
	if err != nil {
		return err
	}
	if err := os.WriteFile(name+".pdf", printed, 0o600); err != nil {
		return err
	}
	said, err := exec.Command("pdftoppm", "-png", "-r", "60", "-l", "12", name+".pdf", name+"-printed").CombinedOutput()
	if err != nil {
		return fmt.Errorf("pdftoppm (of the Debian package poppler-utils): %w\n%s", err, said)
	}
	return nil
}
