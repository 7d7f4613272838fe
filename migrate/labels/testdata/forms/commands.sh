#!/bin/sh
# Pod Security labels for v1.25, from context prod, by psp2pss v0.
# 9 namespaces: 5 to label, 2 labelled by another tool, 1 left alone, 1 refused.
# It ends at the first failure and can be run again: what is labelled so already stays so.
# Review every line before you run it.
# This is for the cluster whose namespace kube-system has the UID 8c1d0ad7-5a4f-4b0e-9d3c-000000000001: it ends at once on any other.
# Where that may not be read, it runs only with PSP2PSS_THIS_CLUSTER=1 in the environment.
set -eu
cluster=$(kubectl --context=prod get namespace kube-system --output='jsonpath={.metadata.uid}') || cluster=
if [ -n "$cluster" ] && [ "$cluster" != 8c1d0ad7-5a4f-4b0e-9d3c-000000000001 ]; then
  echo 'Nothing was run: kubectl talks to another cluster than the one that was planned for. Its namespace kube-system has another UID than 8c1d0ad7-5a4f-4b0e-9d3c-000000000001.' >&2
  exit 1
fi
if [ -z "$cluster" ] && [ "${PSP2PSS_THIS_CLUSTER:-}" != 1 ]; then
  echo 'Nothing was run: the UID of the namespace kube-system could not be read, so it is not known whether this is the cluster that was planned for. Make sure that it is, and run this with PSP2PSS_THIS_CLUSTER=1.' >&2
  exit 1
fi

# 0-web: enforce baseline, decided by deployment/api
#   caution: look\nhere
#   Flux writes this namespace and would undo what is not in its source: put these labels there
#   pod-security.kubernetes.io/enforce=baseline pod-security.kubernetes.io/enforce-version=v1.25 pod-security.kubernetes.io/audit=restricted pod-security.kubernetes.io/audit-version=v1.25 pod-security.kubernetes.io/warn=restricted pod-security.kubernetes.io/warn-version=v1.25
#   as YAML: -o manifest -n 0-web

# applied: enforce baseline, decided by deployment/api
#   Argo CD writes this namespace and would undo what is not in its source: put these labels there
#   pod-security.kubernetes.io/enforce=baseline pod-security.kubernetes.io/enforce-version=v1.25 pod-security.kubernetes.io/audit=restricted pod-security.kubernetes.io/audit-version=v1.25 pod-security.kubernetes.io/warn=restricted pod-security.kubernetes.io/warn-version=v1.25
#   as YAML: -o manifest -n applied

# git: enforce baseline, decided by deployment/api
kubectl --context=prod label --overwrite namespace git pod-security.kubernetes.io/enforce=baseline pod-security.kubernetes.io/enforce-version=v1.25 pod-security.kubernetes.io/audit=restricted pod-security.kubernetes.io/audit-version=v1.25 pod-security.kubernetes.io/warn=restricted pod-security.kubernetes.io/warn-version=v1.25

# held: enforce stays "restricted"; baseline, decided by deployment/api, is looser than today: ask for it with --enforce=baseline -n held, or fix the workloads
kubectl --context=prod label --overwrite namespace held pod-security.kubernetes.io/audit=restricted pod-security.kubernetes.io/audit-version=v1.25 pod-security.kubernetes.io/warn=restricted pod-security.kubernetes.io/warn-version=v1.25

# partial: audit and warn only, no enforce: something that touches it could not be read
kubectl --context=prod label --overwrite namespace partial pod-security.kubernetes.io/audit=restricted pod-security.kubernetes.io/audit-version=v1.25 pod-security.kubernetes.io/warn=restricted pod-security.kubernetes.io/warn-version=v1.25

# served: enforce baseline, decided by deployment/api
kubectl --context=prod label --overwrite namespace served pod-security.kubernetes.io/enforce=baseline pod-security.kubernetes.io/enforce-version=v1.25 pod-security.kubernetes.io/audit=restricted pod-security.kubernetes.io/audit-version=v1.25 pod-security.kubernetes.io/warn=restricted pod-security.kubernetes.io/warn-version=v1.25

# unread: audit and warn only, no enforce: something that touches it could not be read
#   its labels were not read: without --overwrite kubectl changes none that is there, but refuses, and the script ends there
[ -n "$(kubectl --context=prod get namespace --output=name --field-selector=metadata.name=unread '--selector=pod-security.kubernetes.io/warn=restricted,pod-security.kubernetes.io/warn-version=v1.25')" ] || kubectl --context=prod label namespace unread pod-security.kubernetes.io/warn=restricted pod-security.kubernetes.io/warn-version=v1.25

# skipped: left alone, nothing is recommended

# "UPPER": refused, its name is not a valid namespace name
