package oracle

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

func childName(d descriptor) string {
	if d.Platform == nil {
		return "child " + short(d.Digest)
	}
	return fmt.Sprintf("child %s %s", d.Platform.normal(), short(d.Digest))
}

// child checks what one descriptor of an index points at.
func (c *checker) child(ctx context.Context, d descriptor) Child {
	where := childName(d)
	child := Child{Digest: d.Digest, MediaType: d.MediaType, Annotations: d.Annotations, Subject: d.Annotations[referenceDigest]}
	if d.Platform == nil {
		c.report(where, ErrPlatform, "its descriptor has no platform")
	} else {
		child.platform = d.Platform.normal()
		child.Platform = child.platform.String()
	}
	// Either sign is enough to treat it as one; attestations reports if the other is missing.
	child.Attestation = child.platform.isUnknown() || d.Annotations[referenceType] == attestationType
	if !digestForm.MatchString(d.Digest) {
		c.report(where, ErrDigest, "%q is not a sha256 digest", d.Digest)
		return child
	}
	m, err := c.registry.manifest(ctx, c.repo, d.Digest)
	c.note(err)
	if m.Raw == nil {
		return child
	}
	child.Raw = m.Raw
	if d.Size != int64(len(m.Raw)) {
		c.report(where, ErrSize, "its descriptor says %d bytes, there are %d", d.Size, len(m.Raw))
	}
	if d.MediaType != m.MediaType {
		c.report(where, ErrMediaType, "its descriptor says %q, it was sent as %q", d.MediaType, m.MediaType)
	}
	doc, known := c.document(where, m)
	if known && isIndexType(m.MediaType) {
		c.report(where, ErrMediaType, "an index within an index, which no engine can pull")
	} else if known {
		cfg := c.content(ctx, where, &child, doc)
		c.platformTruth(where, child, d.Platform, cfg)
	}
	return child
}

// single checks a manifest that a reference points at without an index; only the config tells its platform.
func (c *checker) single(ctx context.Context, root Manifest, doc document) Child {
	child := Child{Digest: root.Digest, MediaType: root.MediaType, Raw: root.Raw}
	if cfg := c.content(ctx, "manifest", &child, doc); cfg != nil {
		if cfg.OS == "" || cfg.Architecture == "" {
			c.report("manifest", ErrPlatform, "its config does not say for which platform it is")
		}
		child.platform = cfg.normal()
		child.Platform = child.platform.String()
	}
	return child
}

// platformTruth compares the config's platform, which the engine that runs the image goes by, with the descriptor's, by which it
// was chosen. An attestation manifest is for no platform, and its config may be an empty object.
func (c *checker) platformTruth(where string, child Child, claimed *platform, cfg *config) {
	if claimed == nil || cfg == nil || child.Attestation {
		return
	}
	if got := cfg.normal(); got != child.platform {
		c.report(where, ErrPlatform, "its config says %q", got)
	}
}

// content checks the config and layers of a manifest and notes them in child. It returns nil if there is no config to be read.
func (c *checker) content(ctx context.Context, where string, child *Child, doc document) *config {
	c.families(where, *child, doc)
	var cfg *config
	if doc.Config != nil {
		cfg = c.config(ctx, where+", config", child, *doc.Config)
	}
	var diffIDs []string
	if cfg != nil && !child.Attestation {
		diffIDs = cfg.RootFS.DiffIDs
		child.Labels = cfg.Config.Labels
		if len(diffIDs) != len(doc.Layers) {
			c.report(where, ErrLayers, "its config has %d diff_ids, its manifest %d layers", len(diffIDs), len(doc.Layers))
		}
	}
	for i, d := range doc.Layers {
		layer := Layer{Digest: d.Digest, MediaType: d.MediaType, Size: d.Size}
		if i < len(diffIDs) {
			layer.DiffID = diffIDs[i]
		}
		child.Layers = append(child.Layers, layer)
		c.layer(ctx, fmt.Sprintf("%s, layer %d", where, i+1), layer)
	}
	return cfg
}

func (c *checker) families(where string, child Child, doc document) {
	if child.Attestation {
		return // Its layers are statements in JSON.
	}
	configType, layerPrefix := parts(child.MediaType)
	if doc.Config != nil && doc.Config.MediaType != configType {
		c.report(where+", config", ErrMediaType, "%q in %s", doc.Config.MediaType, child.MediaType)
	}
	for i, d := range doc.Layers {
		if !strings.HasPrefix(d.MediaType, layerPrefix) {
			c.report(fmt.Sprintf("%s, layer %d", where, i+1), ErrMediaType, "%q in %s", d.MediaType, child.MediaType)
		}
	}
}

func (c *checker) config(ctx context.Context, where string, child *Child, d descriptor) *config {
	child.ConfigDigest = d.Digest
	raw, err := c.registry.smallBlob(ctx, c.repo, d.Digest, where)
	c.note(err)
	if raw == nil {
		return nil
	}
	child.Config = raw
	if d.Size != int64(len(raw)) {
		c.report(where, ErrSize, "its descriptor says %d bytes, there are %d", d.Size, len(raw))
	}
	var cfg config
	if err := json.Unmarshal(raw, &cfg); err != nil {
		c.report(where, ErrDocument, "parsing: %v", err)
		return nil
	}
	return &cfg
}

// layer measures each blob once, however many children share it, and compares it with every descriptor of it.
func (c *checker) layer(ctx context.Context, where string, l Layer) {
	key := l.MediaType + " " + l.Digest
	m, ok := c.layers[key]
	if !ok {
		m = c.registry.measure(ctx, c.repo, l, where, nil)
		c.layers[key] = m
		c.note(m.err)
	}
	c.note(l.compare(where, m))
}
