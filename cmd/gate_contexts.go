package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/psp2pss/psp2pss/migrate/fleet"
	"github.com/psp2pss/psp2pss/migrate/report"
	"github.com/psp2pss/psp2pss/pspparse/english"
)

// fleetGateOptions are what the flags of the command gate become where it reads several clusters.
type fleetGateOptions struct {
	gateOptions
	FleetOutputs []outputTarget[*fleet.Answers]
}

// fleetGateFormats are the output formats of the command gate where it reads several clusters, the default first.
func fleetGateFormats() []report.Format[*fleet.Answers] {
	return []report.Format[*fleet.Answers]{
		{Name: "table", Write: func(w io.Writer, a *fleet.Answers, o report.Options) error {
			return report.Text(w, fleet.AnswersDocument(a, o), o)
		}},
		report.NewJSONFormat[*fleet.Answers]("clusters"), report.NewYAMLFormat[*fleet.Answers](),
	}
}

// fleetOptions checks all flags of the command gate, where it reads several clusters, before anything is read.
func (f *gateFlags) fleetOptions(flags *pflag.FlagSet, streams Streams, deps Deps) (*fleetGateOptions, error) {
	formats := fleetGateFormats()
	if err := refuseFormats(f.outputs, report.FormatNames(gateFormats()), formats); err != nil {
		return nil, err
	}
	one, err := f.commonOptions(flags, streams, deps)
	if err != nil {
		return nil, err
	}
	o := &fleetGateOptions{gateOptions: *one}
	o.FleetOutputs, err = parseOutputs(f.outputs, formats)
	return o, err
}

// fleetGateRun asks the gate about each of several clusters and writes the answers. Its error is that of the worst one.
func fleetGateRun(ctx context.Context, o *fleetGateOptions) error {
	if err := checkOutputFiles(o.FleetOutputs); err != nil {
		return err
	}
	read := func(ctx context.Context, m *fleetMember) (fleet.Answer, error) {
		one := o.gateOptions
		one.streams, one.Source = m.streams, m.source
		plan, result, err := one.answer(ctx)
		if err == nil {
			err = nothingSeenError(plan)
		}
		if err == nil {
			m.warnOldTarget(plan)
		}
		return fleet.Answer{Name: m.name, Result: result}, err
	}
	list, err := readContexts(ctx, o.streams, o.Source, read, func(name, why string) fleet.Answer { return fleet.Answer{Name: name, Error: why} })
	if err != nil {
		return err
	}
	answers, err := fleet.NewAnswers(list)
	if err != nil {
		return err
	}
	if err := writeOutputs(o.streams, o.FleetOutputs, answers, false); err != nil {
		return err
	}
	return fleetGateVerdict(answers, &o.Source, o.Decide.AllowPartial)
}

// fleetGateVerdict returns the error that ends the command gate on several clusters: a findingsError for reasons in any, else a
// partialError for those that could not be read and for what is unknown.
func fleetGateVerdict(a *fleet.Answers, source *SourceOptions, allowPartial bool) error {
	const most = 5
	notReady, open, unread := a.Names()
	var errs []error
	if len(notReady) > 0 {
		errs = append(errs, findingsError{fmt.Errorf("not ready: %s (%s)", english.Count(len(notReady), "cluster", "clusters"), english.First(notReady, most))})
	}
	if allowPartial {
		return errors.Join(errs...)
	}
	if len(unread) > 0 {
		errs = append(errs, partialError{fmt.Errorf("not read: %s (%s); accept that with --%s", english.Count(len(unread), "cluster", "clusters"), english.First(unread, most), allowPartialFlag)})
	}
	if len(open) > 0 {
		errs = append(errs, partialError{fmt.Errorf("open questions: %s (%s); find out and --assert it, or accept it with --%s", english.Count(len(open), "cluster", "clusters"), english.First(open, most), allowPartialFlag)})
	}
	if len(a.Clusters) == 0 {
		errs = append(errs, nothingInShardError(&fleet.Fleet{}, source, false))
	}
	return errors.Join(errs...)
}
