package mapping

import (
	"testing"

	"github.com/psp2pss/psp2pss/pspparse"
)

func TestVolumes(t *testing.T) {
	types := func(types ...string) func(*pspparse.Policy) {
		return func(p *pspparse.Policy) { p.Spec.Volumes = types }
	}
	testControl(t, volumesControl(), []controlCase{
		{name: "every type", want: summary{Status: "hostPathVolumes=N restrictedVolumes=N"}},
		{name: "every type by name", change: types(pspVolumeTypes()...), want: summary{Status: "hostPathVolumes=N restrictedVolumes=N"}},
		{
			name: "all but hostPath", change: types(baselineVolumeTypes()...),
			want: summary{Status: "hostPathVolumes=G restrictedVolumes=N", Refused: levelP},
		},
		{
			name: "the eight", change: types(restrictedVolumeTypes()...),
			want: summary{Status: "hostPathVolumes=G restrictedVolumes=G", Refused: levelPB},
		},
		{
			name: "fewer than the eight", change: types("secret", "projected"),
			want: summary{Status: "hostPathVolumes=G restrictedVolumes=G", Refused: levelPBR},
		},
		{name: "none", change: types(), want: summary{Status: "hostPathVolumes=G restrictedVolumes=G", Refused: levelPBR}},
		{
			name: "names that match no volume", change: types("cephfs", "image", "HostPath"),
			want: summary{Status: "hostPathVolumes=G restrictedVolumes=G", Refused: levelPBR},
		},
		{
			name: "image volumes are newer than policies", minor: 33,
			want: summary{Status: "hostPathVolumes=N restrictedVolumes=N", Drift: levelBR},
		},
	})
}

func TestHostPaths(t *testing.T) {
	paths := func(volume string, paths ...pspparse.AllowedHostPath) func(*pspparse.Policy) {
		return func(p *pspparse.Policy) { p.Spec.Volumes, p.Spec.AllowedHostPaths = []string{volume}, paths }
	}
	logs := pspparse.AllowedHostPath{PathPrefix: "/var/log", ReadOnly: true}
	testControl(t, hostPathsControl(), []controlCase{
		{name: "no list"},
		{name: "a list", change: paths("hostPath", logs), want: summary{Refused: levelP}},
		{name: "a list with everything", change: paths("*", logs, pspparse.AllowedHostPath{PathPrefix: "/"})},
		{name: "everything, but read-only", change: paths("*", pspparse.AllowedHostPath{PathPrefix: "/", ReadOnly: true}), want: summary{Refused: levelP}},
		{name: "a list without hostPath", change: paths("secret", logs)},
	})
}

func TestDriverLists(t *testing.T) {
	drivers := func(volumes ...string) func(*pspparse.Policy) {
		return func(p *pspparse.Policy) {
			p.Spec.Volumes = volumes
			p.Spec.AllowedFlexVolumes = []pspparse.AllowedFlexVolume{{Driver: "example/lvm"}}
			p.Spec.AllowedCSIDrivers = []pspparse.AllowedCSIDriver{{Name: "inline.example.com"}}
		}
	}
	t.Run("flexVolume", func(t *testing.T) {
		testControl(t, flexVolumesControl(), []controlCase{
			{name: "no list"},
			{name: "lost where flexVolume is accepted", change: drivers("*"), want: summary{Refused: levelPB}},
			{name: "without effect", change: drivers("csi")},
		})
	})
	t.Run("csi", func(t *testing.T) {
		testControl(t, csiDriversControl(), []controlCase{
			{name: "no list"},
			{name: "lost at every level", change: drivers("csi"), want: summary{Refused: levelPBR}},
			{name: "without effect", change: drivers("flexVolume")},
		})
	})
}
