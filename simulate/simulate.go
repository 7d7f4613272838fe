// Package simulate says which level of the Pod Security Standards the workloads of one Inventory meet: as written, as admitted
// by PodSecurityPolicy today, and after PSP is gone, when no policy writes anything into pods. It joins simulate/psp and
// simulate/pss per workload, and gets from simulate/harden the edits that a template lacks for a level. It takes workloads and
// returns verdicts and edits; it does not decide what a namespace should get.
package simulate
