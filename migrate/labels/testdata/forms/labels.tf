# Pod Security labels for v1.25, from context prod, by psp2pss v0, for the provider hashicorp/kubernetes.
# 9 namespaces: 5 to label, 2 labelled by another tool, 1 left alone, 1 refused.
# It refuses a label to which another field manager gave another value, unless the resource says force = true.

# 0-web: enforce baseline, decided by deployment/api
#   caution: look\nhere
#   Flux writes this namespace and would undo what is not in its source: put these labels there
resource "kubernetes_labels" "ns_0-web" {
  api_version = "v1"
  kind        = "Namespace"
  metadata {
    name = "0-web"
  }
  labels = {
    "pod-security.kubernetes.io/enforce"         = "baseline"
    "pod-security.kubernetes.io/enforce-version" = "v1.25"
    "pod-security.kubernetes.io/audit"           = "restricted"
    "pod-security.kubernetes.io/audit-version"   = "v1.25"
    "pod-security.kubernetes.io/warn"            = "restricted"
    "pod-security.kubernetes.io/warn-version"    = "v1.25"
  }
}

# applied: enforce baseline, decided by deployment/api
#   Argo CD writes this namespace and would undo what is not in its source: put these labels there
resource "kubernetes_labels" "ns_applied" {
  api_version = "v1"
  kind        = "Namespace"
  metadata {
    name = "applied"
  }
  labels = {
    "pod-security.kubernetes.io/enforce"         = "baseline"
    "pod-security.kubernetes.io/enforce-version" = "v1.25"
    "pod-security.kubernetes.io/audit"           = "restricted"
    "pod-security.kubernetes.io/audit-version"   = "v1.25"
    "pod-security.kubernetes.io/warn"            = "restricted"
    "pod-security.kubernetes.io/warn-version"    = "v1.25"
  }
}

# git: enforce baseline, decided by deployment/api
resource "kubernetes_labels" "ns_git" {
  api_version = "v1"
  kind        = "Namespace"
  metadata {
    name = "git"
  }
  labels = {
    "pod-security.kubernetes.io/enforce"         = "baseline"
    "pod-security.kubernetes.io/enforce-version" = "v1.25"
    "pod-security.kubernetes.io/audit"           = "restricted"
    "pod-security.kubernetes.io/audit-version"   = "v1.25"
    "pod-security.kubernetes.io/warn"            = "restricted"
    "pod-security.kubernetes.io/warn-version"    = "v1.25"
  }
}

# held: enforce stays "restricted"; baseline, decided by deployment/api, is looser than today: ask for it with --enforce=baseline -n held, or fix the workloads
resource "kubernetes_labels" "ns_held" {
  api_version = "v1"
  kind        = "Namespace"
  metadata {
    name = "held"
  }
  labels = {
    "pod-security.kubernetes.io/enforce"       = "restricted"
    "pod-security.kubernetes.io/audit"         = "restricted"
    "pod-security.kubernetes.io/audit-version" = "v1.25"
    "pod-security.kubernetes.io/warn"          = "restricted"
    "pod-security.kubernetes.io/warn-version"  = "v1.25"
  }
}

# partial: audit and warn only, no enforce: something that touches it could not be read
resource "kubernetes_labels" "ns_partial" {
  api_version = "v1"
  kind        = "Namespace"
  metadata {
    name = "partial"
  }
  labels = {
    "pod-security.kubernetes.io/enforce"         = "baseline"
    "pod-security.kubernetes.io/enforce-version" = "v1.24"
    "pod-security.kubernetes.io/audit"           = "restricted"
    "pod-security.kubernetes.io/audit-version"   = "v1.25"
    "pod-security.kubernetes.io/warn"            = "restricted"
    "pod-security.kubernetes.io/warn-version"    = "v1.25"
  }
}

# served: enforce baseline, decided by deployment/api
resource "kubernetes_labels" "ns_served" {
  api_version = "v1"
  kind        = "Namespace"
  metadata {
    name = "served"
  }
  labels = {
    "pod-security.kubernetes.io/enforce"         = "baseline"
    "pod-security.kubernetes.io/enforce-version" = "v1.25"
    "pod-security.kubernetes.io/audit"           = "restricted"
    "pod-security.kubernetes.io/audit-version"   = "v1.25"
    "pod-security.kubernetes.io/warn"            = "restricted"
    "pod-security.kubernetes.io/warn-version"    = "v1.25"
  }
}

# unread: audit and warn only, no enforce: something that touches it could not be read
resource "kubernetes_labels" "ns_unread" {
  api_version = "v1"
  kind        = "Namespace"
  metadata {
    name = "unread"
  }
  labels = {
    "pod-security.kubernetes.io/warn"         = "restricted"
    "pod-security.kubernetes.io/warn-version" = "v1.25"
  }
}

# skipped: left alone, nothing is recommended

# "UPPER": refused, its name is not a valid namespace name
