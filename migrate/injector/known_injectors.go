package injector

import (
	corev1 "k8s.io/api/core/v1"
)

// KnownInjectors returns every known injector, such as Istio's and Vault's. Each added container has the security
// context that its program gives it by default. Which level that meets depends on the pod, too: many leave the seccomp
// profile to it.
func KnownInjectors() []Injector {
	return []Injector{
		istioInjector(), linkerdInjector(), consulInjector(), kumaInjector(), openServiceMeshInjector(), appMeshInjector(), daprInjector(), vaultInjector(),
		openTelemetryGoInjector(), openTelemetrySidecarInjector(), openTelemetryLanguageInjector(), jaegerInjector(), datadogInjector(), dynatraceInjector(), azureIdentityProxyInjector(), azureIdentityInjector(), eksPodIdentityInjector(), kyvernoInjector(), gatekeeperInjector(), webhooksWithoutEffect(),
	}
}

// injectIf returns a rule that makes an injector change pods with a label or annotation.
func injectIf(key string, where markLocation, values ...string) injectionRule {
	return injectionRule{where, key, values, true}
}

// optOutIf returns a rule that makes an injector leave pods with a label or annotation alone.
func optOutIf(key string, where markLocation, values ...string) injectionRule {
	return injectionRule{where, key, values, false}
}

// istioInjector returns Istio's sidecar injector. The opt-outs of pod and namespace come first, as in the selectors of the
// chart's mutatingwebhook.yaml. A gateway template adds nothing that a level forbids. A namespace that is only in ambient mode
// (istio.io/dataplane-mode) gets no sidecar.
func istioInjector() Injector {
	const key = "sidecar.istio.io/inject"
	proxy := containerNamed("istio-proxy", restrictSecurityContext(runAsUser(1337)))
	return Injector{
		Name: "Istio", Source: "https://github.com/istio/istio/blob/master/manifests/charts/istio-control/istio-discovery/files/injection-template.yaml",
		DefaultPod: AddedPod{
			Init: []corev1.Container{containerNamed("istio-init", &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false), Privileged: new(false), Capabilities: capabilities([]corev1.Capability{"ALL"}, "NET_ADMIN", "NET_RAW"),
				RunAsUser: new(int64(0)), RunAsGroup: new(int64(0)), RunAsNonRoot: new(false),
			})},
			Containers: []corev1.Container{proxy},
		},
		PodWithCNI:          &AddedPod{Init: []corev1.Container{containerNamed("istio-validation", restrictSecurityContext(runAsUser(1337)))}, Containers: []corev1.Container{proxy}},
		cniDaemonSets:       []string{"istio-cni-node", "istio-cni"},
		webhooks:            []string{"sidecar-injector.istio.io"},
		injectsUnmarkedPods: true,
		variantMarks:        []string{"inject.istio.io/templates", "sidecar.istio.io/interceptionMode"},
		injectionRules: []injectionRule{
			optOutIf(key, onPod, "false", "no", "n", "off", "0"),
			optOutIf("inject.istio.io/templates", onAnnotation, "gateway", "grpc-agent", "grpc-simple", "waypoint"),
			optOutIf("istio-injection", onNamespaceLabel, "disabled"),
			injectIf("istio-injection", onNamespaceLabel, "enabled"),
			injectIf("istio.io/rev", onNamespaceLabel|onLabel),
			injectIf(key, onPod, "true", "yes", "y", "on", "1"),
		},
	}
}

// linkerdInjector returns Linkerd's proxy injector. Its proxy drops no capabilities unless the chart value proxy.capabilities
// says so.
func linkerdInjector() Injector {
	const key = "linkerd.io/inject"
	seccomp := &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	proxy := containerNamed("linkerd-proxy", &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false), RunAsNonRoot: new(true), RunAsUser: new(int64(2102)), ReadOnlyRootFilesystem: new(true), SeccompProfile: seccomp,
	})
	validator := restrictSecurityContext(runAsUser(65534))
	validator.SeccompProfile = seccomp
	return Injector{
		Name: "Linkerd", Source: "https://github.com/linkerd/linkerd2/blob/main/charts/partials/templates/_proxy-init.tpl",
		DefaultPod: AddedPod{
			Init: []corev1.Container{containerNamed("linkerd-init", &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false), Privileged: new(false), Capabilities: capabilities(nil, "NET_ADMIN", "NET_RAW"),
				RunAsNonRoot: new(true), RunAsUser: new(int64(65534)), ReadOnlyRootFilesystem: new(true), SeccompProfile: seccomp,
			})},
			Containers: []corev1.Container{proxy},
		},
		PodWithCNI:    &AddedPod{Init: []corev1.Container{containerNamed("linkerd-network-validator", validator)}, Containers: []corev1.Container{proxy}},
		cniDaemonSets: []string{"linkerd-cni"},
		webhooks:      []string{"linkerd-proxy-injector.linkerd.io"},
		injectionRules: []injectionRule{
			optOutIf(key, onAnnotation, "disabled"), injectIf(key, onAnnotation, "enabled", "ingress"),
			optOutIf(key, onNamespaceAnnotation, "disabled"), injectIf(key, onNamespaceAnnotation, "enabled", "ingress"),
		},
	}
}

// consulInjector returns Consul's connect injector. Until January 2024 (hashicorp/consul-k8s#3498) its sidecar did not forbid
// privilege escalation.
func consulInjector() Injector {
	const key = "consul.hashicorp.com/connect-inject"
	proxy := containerNamed("consul-dataplane", &corev1.SecurityContext{
		RunAsUser: new(int64(5995)), RunAsGroup: new(int64(5995)), RunAsNonRoot: new(true), ReadOnlyRootFilesystem: new(true),
	})
	return Injector{
		Name: "Consul", Source: "https://github.com/hashicorp/consul-k8s/blob/main/control-plane/connect-inject/webhook/container_init.go",
		DefaultPod: AddedPod{
			Init: []corev1.Container{containerNamed("consul-connect-inject-init", &corev1.SecurityContext{
				RunAsUser: new(int64(0)), RunAsGroup: new(int64(0)), RunAsNonRoot: new(false), Privileged: new(false), Capabilities: capabilities(nil, "NET_ADMIN"),
			})},
			Containers: []corev1.Container{proxy},
		},
		PodWithCNI:     &AddedPod{Init: []corev1.Container{containerNamed("consul-connect-inject-init", restrictSecurityContext(runAsUser(5996)))}, Containers: []corev1.Container{proxy}},
		cniDaemonSets:  []string{"consul-cni"},
		webhooks:       []string{"consul-connect-injector.consul.hashicorp.com"},
		variantMarks:   []string{"consul.hashicorp.com/transparent-proxy"},
		injectionRules: []injectionRule{optOutIf(key, onAnnotation, parseBoolFalseWords()...), injectIf(key, onAnnotation)},
	}
}

// kumaInjector returns Kuma's sidecar injector. Versions up to 2.0 set only the user of the sidecar.
func kumaInjector() Injector {
	const key = "kuma.io/sidecar-injection"
	proxy := containerNamed("kuma-sidecar", runAsUser(5678))
	validation := restrictSecurityContext(runAsUser(5678))
	validation.RunAsNonRoot = nil
	return Injector{
		Name: "Kuma", Source: "https://github.com/kumahq/kuma/blob/master/pkg/plugins/runtime/k8s/webhooks/injector/injector.go",
		DefaultPod: AddedPod{
			Init: []corev1.Container{containerNamed("kuma-init", &corev1.SecurityContext{
				RunAsUser: new(int64(0)), RunAsGroup: new(int64(0)), Capabilities: capabilities([]corev1.Capability{"ALL"}, "NET_ADMIN", "NET_RAW"), ReadOnlyRootFilesystem: new(true),
			})},
			Containers: []corev1.Container{proxy},
		},
		PodWithCNI:    &AddedPod{Init: []corev1.Container{containerNamed("kuma-validation", validation)}, Containers: []corev1.Container{proxy}},
		cniDaemonSets: []string{"kuma-cni-node", "kong-mesh-cni-node"},
		webhooks:      []string{"kuma-injector.kuma.io", "namespace-kuma-injector.kuma.io", "pods-kuma-injector.kuma.io"},
		injectionRules: []injectionRule{
			optOutIf(key, onPod, "disabled", "false"), injectIf(key, onPod, "enabled", "true"),
			optOutIf(key, onNamespace, "disabled", "false"), injectIf(key, onNamespace, "enabled", "true"),
		},
	}
}

// openServiceMeshInjector returns the sidecar injector of Open Service Mesh.
func openServiceMeshInjector() Injector {
	const key = "openservicemesh.io/sidecar-injection"
	return Injector{
		Name: "Open Service Mesh", Source: "https://github.com/openservicemesh/osm/blob/main/pkg/injector/init_container.go",
		DefaultPod: AddedPod{
			Init:       []corev1.Container{containerNamed("osm-init", &corev1.SecurityContext{Privileged: new(false), Capabilities: capabilities(nil, "NET_ADMIN")})},
			Containers: []corev1.Container{containerNamed("envoy", &corev1.SecurityContext{RunAsUser: new(int64(1500))})},
		},
		webhooks: []string{"osm-inject.k8s.io"},
		injectionRules: []injectionRule{
			optOutIf(key, onAnnotation, "disabled", "no", "false"), injectIf(key, onAnnotation, "enabled", "yes", "true"),
			optOutIf(key, onNamespaceAnnotation, "disabled", "no", "false"), injectIf(key, onNamespaceAnnotation, "enabled", "yes", "true"),
		},
	}
}

// appMeshInjector returns the sidecar injector of AWS App Mesh.
func appMeshInjector() Injector {
	const key = "appmesh.k8s.aws/sidecarInjectorWebhook"
	proxy := containerNamed("envoy", runAsUser(1337))
	return Injector{
		Name: "AWS App Mesh", Source: "https://github.com/aws/aws-app-mesh-controller-for-k8s/blob/master/pkg/inject/proxyinit.go",
		DefaultPod: AddedPod{
			Init:       []corev1.Container{containerNamed("proxyinit", &corev1.SecurityContext{Capabilities: capabilities(nil, "NET_ADMIN")})},
			Containers: []corev1.Container{proxy},
		},
		webhooks:            []string{"mpod.appmesh.k8s.aws"},
		injectsUnmarkedPods: true,
		injectionRules:      []injectionRule{optOutIf(key, onAnnotation, "disabled"), injectIf(key, onNamespaceLabel, "enabled")},
	}
}

// daprInjector returns Dapr's sidecar injector. It drops no capabilities unless the chart value sidecarDropALLCapabilities says
// so.
func daprInjector() Injector {
	const key = "dapr.io/enabled"
	return Injector{
		Name: "Dapr", Source: "https://github.com/dapr/dapr/blob/master/pkg/injector/patcher/sidecar_container.go",
		DefaultPod: AddedPod{Containers: []corev1.Container{containerNamed("daprd", &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), RunAsNonRoot: new(true), ReadOnlyRootFilesystem: new(true),
		})}},
		webhooks:       []string{"sidecar-injector.dapr.io"},
		injectionRules: []injectionRule{injectIf(key, onPod, "true", "yes", "y", "on", "1", "t")},
	}
}

// vaultInjector returns the injector of Vault's agent.
func vaultInjector() Injector {
	const key = "vault.hashicorp.com/agent-inject"
	agent := restrictSecurityContext(runAsUser(100))
	return Injector{
		Name: "Vault agent injector", Source: "https://github.com/hashicorp/vault-k8s/blob/main/agent-inject/agent/container_sidecar.go",
		DefaultPod:     AddedPod{Init: []corev1.Container{containerNamed("vault-agent-init", agent)}, Containers: []corev1.Container{containerNamed("vault-agent", agent)}},
		webhooks:       []string{"vault.hashicorp.com"},
		injectionRules: []injectionRule{optOutIf(key, onAnnotation, parseBoolFalseWords()...), injectIf(key, onAnnotation)},
	}
}

// openTelemetryGoInjector returns the OpenTelemetry operator's injector for Go programs. Its agent is privileged, since it
// reads the memory of another process.
func openTelemetryGoInjector() Injector {
	const key = "instrumentation.opentelemetry.io/inject-go"
	return Injector{
		Name: "OpenTelemetry operator (Go)", Source: "https://github.com/open-telemetry/opentelemetry-operator/blob/main/internal/instrumentation/golang.go",
		DefaultPod: AddedPod{
			Containers: []corev1.Container{containerNamed("opentelemetry-auto-instrumentation", &corev1.SecurityContext{RunAsUser: new(int64(0)), Privileged: new(true)})},
			Volumes:    []corev1.Volume{hostPathVolume("kernel-debug", "/sys/kernel/debug")},
		},
		webhooks:       openTelemetryWebhooks(),
		injectionRules: []injectionRule{optOutIf(key, onAnnotation, "false"), injectIf(key, onAnnotation), injectIf(key, onNamespaceAnnotation)},
	}
}

// openTelemetrySidecarInjector returns the OpenTelemetry operator's injector of collectors. The security context is that of the
// collector's object, which has none by default.
func openTelemetrySidecarInjector() Injector {
	const key = "sidecar.opentelemetry.io/inject"
	return Injector{
		Name: "OpenTelemetry operator (collector)", Source: "https://github.com/open-telemetry/opentelemetry-operator/blob/main/README.md",
		DefaultPod:     AddedPod{Containers: []corev1.Container{containerNamed("otc-container", nil)}},
		webhooks:       openTelemetryWebhooks(),
		variantMarks:   []string{key}, // its value names the collector
		injectionRules: []injectionRule{optOutIf(key, onAnnotation, "false"), injectIf(key, onAnnotation), injectIf(key, onNamespaceAnnotation)},
	}
}

// openTelemetryLanguageInjector returns the OpenTelemetry operator's injector for other languages. Its init containers get the
// security context of the container that they are for.
func openTelemetryLanguageInjector() Injector {
	return Injector{
		Name: "OpenTelemetry operator", Source: "https://github.com/open-telemetry/opentelemetry-operator/blob/main/internal/instrumentation/sdk.go",
		webhooks:       openTelemetryWebhooks(),
		injectionRules: []injectionRule{injectIf("instrumentation.opentelemetry.io/inject-*", onAnnotation|onNamespaceAnnotation)},
	}
}

// openTelemetryWebhooks returns, for its injector, the names of the OpenTelemetry operator's webhook configurations.
func openTelemetryWebhooks() []string {
	return []string{"opentelemetry-operator-mutation/", "opentelemetry-operator-mutating-webhook-configuration/"}
}

// jaegerInjector returns the Jaeger operator as an injector, which changes Deployments and reads their annotations,
// too.
func jaegerInjector() Injector {
	const key = "sidecar.jaegertracing.io/inject"
	return Injector{
		Name: "Jaeger operator", Source: "https://www.jaegertracing.io/docs/1.65/deployment/operator/#auto-injecting-jaeger-agent-sidecars",
		DefaultPod:     AddedPod{Containers: []corev1.Container{containerNamed("jaeger-agent", nil)}},
		webhooks:       []string{"deployment.sidecar-injector.jaegertracing.io"},
		injectionRules: []injectionRule{optOutIf(key, onAnnotation, "false"), injectIf(key, onAnnotation), injectIf(key, onNamespaceAnnotation)},
	}
}

// datadogInjector returns what Datadog's admission controller injects. It mounts the agent's sockets from the host
// where its chart has them, the default since chart version 3.22.0.
func datadogInjector() Injector {
	const key = "admission.datadoghq.com/"
	return Injector{
		Name: "Datadog", Source: "https://docs.datadoghq.com/containers/cluster_agent/admission_controller/",
		DefaultPod:        AddedPod{Init: []corev1.Container{containerNamed("datadog-init-apm-inject", nil)}, Volumes: []corev1.Volume{hostPathVolume("datadog", "/var/run/datadog")}},
		MayAddNoContainer: true,
		webhooks:          []string{"datadog-webhook/", "datadog.webhook.lib.injection", "datadog.webhook.auto.instrumentation"},
		injectionRules:    []injectionRule{optOutIf(key+"enabled", onLabel, "false"), injectIf(key+"enabled", onLabel, "true"), optOutIf(key+"mutate-pods", onNamespaceLabel, "false"), injectIf(key+"mutate-pods", onNamespaceLabel, "true")},
	}
}

// dynatraceInjector returns what is known of the injector of the Dynatrace operator, which labels the namespaces that
// its webhook selects.
func dynatraceInjector() Injector {
	return Injector{
		Name: "Dynatrace", Source: "https://github.com/Dynatrace/dynatrace-operator/blob/main/pkg/webhook/mutation/pod/handler/injection/init.go",
		DefaultPod: AddedPod{
			Init:    []corev1.Container{containerNamed("dynatrace-operator", restrictSecurityContext(runAsUser(1001)))},
			Volumes: []corev1.Volume{{Name: "oneagent-bin", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: "csi.oneagent.dynatrace.com"}}}},
		},
		webhooks:            []string{"webhook.pod.dynatrace.com", "webhook.dynatrace.com"},
		injectsUnmarkedPods: true,
		injectionRules: []injectionRule{
			optOutIf("dynatrace.com/inject", onAnnotation, "false"), optOutIf("oneagent.dynatrace.com/inject", onAnnotation, "false"),
			injectIf("dynakube.internal.dynatrace.com/instance", onNamespaceLabel), injectIf("oneagent.dynatrace.com/instance", onNamespaceLabel),
		},
	}
}

// azureIdentityProxyInjector returns the part of Azure workload identity that adds a proxy in place of the metadata service.
func azureIdentityProxyInjector() Injector {
	const key = "azure.workload.identity/inject-proxy-sidecar"
	return Injector{
		Name: "Azure workload identity (proxy)", Source: "https://github.com/Azure/azure-workload-identity/blob/main/pkg/webhook/webhook.go",
		DefaultPod: AddedPod{
			Init: []corev1.Container{containerNamed("azwi-proxy-init", &corev1.SecurityContext{
				Privileged: new(true), RunAsUser: new(int64(0)), Capabilities: capabilities([]corev1.Capability{"ALL"}, "NET_ADMIN"),
			})},
			Containers: []corev1.Container{containerNamed("azwi-proxy", restrictSecurityContext(&corev1.SecurityContext{RunAsNonRoot: new(true)}))},
		},
		webhooks:       []string{"mutation.azure-workload-identity.io"},
		injectionRules: []injectionRule{injectIf(key, onAnnotation, "true", "1", "t")},
	}
}

// azureIdentityInjector returns Azure workload identity, which adds no container.
func azureIdentityInjector() Injector {
	return Injector{
		Name: "Azure workload identity", Source: "https://azure.github.io/azure-workload-identity/docs/",
		webhooks:       []string{"mutation.azure-workload-identity.io"},
		injectionRules: []injectionRule{injectIf("azure.workload.identity/use", onLabel, "true")},
	}
}

// eksPodIdentityInjector returns what is known of the injector of EKS pod identity, which add no container.
func eksPodIdentityInjector() Injector {
	return Injector{
		Name: "EKS pod identity and IAM roles for service accounts", Source: "https://github.com/aws/amazon-eks-pod-identity-webhook",
		webhooks:            []string{"pod-identity-webhook.amazonaws.com", "iam-for-pods.amazonaws.com"},
		injectsUnmarkedPods: true,
	}
}

// kyvernoInjector returns Kyverno as an injector, which changes pods as its policies say.
func kyvernoInjector() Injector {
	return Injector{
		Name: "Kyverno", Source: "https://kyverno.io/docs/policy-types/cluster-policy/mutate/",
		webhooks:            []string{"mutate.kyverno.svc-fail", "mutate.kyverno.svc-ignore", "kyverno-resource-mutating-webhook-cfg/", "kyverno-policy-mutating-webhook-cfg/"},
		PolicyKinds:         []PolicyKind{{Kind: "ClusterPolicy", Resource: "clusterpolicies.kyverno.io"}, {Kind: "Policy", Resource: "policies.kyverno.io"}, {Kind: "MutatingPolicy", Resource: "mutatingpolicies.policies.kyverno.io", Optional: true}},
		injectsUnmarkedPods: true,
	}
}

// gatekeeperInjector returns Gatekeeper as an injector, which changes pods as its mutators say.
func gatekeeperInjector() Injector {
	return Injector{
		Name: "Gatekeeper", Source: "https://open-policy-agent.github.io/gatekeeper/website/docs/mutation/",
		webhooks:            []string{"mutation.gatekeeper.sh"},
		PolicyKinds:         []PolicyKind{{Kind: "Assign", Resource: "assign.mutations.gatekeeper.sh"}, {Kind: "ModifySet", Resource: "modifyset.mutations.gatekeeper.sh"}},
		injectsUnmarkedPods: true,
	}
}

// webhooksWithoutEffect returns the names of webhooks that are known to be no injectors: they add no container and set
// nothing that a level checks.
func webhooksWithoutEffect() Injector {
	return Injector{
		Name: "a known webhook that adds nothing", Source: "the page of each",
		webhooks: []string{
			"mpod.vpc.k8s.aws", "mpod.elbv2.k8s.aws", "vpa.k8s.io", "kueue-mutating-webhook-configuration/mpod.kb.io",
			"common-webhooks.networking.gke.io", "warden-mutating.common-webhooks.networking.gke.io", "workload-defaulter.config.common-webhooks.networking.gke.io",
			"webhook.cert-manager.io",
		},
		injectsUnmarkedPods: true,
	}
}

// containerNamed returns a container that an injector adds, with its security context.
func containerNamed(name string, sc *corev1.SecurityContext) corev1.Container {
	return corev1.Container{Name: name, SecurityContext: sc}
}

// runAsUser returns the security context of an injected container with a user and a group of the same id.
func runAsUser(id int64) *corev1.SecurityContext {
	return &corev1.SecurityContext{RunAsUser: new(id), RunAsGroup: new(id)}
}

// restrictSecurityContext sets everything that the restricted level requires of an injected container, but for the
// seccomp profile, and returns its argument.
func restrictSecurityContext(sc *corev1.SecurityContext) *corev1.SecurityContext {
	sc.AllowPrivilegeEscalation, sc.RunAsNonRoot, sc.ReadOnlyRootFilesystem = new(false), new(true), new(true)
	sc.Capabilities = capabilities([]corev1.Capability{"ALL"})
	return sc
}

// capabilities returns the dropped and added capabilities of an injected container.
func capabilities(drop []corev1.Capability, add ...corev1.Capability) *corev1.Capabilities {
	return &corev1.Capabilities{Add: add, Drop: drop}
}

// hostPathVolume returns a hostPath volume that an injector adds.
func hostPathVolume(name, path string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: path}}}
}

// parseBoolFalseWords returns, for injectors written in Go, the words that Go's strconv.ParseBool reads as false in the
// labels and annotations of injectors.
func parseBoolFalseWords() []string { return []string{"false", "f", "0"} }
