// Package fileerror owns what errors of the file system are called for people: why a file could not be opened, read or written, in
// words that are the same on every system, and what to do. It takes the path that the user gave and the error, looks at nothing but
// the names beside a path that does not exist, and opens no file.
package fileerror
