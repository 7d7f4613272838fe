// Command screenshots writes pictures of the HTML report for people to look at: at three widths, light and dark, with a row
// open, and as it prints. It also takes the picture of the first screen that the README shows. It takes the folder of the pages,
// the folder for the pictures, and the path of the README's picture.
package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/psp2pss/psp2pss/ci/browser"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: screenshots FOLDER-OF-PAGES FOLDER-FOR-PICTURES PICTURE-OF-README")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run takes the pictures of all pages in a folder, and that of the README.
func run(pages, out, readme string) error {
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
	if err := first(b, filepath.Join(pages, "demo.html"), readme); err != nil {
		return fmt.Errorf("%s: %w", readme, err)
	}
	for _, page := range found {
		name := filepath.Join(out, strings.TrimSuffix(filepath.Base(page), ".html"))
		if err := take(b, page, name); err != nil {
			return fmt.Errorf("%s: %w", page, err)
		}
	}
	return nil
}

// first takes the picture of the first screen of a page, and writes beside it the SHA-256 of the page: a test compares that with
// the page of today.
func first(b *browser.Browser, page, picture string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	tab, err := b.Open(page, "", browser.View{Width: 1280, Height: 800})
	if err != nil {
		return err
	}
	defer tab.Close()
	taken, err := tab.Screen()
	if err != nil {
		return err
	}
	if taken, err = smaller(taken); err != nil {
		return err
	}
	if err := os.WriteFile(picture, taken, 0o600); err != nil {
		return err
	}
	return os.WriteFile(strings.TrimSuffix(picture, ".png")+".sha256", fmt.Appendf(nil, "%x\n", sha256.Sum256(text)), 0o600)
}

// smaller returns a PNG of a picture in a third of the bytes, with the 256 colours that it has most of: letters are smoothed in
// more, which nobody sees.
func smaller(picture []byte) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	area, dots := full.Bounds(), map[color.Color]int{}
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			dots[full.At(x, y)]++
		}
	}
	most := slices.SortedFunc(maps.Keys(dots), func(a, b color.Color) int {
		return cmp.Or(cmp.Compare(dots[b], dots[a]), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	reduced := image.NewPaletted(area, most[:min(len(most), 256)])
	draw.Draw(reduced, area, full, area.Min, draw.Src)
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, reduced)
	return out.Bytes(), err
}

// mostPrinted is the size of the largest page that is printed: that of 10,000 namespaces takes longer than anybody waits.
const mostPrinted = 4 << 20

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
	if info, err := os.Stat(page); err != nil || info.Size() > mostPrinted {
		return err
	}
	return printPage(b, page, name)
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

// printPage prints a page to PDF, and makes a picture of each of its first pages.
func printPage(b *browser.Browser, page, name string) error {
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
