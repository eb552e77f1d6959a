//go:build linux

package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
	"golang.org/x/sync/errgroup"

	"github.com/docker-multiarch/docker-multiarch/build/source"
)

// pipe is one end of a connection such as BuildKit's session has. Pause comes before each message.
type pipe struct {
	ctx   context.Context //nolint:containedctx // fsutil's interface wants it
	in    <-chan []byte
	out   chan<- []byte
	ended <-chan struct{} // Closed when the other end is gone.
	pause func()
}

func (p pipe) Context() context.Context { return p.ctx }

func (p pipe) SendMsg(m any) error {
	text, err := m.(*types.Packet).Marshal()
	if err != nil {
		return err
	}
	p.pause()
	select {
	case p.out <- text:
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
}

func (p pipe) RecvMsg(m any) error {
	select {
	case text := <-p.in:
		return m.(*types.Packet).Unmarshal(text)
	case <-p.ctx.Done():
		return p.ctx.Err()
	case <-p.ended:
	}
	select {
	case text := <-p.in:
		return m.(*types.Packet).Unmarshal(text)
	default:
		return io.EOF
	}
}

// node stands for a node: it has what it got, and is as slow as a network.
type node struct {
	dir    string
	random *rand.Rand
}

// receive sends a view to the node as BuildKit's session does. What the node has already it does not ask for.
func (n *node) receive(ctx context.Context, s *source.Snapshot) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	view := s.View(cancel)
	// As in a build, where the last filter says what a node is told of.
	files, err := fsutil.NewFilterFS(view, &fsutil.FilterOpt{Map: view.Used})
	if err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	here, there := make(chan []byte, 2), make(chan []byte, 2)
	sent, received := make(chan struct{}), make(chan struct{})
	group.Go(func() error {
		defer close(sent)
		return fsutil.Send(groupCtx, pipe{groupCtx, here, there, received, n.pause}, files, nil)
	})
	group.Go(func() error {
		defer close(received)
		return fsutil.Receive(groupCtx, pipe{groupCtx, there, here, sent, func() {}}, n.dir, fsutil.ReceiveOpt{})
	})
	err = group.Wait()
	if view.Err() != nil {
		return view.Err()
	}
	return err
}

func (n *node) pause() {
	if n.random.IntN(8) == 0 {
		time.Sleep(time.Duration(n.random.IntN(1000)) * time.Microsecond)
	}
}

// sums are the files that the node has.
func (n *node) sums() (map[string]string, error) {
	all := map[string]string{}
	err := filepath.WalkDir(n.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(n.dir, path)
		all[name] = sumOf(text)
		return err
	})
	return all, err
}

// What came of a round.
const (
	Noticed  = "noticed"  // A change was noticed, and the build failed for it.
	Unharmed = "unharmed" // The build went well, and has files that were there at one time.
)

// Mutate sends a directory to two nodes as a build does, while it is being changed. In half of the rounds the nodes have an older
// state of it. The error tells that the nodes have what they must not have, or that a failure does not say why.
func Mutate(ctx context.Context, seed uint64, dir string) (outcome string, err error) {
	random := rand.New(rand.NewPCG(seed, 2))
	w, err := NewWriter(random, filepath.Join(dir, "context"), filepath.Join(dir, "outside"))
	if err != nil {
		return "", err
	}
	nodes := []*node{}
	for i := range 2 {
		n := &node{filepath.Join(dir, fmt.Sprint("node", i)), rand.New(rand.NewPCG(seed, uint64(3+i)))}
		if err := os.Mkdir(n.dir, 0o755); err != nil {
			return "", err
		}
		nodes = append(nodes, n)
	}
	if seed%2 == 0 { // One or both have built before.
		if err := send(ctx, w.dir, func() {}, nodes[:1+random.IntN(2)]...); err != nil {
			return "", fmt.Errorf("nothing was changed: %w", err)
		}
		for range random.IntN(6) {
			w.step++
			if err := w.change(); err != nil {
				return "", err
			}
		}
	}
	stop, changing := make(chan struct{}), errgroup.Group{}
	changing.Go(func() error { return w.Run(stop, 2*time.Millisecond) })
	failure := send(ctx, w.dir, w.Sneaky, nodes...)
	close(stop)
	if err := changing.Wait(); err != nil {
		return "", err
	}
	if failure != nil {
		if !errors.Is(failure, source.ErrChanged) || !w.Changed(failure.Error()) {
			return "", fmt.Errorf("a failure that does not tell what changed: %w", failure)
		}
		return Noticed, nil
	}
	return Unharmed, judge(w, nodes)
}

// send is what a build does, up to the moment when it says that all is well. It calls walked when it has looked at the directory.
func send(ctx context.Context, dir string, walked func(), nodes ...*node) error {
	s, err := source.Read(ctx, dir, nil)
	if err != nil {
		return err
	}
	defer s.Close()
	walked()
	group, ctx := errgroup.WithContext(ctx)
	for _, n := range nodes {
		group.Go(func() error { return n.receive(ctx, s) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return s.Verify()
}

func judge(w *Writer, nodes []*node) error {
	var first map[string]string
	for _, n := range nodes {
		got, err := n.sums()
		if err != nil {
			return err
		}
		if err := w.Wrong(got); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(n.dir), err)
		}
		if first == nil {
			first = got
		}
		if err := same(first, got); err != nil {
			return err
		}
	}
	return nil
}

// same compares what two nodes got.
func same(one, other map[string]string) error {
	for path, sum := range one {
		if other[path] != sum {
			return fmt.Errorf("the nodes differ in %q", path)
		}
	}
	if len(one) != len(other) {
		return fmt.Errorf("one node has %d files, the other %d", len(one), len(other))
	}
	return nil
}
