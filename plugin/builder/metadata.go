package builder

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/plugin/metadata"
)

func (s *session) metadata() metadata.File {
	m := metadata.File{Version: metadata.Version, Platforms: map[string]metadata.Platform{}}
	m.Context.Fingerprint = s.snapshot.Fingerprint()
	m.Context.Entries, m.Context.Bytes = s.snapshot.Size()
	names := make([]string, len(s.input.targets))
	for i, target := range s.input.targets {
		names[i] = target.String()
	}
	m.ImageName = strings.Join(names, ",")
	if s.input.options.publishes() {
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

func (s *session) platformMetadata(r build.Result) metadata.Platform {
	p := metadata.Platform{
		Node: r.Node.Name, Endpoint: r.Node.Host, Engine: r.Node.Engine.Version, Match: r.Match.String(),
		ImageID: r.Image.ID, Steps: r.Steps, Cached: r.Cached, BuildSeconds: r.BuildTime.Seconds(),
		Sent: r.Image.Sent, SentBytes: r.Image.Bytes,
	}
	p.Lost, p.Retried = texts(r.Lost), texts(r.Retried)
	for _, name := range r.Names() {
		p.References = append(p.References, reference.FamiliarString(name))
	}
	for _, pushed := range r.Pushed {
		child := s.children[childKey(pushed)]
		p.Digest, p.Size = child.Descriptor.Digest, child.Size
		p.PushSeconds = r.PushTime.Seconds()
	}
	return p
}

// texts are what errors say, clean.
func texts(errs []error) []string {
	all := make([]string, len(errs))
	for i, err := range errs {
		all[i] = progress.Clean(err.Error())
	}
	return all
}

// writeMetadata replaces the file at path in one step.
func (s *session) writeMetadata(path string) error {
	text, err := json.MarshalIndent(s.metadata(), "", "  ")
	if err != nil {
		return fmt.Errorf("writing metadata: %w", err)
	}
	if err := writeResult(path, append(text, '\n')); err != nil {
		return fmt.Errorf("writing metadata: %w", err)
	}
	return nil
}
