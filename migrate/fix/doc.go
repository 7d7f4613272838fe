// Package fix owns the edits that "psp2pss fix" makes in manifests: which fields of which documents they change, the new text of each
// file, and what is left as it is, with the reason. It takes the documents that a reader delivered, a Plan and the bytes of files, and
// returns texts. It makes no edit without reading the result again, and writes no file itself.
package fix
