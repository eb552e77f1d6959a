package image

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"

	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/metadata"
)

// maxFromFile bounds a file of sources.
const maxFromFile = 8 << 20

// fromFile is what a file says of an index: what it is made of, and where it
// belongs if the command line does not say.
type fromFile struct {
	targets     []reference.NamedTagged
	repository  []reference.Named // that have the sources, of a metadata file
	sources     []createSource
	annotations []indexAnnotation
}

// readFiles reads the files of --from. Their targets count only without --tag,
// and only if all files mean the same.
func (in *createInput) readFiles(names []string, stdin io.Reader) error {
	given := len(in.targets) > 0
	for i, name := range names {
		raw, err := readFrom(name, stdin)
		if err != nil {
			return argument.Wrong(fmt.Errorf("reading --from: %w", err))
		}
		file, err := parseFrom(raw)
		if err != nil {
			return argument.Wrong(fmt.Errorf("reading --from %s: %w", name, err))
		}
		switch {
		case given:
		case i == 0:
			in.targets = file.targets
		case !sameNames(in.targets, file.targets):
			return argument.Wrong(fmt.Errorf("--from: %s is not for the same image as %s: name it with --tag", name, names[0]))
		}
		in.annotations = append(in.annotations, file.annotations...)
		for _, source := range file.sources {
			source.origin = name
			in.sources = append(in.sources, source.near(file.repository, in.targets))
		}
	}
	return nil
}

func readFrom(name string, stdin io.Reader) ([]byte, error) {
	in := stdin
	if name != "-" {
		file, err := os.Open(name) //nolint:gosec // the user's choice
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxFromFile+1))
	if err == nil && len(raw) > maxFromFile {
		err = fmt.Errorf("%s has more than %d bytes", name, maxFromFile)
	}
	return raw, err
}

// near moves the source to a repository that is a target's, if it is in one: then
// nothing has to be copied.
func (s createSource) near(repositories []reference.Named, targets []reference.NamedTagged) createSource {
	digested, ok := s.ref.(reference.Digested)
	if !ok {
		return s
	}
	for _, repository := range repositories {
		isTarget := func(t reference.NamedTagged) bool { return t.Name() == repository.Name() }
		if moved, err := reference.WithDigest(repository, digested.Digest()); err == nil && slices.ContainsFunc(targets, isTarget) {
			s.ref = moved
			return s
		}
	}
	return s
}

// parseFrom reads a file of either kind: JSON is a metadata file, YAML a spec.
func parseFrom(raw []byte) (fromFile, error) {
	if trimmed := bytes.TrimSpace(raw); bytes.HasPrefix(trimmed, []byte("{")) {
		return parseMetadata(trimmed)
	}
	return parseSpec(raw)
}

// parseMetadata reads what build --metadata-file wrote, or docker buildx.
func parseMetadata(raw []byte) (fromFile, error) {
	var m metadata.File
	if err := json.Unmarshal(raw, &m); err != nil {
		return fromFile{}, err
	}
	switch {
	case m.Version > metadata.Version:
		return fromFile{}, fmt.Errorf("written by a later version of docker multiarch (format %d)", m.Version)
	case m.Digest == "":
		return fromFile{}, errors.New(`no "containerimage.digest": the build has to push`)
	case m.Digest.Validate() != nil:
		return fromFile{}, fmt.Errorf("invalid digest %q", m.Digest)
	}
	var file fromFile
	for name := range strings.SplitSeq(m.ImageName, ",") {
		named, err := reference.ParseNormalizedNamed(strings.TrimSpace(name))
		if err != nil {
			return fromFile{}, fmt.Errorf("invalid image.name %q: %w", m.ImageName, err)
		}
		if tagged, ok := named.(reference.NamedTagged); ok {
			file.targets = append(file.targets, tagged)
		}
		file.repository = append(file.repository, reference.TrimNamed(named))
	}
	source := createSource{holds: map[string]digest.Digest{}, missing: m.Missing}
	for platform, p := range m.Platforms {
		if p.Digest != "" {
			source.holds[platform] = p.Digest
		}
	}
	var err error
	source.ref, err = reference.WithDigest(file.repository[0], m.Digest)
	file.sources = []createSource{source}
	return file, err
}
