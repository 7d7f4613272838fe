// Package fleet owns what is said of several clusters at once. Summarise makes, from the Plan of one cluster and the gate's answer on
// it, the rows that a comparison needs; Merge puts the clusters of several Fleets side by side, never into one Plan; and
// Report makes of a Fleet the same report as that on one cluster. Merging keeps the clusters and nothing computed from them, so
// it does not matter in which order, or in how many parts, clusters are merged. Answers are those of the gate on several clusters, and
// FileName the name of a file for one of them. The package is pure: it reads no cluster and
// writes no file.
package fleet
