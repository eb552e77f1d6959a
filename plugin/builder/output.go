package builder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/tonistiigi/go-csvvalue"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// readOutput takes --output type=TYPE,dest=PATH, or a bare path for type=local.
// type=registry is --push, and type=image and a type=docker without dest are what
// is done anyway: the image stays in the engine.
func (o *options) readOutput() error {
	for _, v := range o.output.All {
		output, err := parseOutput(v.Value)
		if err != nil {
			return argument.Wrong(fmt.Errorf("invalid --output %q: %w", v.Value, err))
		}
		o.push = o.push || output.push
		o.files = o.files || output.isFiles()
		if !output.isArchive() {
			continue
		}
		if v.Front != "" || o.archive != nil {
			return argument.Wrong(fmt.Errorf("invalid --output %q: one archive holds all platforms", v.Value))
		}
		o.archive = &output
	}
	if o.archive != nil && (o.push || o.files) {
		return argument.Wrong(fmt.Errorf("--output type=%s: one destination at a time; to have what is pushed here too: docker multiarch copy REF %s", o.archive.kind, o.archive.name()))
	}
	if o.files && (o.push || o.load) {
		return argument.Wrong(errors.New("--output of files makes no image that could be pushed or loaded"))
	}
	return nil
}

// publishes says whether the images of all platforms become one.
func (o *options) publishes() bool { return o.push || o.archive != nil }

// toStdout is the destination that means standard output.
const toStdout = "-"

// parseOutput reads a value as docker buildx does: one field that does not name
// a type is a path, and "-" a tar archive on standard output.
func parseOutput(value string) (output output, err error) {
	fields, err := csvvalue.Fields(value, nil)
	if err != nil {
		return output, err
	}
	if len(fields) == 1 && fields[0] == value && !strings.HasPrefix(value, "type=") {
		if value == toStdout {
			return outputTo(build.OutputTar, value), nil
		}
		return outputTo(build.OutputLocal, value).checked()
	}
	for _, field := range fields {
		switch key, text, _ := strings.Cut(field, "="); key {
		case "type":
			output.kind = text
		case "dest":
			output.dest = text
		case "push":
			if output.push, err = strconv.ParseBool(text); err != nil {
				return output, err
			}
		case "tar":
			packed, err := strconv.ParseBool(text)
			if err != nil {
				return output, err
			}
			output.dir = !packed
		default:
			return output, fmt.Errorf("unknown key %q", key)
		}
	}
	return output.checked()
}

// output is one value of --output.
type output struct {
	kind, dest string
	push       bool
	dir        bool // dest is a directory, for an OCI layout
}

func outputTo(kind build.OutputType, dest string) output {
	return output{kind: string(kind), dest: dest}
}

// name is what copy and skopeo call an archive.
func (o output) name() string {
	if o.dir {
		return argument.LayoutPrefix + o.dest
	}
	return argument.ArchivePrefix + o.dest
}

func (o output) isFiles() bool {
	return o.kind == string(build.OutputLocal) || o.kind == string(build.OutputTar)
}

// isArchive says whether dest gets one image of all platforms.
func (o output) isArchive() bool {
	return o.kind == outputOCI || o.kind == outputDocker && o.dest != ""
}

func (o output) checked() (output, error) {
	switch info, err := os.Stat(o.dest); {
	case err != nil: // what is not there can be made
	case o.kind == string(build.OutputLocal) && !info.IsDir():
		return o, fmt.Errorf("%s is not a directory", o.dest)
	case o.isArchive() && o.dest != toStdout:
		o.dir = o.dir || info.IsDir()
		if !info.IsDir() && (o.dir || !info.Mode().IsRegular()) {
			return o, fmt.Errorf("%s is neither a directory nor a regular file", o.dest)
		}
	}
	switch {
	case o.dir && !o.isArchive(), o.dir && (o.dest == "" || o.dest == toStdout):
		return o, errors.New("tar=false is for type=oci or type=docker, with a directory as dest")
	case (o.kind == string(build.OutputTar) || o.kind == outputOCI) && o.dest == "":
		o.dest = toStdout
	case o.kind == string(build.OutputLocal) && o.dest == "":
		return o, errors.New("dest is missing")
	case o.isFiles(), o.isArchive(), o.kind == "image", o.kind == outputDocker:
	case o.kind == "registry":
		o.push = true
	default:
		return o, fmt.Errorf("unknown type %q", o.kind)
	}
	return o, nil
}

// setOutput gives each of several platforms a place of its own below the
// destination: dest/linux_amd64 or dest/linux_amd64.tar.
func (s *session) setOutput(r *build.Request, a build.Assignment) error {
	values := s.input.options.output.Closest(a.Platform)
	places := map[string]bool{}
	for _, value := range values {
		output, err := parseOutput(value)
		if err != nil {
			return err
		}
		if !output.isFiles() {
			continue
		}
		if places[filepath.Clean(output.dest)] {
			return argument.Wrong(fmt.Errorf("--output: two of them would write %s", output.dest))
		}
		places[filepath.Clean(output.dest)] = true
		files, err := s.place(output, a)
		if err != nil {
			return err
		}
		r.Outputs = append(r.Outputs, files)
	}
	if n := len(r.Outputs); n > 0 && n < len(values) {
		return argument.Wrong(errors.New("--output of files makes no image"))
	}
	return nil
}

// place says where the files of an assignment go.
func (s *session) place(o output, a build.Assignment) (build.Output, error) {
	files := build.Output{Type: build.OutputType(o.kind), Dest: o.dest}
	switch several := len(s.plan) > 1; {
	case o.dest == toStdout && several:
		return files, argument.Wrong(errors.New("--output: standard output has room for one platform"))
	case o.dest == toStdout && s.cli.Out().IsTerminal():
		return files, argument.Wrong(errors.New("--output: a tar archive does not go to a terminal"))
	case o.dest == toStdout:
		files.Stream = s.cli.Out()
	case several:
		files.Dest = filepath.Join(o.dest, platformDir(a.Platform))
		if files.Type == build.OutputTar {
			files.Dest += ".tar"
		}
	}
	return files, nil
}

// platformDir names a platform as docker buildx names its directories.
func platformDir(p ocispec.Platform) string {
	parts := []string{p.OS, p.Architecture}
	if p.Variant != "" {
		parts = append(parts, p.Variant)
	}
	return strings.Join(parts, "_")
}
