package files

// Limits bound what reading one file may cost, whoever wrote it. The zero value of a field means its default.
type Limits struct {
	// DocumentBytes is the size in bytes of one document, or of one item of a List: a List itself may be of any size. A
	// larger one becomes a gap and is passed over. Default 16 MiB (etcd keeps no object above 1.5 MiB). A List that is
	// an item of another List, or is written in YAML's flow style, counts as one document.
	DocumentBytes int
	// Depth is how deep maps and lists may nest within one document. Default 300.
	Depth int
	// Values is how many values one document may hold, its aliases written out: each costs far more memory than text.
	// Default 1,000,000.
	Values int
	// UncompressedBytes is how many bytes one packed file may inflate to, an archive with all that is in it. Default 8 GiB; it is streamed, never held.
	UncompressedBytes int64
	// AliasBytes is how many bytes of JSON the aliases and merge keys of one file may make, beside four times what is read of it.
	// Default 8 MiB: a thousand workloads that share what they have in common pass. No limit on a document would do, for a
	// file may have any number of them.
	AliasBytes int64
	// GzipRatio is how many times its size a gzip file may inflate to, once that is more than 64 MiB. Default 1,000: text does
	// not come near.
	GzipRatio int64
	// Entries and ZipEntries are how many entries a tar and a zip may have. Defaults 1,000,000 and 200,000.
	Entries, ZipEntries int
	// SpooledBytes is how large a zip on standard input may be, which is written to a temporary file. Default 2 GiB.
	SpooledBytes int64
	// NonObjects is how many documents and items of one file may be no Kubernetes objects: after that the rest of it is one gap. An
	// empty document costs far more time than its size suggests. Default 200,000.
	NonObjects int
	// Gaps is how many gaps one file may cause before the rest of them is only counted. Default 1,000.
	Gaps int
}

// The limits of what an API server stores of one object. It takes no request above 3 MiB, and etcd nothing above 1.5 MiB by
// default. So what is larger never ran, and is a gap.
const (
	// maxObjectBytes is in bytes of JSON without white space. That is up to 2.5 times as long as what a server keeps (protobuf,
	// without the names of fields).
	maxObjectBytes = 8 << 20
	// maxListEntries of one list or map: in etcd one takes 8 bytes at least, so 1.5 MiB hold fewer.
	maxListEntries = 200_000
	// uncheckedObjectBytes is a size below which an object is not counted: what could exceed the limits there does not matter.
	uncheckedObjectBytes = 512 << 10
)

const (
	// minObjectBytes is the size of the smallest object that has a name: {"metadata":{"name":"a"}}, or less in YAML.
	minObjectBytes = 20
	// aliasExpansionFactor is how many times the size of a file its aliases may expand to, beside Limits.AliasBytes.
	aliasExpansionFactor = 4
	// mergedKeyCost is what a key counts that a merge key brings along, and a value that is compared for it, in bytes of JSON.
	mergedKeyCost = 16
	// maxUncountedKey is the size in bytes beyond which a key that an alias stands for counts by itself. Names of fields are shorter.
	maxUncountedKey = 64
	// policyCostFactor is how much more a policy counts than other JSON: it is parsed with the line of every field.
	policyCostFactor = 10
	// brokenPolicyCost is what a policy counts at least whose JSON cannot be made, in bytes of JSON: pspparse follows its aliases
	// to 100,000 values. It counts more by the text of which its aliases make it, unless that is refused.
	brokenPolicyCost = 1 << 20
	// gzipRatioMinBytes is where Limits.GzipRatio begins to count.
	gzipRatioMinBytes = 64 << 20
)

// withDefaults returns the limits of a file with the default for each that is zero.
func (l Limits) withDefaults() Limits {
	if l.DocumentBytes <= 0 {
		l.DocumentBytes = 16 << 20
	}
	if l.Depth <= 0 {
		l.Depth = 300
	}
	if l.Values <= 0 {
		l.Values = 1_000_000
	}
	if l.UncompressedBytes <= 0 {
		l.UncompressedBytes = 8 << 30
	}
	if l.AliasBytes <= 0 {
		l.AliasBytes = 8 << 20
	}
	if l.GzipRatio <= 0 {
		l.GzipRatio = 1000
	}
	if l.NonObjects <= 0 {
		l.NonObjects = 200_000
	}
	if l.Gaps <= 0 {
		l.Gaps = 1000
	}
	return l
}
