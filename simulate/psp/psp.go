// Package psp simulates PodSecurityPolicy admission of Kubernetes v1.24: which policy admits a pod, what it and the API
// server write into the pod, and every reason for a refusal. There is no library of those rules any more: each file
// names the one of Kubernetes v1.24.17 that it follows, and fixtures/controlplane/admission compares the two. The
// package knows nothing of the Pod Security Standards and does not depend on k8s.io/pod-security-admission.
package psp
