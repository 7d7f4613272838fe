package checks

// nodeAgents is the advice for a pod that needs what a check of baseline refuses.
const nodeAgents = " An agent of the node that needs it belongs in a namespace of its own, at privileged."

// hostChecks returns what is told of the checks of the standards that are about the node.
func hostChecks() []told {
	return []told{
		{
			id: "hostNamespaces", refuses: "Pods that share the node's network, processes or memory: hostNetwork, hostPID or hostIPC.",
			meet:    "Leave the three fields out. A port that clients reach on every node is a Service's job (NodePort, LoadBalancer)." + nodeAgents,
			refused: podWith("  hostNetwork: true\n"), compliant: podWith("  hostNetwork: false\n"),
		},
		{
			id: "hostPathVolumes", refuses: "Volumes that mount a file or folder of the node (hostPath), read-only or not.",
			meet:      "Use a volume that is not the node's: a claim, emptyDir, configMap." + nodeAgents,
			refused:   podWith("  volumes:\n  - name: data\n    hostPath: {path: /var/data}\n"),
			compliant: podWith("  volumes:\n  - name: data\n    emptyDir: {}\n"),
		},
		{
			id: "hostPorts", refuses: "Containers that take a port of the node (hostPort).",
			meet:      "Publish the port through a Service (NodePort, LoadBalancer) or an Ingress." + nodeAgents,
			refused:   containerWith("    ports:\n    - {containerPort: 80, hostPort: 80}\n"),
			compliant: containerWith("    ports:\n    - {containerPort: 80}\n"),
		},
		{
			id: "hostProbesAndHostLifecycle", refuses: "Probes and lifecycle hooks that name a host: the kubelet would send their requests there.",
			meet:      "Leave the host out: the kubelet then asks the pod's own address.",
			refused:   containerWith("    livenessProbe:\n      httpGet: {host: 10.0.0.1, port: 80}\n"),
			compliant: containerWith("    livenessProbe:\n      httpGet: {port: 80}\n"),
		},
		{
			id: "windowsHostProcess", refuses: "Windows containers that run as a process of the node (hostProcess), in a pod or in a container.",
			meet:      "Leave hostProcess out." + nodeAgents,
			refused:   podWith("  hostNetwork: true\n  securityContext:\n    windowsOptions: {hostProcess: true}\n"),
			compliant: podWith("  securityContext:\n    windowsOptions: {hostProcess: false}\n"),
		},
		{
			id: "restrictedVolumes", refuses: "Volumes of other types than configMap, csi, downwardAPI, emptyDir, ephemeral, image, persistentVolumeClaim, projected and secret.",
			meet:      "Let an administrator make a PersistentVolume of it, and mount the claim.",
			refused:   podWith("  volumes:\n  - name: data\n    nfs: {server: files, path: /data}\n"),
			compliant: podWith("  volumes:\n  - name: data\n    persistentVolumeClaim: {claimName: data}\n"),
		},
	}
}

// privilegeChecks returns what is told of the checks of the standards that are about privileges of containers.
func privilegeChecks() []told {
	const windows = "pods that state spec.os.name: windows need not meet it"
	return []told{
		{
			id: "privileged", refuses: "Privileged containers, which can do on the node what root can.",
			meet:    "Leave privileged out, and grant the one device or capability that the program needs instead." + nodeAgents,
			refused: containerWith("    securityContext: {privileged: true}\n"), compliant: containerWith("    securityContext: {privileged: false}\n"),
		},
		{
			id: "capabilities_baseline", refuses: "Containers that add capabilities beyond thirteen of those that container runtimes give by default: not NET_ADMIN, NET_RAW, SYS_ADMIN or ALL, for example.",
			meet:      "Find out which of the added capabilities the program does without." + nodeAgents,
			refused:   containerWith("    securityContext:\n      capabilities: {add: [NET_ADMIN]}\n"),
			compliant: containerWith("    securityContext:\n      capabilities: {add: [NET_BIND_SERVICE]}\n"),
		},
		{
			id: "capabilities_restricted", refuses: "Containers that do not drop ALL capabilities, and those that add another one than NET_BIND_SERVICE.",
			meet:      "State drop: [ALL] in every container, init containers too; 'patch --raise' writes it. A program that runs as the user who owns its files does without most others.",
			refused:   containerWith(""),
			compliant: containerWith("    securityContext:\n      capabilities: {drop: [ALL]}\n"),
			changes:   map[string]string{"v1.25": windows},
		},
		{
			id: "allowPrivilegeEscalation", refuses: "Containers that do not state allowPrivilegeEscalation: false: their programs could gain privileges as they start (setuid, file capabilities).",
			meet:    "State it in every container, init containers too; 'patch --raise' writes it. The API refuses it beside privileged: true.",
			refused: containerWith(""), compliant: containerWith("    securityContext: {allowPrivilegeEscalation: false}\n"),
			changes: map[string]string{"v1.25": windows},
		},
		{
			id: "procMount", refuses: "Containers that see all of /proc (procMount: Unmasked).",
			meet:    "Leave procMount out. From v1.35 of the standards on, a pod in a user namespace of its own (hostUsers: false) may have it.",
			refused: containerWith("    securityContext: {procMount: Unmasked}\n"), compliant: containerWith("    securityContext: {procMount: Default}\n"),
			changes: map[string]string{"v1.35": "pods with hostUsers: false may have any"},
		},
		{
			id: "procMount_restricted", refuses: "Containers that see all of /proc (procMount: Unmasked), in a user namespace or not.",
			meet:    "Leave procMount out.",
			refused: podWith("  hostUsers: false\n") + "    securityContext: {procMount: Unmasked}\n", compliant: containerWith("    securityContext: {procMount: Default}\n"),
		},
		{
			id: "sysctls", refuses: "Pods that set other kernel parameters (sysctls) than those that the standards list as kept apart for each pod.",
			meet:      "Set it on the nodes, or do without.",
			refused:   podWith("  securityContext:\n    sysctls:\n    - {name: kernel.msgmax, value: \"65536\"}\n"),
			compliant: podWith("  securityContext:\n    sysctls:\n    - {name: net.ipv4.tcp_syncookies, value: \"1\"}\n"),
			changes: map[string]string{
				"v1.27": "net.ipv4.ip_local_reserved_ports is accepted, too", "v1.29": "four of net.ipv4.tcp_* are accepted, too",
				"v1.32": "net.ipv4.tcp_rmem and tcp_wmem are accepted, too", "v1.37": "two more of net.ipv4.tcp_* are accepted",
			},
		},
	}
}

// profileChecks returns what is told of the checks of the standards that are about AppArmor, SELinux and seccomp.
func profileChecks() []told {
	return []told{
		{
			id: "appArmorProfile", refuses: "Pods and containers without AppArmor confinement (Unconfined), by field or by annotation. To state none is fine: the runtime has its own.",
			meet:      "Leave the profile out, or name RuntimeDefault or one that is loaded on the nodes (Localhost).",
			refused:   podWith("  securityContext:\n    appArmorProfile: {type: Unconfined}\n"),
			compliant: podWith("  securityContext:\n    appArmorProfile: {type: RuntimeDefault}\n"),
		},
		{
			id: "seLinuxOptions", refuses: "Pods and containers that state an SELinux user or role, or a type that is not one of the runtime's for containers.",
			meet:      "Leave user and role out, and use container_t, container_init_t or container_kvm_t.",
			refused:   podWith("  securityContext:\n    seLinuxOptions: {type: spc_t}\n"),
			compliant: podWith("  securityContext:\n    seLinuxOptions: {type: container_t}\n"),
			changes:   map[string]string{"v1.31": "the type container_engine_t is accepted, too"},
		},
		{
			id: "seccompProfile_baseline", refuses: "Pods and containers that turn seccomp off (Unconfined). To state no profile is fine.",
			meet:      "Try RuntimeDefault, or load a profile for the program on the nodes (Localhost).",
			refused:   podWith("  securityContext:\n    seccompProfile: {type: Unconfined}\n"),
			compliant: podWith("  securityContext:\n    seccompProfile: {type: RuntimeDefault}\n"),
			changes:   map[string]string{"v1.19": "it looks at the fields, and no longer at annotations"},
		},
		{
			id: "seccompProfile_restricted", refuses: "Containers that have no seccomp profile stated, by themselves or by their pod, and those that turn it off (Unconfined). Annotations do not count.",
			meet:      "State RuntimeDefault in the pod's securityContext; 'patch --raise' writes it. A program that makes unusual system calls needs a test.",
			refused:   containerWith(""),
			compliant: podWith("  securityContext:\n    seccompProfile: {type: RuntimeDefault}\n"),
			changes:   map[string]string{"v1.25": "pods that state spec.os.name: windows need not meet it"},
		},
	}
}

// userChecks returns what is told of the checks of the standards that are about the user of containers.
func userChecks() []told {
	const own = "pods with hostUsers: false need not meet it"
	return []told{
		{
			id: "runAsNonRoot", refuses: "Containers that do not have runAsNonRoot: true stated, by themselves or by their pod, even where they run as another user than root.",
			meet:    "State it in the pod's securityContext; 'patch --raise' writes it. The kubelet then starts no container whose image runs as root, or names its user instead of numbering it: set runAsUser for such an image.",
			refused: containerWith(""), compliant: podWith("  securityContext: {runAsNonRoot: true}\n"),
			changes: map[string]string{"v1.35": own},
		},
		{
			id: "runAsUser", refuses: "Pods and containers that state runAsUser: 0, even where another value overrides it.",
			meet:    "Build the image for another user than root, or set runAsUser to one that the image can run as.",
			refused: podWith("  securityContext: {runAsUser: 0}\n"), compliant: podWith("  securityContext: {runAsUser: 1000}\n"),
			changes: map[string]string{"v1.35": own},
		},
	}
}
