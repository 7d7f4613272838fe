// Package migrate owns the decision: Build joins what policies mean (mapping), who may use them (access), what runs
// (simulate) and what webhooks add to it into one Plan, with a recommendation and its reasons for every namespace. It
// takes an Inventory and Options and is pure; it never reads a file or a cluster and never renders or writes anything.
package migrate
