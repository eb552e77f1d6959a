package standin

import (
	"context"
	"io"
	"net/http"

	"github.com/containerd/platforms"
	controlapi "github.com/moby/buildkit/api/services/control"
	workerapi "github.com/moby/buildkit/api/types"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/solver/pb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// grpc serves BuildKit's Control service on the connection of the request, as engines do.
func (e *Engine) grpc(w http.ResponseWriter, _ *http.Request) {
	conn, err := hijack(w, "h2c")
	if err != nil {
		return
	}
	server := grpc.NewServer()
	controlapi.RegisterControlServer(server, &control{engine: e})
	_ = server.Serve(&only{conn: conn.(*hijacked)}) // Until the client hangs up.
}

// session takes the client's session, and asks nothing of it.
func session(w http.ResponseWriter, r *http.Request) {
	conn, err := hijack(w, r.Header.Get("Upgrade"))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, conn)
	_ = conn.Close()
}

// control is as much of BuildKit's Control service as a client needs to ask for a build.
type control struct {
	controlapi.UnimplementedControlServer

	engine *Engine
}

// ListWorkers tells what the engine claims to build for.
func (c *control) ListWorkers(context.Context, *controlapi.ListWorkersRequest) (*controlapi.ListWorkersResponse, error) {
	worker := &workerapi.WorkerRecord{ID: "stand-in"}
	for _, name := range c.engine.Workers {
		p, err := platforms.Parse(name)
		if err != nil {
			return nil, status.Error(codes.Internal, err.Error())
		}
		worker.Platforms = append(worker.Platforms, &pb.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant})
	}
	return &controlapi.ListWorkersResponse{Record: []*workerapi.WorkerRecord{worker}}, nil
}

// Info tells the version of BuildKit.
func (*control) Info(context.Context, *controlapi.InfoRequest) (*controlapi.InfoResponse, error) {
	return &controlapi.InfoResponse{BuildkitVersion: &workerapi.BuildkitVersion{Package: "github.com/moby/buildkit", Version: "stand-in"}}, nil
}

// Solve gives what the engine was told to give.
func (c *control) Solve(ctx context.Context, r *controlapi.SolveRequest) (*controlapi.SolveResponse, error) {
	if c.engine.Solve == nil {
		return nil, status.Error(codes.Unknown, "a stand-in builds nothing")
	}
	digest, err := c.engine.Solve(ctx, r.FrontendAttrs["platform"])
	if err != nil {
		return nil, status.Error(codes.Unknown, err.Error())
	}
	return &controlapi.SolveResponse{ExporterResponse: map[string]string{exptypes.ExporterImageDigestKey: digest}}, nil
}

// Status has nothing to tell of a build.
func (*control) Status(*controlapi.StatusRequest, grpc.ServerStreamingServer[controlapi.StatusResponse]) error {
	return nil
}
