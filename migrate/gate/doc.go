// Package gate owns one answer: may this cluster be upgraded past PodSecurityPolicy? It takes a Plan and the few Facts
// that a Plan does not hold (Helm releases, what the user asserts), and returns a Result with the reasons against it in
// the order in which to clear them, the commands that do, and what is unknown. It never runs a command, and never takes
// what it did not see for ready.
package gate
