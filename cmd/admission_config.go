package cmd

import (
	"context"
	"io"
	"os"

	"github.com/spf13/pflag"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/pspparse/admissionconfig"
)

// admissionConfigFlag names the file with the admission configuration of the API servers.
const admissionConfigFlag = "admission-config"

// addAdmissionConfigFlag defines the command-line flag --admission-config.
func addAdmissionConfigFlag(flags *pflag.FlagSet, file *string) {
	flags.StringVar(file, admissionConfigFlag, "", "the API server's admission configuration, its PodSecurityConfiguration alone, or Rancher's PodSecurityAdmissionConfigurationTemplate for it: what namespaces without labels get, and what is exempt")
}

// readAdmissionConfig reads the file of --admission-config; nil if none was given.
func readAdmissionConfig(ctx context.Context, file string) (*migrate.Admission, error) {
	if file == "" {
		return nil, nil // nothing given is nothing known
	}
	if file == "-" {
		return nil, usagef("--%s does not read standard input: give it a file", admissionConfigFlag)
	}
	return callUntilCancelled(ctx, "reading the admission configuration", func() (*migrate.Admission, error) {
		c, err := admissionconfig.Read(func(name string) (io.ReadCloser, error) { return os.Open(name) }, file) //nolint:gosec // G304: the file that the user names
		if err != nil {
			return nil, err
		}
		return &migrate.Admission{
			Defaults:   migrate.PodSecurityLabels(c.Defaults),
			Namespaces: c.Exemptions.Namespaces, RuntimeClasses: c.Exemptions.RuntimeClasses, Usernames: c.Exemptions.Usernames,
		}, nil
	})
}
