package plugin

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/sys/atomicwriter"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build"
)

// metadataVersion is the version of the metadata file's own format. It changes
// only when a field changes its meaning; later versions of the plugin add fields.
const metadataVersion = 1

// buildMetadata is what --metadata-file writes. The first fields are those of docker
// buildx, under its names.
type buildMetadata struct {
	Digest     digest.Digest       `json:"containerimage.digest,omitempty"`
	Descriptor *ocispec.Descriptor `json:"containerimage.descriptor,omitempty"`
	ImageName  string              `json:"image.name,omitempty"`

	Version   int                         `json:"multiarch.version"`
	Context   contextMetadata             `json:"multiarch.context"`
	Platforms map[string]platformMetadata `json:"multiarch.platforms"`
	// Missing are platforms that were asked for and that the result lacks, as
	// --allow-missing allows.
	Missing []string `json:"multiarch.missing,omitempty"`
}

// contextMetadata tells of the build context that all nodes got.
type contextMetadata struct {
	Fingerprint digest.Digest `json:"fingerprint"`
	Entries     int           `json:"entries"`
	Bytes       int64         `json:"bytes"`
}

// platformMetadata tells how one platform's image came to be.
type platformMetadata struct {
	Node         string        `json:"node"`
	Endpoint     string        `json:"endpoint"`
	Engine       string        `json:"engine"`
	Match        string        `json:"match"`
	ImageID      digest.Digest `json:"imageID"`
	References   []string      `json:"references,omitempty"`
	Digest       digest.Digest `json:"digest,omitempty"`
	Size         int64         `json:"size,omitempty"`
	BuildSeconds float64       `json:"buildSeconds"`
	PushSeconds  float64       `json:"pushSeconds,omitempty"`
	// Lost are the failures of nodes that had the platform before this one.
	Lost []string `json:"lost,omitempty"`
	// Sent are the files whose content the node was sent in this run; of the
	// others it asked for none, because it had them or did not need them.
	Sent      []string `json:"sent"`
	SentBytes int64    `json:"sentBytes"`
}

func (s *buildSession) metadata() buildMetadata {
	m := buildMetadata{Version: metadataVersion, Platforms: map[string]platformMetadata{}}
	m.Context.Fingerprint = s.snapshot.Fingerprint()
	m.Context.Entries, m.Context.Bytes = s.snapshot.Size()
	names := make([]string, len(s.input.targets))
	for i, target := range s.input.targets {
		names[i] = target.String()
	}
	m.ImageName = strings.Join(names, ",")
	if s.input.options.push {
		m.Digest, m.Descriptor = s.index.Descriptor.Digest, &s.index.Descriptor
	}
	for _, p := range s.missing() {
		m.Missing = append(m.Missing, platforms.FormatAll(p))
	}
	for _, r := range s.results {
		if r.Err != nil {
			m.Missing = append(m.Missing, platforms.FormatAll(r.Platform))
			continue
		}
		m.Platforms[platforms.FormatAll(r.Platform)] = s.platformMetadata(r)
	}
	return m
}

func (s *buildSession) platformMetadata(r build.Result) platformMetadata {
	p := platformMetadata{
		Node: r.Node.Name, Endpoint: r.Node.Host, Engine: r.Node.Engine.Version, Match: r.Match.String(),
		ImageID: r.Image.ID, BuildSeconds: r.BuildTime.Seconds(), PushSeconds: r.PushTime.Seconds(),
		Sent: r.Image.Sent, SentBytes: r.Image.Bytes,
	}
	for _, lost := range r.Lost {
		p.Lost = append(p.Lost, clean(lost.Error()))
	}
	for _, name := range r.Names() {
		p.References = append(p.References, reference.FamiliarString(name))
	}
	for _, pushed := range r.Pushed {
		child := s.children[pushed.Reference.String()]
		p.Digest, p.Size = child.Descriptor.Digest, child.Size
	}
	return p
}

// writeMetadata replaces the file at path in one step.
func (s *buildSession) writeMetadata(path string) error {
	text, err := json.MarshalIndent(s.metadata(), "", "  ")
	if err != nil {
		return fmt.Errorf("writing metadata: %w", err)
	}
	if err := atomicwriter.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing metadata: %w", err)
	}
	return nil
}
