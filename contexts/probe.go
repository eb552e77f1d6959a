package contexts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/api/types/system"
	dockerclient "github.com/moby/moby/client"
)

// ProbeTimeout is how long one engine may take to say what it is; over ssh it
// has SSHProbeTimeout, because there is a login before.
const (
	ProbeTimeout    = 5 * time.Second
	SSHProbeTimeout = 9 * time.Second
)

// Why a node can't be used though nothing is wrong with its context.
var (
	// ErrNoAnswer: its engine did not answer in time.
	ErrNoAnswer = errors.New("no answer")
	// ErrNotAwaited: what the others said was enough, before it answered.
	ErrNotAwaited = errors.New("no answer yet, and not needed")
	// ErrSameEngine: a node earlier in the order reaches the same engine.
	ErrSameEngine = errors.New("same engine")
)

// Probe asks every node's engine what it is, all at once, each for a limited
// time. What went wrong with a node is in its Err; the only error returned is
// that ctx ended. After each answer enough is asked (if it is not nil) whether
// that will do; the nodes that did not answer by then are ErrNotAwaited. Nodes
// that were probed before are left alone.
func (ns Nodes) Probe(ctx context.Context, enough func(Nodes) bool) error {
	probing, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	answers := make(chan answer)
	waiting := 0
	for _, n := range ns {
		if n.Err == nil && !n.Usable() {
			waiting++
			go func() { answers <- n.probe(probing) }()
		}
	}
	// Nodes are written here alone, so that enough can read them.
	for ; waiting > 0; waiting-- {
		a := <-answers
		a.node.Engine, a.node.Ping, a.node.Err = a.engine, a.ping, a.err
		if enough != nil && enough(ns) {
			cancel(ErrNotAwaited)
		}
	}
	ns.markDuplicates()
	return context.Cause(ctx)
}

// Spare returns the nodes whose answer was not awaited, ready to be probed
// after all.
func (ns Nodes) Spare() Nodes {
	var spare Nodes
	for _, n := range ns {
		if errors.Is(n.Err, ErrNotAwaited) {
			n.Err = nil
			spare = append(spare, n)
		}
	}
	return spare
}

// answer is what came of probing a node.
type answer struct {
	node   *Node
	engine Engine
	ping   time.Duration
	err    error
}

func (n *Node) probe(ctx context.Context) answer {
	ctx, cancel := context.WithTimeoutCause(ctx, n.probeTimeout(), ErrNoAnswer)
	defer cancel()
	a := answer{node: n}
	started := time.Now()
	ping, err := n.client.Ping(ctx, dockerclient.PingOptions{NegotiateAPIVersion: true})
	if err != nil {
		a.err = n.probeError(ctx, err)
		return a
	}
	a.ping = time.Since(started)
	info, err := n.client.Info(ctx, dockerclient.InfoOptions{})
	if err != nil {
		a.err = n.probeError(ctx, err)
		return a
	}
	a.engine, a.err = newEngine(ping, info.Info, n.client.ClientVersion())
	if a.err == nil {
		a.engine.Skew = skew(info.Info.SystemTime, time.Now())
		a.engine.Builder = cmp.Or(n.Builder, a.engine.Builder)
	}
	return a
}

func (n *Node) probeTimeout() time.Duration {
	switch {
	case n.Timeout > 0:
		return n.Timeout
	case n.link != nil:
		return SSHProbeTimeout
	default:
		return ProbeTimeout
	}
}

// probeError says why a probe failed.
func (n *Node) probeError(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, ErrNotAwaited) {
		return cause
	}
	if n.link != nil {
		if failure := n.sshFailure(err, cause != nil); failure != nil {
			return failure
		}
	}
	if errors.Is(cause, ErrNoAnswer) {
		return fmt.Errorf("%w within %s", ErrNoAnswer, n.probeTimeout())
	}
	return err
}

// sshFailure finds what was wrong with an ssh endpoint: the login, or what the
// other side wrote into the channel, which shows only in the text of what the
// API client made of it.
func (n *Node) sshFailure(err error, timedOut bool) error {
	if failure := n.link.failure(); failure != nil || timedOut {
		return failure
	}
	return sshError(err.Error())
}

// markDuplicates leaves each engine to the first node that reaches it.
func (ns Nodes) markDuplicates() {
	first := map[string]*Node{}
	for _, n := range ns {
		if !n.Usable() {
			continue
		}
		if other, ok := first[n.Engine.ID]; ok {
			n.Err = fmt.Errorf("%w as %s", ErrSameEngine, other.Name)
			continue
		}
		first[n.Engine.ID] = n
	}
}

// Alive asks the node's engine for a sign of life.
func (n *Node) Alive(ctx context.Context) error {
	_, err := n.client.Ping(ctx, dockerclient.PingOptions{})
	return err
}

func newEngine(ping dockerclient.PingResult, info system.Info, apiVersion string) (Engine, error) {
	platform, err := nativePlatform(info.OSType, info.Architecture, info.OSVersion)
	if err != nil {
		return Engine{}, err
	}
	e := Engine{
		Hostname:   info.Name,
		ID:         info.ID,
		Version:    info.ServerVersion,
		APIVersion: apiVersion,
		Platform:   platform,
		Builder:    builderOf(ping.BuilderVersion, info.OSType),
		ImageStore: imageStoreOf(info),
		CPUs:       info.NCPU,
		Memory:     info.MemTotal,
	}
	if e.ID == "" {
		return Engine{}, errors.New("engine has no ID")
	}
	e.InsecureRegistries = insecureRegistries(info)
	return e, nil
}

// skew compares the engine's clock with this one's. An engine that does not say
// what time it is counts as right.
func skew(systemTime string, now time.Time) time.Duration {
	theirs, err := time.Parse(time.RFC3339Nano, systemTime)
	if err != nil {
		return 0
	}
	return theirs.Sub(now)
}

// builderOf follows docker/cli: engine 20.10 sends an empty builder version,
// which means "decide by the operating system".
func builderOf(version build.BuilderVersion, osType string) Builder {
	switch {
	case version == build.BuilderBuildKit:
		return BuildKit
	case version == "" && osType != "windows":
		return BuildKit
	default:
		return Classic
	}
}

func imageStoreOf(info system.Info) ImageStore {
	for _, kv := range info.DriverStatus {
		if kv[0] == "driver-type" && kv[1] == "io.containerd.snapshotter.v1" {
			return Containerd
		}
	}
	return GraphDriver
}

func insecureRegistries(info system.Info) []string {
	if info.RegistryConfig == nil {
		return nil
	}
	var hosts []string
	for _, network := range info.RegistryConfig.InsecureRegistryCIDRs {
		hosts = append(hosts, network.String())
	}
	for host, index := range info.RegistryConfig.IndexConfigs {
		if index != nil && !index.Secure {
			hosts = append(hosts, host)
		}
	}
	return hosts
}
