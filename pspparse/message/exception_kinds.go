package message

// exceptionKinds returns the messages on exceptions from checks of the standards: what is wrong with one, and what one is of no use.
func exceptionKinds() []Kind {
	return []Kind{
		{
			"exception-without-reason", "An exception has to say why the check may fail. Until it does, the check counts.",
			"the exception from check {check} gives no reason, so it does not count: write why the check may fail here",
		},
		{
			"exception-expired", "An exception ends with the day that it names. From then on the check counts.",
			"the exception from check {check} ended on {until}: meet the check now, or agree on a later day",
		},
		{
			"exception-invalid-date", "The day on which an exception ends cannot be read. Until it can, the check counts.",
			"the exception from check {check} ends on {until:input}, which is no date, so it does not count: write [?annotation \"reason; until=2027-03-31\"][!annotation until: 2027-03-31]",
		},
		{
			"exception-unknown-check", "An exception names the check that may fail by its ID. The command explain check lists the IDs.",
			"the exception is from {check:input}, which is no check, so it does not count[?meant : did you mean {meant}?][?several : write an exception for each check]",
		},
		{
			"exception-unused", "All objects that the exception is for meet the check, or nothing asks it of them.",
			"the exception from check {check} covers nothing: what it is for meets the check, or is not asked to",
		},
		{
			"exceptions-without-object", "The exceptions of a file that are for none of the objects that were read: their names may be misspelt, or the objects were not among the files.",
			"{exceptions:#} {exceptions:exception is|exceptions are} for no object that was read ({exceptions:5}): the objects were not among the files, or are named otherwise",
		},
	}
}

// sinceKinds returns the messages on what a comparison with an earlier result of check cannot say.
func sinceKinds() []Kind {
	return []Kind{
		{
			"since-objects-not-read", "Findings of the earlier result are about objects that are not among the files of this check. Whether they are fixed is not known.",
			"{n} {n:finding is|findings are} about objects that were not read now ({objects:5}): they are gone, or their files were not given",
		},
		{
			"since-checks-not-asked", "Findings of the earlier result are about checks that this check does not ask for, as at a lower level or an older version.",
			"{n} {n:finding is|findings are} about checks that nothing asks for now",
		},
	}
}
