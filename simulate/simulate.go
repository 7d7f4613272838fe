// Package simulate says what becomes of the workloads of one Inventory when PodSecurityPolicy is gone: it joins PSP admission
// (simulate/psp) with the Pod Security Standards (simulate/pss), as written and after PSP, when no policy fills anything in,
// and asks simulate/harden for the edits that would change that. It takes workloads and returns verdicts and edits; it never
// decides what a namespace should get.
package simulate
