package rollout

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/atomicfile"
)

// JournalKind of a journal's first line; its apiVersion is that of a Plan.
const JournalKind = "Journal"

// JournalHeader is the first line of a journal: what is to be done, so that a roll-out can go on from the journal alone.
type JournalHeader struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// ID tells this roll-out from every other.
	ID string `json:"id"`
	// Tool that began it, and when by the clock of its machine, which nothing depends on.
	Tool    string    `json:"tool,omitempty"`
	Started time.Time `json:"started"`
	// Cluster is the UID of the namespace kube-system: a journal is never played to another cluster. Context is the
	// kubeconfig's name for it.
	Cluster string `json:"cluster"`
	Context string `json:"context,omitempty"`
	// TargetVersion of the Plan, and Force as it was asked for.
	TargetVersion string `json:"targetVersion"`
	Force         bool   `json:"force,omitempty"`
	// Guards that were asked for. Whoever goes on with the roll-out keeps them; batches and waves are with the Steps.
	Guards Guards `json:"guards,omitzero"`
	Steps  []Step `json:"steps"`
	// KnownViolations are workloads that do not meet the level that their namespace gets, and were known not to when the plan was
	// made: "namespace/kind/name".
	KnownViolations []string `json:"known,omitempty"`
	// Admission is that of the Plan: what the server does not check does not break.
	Admission *migrate.Admission `json:"admission,omitempty"`
	// FailingBefore are the controllers that were refused pods before the first step.
	FailingBefore []FailingController `json:"failing,omitempty"`
}

// Guards say how a roll-out is watched.
type Guards struct {
	// Verify after every batch, and how long controllers may take until then.
	Verify     bool            `json:"verify,omitempty"`
	VerifyWait metav1.Duration `json:"verifyWait,omitzero"`
	// RollbackOnFailure takes all of it back where something is not ok.
	RollbackOnFailure bool `json:"rollbackOnFailure,omitempty"`
	// AllowPartial enforces also where what runs in the namespace could not be read whole.
	AllowPartial bool `json:"allowPartial,omitempty"`
}

// Event is what became of a step.
type Event string

// The events. Begun and Undoing are on the disk before the cluster is written to.
const (
	Begun       Event = "begun"
	Done        Event = "done"
	Refused     Event = "refused" // nothing was changed; Why says why
	Altered     Event = "altered" // refused, and something of it may be there all the same; Why says what
	Undoing     Event = "undoing"
	Undone      Event = "undone"
	NotReverted Event = "kept" // not undone; Why says why
	// RollbackBegun is about no single step: a rollback begins, of what Undo says. Where the roll-out itself goes back since
	// something was not ok, Why has what.
	RollbackBegun Event = "back"
)

// noStep is the Step of a Back.
const noStep = -1

// JournalEntry is every other line of a journal.
type JournalEntry struct {
	Step   int       `json:"step"`
	Event  Event     `json:"event"`
	At     time.Time `json:"at"`
	Reason string    `json:"why,omitempty"`
	// Before is how the object was found, with a Begun.
	Before *ObservedState `json:"before,omitempty"`
	// AdmissionChanges is what the server's admission changed along with the step.
	AdmissionChanges *AdmissionChanges `json:"also,omitempty"`
	// Scope is what is taken back, with a Back.
	Scope *RollbackScope `json:"undo,omitempty"`
}

// ObservedState is the state of an object just before it was written.
type ObservedState struct {
	UID             string `json:"uid,omitempty"`
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// Labels that the step changes; null where there was none.
	Labels map[string]*string `json:"labels,omitempty"`
	// Owners of those labels, by metadata.managedFields.
	Owners []LabelOwner `json:"owners,omitempty"`
	// OtherLabels are all other labels of the namespace.
	OtherLabels map[string]string `json:"others,omitempty"`
	// Exists is true if the object that a step creates was there already: then it is not ours to delete.
	Exists bool `json:"exists,omitempty"`
}

// LabelOwner is a field manager that owned labels.
type LabelOwner struct {
	Manager     string    `json:"manager"`
	Operation   string    `json:"operation"`
	APIVersion  string    `json:"apiVersion"`
	Subresource string    `json:"subresource,omitempty"`
	Time        time.Time `json:"time,omitzero"`
	Keys        []string  `json:"keys"`
}

// Journal is the file that a roll-out is written down in before it happens: lines of JSON, a Header and then Entries, each
// forced to the disk before the next thing is done. A last line that is cut short was not acted upon.
type Journal struct {
	JournalHeader
	path     string
	file     *os.File
	size     int64
	now      func() time.Time
	progress []stepProgress
	// rolledBack is set once all of it was to be taken back.
	rolledBack *RolledBackError
}

// stepProgress is how far a step has come.
type stepProgress struct {
	lastEvent        Event // "" if nothing was done
	reason           string
	observed         *ObservedState
	admissionChanges AdmissionChanges
	// rollbackBegun is true if a rollback of it was begun.
	rollbackBegun bool
}

// ErrInUse is returned for a journal that another process has open.
var ErrInUse = errors.New("another process is using it")

// CreateJournal begins a journal. A file of that name must not exist.
func CreateJournal(path string, h JournalHeader) (*Journal, error) {
	h.APIVersion, h.Kind, h.ID = migrate.APIVersion, JournalKind, rand.Text()
	j := &Journal{JournalHeader: h, path: path, now: time.Now, progress: make([]stepProgress, len(h.Steps))}
	if err := j.createFile(); err != nil {
		return nil, fmt.Errorf("beginning the journal %q: %w", path, err)
	}
	return j, nil
}

// createFile makes the file under another name first, so that a journal is whole from the moment it exists.
func (j *Journal) createFile() (err error) {
	if _, err := os.Lstat(j.path); err == nil {
		return errors.New("it exists; go on with it (--resume), take it back (rollback), or name another file with --journal")
	}
	temporary := filepath.Join(filepath.Dir(j.path), "."+filepath.Base(j.path)+"."+j.ID)
	j.file, err = os.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // G304: the file that the user names
	if err != nil {
		return err
	}
	defer func() {
		_ = os.Remove(temporary)
		if err != nil {
			_ = j.file.Close()
		}
	}()
	if err := lockFile(j.file); err != nil {
		return err
	}
	if err := j.appendLine(j.JournalHeader); err != nil {
		return err
	}
	if err := os.Link(temporary, j.path); err != nil {
		return err
	}
	return atomicfile.SyncFolder(filepath.Dir(j.path))
}

// OpenJournal reads a journal and makes ready to go on with it.
func OpenJournal(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // G304: the file that the user names
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	j := &Journal{path: path, file: f, now: time.Now}
	if err := lockFile(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("opening the journal %q: %w", path, err)
	}
	if err := j.read(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("reading the journal %q: %w", path, err)
	}
	return j, nil
}

// ReadJournal reads what a journal says, to be looked at only: nothing can be written to it, and no other process is kept
// from it.
func ReadJournal(r io.Reader) (*Journal, error) {
	j := &Journal{now: time.Now}
	return j, j.read(r)
}

func (j *Journal) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && number == 1:
			return errors.New("it is no journal of a roll-out")
		case errors.Is(err, io.EOF):
			if j.file == nil {
				return nil
			}
			return j.file.Truncate(j.size)
		case err != nil:
			return err
		}
		if err := j.parseLine(number, line); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		j.size += int64(len(line))
	}
}

func (j *Journal) parseLine(number int, line []byte) error {
	if number == 1 {
		if err := json.Unmarshal(line, &j.JournalHeader); err != nil {
			return err
		}
		if j.APIVersion != migrate.APIVersion || j.Kind != JournalKind {
			return fmt.Errorf("it is %q of %q, not %s of %s", j.Kind, j.APIVersion, JournalKind, migrate.APIVersion)
		}
		j.progress = make([]stepProgress, len(j.Steps))
		return validateSteps(j.Steps)
	}
	var e JournalEntry
	if err := json.Unmarshal(line, &e); err != nil {
		return err
	}
	if e.Event != RollbackBegun && (e.Step < 0 || e.Step >= len(j.progress)) {
		return fmt.Errorf("there is no step %d", e.Step)
	}
	return j.applyEntry(e)
}

// applyEntry lets an entry count.
func (j *Journal) applyEntry(e JournalEntry) error {
	if e.Event == RollbackBegun {
		return j.applyRollbackBegun(e)
	}
	s := &j.progress[e.Step]
	switch e.Event {
	case Begun:
		if e.Before == nil {
			return errors.New("a step was begun without a word on what was there before")
		}
		s.observed = e.Before
	case Done, Refused, Altered, Undoing, Undone, NotReverted:
	default:
		return fmt.Errorf("there is no event %q", e.Event)
	}
	s.admissionChanges.merge(e.AdmissionChanges)
	s.lastEvent, s.reason = e.Event, e.Reason
	return nil
}

func (j *Journal) applyRollbackBegun(e JournalEntry) error {
	if e.Scope == nil {
		return errors.New("a rollback was begun without a word on what it takes back")
	}
	for i := range j.progress {
		if j.MayBeApplied(i) && e.Scope.includes(&j.Steps[i]) {
			j.progress[i].rollbackBegun = true
		}
	}
	if e.Scope.isWholeRollout() && (j.rolledBack == nil || j.rolledBack.Failure == "") {
		j.rolledBack = &RolledBackError{Failure: e.Reason}
	}
	return nil
}

// RolledBackError says that a roll-out is not gone on with, since all of it was taken back, or began to be.
type RolledBackError struct {
	// Failure is what was not ok, "" where somebody asked for the rollback.
	Failure string
	// Remaining is true if the rollback did not come to its end: there are steps left to take back.
	Remaining bool
}

func (e *RolledBackError) Error() string {
	because := ""
	if e.Failure != "" {
		because = " (" + e.Failure + ")"
	}
	return "the roll-out of this journal was taken back" + because + ", and is not gone on with"
}

// CheckResumable returns a TakenBackError where no further step may be taken.
func (j *Journal) CheckResumable() error {
	if j == nil || j.rolledBack == nil {
		return nil
	}
	return &RolledBackError{Failure: j.rolledBack.Failure, Remaining: j.anyStepMayBeApplied()}
}

// record writes an entry and lets it count only once it is on the disk. Without a journal, as in a dry run, it does nothing.
func (j *Journal) record(e JournalEntry) error {
	if j == nil {
		return nil
	}
	e.At = j.now().UTC()
	if err := j.appendLine(e); err != nil {
		return fmt.Errorf("writing the journal %q, so that nothing more is done to the cluster: %w", j.path, err)
	}
	return j.applyEntry(e)
}

func (j *Journal) appendLine(line any) error {
	data, err := json.Marshal(line)
	if err != nil {
		return err
	}
	data = append(bytes.TrimSpace(data), '\n')
	n, err := j.file.WriteAt(data, j.size)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		if n > 0 { // half a line would be taken for the beginning of the next
			_ = j.file.Truncate(j.size)
		}
		return err
	}
	j.size += int64(len(data))
	return nil
}

// Close lets other processes have the journal.
func (j *Journal) Close() error {
	if j == nil {
		return nil
	}
	return j.file.Close()
}

// Path is where the journal is.
func (j *Journal) Path() string { return j.path }

// LastEvent is the last event of a step, "" if nothing was done, and the reason if there is one.
func (j *Journal) LastEvent(step int) (Event, string) {
	return j.progress[step].lastEvent, j.progress[step].reason
}

// MayBeApplied is true if a step may have changed the cluster and was not taken back.
func (j *Journal) MayBeApplied(step int) bool {
	switch s := &j.progress[step]; s.lastEvent {
	case Begun, Done, Altered, Undoing, NotReverted:
		return s.observed != nil
	default: // refused by the server, though it was begun
		return false
	}
}

// anyStepMayBeApplied is true if there is something to take back.
func (j *Journal) anyStepMayBeApplied() bool {
	return slices.ContainsFunc(j.stepIndices(), j.MayBeApplied)
}

// isRollbackBegun is true for a step that a rollback was begun of, to whatever end that came.
func (j *Journal) isRollbackBegun(step int) bool {
	switch s := &j.progress[step]; s.lastEvent {
	case Undoing, Undone, NotReverted:
		return true
	default:
		return s.rollbackBegun
	}
}

// cancelledNamespaces are the namespaces that get no further step, since all of the roll-out, or something of them, was taken back.
func (j *Journal) cancelledNamespaces() map[string]bool {
	out := map[string]bool{}
	for i := range j.Steps {
		if j.rolledBack != nil || j.isRollbackBegun(i) {
			out[j.Steps[i].Namespace] = true
		}
	}
	return out
}

// isStepFinal is true for a step that is not taken any more: it was taken, or taken back. One that was refused is tried again:
// the reason may be gone.
func (j *Journal) isStepFinal(step int) bool {
	switch j.progress[step].lastEvent {
	case Done, Undoing, Undone, NotReverted:
		return true
	default:
		return false
	}
}

// SkippedByExclude are the steps still to take in namespaces that are to be left out of what is gone on with.
func (j *Journal) SkippedByExclude(namespaces []string) []Skipped {
	var out []Skipped
	for i := range j.Steps {
		if s := &j.Steps[i]; slices.Contains(namespaces, s.Namespace) && !j.isStepFinal(i) {
			out = append(out, Skipped{Namespace: s.Namespace, Stage: s.Stage, Reason: "left out with --exclude"})
		}
	}
	return out
}

// isPartlyApplied is true if there are steps left to take, and others that stand without them. What was kept is settled.
func (j *Journal) isPartlyApplied() bool {
	return !j.Finished() && slices.ContainsFunc(j.stepIndices(), func(i int) bool { return j.MayBeApplied(i) && j.progress[i].lastEvent != NotReverted })
}

func (j *Journal) stepIndices() []int {
	out := make([]int, len(j.progress))
	for i := range out {
		out[i] = i
	}
	return out
}

// Finished is true if no step is left to take.
func (j *Journal) Finished() bool {
	for i := range j.progress {
		if last := j.progress[i].lastEvent; last == "" || last == Begun {
			return false
		}
	}
	return true
}
