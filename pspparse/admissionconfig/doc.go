// Package admissionconfig owns the API server's admission configuration as far as it concerns Pod Security: the levels that
// namespaces without labels get, and what is exempt. It takes the file that --admission-control-config-file names, a
// PodSecurityConfiguration alone, or the template that Rancher makes it of, and reads it as the API server does: strictly, and
// with the library's own decoder, defaults and validation. It never looks at a cluster, and decides nothing.
package admissionconfig
