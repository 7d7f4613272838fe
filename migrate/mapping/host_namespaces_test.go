package mapping

import (
	"testing"

	"github.com/psp2pss/psp2pss/pspparse"
)

func TestHostNamespaces(t *testing.T) {
	testControl(t, hostNamespacesControl(), []controlCase{
		{name: "all shared", want: summary{Status: "hostNamespaces=N"}},
		{
			name: "one shared", base: closedPolicy(), change: func(p *pspparse.Policy) { p.Spec.HostIPC = true },
			want: summary{Status: "hostNamespaces=N", Refused: levelP},
		},
		{name: "none shared", base: closedPolicy(), want: summary{Status: "hostNamespaces=G", Refused: levelP}},
	})
}

func TestWindowsHostProcess(t *testing.T) {
	testControl(t, windowsHostProcessControl(), []controlCase{
		{name: "host network allowed, so nothing is known", want: summary{Status: "windowsHostProcess=U"}},
		{name: "ruled out with the host network", base: closedPolicy(), want: summary{Status: "windowsHostProcess=G"}},
	})
}

func TestHostProbes(t *testing.T) {
	testControl(t, hostProbesControl(), []controlCase{
		{name: "not checked yet", base: closedPolicy(), minor: 33},
		{name: "never known", base: closedPolicy(), minor: 34, want: summary{Status: "hostProbesAndHostLifecycle=U"}},
	})
}
