// Package html owns the form of the report that is handed over as one page of HTML. It takes a Report and writes it; it decides nothing.
package html

import (
	"fmt"
	"html"
	"io"

	"github.com/psp2pss/psp2pss/migrate/handover"
)

// Write writes a Report as one page of HTML that needs nothing else. It returns the errors of w.
func Write(w io.Writer, r *handover.Report) error {
	_, err := fmt.Fprintf(w, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%[1]s</title></head><body><h1>%[1]s</h1></body></html>\n", html.EscapeString(r.Cover.Title))
	return err
}
