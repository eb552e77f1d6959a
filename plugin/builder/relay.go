package builder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/manifest/archive"
	"github.com/docker-multiarch/docker-multiarch/manifest/layout"
)

// relay is where images of nodes that don't push are on this machine: in an OCI
// layout in a temporary directory, made when the first of them comes. To the
// registry client it is a repository among others.
type relay struct {
	registry *manifest.Registry
	// name is the repository.
	name reference.Named
	// convert makes OCI media types of Docker's.
	convert bool

	mu  sync.Mutex
	dir *layout.Dir // nil as long as nothing is in it
}

const relayHost = "relay.invalid"

// newRelay attaches a relay to the registry client, which must not be in use yet.
func newRelay(registry *manifest.Registry) (*relay, error) {
	name, err := reference.WithName(relayHost + "/image")
	if err != nil {
		return nil, err
	}
	r := &relay{registry: registry, name: name}
	registry.Attach(relayHost, r)
	return r, nil
}

func (r *relay) open() (_ *layout.Dir, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dir == nil {
		r.dir, err = layout.Temporary(os.TempDir())
	}
	return r.dir, err
}

// close deletes what was taken.
func (r *relay) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dir == nil {
		return nil
	}
	return r.dir.Close()
}

// Name implements build.Relay.
func (r *relay) Name() reference.Named { return r.name }

// RoundTrip implements http.RoundTripper.
func (r *relay) RoundTrip(req *http.Request) (*http.Response, error) {
	dir, err := r.open()
	if err != nil {
		return nil, err
	}
	return dir.RoundTrip(req)
}

// Take implements build.Relay.
func (r *relay) Take(ctx context.Context, image build.Image, saved io.Reader) (ocispec.Descriptor, error) {
	dir, err := r.open()
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return archive.ReadImage(ctx, saved, dir, image.ID, r.convert)
}

// Push implements build.Relay. What the registry has is not sent again.
func (r *relay) Push(ctx context.Context, taken ocispec.Descriptor, name reference.Named) error {
	tagged, ok := name.(reference.NamedTagged)
	if !ok {
		_, err := r.registry.Transfer(ctx, r.name, name, []ocispec.Descriptor{taken})
		return err
	}
	from, err := reference.WithDigest(r.name, taken.Digest)
	if err != nil {
		return err
	}
	_, _, err = r.registry.Copy(ctx, from, tagged)
	if errors.Is(err, manifest.ErrImmutable) {
		err = fmt.Errorf("%w: %w", build.ErrImmutable, err)
	}
	return err
}
