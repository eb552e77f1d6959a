package windows

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"
)

// buildNumber is the third part of a Windows version, 20348 in 10.0.20348.2322; 0 if it has none.
func buildNumber(version string) int {
	parts := strings.Split(version, ".")
	if len(parts) < 3 {
		return 0
	}
	n, _ := strconv.Atoi(parts[2])
	return n
}

// compatible follows distribution/pull_v2_windows.go, checkImageCompatibility.
func (e *Engine) compatible(osVersion string) error {
	if buildNumber(osVersion) > buildNumber(e.OSVersion) {
		return fmt.Errorf("a Windows version %s-based image is incompatible with a %s host", osVersion, e.OSVersion)
	}
	return nil
}

// pull follows distribution/pull_v2.go: pullTag, pullManifestList and pullSchema2Config.
func (e *Engine) pull(ctx context.Context, out *stream, named reference.Named, login registry.AuthConfig) (v1.Image, error) {
	ref, err := name.ParseReference(named.String())
	if err != nil {
		return nil, err
	}
	out.status(reference.TagNameOnly(named).(reference.Tagged).Tag(), "Pulling from %s", reference.Path(named))
	// Layers are read when they are needed, which may be after the request.
	found, err := remote.Get(ref, options(context.WithoutCancel(ctx), login)...)
	if err != nil {
		return nil, fmt.Errorf("manifest for %s not found: %w", reference.FamiliarString(named), err)
	}
	image, err := e.choose(found)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	if config.OS != "windows" { // image/image_os.go, CheckOS
		return nil, fmt.Errorf("image operating system %q cannot be used on this platform: operating system is not supported", config.OS)
	}
	if err := e.compatible(config.OSVersion); err != nil {
		return nil, err
	}
	out.status("", "Digest: %s", found.Digest)
	out.status("", "Status: Downloaded newer image for %s", reference.FamiliarString(named))
	id, err := e.keep(image)
	if err == nil {
		e.setTag(named, id)
	}
	return image, err
}

// choose follows distribution/pull_v2_windows.go, filterManifests: those of the host's build first, none that is newer.
func (e *Engine) choose(found *remote.Descriptor) (v1.Image, error) {
	if !found.MediaType.IsIndex() {
		return found.Image()
	}
	index, err := found.ImageIndex()
	if err != nil {
		return nil, err
	}
	list, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	matches := slices.DeleteFunc(list.Manifests, func(d v1.Descriptor) bool {
		return d.Platform == nil || d.Platform.OS != "windows" || d.Platform.Architecture != "amd64" || e.compatible(d.Platform.OSVersion) != nil
	})
	if len(matches) == 0 {
		return nil, fmt.Errorf("no matching manifest for windows(%s)/amd64 in the manifest list entries", e.OSVersion)
	}
	own := func(d v1.Descriptor) bool { return buildNumber(d.Platform.OSVersion) == buildNumber(e.OSVersion) }
	return index.Image(matches[max(0, slices.IndexFunc(matches, own))].Digest)
}

// push follows api/server/router/image/image_routes.go, postImagesPush, and distribution/push_v2.go, pushTag.
func (e *Engine) push(w http.ResponseWriter, r *http.Request, repository string) error {
	named, err := reference.ParseNormalizedNamed(repository)
	if err == nil && r.FormValue("tag") != "" {
		named, err = reference.WithTag(reference.TrimNamed(named), r.FormValue("tag"))
	}
	if err != nil {
		return &statusError{http.StatusBadRequest, err.Error()}
	}
	login, _ := authconfig.Decode(r.Header.Get(registry.AuthHeader))
	out := newStream(w)
	if err := e.pushTag(r.Context(), out, named, login); err != nil {
		out.fail(err)
	}
	return nil
}

func (e *Engine) pushTag(ctx context.Context, out *stream, named reference.Named, login *registry.AuthConfig) error {
	out.status("", "The push refers to repository [%s]", named.Name())
	e.mu.Lock()
	image := e.images[e.tags[named.String()]]
	e.mu.Unlock()
	tagged, ok := named.(reference.Tagged)
	if image == nil || !ok {
		return fmt.Errorf("An image does not exist locally with the tag: %s", reference.FamiliarName(named)) //nolint:staticcheck // the engine's words
	}
	ref, err := name.ParseReference(named.String())
	if err != nil {
		return err
	}
	if image, err = distributable(image); err != nil {
		return err
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	if login == nil {
		login = &registry.AuthConfig{}
	}
	if err := remote.Write(ref, image, options(ctx, *login)...); err != nil {
		return err
	}
	for _, layer := range layers {
		id, err := layer.DiffID()
		if err != nil {
			return err
		}
		out.status(short(id.String()), "Pushed")
	}
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	size, err := image.Size()
	out.status("", "%s: digest: %s size: %d", tagged.Tag(), digest, size)
	out.aux(map[string]any{"Tag": tagged.Tag(), "Digest": digest.String(), "Size": size})
	return err
}

// distributable is the image with all layers alike: since 28.0 those that registries once did not hold are pushed too (pushDescriptor
// in distribution/push_v2.go knows schema2.MediaTypeLayer alone).
func distributable(image v1.Image) (v1.Image, error) {
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	layers, err := image.Layers()
	if err != nil {
		return nil, err
	}
	for i, layer := range layers {
		kind, err := layer.MediaType()
		if err == nil && !kind.IsDistributable() {
			layers[i], err = tarball.LayerFromOpener(layer.Uncompressed)
		}
		if err != nil {
			return nil, err
		}
	}
	if image, err = mutate.AppendLayers(empty.Image, layers...); err != nil {
		return nil, err
	}
	image, err = mutate.ConfigFile(image, config)
	return docker2(image), err
}

// docker2 is the image with the media types that engines push (distribution/push_v2.go, schema2.NewManifestBuilder).
func docker2(image v1.Image) v1.Image {
	return mutate.ConfigMediaType(mutate.MediaType(image, types.DockerManifestSchema2), types.DockerConfigJSON)
}

func options(ctx context.Context, login registry.AuthConfig) []remote.Option {
	auth := authn.FromConfig(authn.AuthConfig{
		Username: login.Username, Password: login.Password, Auth: login.Auth, IdentityToken: login.IdentityToken, RegistryToken: login.RegistryToken,
	})
	return []remote.Option{remote.WithContext(ctx), remote.WithAuth(auth)}
}
