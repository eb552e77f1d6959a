// Package metadata is the file that build --metadata-file writes and that
// create --from reads.
//
// It is a format alone: who has something to say fills it in. Its schema is
// docs/metadata.schema.json.
package metadata

import (
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Version is the version of the metadata file's own format. It changes
// only when a field changes its meaning; later versions of the plugin add fields.
const Version = 1

// File is what --metadata-file writes. The first fields are those of docker
// buildx, under its names.
type File struct {
	Digest     digest.Digest       `json:"containerimage.digest,omitempty"`
	Descriptor *ocispec.Descriptor `json:"containerimage.descriptor,omitempty"`
	ImageName  string              `json:"image.name,omitempty"`

	Version   int                 `json:"multiarch.version"`
	Context   Context             `json:"multiarch.context"`
	Platforms map[string]Platform `json:"multiarch.platforms"`
	// Missing are platforms that were asked for and that the result lacks, as
	// --allow-missing allows.
	Missing []string `json:"multiarch.missing,omitempty"`
}

// Context tells of the build context that all nodes got.
type Context struct {
	Fingerprint digest.Digest `json:"fingerprint"`
	Entries     int           `json:"entries"`
	Bytes       int64         `json:"bytes"`
}

// Platform tells how one platform's image came to be.
type Platform struct {
	Node       string        `json:"node"`
	Endpoint   string        `json:"endpoint"`
	Engine     string        `json:"engine"`
	Match      string        `json:"match"`
	ImageID    digest.Digest `json:"imageID"`
	References []string      `json:"references,omitempty"`
	Digest     digest.Digest `json:"digest,omitempty"`
	Size       int64         `json:"size,omitempty"`
	// Steps are the instructions that were carried out, Cached those of them
	// that were in the node's cache.
	Steps        int     `json:"steps"`
	Cached       int     `json:"cached"`
	BuildSeconds float64 `json:"buildSeconds"`
	PushSeconds  float64 `json:"pushSeconds,omitempty"`
	// Lost are the failures of nodes that had the platform before this one.
	Lost []string `json:"lost,omitempty"`
	// Retried are the failures of the build and of pushes that were tried again.
	Retried []string `json:"retried,omitempty"`
	// Sent are the files whose content the node was sent in this run; of the
	// others it asked for none, because it had them or did not need them.
	Sent      []string `json:"sent"`
	SentBytes int64    `json:"sentBytes"`
}
