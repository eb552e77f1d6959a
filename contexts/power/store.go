package power

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/moby/sys/atomicwriter"
)

// Store is where debts and leases of the nodes of one configuration are.
type Store struct{ dir string }

// Debt is a stop that is owed.
type Debt struct {
	// Node is the node, Since when its start was first tried.
	Node  string    `json:"node"`
	Since time.Time `json:"since"`
	// Used is when the last run that used the node ended.
	Used time.Time `json:"used,omitzero"`
	// Held says that the user started it by hand and stops it by hand.
	Held bool `json:"held,omitempty"`
	// Failure is why it was not stopped when that was last tried.
	Failure string `json:"failure,omitempty"`
	// Stopping is when a stop command was begun whose outcome nobody has
	// seen yet: the node may be about to stop, though its engine answers.
	Stopping time.Time `json:"stopping,omitzero"`
	// Hook and HookStart are the process of the start command while it runs,
	// or of the stop command since Stopping.
	Hook      int    `json:"hook,omitempty"`
	HookStart string `json:"hookStart,omitempty"`
}

const (
	debtFile   = "debt.json"
	lockFile   = "lock"
	reaperFile = "reaper"
	leaseFile  = "lease-"
	// maxDebt bounds the file, in bytes.
	maxDebt = 1 << 20
)

// nodeName is what Docker allows as the name of a context.
var nodeName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.+-]*$`)

// Open returns the store in dir, which is made when the first node is started.
func Open(dir string) *Store { return &Store{dir: dir} }

// Debts are all that is owed, by name of the node. What can't be read is still
// owed.
func (s *Store) Debts() []Debt {
	entries, _ := os.ReadDir(s.dir) // without the folder nothing is owed
	var debts []Debt
	for _, e := range entries {
		if !nodeName.MatchString(e.Name()) {
			continue
		}
		if d := s.folder(e.Name()).debt(); d != nil {
			debts = append(debts, *d)
		}
	}
	return debts
}

// Debt is what is owed to the node, or nil.
func (s *Store) Debt(name string) *Debt { return s.folder(name).debt() }

// Note writes down why the node can't be stopped.
func (s *Store) Note(ctx context.Context, name string, why error) error {
	f := s.folder(name)
	return f.owing(ctx, func(debt *Debt) error {
		debt.Failure = why.Error()
		return f.owe(debt)
	})
}

// Forget gives up a debt: its node is never stopped because of it.
func (s *Store) Forget(name string) error {
	f := s.folder(name)
	if f.debt() == nil {
		return fmt.Errorf("nothing is owed to node %s", name)
	}
	return f.forget()
}

// folder is the part of the store about one node.
type folder struct{ name, dir string }

func (s *Store) folder(name string) folder {
	return folder{name: name, dir: filepath.Join(s.dir, name)}
}

func (f folder) path(name string) string { return filepath.Join(f.dir, name) }

// make makes the folder, the user's alone. It follows no link that might stand
// in its place.
func (f folder) make() error {
	if !nodeName.MatchString(f.name) {
		return fmt.Errorf("%q can't be the name of a node", f.name)
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return fmt.Errorf("noting what is started: %w", err)
	}
	for _, dir := range []string{filepath.Dir(f.dir), f.dir} {
		info, err := os.Lstat(dir)
		if err != nil {
			return fmt.Errorf("noting what is started: %w", err)
		}
		if !info.IsDir() {
			return fmt.Errorf("noting what is started: %s is no folder", dir)
		}
		if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a folder
			return fmt.Errorf("noting what is started: %w", err)
		}
	}
	return nil
}

// owing does what is to be done about a debt under the lock; nothing if nothing is
// owed.
func (f folder) owing(ctx context.Context, do func(*Debt) error) error {
	unlock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if debt := f.debt(); debt != nil {
		return do(debt)
	}
	return nil
}

// debt is what is owed to the node, or nil.
func (f folder) debt() *Debt {
	info, err := os.Lstat(f.path(debtFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	d := &Debt{}
	if err == nil && info.Mode().IsRegular() && info.Size() <= maxDebt {
		if text, err := os.ReadFile(f.path(debtFile)); err == nil && json.Unmarshal(text, d) != nil {
			d = &Debt{}
		}
	}
	d.Node = f.name
	return d
}

// owe writes the debt. When it returns nil the debt outlasts a power cut.
func (f folder) owe(d *Debt) error {
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if err := atomicwriter.WriteFile(f.path(debtFile), text, 0o600); err != nil {
		return fmt.Errorf("noting that a stop is owed: %w", err)
	}
	return f.sync()
}

func (f folder) forget() error {
	if err := os.Remove(f.path(debtFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("noting that nothing is owed: %w", err)
	}
	return f.sync()
}
