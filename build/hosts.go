package build

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	buildkit "github.com/moby/buildkit/client"

	"github.com/docker-multiarch/docker-multiarch/contexts"
)

// HostGateway stands in AddHosts for the address at which a RUN step reaches the
// machine that its engine is on. It is another one on every node.
const HostGateway = "host-gateway"

// labelHostGateway is how the BuildKit in an engine tells that address (moby,
// daemon/internal/builder-next/worker/label).
const labelHostGateway = "org.mobyproject.buildkit.worker.moby.host-gateway-ip"

// needsHostGateway says whether a request leaves an address to the node.
func needsHostGateway(r Request) bool {
	return slices.ContainsFunc(r.AddHosts, func(line string) bool { return strings.HasSuffix(line, "="+HostGateway) })
}

// withHostGateway is req with the node's own address. The classic builder puts it
// in by itself.
func withHostGateway(ctx context.Context, req Request, n *contexts.Node, client *buildkit.Client) (Request, error) {
	if !needsHostGateway(req) {
		return req, nil
	}
	workers, err := client.ListWorkers(ctx)
	if err != nil {
		return req, blame(ctx, n, fmt.Errorf("asking for the host gateway: %w", err))
	}
	for _, w := range workers {
		if ip := net.ParseIP(w.Labels[labelHostGateway]); ip != nil {
			req.AddHosts = atHostGateway(req.AddHosts, ip)
			return req, nil
		}
	}
	return req, &UnsupportedError{
		Feature: "--add-host with " + HostGateway, Node: n.Name, Version: n.Engine.Version,
		Needs: "an engine that tells the address of its host",
	}
}

// atHostGateway puts an address in.
func atHostGateway(hosts []string, ip net.IP) []string {
	all := slices.Clone(hosts)
	for i, line := range all {
		if host, found := strings.CutSuffix(line, "="+HostGateway); found {
			all[i] = host + "=" + ip.String()
		}
	}
	return all
}
