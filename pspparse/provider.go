package pspparse

import "strings"

// Provider returns the Kubernetes distribution that installs a PodSecurityPolicy of this name by itself, or "". Such a
// policy is usually granted to everybody and then says nothing about what a namespace needs.
//
// Nothing but names shows that, so only those that carry a vendor's mark are recognised: some distributions install a
// policy called just "privileged", and so do people.
func (p *Policy) Provider() string {
	switch p.Name {
	case "eks.privileged":
		return "Amazon EKS"
	case "ack.privileged":
		return "Alibaba Cloud ACK"
	case "global-restricted-psp", "global-unrestricted-psp", "system-unrestricted-psp":
		return "RKE2"
	case "pks-privileged", "pks-restricted":
		return "VMware PKS"
	case "magnum.privileged":
		return "OpenStack Magnum"
	case "gardener.privileged":
		return "Gardener"
	case "suse.caasp.psp.privileged", "suse.caasp.psp.unprivileged":
		return "SUSE CaaS Platform"
	case "ibm-privileged-psp", "ibm-restricted-psp", "ibm-anyuid-psp", "ibm-anyuid-hostpath-psp", "ibm-anyuid-hostaccess-psp":
		return "IBM Cloud"
	}
	switch {
	case strings.HasPrefix(p.Name, "gce."):
		return "Google GKE"
	case strings.HasPrefix(p.Name, "vmware-system-"):
		return "VMware Tanzu"
	}
	return ""
}
