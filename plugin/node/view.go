package node

import (
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/config"
)

// The states of a node.
const (
	statusReady    = "ready"
	statusDead     = "dead"
	statusUnused   = "unused" // another context reaches the same engine
	statusExcluded = "excluded"
	statusAsleep   = "asleep"   // it can be started
	statusStarting = "starting" // a run starts or stops it, or waits for its engine
	statusOwed     = "owed"     // it has to be stopped yet
)

// nodeView is what the node commands show of a node; its JSON is a documented
// interface.
type nodeView struct {
	Name     string `json:"name"`
	Current  bool   `json:"current"`
	Endpoint string `json:"endpoint"`
	Status   string `json:"status"`
	// Reason says why the node is not ready.
	Reason string `json:"reason,omitempty"`
	// Platform is the engine's own; Compatible are others that the machine
	// runs itself, Emulated those for which it has an emulator.
	Platform   string   `json:"platform,omitempty"`
	Compatible []string `json:"compatible,omitempty"`
	Emulated   []string `json:"emulated,omitempty"`
	Engine     string   `json:"engine,omitempty"`
	EngineID   string   `json:"engineID,omitempty"`
	API        string   `json:"api,omitempty"`
	Builder    string   `json:"builder,omitempty"`
	ImageStore string   `json:"imageStore,omitempty"`
	CPUs       int      `json:"cpus,omitempty"`
	// Memory is in bytes.
	Memory             int64    `json:"memory,omitempty"`
	PingSeconds        float64  `json:"pingSeconds,omitempty"`
	ClockSkewSeconds   float64  `json:"clockSkewSeconds,omitempty"`
	InsecureRegistries []string `json:"insecureRegistries,omitempty"`
	Parallel           int      `json:"parallel"`
	Insecure           bool     `json:"insecure"`
	Advice             []advice `json:"advice,omitempty"`

	short string // reason
}

// newNodeView shows a node that was probed.
func newNodeView(n *contexts.Node, emulates []ocispec.Platform) nodeView {
	e := n.Engine
	v := nodeView{
		Name: oneLine(n.Name), Current: n.Current, Endpoint: oneLine(n.Host), Status: statusReady,
		Parallel: max(n.Parallel, 1), Insecure: n.Insecure,
	}
	if n.Err != nil {
		v.Status = statusDead
		if errors.Is(n.Err, contexts.ErrSameEngine) {
			v.Status = statusUnused
		}
		v.Reason, v.short = oneLine(n.Err.Error()), oneLine(shortReason(n.Err))
	}
	if e.ID == "" {
		return v
	}
	v.Platform = oneLine(platforms.FormatAll(e.Platform))
	v.Compatible, v.Emulated = also(n, emulates)
	v.Engine, v.EngineID, v.API = oneLine(e.Version), oneLine(e.ID), e.APIVersion
	v.Builder, v.ImageStore = string(e.Builder), string(e.ImageStore)
	v.CPUs, v.Memory = e.CPUs, e.Memory
	v.PingSeconds, v.ClockSkewSeconds = n.Ping.Seconds(), e.Skew.Round(time.Second).Seconds()
	for _, host := range e.InsecureRegistries {
		v.InsecureRegistries = append(v.InsecureRegistries, oneLine(host))
	}
	slices.Sort(v.InsecureRegistries)
	return v
}

// excludedView shows a node that is not used, and was not dialled for that.
func excludedView(n *contexts.Node, c *config.Config) nodeView {
	v := newNodeView(n, nil)
	v.Status, v.Reason = statusExcluded, excludedReason(n.Name, c)
	v.short = v.Reason
	return v
}

func excludedReason(name string, c *config.Config) string {
	if line := c.Node(name).LineOf("exclude"); line > 0 {
		return place(c, line)
	}
	return "not among the nodes of " + place(c, c.LineOf("nodes"))
}

// shortReason is the cause alone: the endpoint stands beside it.
func shortReason(err error) string {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	if failed, ok := errors.AsType[*net.OpError](err); ok && failed.Err != nil {
		err = failed.Err
	}
	return err.Error()
}

// oneLine makes text from elsewhere fit for a cell of a table.
func oneLine(text string) string {
	return strings.Join(strings.Fields(progress.Clean(text)), " ")
}
