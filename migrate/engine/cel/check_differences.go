package cel

import (
	"slices"

	"github.com/psp2pss/psp2pss/migrate/engine"
	"github.com/psp2pss/psp2pss/migrate/mapping"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// Unwritable reports whether a constraint of a policy has a default profile that no field of a pod can say.
func Unwritable(c mapping.Constraint) bool {
	profiles, is := c.(mapping.Profiles)
	return is && profiles.Default != "" && len(fillProfiles(profiles)) == 0
}

// Inexpressible returns what of a constraint of a policy the expressions of this package do otherwise than PodSecurityPolicy
// admission did. The policy is not named.
func Inexpressible(c mapping.Constraint, o Options) []engine.Remark {
	var out []engine.Remark
	say := func(m message.Message) { out = append(out, engine.Remark{Message: m, Field: c.Fields()[0]}) }
	switch c := c.(type) {
	case mapping.VolumeTypes:
		say(message.New("engine-check-new-volumes"))
	case mapping.IDRanges:
		if c.Field == mapping.SupplementalGroupsField && !c.Optional {
			say(message.New("engine-check-empty-groups"))
		}
	case mapping.Capabilities:
		if len(c.RequiredDrops) > 0 && !c.Any {
			say(message.New("engine-check-drops-all"))
		}
		if c.Writes() && o.Mutating && o.Minor < minorOfListFunctions {
			say(message.New("engine-check-unsorted"))
		}
	case mapping.ProcMounts:
		if other := slices.DeleteFunc(slices.Clone(c.Types), func(t string) bool { return t == "Default" }); len(other) > 0 {
			say(message.New("engine-check-proc-mount", "types", other))
		}
	case mapping.Profiles:
		switch {
		case c.Kind == mapping.AppArmorProfiles:
			say(message.New("engine-check-apparmor-fields"))
		case c.Listed:
			say(message.New("engine-check-seccomp-fields"))
		default:
			say(message.New("engine-check-seccomp-unlisted"))
		}
		if Unwritable(c) {
			say(message.New("engine-check-profile-unwritable", "profile", c.Default))
		}
	}
	return out
}
