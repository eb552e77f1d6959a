package contexts

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/platforms"
	dockerclient "github.com/moby/moby/client"

	"github.com/docker-multiarch/docker-multiarch/retry"
)

// Why a node that was started can't be used.
var (
	// ErrAsleep: it has to be started first, and was not needed.
	ErrAsleep = errors.New("asleep")
	// ErrNotDeclared: its engine is of another platform than was declared.
	ErrNotDeclared = errors.New("not what its platforms say")
)

const (
	firstAwait, longestAwait = 200 * time.Millisecond, 3 * time.Second
	// renewal is the name of the volume that is made to renew a node.
	renewal = "docker-multiarch-renewal"
)

// Sleeps says whether the node may be one that sleeps: nobody answered. An
// endpoint that answers and turns us away is awake.
func (n *Node) Sleeps() bool {
	return n.client != nil && n.Err != nil && !refuses(n.Err) &&
		!errors.Is(n.Err, ErrNotAwaited) && !errors.Is(n.Err, ErrSameEngine)
}

// refuses says whether waiting can't help.
func refuses(err error) bool {
	return errors.Is(err, ErrSSHHostKeyUnknown) || errors.Is(err, ErrSSHHostKeyChanged)
}

// Await asks the engine of a node that was started what it is, again and again
// until it answers or the limit is over, and returns the node as it is then. n
// itself stays as it is, so that others may read it meanwhile. An engine whose
// platform is not among those declared is an ErrNotDeclared.
func (n *Node) Await(ctx context.Context, limit time.Duration) (*Node, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("%w within %s", ErrNoAnswer, limit))
	defer cancel()
	awake := *n
	awake.Asleep, awake.Timeout = false, 0
	for pause := firstAwait; ; pause = min(2*pause, longestAwait) {
		a := awake.probe(ctx)
		if a.err == nil {
			awake.Engine, awake.Ping, awake.Err = a.engine, a.ping, nil
			return &awake, awake.asDeclared()
		}
		if refuses(a.err) {
			return nil, a.err
		}
		if retry.Sleep(ctx, pause) != nil {
			if cause := context.Cause(ctx); !errors.Is(cause, ErrNoAnswer) {
				return nil, cause
			}
			return nil, fmt.Errorf("%w: %w", context.Cause(ctx), a.err)
		}
	}
}

func (n *Node) asDeclared() error {
	for _, p := range n.Declares {
		if platforms.OnlyStrict(n.Engine.Platform).Match(p) {
			return nil
		}
	}
	return fmt.Errorf("%w: the engine is %s", ErrNotDeclared, platforms.FormatAll(n.Engine.Platform))
}

// Busy says what containers run on the engine that were made after a time; "" is
// none. Containers of before that were started with the machine belong to it.
// Builds of others don't show.
func (n *Node) Busy(ctx context.Context, since time.Time) (string, error) {
	list, err := n.client.ContainerList(ctx, dockerclient.ContainerListOptions{})
	if err != nil {
		return "", err
	}
	var names []string
	for _, c := range list.Items {
		if c.Created >= since.Unix() {
			names = append(names, strings.TrimPrefix(strings.Join(c.Names, ","), "/"))
		}
	}
	const most = 5
	switch {
	case len(names) == 0:
		return "", nil
	case len(names) > most:
		names = append(names[:most], "…")
	}
	return "containers " + strings.Join(names, ", "), nil
}

// Renew leaves a trace in the engine's events, so that a timer on the node sees
// that it is in use. It makes a volume and removes it, which takes no image and
// no privileges.
func (n *Node) Renew(ctx context.Context) error {
	if _, err := n.client.VolumeCreate(ctx, dockerclient.VolumeCreateOptions{Name: renewal}); err != nil {
		return fmt.Errorf("renewing node %s: %w", n.Name, err)
	}
	// Another build may use the same one; what is left is empty.
	_, _ = n.client.VolumeRemove(ctx, renewal, dockerclient.VolumeRemoveOptions{})
	return nil
}
