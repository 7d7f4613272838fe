// Package files owns the way from bytes to documents: paths, folders, standard input, gzip, JSON and YAML of any size.
// It takes paths or an fs.FS and hands every document to an inventory.Sink, policies through pspparse, with the
// position of each and a gap for whatever could not be read. It never holds more than one document or List item at a
// time, never renders a template, and decides nothing about what it reads.
package files
