package plugin

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/tonistiigi/go-csvvalue"

	"github.com/docker-multiarch/docker-multiarch/build"
)

// readOutput takes --output type=TYPE,dest=PATH, or a bare path for type=local.
// type=registry is --push, and type=image and type=docker are what is done
// anyway: the image stays in the engine.
func (o *buildOptions) readOutput() error {
	for _, v := range o.output.all {
		kind, _, err := parseOutput(v.value)
		switch {
		case err != nil:
			return usage(fmt.Errorf("invalid --output %q: %w", v.value, err))
		case kind == "registry":
			o.push = true
		case isFiles(kind) && (o.push || o.load):
			return usage(fmt.Errorf("--output type=%s makes no image that could be pushed or loaded", kind))
		}
	}
	return nil
}

func isFiles(kind string) bool {
	return kind == string(build.OutputLocal) || kind == string(build.OutputTar)
}

func parseOutput(value string) (kind, dest string, err error) {
	if !strings.Contains(value, "=") {
		value = "type=local,dest=" + value
	}
	fields, err := csvvalue.Fields(value, nil)
	if err != nil {
		return "", "", err
	}
	for _, field := range fields {
		switch key, text, _ := strings.Cut(field, "="); key {
		case "type":
			kind = text
		case "dest":
			dest = text
		default:
			return "", "", fmt.Errorf("unknown key %q", key)
		}
	}
	switch {
	case isFiles(kind) && dest == "":
		return "", "", errors.New("dest is missing")
	case isFiles(kind), kind == "image", kind == "docker", kind == "registry":
		return kind, dest, nil
	}
	return "", "", fmt.Errorf("unknown type %q", kind)
}

// setOutput gives each of several platforms a place of its own below the
// destination: dest/linux_amd64 or dest/linux_amd64.tar.
func (s *buildSession) setOutput(r *build.Request, a build.Assignment) error {
	value := s.input.options.output.single(a.Platform)
	if value == "" {
		return nil
	}
	kind, dest, err := parseOutput(value)
	if err != nil || !isFiles(kind) {
		return err
	}
	r.Output = &build.Output{Type: build.OutputType(kind), Dest: dest}
	if len(s.plan) > 1 {
		r.Output.Dest = filepath.Join(dest, platformDir(a.Platform))
		if r.Output.Type == build.OutputTar {
			r.Output.Dest += ".tar"
		}
	}
	return nil
}

// platformDir names a platform as docker buildx names its directories.
func platformDir(p ocispec.Platform) string {
	parts := []string{p.OS, p.Architecture}
	if p.Variant != "" {
		parts = append(parts, p.Variant)
	}
	return strings.Join(parts, "_")
}
