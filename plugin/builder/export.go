package builder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/manifest/archive"
	"github.com/docker-multiarch/docker-multiarch/manifest/layout"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/scratch"
)

// The types of --output that hold all platforms.
const (
	outputOCI    = "oci"
	outputDocker = "docker"
)

// keepHere has this machine take the images of all nodes, for --output.
func (s *session) keepHere() error {
	output := s.input.options.archive
	if output == nil {
		return nil
	}
	if output.dest == toStdout && s.cli.Out().IsTerminal() {
		return argument.Wrong(errors.New("--output: a tar archive does not go to a terminal"))
	}
	for _, n := range s.nodes {
		n.Relay = true
	}
	s.relay.convert = output.kind == outputOCI
	return nil
}

// export makes the index of what was taken, and writes all of it to where --output
// says.
func (s *session) export(ctx context.Context, w *progress.Writer) (err error) {
	if s.index, err = s.newIndex(); err != nil {
		return err
	}
	// The proof is the same as for a registry.
	here, err := reference.WithTag(s.relay.name, "index")
	if err != nil {
		return err
	}
	if err := s.registry.Publish(ctx, here, s.index); err != nil {
		return err
	}
	output := *s.input.options.archive
	return w.Start("exporting to " + output.dest).Done(s.exportTo(ctx, output))
}

func (s *session) exportTo(ctx context.Context, output output) error {
	if output.dir {
		return s.exportDir(ctx, output.dest, s.named())
	}
	dir, err := s.relay.open()
	if err != nil {
		return err
	}
	if err := dir.List(s.named()...); err != nil {
		return err
	}
	if output.dest == toStdout {
		return archive.Write(ctx, s.cli.Out(), dir, output.kind == outputDocker)
	}
	return archive.WriteFile(ctx, output.dest, dir, output.kind == outputDocker)
}

// named are the index under each of its names, as index.json lists it: with the tag
// for most, and the whole name for containerd.
func (s *session) named() []ocispec.Descriptor {
	if len(s.input.targets) == 0 {
		return []ocispec.Descriptor{s.index.Descriptor}
	}
	all := make([]ocispec.Descriptor, len(s.input.targets))
	for i, target := range s.input.targets {
		all[i] = s.index.Descriptor
		all[i].Annotations = map[string]string{archive.AnnotationName: target.String(), ocispec.AnnotationRefName: target.Tag()}
	}
	return all
}

// exportDir adds the index to the layout in a directory. A new one gets its name
// when it is whole.
func (s *session) exportDir(ctx context.Context, dest string, named []ocispec.Descriptor) error {
	if _, err := os.Stat(dest); err == nil {
		return s.addTo(ctx, dest, named)
	}
	if err := os.MkdirAll(filepath.Dir(dest), 0o755); err != nil {
		return err
	}
	unfinished, err := scratch.New(filepath.Dir(dest), "."+filepath.Base(dest)+"-")
	if err != nil {
		return err
	}
	whole := filepath.Join(unfinished.Path, "layout")
	if err = s.addTo(ctx, whole, named); err == nil {
		err = os.Rename(whole, dest)
	}
	return errors.Join(err, unfinished.Remove())
}

const exportHost = "export.invalid"

func (s *session) addTo(ctx context.Context, dir string, named []ocispec.Descriptor) error {
	d, err := layout.Create(dir)
	if err != nil {
		return err
	}
	s.registry.Attach(exportHost, d) // nobody else asks for anything any more
	to, err := reference.WithName(exportHost + "/image")
	if err == nil {
		_, err = s.registry.Transfer(ctx, s.relay.name, to, []ocispec.Descriptor{s.index.Descriptor})
	}
	if err == nil {
		err = d.Name(named...)
	}
	return errors.Join(err, d.Close())
}

// reportExported says where the image is, in the words of copy and of skopeo. On
// standard output is nothing but the archive, if that is there.
func (s *session) reportExported() error {
	output := s.input.options.archive
	if output.dest == toStdout {
		return nil
	}
	if s.input.options.quiet {
		_, err := fmt.Fprintln(s.cli.Out(), s.index.Descriptor.Digest)
		return err
	}
	for _, m := range s.named() {
		name := output.name()
		if tag := m.Annotations[ocispec.AnnotationRefName]; tag != "" {
			name += ":" + tag
		}
		if _, err := fmt.Fprintf(s.cli.Out(), "%s@%s\n", name, m.Digest); err != nil {
			return err
		}
	}
	return nil
}
