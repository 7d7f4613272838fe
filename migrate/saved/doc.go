// Package saved owns the strict reading of documents that this tool saved as JSON, such as a Plan: which field cannot be decoded, and
// which value no such document has. Anybody may have edited one, or written it with another tool. It knows the tags of fields, and no
// kind of document.
package saved
