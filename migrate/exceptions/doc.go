// Package exceptions owns the exceptions from checks of the Pod Security Standards that somebody has given a reason for: annotations
// of an object, and the entries of a file. It reads both, and says of the result of "psp2pss check" which findings they cover, and
// what is wrong with them. It opens no file and asks no clock.
package exceptions
