//go:build e2e

package e2e

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"gotest.tools/v3/assert"
)

// wire is a way to an engine that can be disturbed without harm to the engine and to other tests.
type wire struct {
	host     string // For a context.
	listener net.Listener
	dialled  atomic.Int64

	mu     sync.Mutex
	conns  []net.Conn
	frozen chan struct{} // Closed to have all copying stand still.
	ended  chan struct{}
}

func newWire(t *testing.T, e engine) *wire {
	t.Helper()
	path := filepath.Join(t.TempDir(), "docker.sock")
	listener, err := net.Listen("unix", path)
	assert.NilError(t, err)
	assert.NilError(t, os.Chmod(path, 0o666)) // For clients that are not root.
	w := &wire{host: "unix://" + path, listener: listener, frozen: make(chan struct{}), ended: make(chan struct{})}
	go w.serve(e)
	t.Cleanup(w.cut)
	return w
}

func (w *wire) serve(e engine) {
	for {
		near, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.dialled.Add(1)
		far, err := net.Dial("unix", filepath.Join(farm.root, "engines", string(e), "docker.sock"))
		if err != nil {
			near.Close()
			continue
		}
		w.mu.Lock()
		w.conns = append(w.conns, near, far)
		w.mu.Unlock()
		go w.copy(near, far)
		go w.copy(far, near)
	}
}

// copy passes on what comes, and that nothing more comes.
func (w *wire) copy(to, from net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		select {
		case <-w.frozen:
			<-w.ended
			return
		default:
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				from.Close()
				return
			}
		}
		if errors.Is(err, io.EOF) {
			_ = to.(*net.UnixConn).CloseWrite()
			return
		}
		if err != nil {
			to.Close()
			return
		}
	}
}

// freeze lets nothing pass any more. The connections stay open.
func (w *wire) freeze() { close(w.frozen) }

// cut breaks all connections, and refuses new ones.
func (w *wire) cut() {
	w.listener.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, conn := range w.conns {
		conn.Close()
	}
	select {
	case <-w.ended:
	default:
		close(w.ended)
	}
}
