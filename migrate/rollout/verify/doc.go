// Package verify checks what became of a roll-out: whether the labels of namespaces are as expected, whether controllers get
// their pods, and what an audit log says. It takes a client, and a journal or expected labels, and returns results. It writes
// nothing: the pods that it creates are dry runs.
package verify
