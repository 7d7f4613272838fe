package mapping

import (
	"testing"

	"github.com/psp2pss/psp2pss/pspparse"
)

func TestHostPorts(t *testing.T) {
	ports := func(ranges ...pspparse.HostPortRange) func(*pspparse.Policy) {
		return func(p *pspparse.Policy) { p.Spec.HostPorts = ranges }
	}
	none := summary{Status: "hostPorts=G", Refused: levelP}
	some := summary{Status: "hostPorts=N", Refused: levelP}
	every := summary{Status: "hostPorts=N"}
	testControl(t, hostPortsControl(), []controlCase{
		{name: "every port", want: every},
		{name: "every port in pieces", change: ports(pspparse.HostPortRange{Min: 500, Max: 65535}, pspparse.HostPortRange{Min: 1, Max: 499}), want: every},
		{name: "a hole", change: ports(pspparse.HostPortRange{Min: 1, Max: 499}, pspparse.HostPortRange{Min: 501, Max: 65535}), want: some},
		{name: "one port", change: ports(pspparse.HostPortRange{Min: 80, Max: 80}), want: some},
		{name: "no range", change: ports(), want: none},
		{name: "zero is no port", change: ports(pspparse.HostPortRange{}), want: none},
		{name: "inverted", change: ports(pspparse.HostPortRange{Min: 9, Max: 1}), want: none},
		{name: "beyond the last port", change: ports(pspparse.HostPortRange{Min: 70000, Max: 80000}), want: none},
		{name: "negative to positive", change: ports(pspparse.HostPortRange{Min: -1, Max: 1}), want: some},
	})
}
