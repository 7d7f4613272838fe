package message

// archiveKinds returns the messages about archives.
func archiveKinds() []Kind {
	return []Kind{
		{
			"archive-cut-off", "Reading the archive ended before its end. What comes after that is not known.",
			"reading it ended after {n} {n:entry|entries}: {error}; what comes after that is not known: fetch the archive again, or split it",
		},
		{
			"archive-beyond-limit", "The archive is larger than what is read of one: by its size, by what it inflates to, or by its entries.",
			"reading it ended after {n} {n:entry|entries}: {error}; what comes after that is not known: if it may be that large, unpack it and name the folder, which has no such limit",
		},
		{
			"archive-unsafe-names", "Names or links in the archive lead out of it. Such entries are not read.",
			"{n} of its entries {n:has a name or is a link that leads|have names or are links that lead} out of it, the first is {name:input}: {n:it was|they were} not read; pack it again with names below one folder",
		},
		{
			"archive-special-entries", "Only regular files of an archive are read.",
			"{n} of its entries {n:is|are} no regular {n:file|files}, or {n:has|have} too long a name, and {n:was|were} passed over",
		},
		{
			"archive-too-deep", "An archive in an archive is read if it is a tar, and no archive in that.",
			"it is {what}: unpack the outer one, and name this by itself",
		},
		{
			"archive-without-files", "The archive has no file that is read.",
			"none of its entries is a .yaml, .yml or .json file: nothing was read from it" + andFirst,
		},
	}
}

// dumpKinds returns the messages about dumps that other programs wrote of clusters.
func dumpKinds() []Kind {
	return []Kind{
		{
			"dump-recognised", "What the files are was told by their names and content. What such a dump never holds is a gap of its own.",
			"read as a {tool}" + andFirst,
		},
		{
			"dump-recognised-late", "What a dump on standard input is was seen too late to read it as such.",
			"only names after its first {limit} entries show that it is a {tool}, so what came before was read as plain documents: save it to a file, and name that",
		},
		{
			"dump-with-logs", "Logs stand between the objects of the dump. A line of a log may look like an object, or like the end of the log.",
			"logs of {n} {n:container|containers} stand between its objects: a line of them may look like an object or hide one, so nothing after the first is certain; save it with kubectl cluster-info dump -A --output-directory=FOLDER",
		},
		{
			"dump-holds-none", "A dump of this kind, or of the version of its program, holds no objects of these kinds. Add them from elsewhere.",
			"this {tool} holds no {missing}: {advice}",
		},
		{
			"dump-of-some-namespaces", "The dump holds the namespaces that were asked for. Others may exist.",
			"this {tool} holds the namespaces that were asked for: nothing is known of others",
		},
		{
			"dump-not-collected", "The program that wrote the dump could not collect everything.",
			"its program did not collect {resource}[?namespace  of namespace {namespace}]: {error}",
		},
		{
			"dump-filtered", "The backup was made with a filter. What that left out is not known.",
			"the backup is filtered: {reason}; make one without filters, or add the rest with a second -f",
		},
		{
			"dump-not-completed", "The backup has not ended well. Objects may be missing.",
			"the backup ended as {found:input}: objects may be missing, its log says which",
		},
		{
			"dump-secrets-skipped", "Secrets of a dump are never opened.",
			"{n} {n:file|files} with Secrets {n:was|were} not opened",
		},
		{
			"dump-values-masked", "A redactor has replaced values in the dump. They are not known.",
			"a redactor has masked values in {n} of its objects (***HIDDEN***)",
		},
	}
}
