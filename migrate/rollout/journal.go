package rollout

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/psp2pss/psp2pss/migrate"
	"github.com/psp2pss/psp2pss/migrate/atomicfile"
	"github.com/psp2pss/psp2pss/pspparse/fileerror"
	"github.com/psp2pss/psp2pss/pspparse/message"
)

// JournalKind is the kind of a journal's first line; its apiVersion is that of a Plan.
const JournalKind = "Journal"

// JournalHeader is the first line of a journal: all that is to be done, so that a roll-out can go on from the journal alone.
type JournalHeader struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// ID identifies this roll-out.
	ID string `json:"id"`
	// Tool is the version that began it. Started is the time by the clock of its machine; nothing depends on it.
	Tool    string    `json:"tool,omitempty"`
	Started time.Time `json:"started"`
	// Cluster is the UID of the namespace kube-system: the steps are taken on no other cluster. Context is the name of the
	// kubeconfig's context, or the address of the cluster where Connection says more.
	Cluster string `json:"cluster"`
	Context string `json:"context,omitempty"`
	// Connection is set where more than a context said which cluster is meant, and as whom.
	Connection *Connection `json:"connection,omitempty"`
	// TargetVersion is that of the Plan. Force is as it was asked for.
	TargetVersion string `json:"targetVersion"`
	Force         bool   `json:"force,omitempty"`
	// Guards are those that were asked for. A roll-out that is continued keeps them.
	Guards Guards `json:"guards,omitzero"`
	Steps  []Step `json:"steps"`
	// KnownViolations are workloads, as "namespace/kind/name", that did not meet the level of their namespace when the plan
	// was made.
	KnownViolations []string `json:"known,omitempty"`
	// Admission is that of the Plan: it says what the server does not check.
	Admission *migrate.Admission `json:"admission,omitempty"`
	// FailingBefore are the controllers that lacked pods before the first step.
	FailingBefore []FailingController `json:"failing,omitempty"`
}

// Connection is what a roll-out was told of its cluster in flags, beside the kubeconfig. It holds no credentials.
type Connection struct {
	// Context, Cluster and User are entries of the kubeconfig, and Server is an address.
	Context string `json:"context,omitempty"`
	Cluster string `json:"cluster,omitempty"`
	User    string `json:"user,omitempty"`
	Server  string `json:"server,omitempty"`
	// WithToken is true where a token was given.
	WithToken bool `json:"withToken,omitempty"`
}

// Guards say how the namespaces of a roll-out are checked, and what happens if a check fails.
type Guards struct {
	// Verify checks after every batch. VerifyWait is how long controllers may take to get their pods.
	Verify     bool            `json:"verify,omitempty"`
	VerifyWait metav1.Duration `json:"verifyWait,omitzero"`
	// RollbackOnFailure takes the whole roll-out back if something is not ok.
	RollbackOnFailure bool `json:"rollbackOnFailure,omitempty"`
	// AllowPartial enforces a level also if what runs in the namespace could not be read whole.
	AllowPartial bool `json:"allowPartial,omitempty"`
}

// Event is what became of one step of a roll-out, as the journal has it.
type Event string

// notRevertedBefore is what journals of earlier versions have for NotReverted.
const notRevertedBefore Event = "kept"

// The events of a roll-out. Begun and Undoing are on the disk before the cluster is written to.
const (
	// Begun is the event of a roll-out step that is about to be written; the entry has the state before.
	Begun Event = "begun"
	// Done is the event of a roll-out step that was applied.
	Done Event = "done"
	// Refused is the event of a roll-out step that changed nothing; the entry has the reason.
	Refused Event = "refused"
	// Altered is the event of a roll-out step that admission, or somebody else, changed as it was written; the entry has the
	// reason.
	Altered Event = "altered"
	// Undoing is the event of a roll-out step that is about to be taken back.
	Undoing Event = "undoing"
	// Undone is the event of a roll-out step that was taken back.
	Undone Event = "undone"
	// NotReverted is the event of a roll-out step that a rollback could not take back; the entry has the reason.
	NotReverted Event = "not-reverted"
	// RollbackBegun is the event of a rollback that begins, not of a single step. The entry has what it takes back and, if the
	// roll-out itself goes back, what was not ok.
	RollbackBegun Event = "back"
)

// noStep is the Step of an entry that is about no single step.
const noStep = -1

// JournalEntry is a line of a journal after the first: one event of one step, or the beginning of a rollback.
type JournalEntry struct {
	Step  int       `json:"step"`
	Event Event     `json:"event"`
	At    time.Time `json:"at"`
	// Reason says why, for people. Message is the same with id and arguments; journals of earlier versions have none, and the
	// text counts.
	Reason  string          `json:"why,omitempty"`
	Message message.Message `json:"message,omitzero"`
	// Before is how the step found the object; it comes with Begun.
	Before *ObservedState `json:"before,omitempty"`
	// AdmissionChanges is what the server's admission changed along with the step.
	AdmissionChanges *AdmissionChanges `json:"also,omitempty"`
	// Written is what the API server made of the object of a set of policies; it comes with Done and Altered.
	Written json.RawMessage `json:"written,omitempty"`
	// Scope is what is taken back; it comes with RollbackBegun.
	Scope *RollbackScope `json:"undo,omitempty"`
}

// ObservedState is the state of a namespace or bypass object just before a roll-out step wrote it. A rollback restores
// it.
type ObservedState struct {
	UID             string `json:"uid,omitempty"`
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// Labels are those that the step changes; null for one that was absent.
	Labels map[string]*string `json:"labels,omitempty"`
	// Owners are the field managers of those labels, by metadata.managedFields.
	Owners []LabelOwner `json:"owners,omitempty"`
	// OtherLabels are all other labels of the namespace.
	OtherLabels map[string]string `json:"others,omitempty"`
	// Exists is true if the object that a step creates was there already: then a rollback does not delete it.
	Exists bool `json:"exists,omitempty"`
	// Object is the object of a set of policies that was there, whole but for its managedFields.
	Object json.RawMessage `json:"object,omitempty"`
}

// LabelOwner is a field manager that owned labels of a namespace before a roll-out step.
type LabelOwner struct {
	Manager     string    `json:"manager"`
	Operation   string    `json:"operation"`
	APIVersion  string    `json:"apiVersion"`
	Subresource string    `json:"subresource,omitempty"`
	Time        time.Time `json:"time,omitzero"`
	Keys        []string  `json:"keys"`
}

// Journal is the file in which a roll-out enters each step before it is taken: lines of JSON, a JournalHeader and then
// JournalEntries, each on the disk before the next thing is done. Nothing was done after a last line that is cut short.
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

// stepProgress is how far a step of a journal has come.
type stepProgress struct {
	lastEvent        Event // "" if nothing was done
	reason           string
	observed         *ObservedState
	written          json.RawMessage
	admissionChanges AdmissionChanges
	// rollbackBegun is true if a rollback of it was begun.
	rollbackBegun bool
}

// ErrInUse is returned for the journal of a roll-out that another process has open.
var ErrInUse = errors.New("another process is using it")

// CreateJournal creates the file of a journal and writes its header. It returns an error if a file of that name exists.
func CreateJournal(path string, h JournalHeader) (*Journal, error) {
	h.APIVersion, h.Kind, h.ID = migrate.APIVersion, JournalKind, rand.Text()
	j := &Journal{JournalHeader: h, path: path, now: time.Now, progress: make([]stepProgress, len(h.Steps))}
	if err := j.createFile(); err != nil {
		return nil, fmt.Errorf("beginning the journal %q: %w", path, j.creationError(err))
	}
	return j, nil
}

// creationError returns an error of creating the journal's file, without the name of the temporary file.
func (j *Journal) creationError(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	if errors.As(err, &path) || errors.As(err, &link) {
		return fileerror.Writing(j.path, err)
	}
	return err
}

// createFile writes the header of a journal to a file of another name, which then gets the name of the journal: a
// journal is whole from the moment it exists.
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

// OpenJournal reads a journal, to go on with it or to take it back. It returns an error that wraps ErrInUse if another
// process has it open, and one with the line for what is no journal.
func OpenJournal(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0) //nolint:gosec // G304: the file that the user names
	if err != nil {
		return nil, OpenError(path, err)
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

// OpenError returns the error of opening the journal of a path, in words.
func OpenError(path string, err error) error {
	return fmt.Errorf("opening the journal %q: %w", path, fileerror.Explain(path, err))
}

// ReadJournal reads a journal without a file, to be looked at only. It keeps no other process from the journal. It returns an
// error with the line for what is no journal.
func ReadJournal(r io.Reader) (*Journal, error) {
	j := &Journal{now: time.Now}
	return j, j.read(r)
}

// read reads all lines of the journal. A last line that is cut short is removed from the file.
func (j *Journal) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && number == 1:
			return firstLineError(line)
		case errors.Is(err, io.EOF):
			if j.file == nil {
				return nil
			}
			return j.file.Truncate(j.size)
		case err != nil:
			return errors.New(fileerror.Reason(err))
		}
		if err := j.parseLine(number, line); err != nil {
			if errors.Is(err, errNoJournal) {
				return firstLineError(line)
			}
			return fmt.Errorf("line %d: %w", number, err)
		}
		j.size += int64(len(line))
	}
}

// errNoJournal is the error of a first line that is not that of a journal; firstLineError says what it is.
var errNoJournal = errors.New("it is not a journal of a roll-out")

// firstLineError says what a file is whose first line is not that of a journal, and what to do.
func firstLineError(line []byte) error {
	var h struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	wrong := json.Unmarshal(line, &h)
	switch {
	case len(bytes.TrimSpace(line)) == 0:
		return errors.New("it is empty: copy it again from where the roll-out ran")
	case wrong != nil && bytes.HasPrefix(line, []byte(`{"apiVersion":"psp2pss.dev`)):
		return errors.New("the file ends early, in its first line: copy it again from where the roll-out ran")
	case wrong != nil || h.Kind == "":
		return errors.New("it is not a journal of a roll-out: name the file that 'rollout' wrote")
	case h.Kind == JournalKind:
		return fmt.Errorf("it is a journal of %q, and this version reads %s: use the psp2pss that wrote it", h.APIVersion, migrate.APIVersion)
	}
	return fmt.Errorf("it is a %q of %q, and not a journal of a roll-out: name the file that 'rollout' wrote", h.Kind, h.APIVersion)
}

// parseLine reads one line of the journal: the header if number is 1, else an entry.
func (j *Journal) parseLine(number int, line []byte) error {
	if number == 1 {
		err := json.Unmarshal(line, &j.JournalHeader)
		switch isJournal := j.APIVersion == migrate.APIVersion && j.Kind == JournalKind; {
		case !isJournal:
			return errNoJournal
		case err != nil:
			return damagedLineError(err)
		}
		j.progress = make([]stepProgress, len(j.Steps))
		return validateSteps(j.Steps)
	}
	var e JournalEntry
	if err := json.Unmarshal(line, &e); err != nil {
		return damagedLineError(err)
	}
	if e.Event == notRevertedBefore {
		e.Event = NotReverted
	}
	if e.Event != RollbackBegun && (e.Step < 0 || e.Step >= len(j.progress)) {
		return fmt.Errorf("there is no step %d", e.Step)
	}
	return j.applyEntry(e)
}

// damagedLineError returns the error of a line of a journal that is not as a roll-out wrote it.
func damagedLineError(err error) error {
	what := "it is no JSON"
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		what = fmt.Sprintf("%s is a %s", wrong.Field, wrong.Value)
	}
	return errors.New(what + ", so the file was edited or damaged: copy it again from where the roll-out ran")
}

// applyEntry changes the progress of a step by an entry of the journal. It returns an error for an entry that no
// roll-out writes.
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
		if len(e.Before.Object) > 0 {
			if _, err := e.Before.object(); err != nil {
				return fmt.Errorf("what a step found cannot be read: %w", err)
			}
		}
		s.observed = e.Before
	case Done, Refused, Altered, Undoing, Undone, NotReverted:
	default:
		return fmt.Errorf("there is no event %q", e.Event)
	}
	if e.Written != nil {
		s.written = e.Written
	}
	s.admissionChanges.merge(e.AdmissionChanges)
	s.lastEvent, s.reason = e.Event, e.Reason
	return nil
}

// applyRollbackBegun marks the steps of the journal that a rollback includes.
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

// RolledBackError is the error that a roll-out cannot be continued, since all of it was taken back, or began to be.
type RolledBackError struct {
	// Failure is what was not ok; "" if somebody asked for the rollback.
	Failure string
	// Remaining is true if the rollback did not come to its end: there are steps left to take back.
	Remaining bool
}

// Error returns why the roll-out of a journal cannot be continued, for people.
func (e *RolledBackError) Error() string {
	because := ""
	if e.Failure != "" {
		because = " (" + e.Failure + ")"
	}
	return "the roll-out of this journal was taken back" + because + ", and cannot be continued"
}

// CheckResumable returns a *RolledBackError if no further step of the journal may be taken.
func (j *Journal) CheckResumable() error {
	if j == nil || j.rolledBack == nil {
		return nil
	}
	return &RolledBackError{Failure: j.rolledBack.Failure, Remaining: j.anyStepMayBeApplied()}
}

// record writes an entry to the file of the journal and, once that is on the disk, applies it. Without a journal, as in a dry
// run, it does nothing.
func (j *Journal) record(e JournalEntry) error {
	if j == nil {
		return nil
	}
	e.At = j.now().UTC()
	if e.Reason == "" {
		e.Reason = e.Message.Text
	}
	if err := j.appendLine(e); err != nil {
		return fmt.Errorf("writing the journal %q, so that nothing more is done to the cluster: %w", j.path, &fileerror.Error{Text: fileerror.Reason(err), Err: err})
	}
	return j.applyEntry(e)
}

// appendLine writes a line of JSON to the end of the journal's file, and returns once it is on the disk. On an error
// the file ends as before.
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

// Close closes the file of the journal, so that other processes can open it. It returns the error of closing.
func (j *Journal) Close() error {
	if j == nil {
		return nil
	}
	unlockFile(j.file)
	return j.file.Close()
}

// Path returns the path of the journal's file.
func (j *Journal) Path() string { return j.path }
