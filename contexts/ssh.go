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
	"strconv"
	"sync"
	"time"

	"github.com/docker/cli/cli/connhelper"
	"github.com/docker/cli/cli/connhelper/ssh"

	"github.com/docker-multiarch/docker-multiarch/retry"
)

const (
	// connectTimeout bounds one attempt to log in over ssh.
	connectTimeout = 8 * time.Second
	// closeTimeout is how long the other side may take to close a channel.
	closeTimeout = time.Second
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

	closing chan struct{} // closed by close
	once    sync.Once

	login sync.Mutex // held while logging in

	mu   sync.Mutex
	open bool
	err  error // of the last login
}

// newSSHLink prepares the connection to an ssh:// endpoint; it connects to
// nobody. dummyHost is the URL to be used in HTTP requests.
func newSSHLink(endpoint string) (_ *sshLink, dummyHost string, err error) {
	l := &sshLink{closing: make(chan struct{})}
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

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }

// dial opens a channel to the engine, logging in first if nobody did.
func (l *sshLink) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if l.dir != "" {
		if err := l.connect(ctx); err != nil {
			return nil, err
		}
	}
	conn, err := l.dialer(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &sshChannel{Conn: conn, link: l}, nil
}

// connect logs in once; whoever comes meanwhile waits for it. A server that
// turns the connection away because it has too many is asked again.
func (l *sshLink) connect(ctx context.Context) error {
	l.login.Lock()
	defer l.login.Unlock()
	if l.isOpen() {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, connectTimeout, fmt.Errorf("%w within %s", ErrNoAnswer, connectTimeout))
	defer cancel()
	go func() {
		select {
		case <-l.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	for {
		err := l.logIn(ctx)
		l.mu.Lock()
		l.open, l.err = err == nil, err
		l.mu.Unlock()
		if !errors.Is(err, ErrSSHBusy) {
			return err
		}
		pause := 200*time.Millisecond + rand.N(800*time.Millisecond) //nolint:gosec // spreads load, hides nothing
		if retry.Sleep(ctx, pause) != nil {
			return err
		}
	}
}

func (l *sshLink) isOpen() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// logIn starts the shared connection: ssh authenticates, then leaves a process
// in the background that ends with the last channel, or when told to.
func (l *sshLink) logIn(ctx context.Context) error {
	// A file, not a pipe: the background process keeps it open.
	words, err := os.Create(filepath.Join(l.dir, "stderr"))
	if err != nil {
		return fmt.Errorf("sharing an ssh connection: %w", err)
	}
	defer func() { _ = words.Close() }()
	args := append([]string{"-f", "-N", "-T", "-o", "ControlMaster=yes", "-o", "ControlPersist=" + seconds(idleTimeout)}, l.flags...)
	cmd := exec.CommandContext(ctx, "ssh", append(args, l.spec.Args()...)...) //nolint:gosec // the arguments are options and a checked host
	cmd.Stderr = words
	err = cmd.Run()
	if err == nil {
		return nil
	}
	if errors.Is(err, exec.ErrNotFound) {
		return &SSHError{Kind: ErrSSH, Text: err.Error()}
	}
	text, readErr := os.ReadFile(words.Name())
	if readErr != nil {
		return &SSHError{Kind: ErrSSH, Text: err.Error()}
	}
	if cause := context.Cause(ctx); cause != nil && len(bytes.TrimSpace(text)) == 0 {
		return cause
	}
	return sshError(string(text))
}

// failure returns why the last login failed, or nil.
func (l *sshLink) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// close ends the shared connection and removes what belongs to it.
func (l *sshLink) close() error {
	l.once.Do(func() { close(l.closing) })
	if l.dir == "" {
		return nil
	}
	l.login.Lock()
	defer l.login.Unlock()
	if l.isOpen() {
		l.hangUp()
	}
	return os.RemoveAll(l.dir)
}

// hangUp ends the shared connection with all its channels. If that fails it
// ends by itself, idleTimeout after its last user.
func (l *sshLink) hangUp() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	args := append([]string{"-O", "exit"}, l.flags...)
	_ = exec.CommandContext(ctx, "ssh", append(args, l.spec.Args()...)...).Run() //nolint:gosec // as in logIn
}

// sshChannel is a channel of a shared connection.
type sshChannel struct {
	net.Conn
	link *sshLink
}

// Close ends the channel. The other side may not let go of it (a profile that
// hangs, a machine that stopped); then the whole connection is given up, or the
// caller would wait as long as the other side likes.
func (c *sshChannel) Close() error {
	closed := make(chan error, 1)
	go func() { closed <- c.Conn.Close() }()
	select {
	case err := <-closed:
		return err
	case <-time.After(closeTimeout):
	}
	c.link.hangUp()
	return <-closed
}
