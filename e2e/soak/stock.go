//go:build linux

package soak

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"

	buildkit "github.com/moby/buildkit/client"
	dockerclient "github.com/moby/moby/client"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
	"golang.org/x/sync/errgroup"
)

// Stock builds as docker buildx does with an engine's own builder, with nothing between the directory and BuildKit's sender; the files
// come back as a tar. Docker's clients before 23.0 read exceptions in ignore files otherwise, and don't find line breaks in names, so
// `docker build` of Debian 12 is no reference for those.
func Stock(ctx context.Context, host string, c Context, dest string) (err error) {
	engine, err := dockerclient.New(dockerclient.WithHost(host))
	if err != nil {
		return err
	}
	defer engine.Close()
	client, err := buildkit.New(ctx, "", buildkit.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		return engine.DialHijack(ctx, "/grpc", "h2c", nil)
	}), buildkit.WithSessionDialer(func(ctx context.Context, proto string, meta map[string][]string) (net.Conn, error) {
		return engine.DialHijack(ctx, "/session", proto, meta)
	}))
	if err != nil {
		return err
	}
	defer client.Close()
	file := c.File
	if file == "" {
		file = filepath.Join(c.Dir, "Dockerfile")
	}
	mounts := map[string]fsutil.FS{}
	for name, dir := range map[string]string{"context": c.Dir, "dockerfile": filepath.Dir(file)} {
		if mounts[name], err = fsutil.NewFS(dir); err != nil {
			return err
		}
		if mounts[name], err = fsutil.NewFilterFS(mounts[name], &fsutil.FilterOpt{Map: ownedByRoot}); err != nil {
			return err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	events := make(chan *buildkit.SolveStatus)
	group.Go(func() error {
		for range events {
		}
		return nil
	})
	group.Go(func() error {
		_, err := client.Solve(ctx, nil, buildkit.SolveOpt{
			Frontend:      "dockerfile.v0",
			FrontendAttrs: map[string]string{"filename": filepath.Base(file), "no-cache": ""},
			LocalMounts:   mounts,
			Exports: []buildkit.ExportEntry{{Type: buildkit.ExporterTar, Output: func(map[string]string) (io.WriteCloser, error) {
				return os.Create(dest)
			}}},
		}, events)
		return err
	})
	return group.Wait()
}

// ownedByRoot is what docker build makes of a file's owner.
func ownedByRoot(_ string, s *types.Stat) fsutil.MapResult {
	s.Uid, s.Gid = 0, 0
	return fsutil.MapResultKeep
}
