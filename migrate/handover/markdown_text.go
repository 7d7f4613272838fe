package handover

import "html"

// htmlText returns a text of the Report for HTML within Markdown.
func htmlText(s string) string { return html.EscapeString(s) }
