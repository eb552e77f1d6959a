package contexts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/docker/cli/cli/connhelper"
	"github.com/docker/cli/cli/connhelper/ssh"
)

const (
	// connectTimeout bounds one attempt to log in over ssh.
	connectTimeout = 8 * time.Second
	// idleTimeout is how long a shared connection outlives its last user, if
	// nobody could close it.
	idleTimeout = 30 * time.Second
	// longestSocketPath is what is left for the directory of a control
	// socket: the path of a Unix socket has at most 104 bytes on macOS, and
	// ssh appends a random name while it makes one.
	longestSocketPath = 60
)

// sshLink is the one ssh connection to a node. Everything that talks to the
// node (probe, build, session, push) is a channel of that connection, so there
// is one login whatever the number of requests: servers limit how many may be
// under way (MaxStartups), and a login is slow.
//
// Clients on Windows can't share connections; there each channel is a
// connection of its own.
type sshLink struct {
	spec   *ssh.Spec
	flags  []string
	dialer func(ctx context.Context, network, addr string) (net.Conn, error)
	dir    string

	mu   sync.Mutex
	open bool
}

// newSSHLink prepares the connection to an ssh:// endpoint; it connects to
// nobody. dummyHost is the URL to be used in HTTP requests.
func newSSHLink(endpoint string) (_ *sshLink, dummyHost string, err error) {
	l := &sshLink{}
	if l.spec, err = ssh.ParseURL(endpoint); err != nil {
		return nil, "", err
	}
	l.flags = []string{
		"-o", "BatchMode=yes", // never ask: nobody would see the question
		"-o", "ConnectTimeout=" + seconds(connectTimeout),
		"-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3",
	}
	if runtime.GOOS != "windows" {
		if l.dir, err = controlDir(); err != nil {
			return nil, "", fmt.Errorf("sharing an ssh connection: %w", err)
		}
		l.flags = append(l.flags, "-o", "ControlPath="+filepath.Join(l.dir, "s"))
	}
	helper, err := connhelper.GetConnectionHelperWithSSHOpts(endpoint, append(l.flags, "-o", "ControlMaster=no"))
	if err != nil {
		return nil, "", errors.Join(err, os.RemoveAll(l.dir))
	}
	l.dialer = helper.Dialer
	return l, helper.Host, nil
}

// controlDir makes a directory whose name leaves room for a socket's.
func controlDir() (string, error) {
	parent := os.TempDir()
	if len(parent) > longestSocketPath {
		parent = "/tmp"
	}
	return os.MkdirTemp(parent, "multiarch-")
}

func seconds(d time.Duration) string { return fmt.Sprint(int(d.Seconds())) }

// dial opens a channel to the engine, logging in first if nobody did.
func (l *sshLink) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if l.dir != "" {
		if err := l.connect(ctx); err != nil {
			return nil, err
		}
	}
	return l.dialer(ctx, network, addr)
}

// connect logs in once; whoever comes meanwhile waits for it. A server that
// turns the connection away because it has too many is asked again.
func (l *sshLink) connect(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open {
		return nil
	}
	for {
		err := l.login(ctx)
		if err == nil {
			l.open = true
			return nil
		}
		if !errors.Is(err, ErrSSHBusy) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200*time.Millisecond + rand.N(800*time.Millisecond)): //nolint:gosec // spreads load, hides nothing
		}
	}
}

// login starts the shared connection: ssh authenticates, then leaves a process
// in the background that ends with the last channel, or when told to.
func (l *sshLink) login(ctx context.Context) error {
	// A file, not a pipe: the background process keeps it open.
	words, err := os.Create(filepath.Join(l.dir, "stderr"))
	if err != nil {
		return fmt.Errorf("sharing an ssh connection: %w", err)
	}
	defer words.Close()
	args := append([]string{"-f", "-N", "-T", "-o", "ControlMaster=yes", "-o", "ControlPersist=" + seconds(idleTimeout)}, l.flags...)
	cmd := exec.CommandContext(ctx, "ssh", append(args, l.spec.Args()...)...) //nolint:gosec // the arguments are options and a checked host
	cmd.Stderr = words
	err = cmd.Run()
	if err == nil {
		return nil
	}
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrSSH, err)
	}
	text, readErr := os.ReadFile(words.Name())
	if readErr != nil {
		return fmt.Errorf("%w: %w", ErrSSH, err)
	}
	if cause := context.Cause(ctx); cause != nil && len(bytes.TrimSpace(text)) == 0 {
		return cause
	}
	return sshError(string(text))
}

// close ends the shared connection.
func (l *sshLink) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dir == "" {
		return nil
	}
	if l.open {
		l.open = false
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		args := append([]string{"-O", "exit"}, l.flags...)
		// If this fails the connection ends by itself after idleTimeout.
		_ = exec.CommandContext(ctx, "ssh", append(args, l.spec.Args()...)...).Run() //nolint:errcheck,gosec // as above
	}
	return os.RemoveAll(l.dir)
}
