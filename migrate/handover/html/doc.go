// Package html draws a report that is handed over as one HTML page that needs nothing else: no network, no other file, and
// for reading no script. Write takes a handover.Report and returns nothing but an error of writing. It decides nothing and
// computes only where things stand on the page; where a page would become too large it leaves details out and says so.
package html
