package oracle

import (
	"context"
)

const (
	referenceType   = "vnd.docker.reference.type"
	referenceDigest = "vnd.docker.reference.digest"
	attestationType = "attestation-manifest"
)

// index checks an index and all its children.
func (c *checker) index(ctx context.Context, mediaType string, doc document) []Child {
	if len(doc.Manifests) == 0 {
		c.report("index", ErrDocument, "it has no children")
	}
	var children []Child
	for _, d := range doc.Manifests {
		children = append(children, c.child(ctx, d))
	}
	if mediaType == dockerList {
		c.dockerList(doc)
	}
	c.order(children)
	c.duplicates(children)
	c.attestations(children)
	return children
}

// dockerList checks what Docker's older format can't have: clients that know it alone would refuse or overlook it.
func (c *checker) dockerList(doc document) {
	if len(doc.Annotations) > 0 {
		c.report("index", ErrFamily, "a docker manifest list can't have annotations")
	}
	for _, d := range doc.Manifests {
		if d.MediaType != dockerManifest {
			c.report(childName(d), ErrFamily, "%q in a docker manifest list", d.MediaType)
		}
		if len(d.Annotations) > 0 {
			c.report(childName(d), ErrFamily, "a docker manifest list can't have annotations")
		}
	}
}

// order says nothing of attestation manifests, which builders put where they like.
func (c *checker) order(children []Child) {
	var last *Child
	for i := range children {
		child := &children[i]
		if child.Attestation {
			continue
		}
		if last != nil && last.platform.compare(child.platform) > 0 {
			c.report("index", ErrOrder, "%s comes after %s", child.Platform, last.Platform)
		}
		last = child
	}
}

func (c *checker) duplicates(children []Child) {
	seen := map[platform]string{}
	for _, child := range children {
		if child.Attestation {
			continue
		}
		if first, ok := seen[child.platform]; ok {
			c.report("index", ErrDuplicate, "%s is both %s and %s", child.Platform, short(first), short(child.Digest))
		}
		seen[child.platform] = child.Digest
	}
}

// attestations checks that whoever looks for an image passes over the attestation manifests, and that each is about one.
func (c *checker) attestations(children []Child) {
	images := map[string]bool{}
	for _, child := range children {
		if !child.Attestation {
			images[child.Digest] = true
		}
	}
	for _, child := range children {
		if !child.Attestation {
			continue
		}
		where := "attestation " + short(child.Digest)
		if !child.platform.isUnknown() {
			c.report(where, ErrAttestation, "its platform is %s, not unknown/unknown", child.Platform)
		}
		if got := child.Annotations[referenceType]; got != attestationType {
			c.report(where, ErrAttestation, "%s is %q, not %q", referenceType, got, attestationType)
		}
		if !images[child.Subject] {
			c.report(where, ErrAttestation, "it is about %q, which is no image of this index", child.Subject)
		}
	}
}
