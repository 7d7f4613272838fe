package injector

import (
	corev1 "k8s.io/api/core/v1"
)

// Table returns every injector that is known. Each container has the security context that its program gives it by default;
// what level that allows is for the library to say, and depends on the pod, too: many leave the seccomp profile to it.
func Table() []Injector {
	return []Injector{
		istio(), linkerd(), consul(), kuma(), openServiceMesh(), appMesh(), dapr(), vault(),
		otelGo(), otelSidecar(), otelLanguages(), jaeger(), datadog(), dynatrace(), azureProxy(), azure(), eks(), kyverno(), gatekeeper(), harmless(),
	}
}

func yes(key string, where place, values ...string) choice { return choice{where, key, values, true} }

func no(key string, where place, values ...string) choice { return choice{where, key, values, false} }

// istio: the opt-outs of pod and namespace go first, see the selectors in the chart's mutatingwebhook.yaml. A gateway's own
// template adds nothing to it that a level forbids. A namespace that is only in ambient mode (istio.io/dataplane-mode) gets no sidecar.
func istio() Injector {
	const key = "sidecar.istio.io/inject"
	proxy := named("istio-proxy", strict(user(1337)))
	return Injector{
		Name: "Istio", Source: "https://github.com/istio/istio/blob/master/manifests/charts/istio-control/istio-discovery/files/injection-template.yaml",
		Adds: Pod{
			Init: []corev1.Container{named("istio-init", &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false), Privileged: new(false), Capabilities: capabilities([]corev1.Capability{"ALL"}, "NET_ADMIN", "NET_RAW"),
				RunAsUser: new(int64(0)), RunAsGroup: new(int64(0)), RunAsNonRoot: new(false),
			})},
			Containers: []corev1.Container{proxy},
		},
		WithCNI:  &Pod{Init: []corev1.Container{named("istio-validation", strict(user(1337)))}, Containers: []corev1.Container{proxy}},
		cni:      []string{"istio-cni-node", "istio-cni"},
		webhooks: []string{"sidecar-injector.istio.io"},
		selects:  true,
		asks:     []string{"inject.istio.io/templates", "sidecar.istio.io/interceptionMode"},
		choices: []choice{
			no(key, onPod, "false", "no", "n", "off", "0"),
			no("inject.istio.io/templates", onAnnotation, "gateway", "grpc-agent", "grpc-simple", "waypoint"),
			no("istio-injection", onNamespaceLabel, "disabled"),
			yes("istio-injection", onNamespaceLabel, "enabled"),
			yes("istio.io/rev", onNamespaceLabel|onLabel),
			yes(key, onPod, "true", "yes", "y", "on", "1"),
		},
	}
}

// linkerd drops no capabilities of its proxy unless the chart's value proxy.capabilities says so.
func linkerd() Injector {
	const key = "linkerd.io/inject"
	seccomp := &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	proxy := named("linkerd-proxy", &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false), RunAsNonRoot: new(true), RunAsUser: new(int64(2102)), ReadOnlyRootFilesystem: new(true), SeccompProfile: seccomp,
	})
	validator := strict(user(65534))
	validator.SeccompProfile = seccomp
	return Injector{
		Name: "Linkerd", Source: "https://github.com/linkerd/linkerd2/blob/main/charts/partials/templates/_proxy-init.tpl",
		Adds: Pod{
			Init: []corev1.Container{named("linkerd-init", &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false), Privileged: new(false), Capabilities: capabilities(nil, "NET_ADMIN", "NET_RAW"),
				RunAsNonRoot: new(true), RunAsUser: new(int64(65534)), ReadOnlyRootFilesystem: new(true), SeccompProfile: seccomp,
			})},
			Containers: []corev1.Container{proxy},
		},
		WithCNI:  &Pod{Init: []corev1.Container{named("linkerd-network-validator", validator)}, Containers: []corev1.Container{proxy}},
		cni:      []string{"linkerd-cni"},
		webhooks: []string{"linkerd-proxy-injector.linkerd.io"},
		choices: []choice{
			no(key, onAnnotation, "disabled"), yes(key, onAnnotation, "enabled", "ingress"),
			no(key, onNamespaceAnnotation, "disabled"), yes(key, onNamespaceAnnotation, "enabled", "ingress"),
		},
	}
}

// consul: until January 2024 (hashicorp/consul-k8s#3498) its sidecar did not forbid escalation.
func consul() Injector {
	const key = "consul.hashicorp.com/connect-inject"
	proxy := named("consul-dataplane", &corev1.SecurityContext{
		RunAsUser: new(int64(5995)), RunAsGroup: new(int64(5995)), RunAsNonRoot: new(true), ReadOnlyRootFilesystem: new(true),
	})
	return Injector{
		Name: "Consul", Source: "https://github.com/hashicorp/consul-k8s/blob/main/control-plane/connect-inject/webhook/container_init.go",
		Adds: Pod{
			Init: []corev1.Container{named("consul-connect-inject-init", &corev1.SecurityContext{
				RunAsUser: new(int64(0)), RunAsGroup: new(int64(0)), RunAsNonRoot: new(false), Privileged: new(false), Capabilities: capabilities(nil, "NET_ADMIN"),
			})},
			Containers: []corev1.Container{proxy},
		},
		WithCNI:  &Pod{Init: []corev1.Container{named("consul-connect-inject-init", strict(user(5996)))}, Containers: []corev1.Container{proxy}},
		cni:      []string{"consul-cni"},
		webhooks: []string{"consul-connect-injector.consul.hashicorp.com"},
		asks:     []string{"consul.hashicorp.com/transparent-proxy"},
		choices:  []choice{no(key, onAnnotation, falsehoods()...), yes(key, onAnnotation)},
	}
}

// kuma: versions up to 2.0 give the sidecar a user and no more.
func kuma() Injector {
	const key = "kuma.io/sidecar-injection"
	proxy := named("kuma-sidecar", user(5678))
	validation := strict(user(5678))
	validation.RunAsNonRoot = nil
	return Injector{
		Name: "Kuma", Source: "https://github.com/kumahq/kuma/blob/master/pkg/plugins/runtime/k8s/webhooks/injector/injector.go",
		Adds: Pod{
			Init: []corev1.Container{named("kuma-init", &corev1.SecurityContext{
				RunAsUser: new(int64(0)), RunAsGroup: new(int64(0)), Capabilities: capabilities([]corev1.Capability{"ALL"}, "NET_ADMIN", "NET_RAW"), ReadOnlyRootFilesystem: new(true),
			})},
			Containers: []corev1.Container{proxy},
		},
		WithCNI:  &Pod{Init: []corev1.Container{named("kuma-validation", validation)}, Containers: []corev1.Container{proxy}},
		cni:      []string{"kuma-cni-node", "kong-mesh-cni-node"},
		webhooks: []string{"kuma-injector.kuma.io", "namespace-kuma-injector.kuma.io", "pods-kuma-injector.kuma.io"},
		choices: []choice{
			no(key, onPod, "disabled", "false"), yes(key, onPod, "enabled", "true"),
			no(key, onNamespace, "disabled", "false"), yes(key, onNamespace, "enabled", "true"),
		},
	}
}

func openServiceMesh() Injector {
	const key = "openservicemesh.io/sidecar-injection"
	return Injector{
		Name: "Open Service Mesh", Source: "https://github.com/openservicemesh/osm/blob/main/pkg/injector/init_container.go",
		Adds: Pod{
			Init:       []corev1.Container{named("osm-init", &corev1.SecurityContext{Privileged: new(false), Capabilities: capabilities(nil, "NET_ADMIN")})},
			Containers: []corev1.Container{named("envoy", &corev1.SecurityContext{RunAsUser: new(int64(1500))})},
		},
		webhooks: []string{"osm-inject.k8s.io"},
		choices: []choice{
			no(key, onAnnotation, "disabled", "no", "false"), yes(key, onAnnotation, "enabled", "yes", "true"),
			no(key, onNamespaceAnnotation, "disabled", "no", "false"), yes(key, onNamespaceAnnotation, "enabled", "yes", "true"),
		},
	}
}

func appMesh() Injector {
	const key = "appmesh.k8s.aws/sidecarInjectorWebhook"
	proxy := named("envoy", user(1337))
	return Injector{
		Name: "AWS App Mesh", Source: "https://github.com/aws/aws-app-mesh-controller-for-k8s/blob/master/pkg/inject/proxyinit.go",
		Adds: Pod{
			Init:       []corev1.Container{named("proxyinit", &corev1.SecurityContext{Capabilities: capabilities(nil, "NET_ADMIN")})},
			Containers: []corev1.Container{proxy},
		},
		webhooks: []string{"mpod.appmesh.k8s.aws"},
		selects:  true,
		choices:  []choice{no(key, onAnnotation, "disabled"), yes(key, onNamespaceLabel, "enabled")},
	}
}

// dapr drops no capabilities unless the chart's value sidecarDropALLCapabilities says so.
func dapr() Injector {
	const key = "dapr.io/enabled"
	return Injector{
		Name: "Dapr", Source: "https://github.com/dapr/dapr/blob/master/pkg/injector/patcher/sidecar_container.go",
		Adds: Pod{Containers: []corev1.Container{named("daprd", &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), RunAsNonRoot: new(true), ReadOnlyRootFilesystem: new(true),
		})}},
		webhooks: []string{"sidecar-injector.dapr.io"},
		choices:  []choice{yes(key, onPod, "true", "yes", "y", "on", "1", "t")},
	}
}

func vault() Injector {
	const key = "vault.hashicorp.com/agent-inject"
	agent := strict(user(100))
	return Injector{
		Name: "Vault agent injector", Source: "https://github.com/hashicorp/vault-k8s/blob/main/agent-inject/agent/container_sidecar.go",
		Adds:     Pod{Init: []corev1.Container{named("vault-agent-init", agent)}, Containers: []corev1.Container{named("vault-agent", agent)}},
		webhooks: []string{"vault.hashicorp.com"},
		choices:  []choice{no(key, onAnnotation, falsehoods()...), yes(key, onAnnotation)},
	}
}

// otelGo: the agent of Go programs reads the memory of another process.
func otelGo() Injector {
	const key = "instrumentation.opentelemetry.io/inject-go"
	return Injector{
		Name: "OpenTelemetry operator (Go)", Source: "https://github.com/open-telemetry/opentelemetry-operator/blob/main/internal/instrumentation/golang.go",
		Adds: Pod{
			Containers: []corev1.Container{named("opentelemetry-auto-instrumentation", &corev1.SecurityContext{RunAsUser: new(int64(0)), Privileged: new(true)})},
			Volumes:    []corev1.Volume{hostPath("kernel-debug", "/sys/kernel/debug")},
		},
		webhooks: otelWebhooks(),
		choices:  []choice{no(key, onAnnotation, "false"), yes(key, onAnnotation), yes(key, onNamespaceAnnotation)},
	}
}

// otelSidecar is a collector beside the pod, with the security context of its own object, which has none by default.
func otelSidecar() Injector {
	const key = "sidecar.opentelemetry.io/inject"
	return Injector{
		Name: "OpenTelemetry operator (collector)", Source: "https://github.com/open-telemetry/opentelemetry-operator/blob/main/README.md",
		Adds:     Pod{Containers: []corev1.Container{named("otc-container", nil)}},
		webhooks: otelWebhooks(),
		asks:     []string{key}, // its value names the collector
		choices:  []choice{no(key, onAnnotation, "false"), yes(key, onAnnotation), yes(key, onNamespaceAnnotation)},
	}
}

// otelLanguages: the init containers get the security context of the container that they are for.
func otelLanguages() Injector {
	return Injector{
		Name: "OpenTelemetry operator", Source: "https://github.com/open-telemetry/opentelemetry-operator/blob/main/internal/instrumentation/sdk.go",
		webhooks: otelWebhooks(),
		choices:  []choice{yes("instrumentation.opentelemetry.io/inject-*", onAnnotation|onNamespaceAnnotation)},
	}
}

func otelWebhooks() []string {
	return []string{"opentelemetry-operator-mutation/", "opentelemetry-operator-mutating-webhook-configuration/"}
}

// jaeger's operator changes Deployments, whose own annotation it looks at, too.
func jaeger() Injector {
	const key = "sidecar.jaegertracing.io/inject"
	return Injector{
		Name: "Jaeger operator", Source: "https://www.jaegertracing.io/docs/1.65/deployment/operator/#auto-injecting-jaeger-agent-sidecars",
		Adds:     Pod{Containers: []corev1.Container{named("jaeger-agent", nil)}},
		webhooks: []string{"deployment.sidecar-injector.jaegertracing.io"},
		choices:  []choice{no(key, onAnnotation, "false"), yes(key, onAnnotation), yes(key, onNamespaceAnnotation)},
	}
}

// datadog mounts the agent's sockets from the host where its chart has them, which is the default since v3.22.0 of it.
func datadog() Injector {
	const key = "admission.datadoghq.com/"
	return Injector{
		Name: "Datadog", Source: "https://docs.datadoghq.com/containers/cluster_agent/admission_controller/",
		Adds:     Pod{Init: []corev1.Container{named("datadog-init-apm-inject", nil)}, Volumes: []corev1.Volume{hostPath("datadog", "/var/run/datadog")}},
		Silent:   true,
		webhooks: []string{"datadog-webhook/", "datadog.webhook.lib.injection", "datadog.webhook.auto.instrumentation"},
		choices:  []choice{no(key+"enabled", onLabel, "false"), yes(key+"enabled", onLabel, "true"), no(key+"mutate-pods", onNamespaceLabel, "false"), yes(key+"mutate-pods", onNamespaceLabel, "true")},
	}
}

// dynatrace: the operator marks the namespaces that its webhook selects.
func dynatrace() Injector {
	return Injector{
		Name: "Dynatrace", Source: "https://github.com/Dynatrace/dynatrace-operator/blob/main/pkg/webhook/mutation/pod/handler/injection/init.go",
		Adds: Pod{
			Init:    []corev1.Container{named("dynatrace-operator", strict(user(1001)))},
			Volumes: []corev1.Volume{{Name: "oneagent-bin", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: "csi.oneagent.dynatrace.com"}}}},
		},
		webhooks: []string{"webhook.pod.dynatrace.com", "webhook.dynatrace.com"},
		selects:  true,
		choices: []choice{
			no("dynatrace.com/inject", onAnnotation, "false"), no("oneagent.dynatrace.com/inject", onAnnotation, "false"),
			yes("dynakube.internal.dynatrace.com/instance", onNamespaceLabel), yes("oneagent.dynatrace.com/instance", onNamespaceLabel),
		},
	}
}

// azureProxy is the part of Azure workload identity that stands in for the metadata service.
func azureProxy() Injector {
	const key = "azure.workload.identity/inject-proxy-sidecar"
	return Injector{
		Name: "Azure workload identity (proxy)", Source: "https://github.com/Azure/azure-workload-identity/blob/main/pkg/webhook/webhook.go",
		Adds: Pod{
			Init: []corev1.Container{named("azwi-proxy-init", &corev1.SecurityContext{
				Privileged: new(true), RunAsUser: new(int64(0)), Capabilities: capabilities([]corev1.Capability{"ALL"}, "NET_ADMIN"),
			})},
			Containers: []corev1.Container{named("azwi-proxy", strict(&corev1.SecurityContext{RunAsNonRoot: new(true)}))},
		},
		webhooks: []string{"mutation.azure-workload-identity.io"},
		choices:  []choice{yes(key, onAnnotation, "true", "1", "t")},
	}
}

func azure() Injector {
	return Injector{
		Name: "Azure workload identity", Source: "https://azure.github.io/azure-workload-identity/docs/",
		webhooks: []string{"mutation.azure-workload-identity.io"},
		choices:  []choice{yes("azure.workload.identity/use", onLabel, "true")},
	}
}

func eks() Injector {
	return Injector{
		Name: "EKS pod identity and IAM roles for service accounts", Source: "https://github.com/aws/amazon-eks-pod-identity-webhook",
		webhooks: []string{"pod-identity-webhook.amazonaws.com", "iam-for-pods.amazonaws.com"},
		selects:  true,
	}
}

// kyverno does what its policies say.
func kyverno() Injector {
	return Injector{
		Name: "Kyverno", Source: "https://kyverno.io/docs/policy-types/cluster-policy/mutate/",
		webhooks: []string{"mutate.kyverno.svc-fail", "mutate.kyverno.svc-ignore", "kyverno-resource-mutating-webhook-cfg/", "kyverno-policy-mutating-webhook-cfg/"},
		Policies: []Policy{{Kind: "ClusterPolicy", Resource: "clusterpolicies.kyverno.io"}, {Kind: "Policy", Resource: "policies.kyverno.io"}, {Kind: "MutatingPolicy", Resource: "mutatingpolicies.policies.kyverno.io", Later: true}},
		selects:  true,
	}
}

// gatekeeper does what its mutators say.
func gatekeeper() Injector {
	return Injector{
		Name: "Gatekeeper", Source: "https://open-policy-agent.github.io/gatekeeper/website/docs/mutation/",
		webhooks: []string{"mutation.gatekeeper.sh"},
		Policies: []Policy{{Kind: "Assign", Resource: "assign.mutations.gatekeeper.sh"}, {Kind: "ModifySet", Resource: "modifyset.mutations.gatekeeper.sh"}},
		selects:  true,
	}
}

// harmless are webhooks that add no container, and set nothing that a level looks at.
func harmless() Injector {
	return Injector{
		Name: "a known webhook that adds nothing", Source: "the page of each",
		webhooks: []string{
			"mpod.vpc.k8s.aws", "mpod.elbv2.k8s.aws", "vpa.k8s.io", "kueue-mutating-webhook-configuration/mpod.kb.io",
			"common-webhooks.networking.gke.io", "warden-mutating.common-webhooks.networking.gke.io", "workload-defaulter.config.common-webhooks.networking.gke.io",
			"webhook.cert-manager.io",
		},
		selects: true,
	}
}

func named(name string, sc *corev1.SecurityContext) corev1.Container {
	return corev1.Container{Name: name, SecurityContext: sc}
}

func user(id int64) *corev1.SecurityContext {
	return &corev1.SecurityContext{RunAsUser: new(id), RunAsGroup: new(id)}
}

// strict adds all that restricted asks of a container, but for the seccomp profile.
func strict(sc *corev1.SecurityContext) *corev1.SecurityContext {
	sc.AllowPrivilegeEscalation, sc.RunAsNonRoot, sc.ReadOnlyRootFilesystem = new(false), new(true), new(true)
	sc.Capabilities = capabilities([]corev1.Capability{"ALL"})
	return sc
}

func capabilities(drop []corev1.Capability, add ...corev1.Capability) *corev1.Capabilities {
	return &corev1.Capabilities{Add: add, Drop: drop}
}

func hostPath(name, path string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: path}}}
}

// falsehoods are the words that Go's strconv.ParseBool takes for false.
func falsehoods() []string { return []string{"false", "f", "0"} }
