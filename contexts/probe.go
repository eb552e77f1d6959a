package contexts

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/api/types/system"
	dockerclient "github.com/moby/moby/client"
)

// ProbeTimeout is how long one engine may take to say what it is.
const ProbeTimeout = 5 * time.Second

// ErrNoAnswer is why a node cannot be used whose engine did not answer within
// ProbeTimeout.
var ErrNoAnswer = errors.New("no answer")

// ErrSameEngine is why a node is not used that reaches an engine which another
// node, earlier in the order, reaches too.
var ErrSameEngine = errors.New("same engine")

// Probe asks every node's engine what it is, all at once, each for at most
// ProbeTimeout. What went wrong with a node is in its Err; the only error
// returned is that ctx ended.
func (ns Nodes) Probe(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, n := range ns {
		if n.Err != nil {
			continue
		}
		wg.Go(func() { n.probe(ctx) })
	}
	wg.Wait()
	ns.markDuplicates()
	return context.Cause(ctx)
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

func (n *Node) probe(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(ctx, ProbeTimeout, ErrNoAnswer)
	defer cancel()
	started := time.Now()
	ping, err := n.client.Ping(ctx, dockerclient.PingOptions{NegotiateAPIVersion: true})
	if err != nil {
		n.Err = n.probeError(ctx, err)
		return
	}
	n.Ping = time.Since(started)
	info, err := n.client.Info(ctx, dockerclient.InfoOptions{})
	if err != nil {
		n.Err = n.probeError(ctx, err)
		return
	}
	n.Engine, n.Err = newEngine(ping, info.Info, n.client.ClientVersion())
}

// probeError says why a probe failed. Behind an ssh channel, what is wrong on the
// other side shows only in the text of what the channel made of it.
func (n *Node) probeError(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), ErrNoAnswer) {
		return fmt.Errorf("%w within %s", ErrNoAnswer, ProbeTimeout)
	}
	if n.link != nil && !errors.Is(err, ErrSSH) {
		return sshError(err.Error())
	}
	return err
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
