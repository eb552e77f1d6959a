package power

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

const (
	// lockEvery is how often a lock is tried that somebody holds.
	lockEvery = 50 * time.Millisecond
	// releaseLimit is how long the end of a lease may take.
	releaseLimit = 2 * time.Second
)

// Lease says that a run uses a node. It ends with the process at the latest.
type Lease struct {
	folder folder
	file   *flock.Flock
}

// lock waits for the node's lock.
func (f folder) lock(ctx context.Context) (unlock func(), err error) {
	if err := f.noLink(lockFile); err != nil {
		return nil, err
	}
	lock := flock.New(f.path(lockFile))
	if _, err := lock.TryLockContext(ctx, lockEvery); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, fmt.Errorf("waiting for another run that starts or stops node %s: %w", f.name, err)
	}
	return func() { _ = lock.Unlock() }, nil
}

// noLink refuses a link where a file is expected.
func (f folder) noLink(name string) error {
	if info, err := os.Lstat(f.path(name)); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no file", f.path(name))
	}
	return nil
}

// lease makes a lease for this process. The caller has the lock.
func (f folder) lease() (*Lease, error) {
	file, err := os.CreateTemp(f.dir, leaseFile+strconv.Itoa(os.Getpid())+"-*")
	if err != nil {
		return nil, fmt.Errorf("noting who uses node %s: %w", f.name, err)
	}
	l := &Lease{folder: f, file: flock.New(file.Name())}
	if err := file.Close(); err != nil {
		return nil, fmt.Errorf("noting who uses node %s: %w", f.name, err)
	}
	if ok, err := l.file.TryLock(); !ok {
		_ = os.Remove(file.Name())
		return nil, fmt.Errorf("noting who uses node %s: %w", f.name, err)
	}
	return l, nil
}

// Release ends the lease. Whoever starts or stops the node now is not awaited for
// long, whether ctx has ended or not.
func (l *Lease) Release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseLimit)
	defer cancel()
	if unlock, err := l.folder.lock(ctx); err == nil {
		defer unlock()
		if debt := l.folder.debt(); debt != nil {
			debt.Used = time.Now()
			// Without it idle counts from when the reaper saw the last lease.
			_ = l.folder.owe(debt)
		}
	}
	l.end()
}

func (l *Lease) end() {
	_ = l.file.Unlock() // before, Windows removes nothing
	_ = os.Remove(l.file.Path())
}

// users are the processes that have leases. Leases of processes that have ended
// are taken away; the caller has the lock.
func (f folder) users() []string {
	entries, _ := os.ReadDir(f.dir) // who has the lock can read it
	var pids []string
	for _, e := range entries {
		id, ok := strings.CutPrefix(e.Name(), leaseFile)
		switch pid, _, _ := strings.Cut(id, "-"); {
		case !ok:
		case held(f.path(e.Name())):
			pids = append(pids, pid)
		default:
			_ = os.Remove(f.path(e.Name()))
		}
	}
	return pids
}

// held says whether a process holds the lock of a file.
func held(file string) bool {
	info, err := os.Lstat(file)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	lock := flock.New(file, flock.SetFlag(os.O_RDONLY))
	free, err := lock.TryLock()
	_ = lock.Close()
	return err == nil && !free
}
