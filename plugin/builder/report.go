package builder

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/containerd/platforms"
	"github.com/moby/sys/atomicwriter"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/platform"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/node"
	"github.com/docker-multiarch/docker-multiarch/plugin/registry"
)

// printPlan says on standard error what will be built where.
func (s *session) printPlan() {
	if s.input.options.quiet && !s.input.options.dryRun {
		return
	}
	var fresh []string
	table := tabwriter.NewWriter(s.cli.Err(), 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "PLATFORM\tNODE\tENDPOINT\tBUILD")
	for _, a := range s.plan {
		match := a.Match.String()
		if a.Node.Asleep {
			match += ", is started"
		}
		if a.Node.Relay && s.input.options.push {
			match += ", relayed"
		}
		if node.IsNew(s.history, a.Node) {
			match += ", NEW"
			fresh = append(fresh, progress.Clean(a.Node.Name))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", platforms.FormatAll(a.Platform), progress.Clean(a.Node.Name), progress.Clean(a.Node.Host), match)
	}
	_ = table.Flush()
	if len(fresh) > 0 {
		fmt.Fprintf(s.cli.Err(), "NEW: these nodes get files of yours for the first time. If they should not: docker multiarch node exclude %s\n", strings.Join(fresh, " "))
	}
	for _, n := range s.nodes {
		if n.Err != nil {
			fmt.Fprintf(s.cli.Err(), "Not used: %s: %s\n", progress.Clean(n.Name), progress.Clean(n.Err.Error()))
		}
	}
}

// printSkipped names what is in the build context and has no content to send.
func (s *session) printSkipped() {
	if len(s.snapshot.Special) > 0 && s.input.progress == progress.Plain {
		fmt.Fprintf(s.cli.Err(), "Not sent, because they are sockets, pipes or devices: %s\n", progress.Clean(argument.Shorten(s.snapshot.Special)))
	}
}

// missing are the platforms that were asked for, may be absent, and are not
// even in the plan.
func (s *session) missing() []ocispec.Platform {
	planned := s.plan.Platforms()
	return slices.DeleteFunc(slices.Clone(s.input.platforms), func(p ocispec.Platform) bool {
		return slices.ContainsFunc(planned, func(q ocispec.Platform) bool { return platform.Same(p, q) })
	})
}

// report prints the result on standard output and writes the files of the flags.
// What was published is said, whatever becomes of a file.
func (s *session) report() error {
	errs := []error{s.printResult()}
	if path := s.input.options.metadataFile; path != "" {
		errs = append(errs, s.writeMetadata(path))
	}
	if path := s.input.options.iidFile; path != "" {
		errs = append(errs, s.writeIID(path))
	}
	return errors.Join(errs...)
}

func (s *session) printResult() error {
	switch o := s.input.options; {
	case o.push:
		return s.reportPublished()
	case o.archive != nil:
		return s.reportExported()
	}
	return reportImages(s.cli.Out(), s.results, s.input.options.quiet)
}

// writeIID writes what names the result: the digest of the published index, or
// the image ID where there is one image.
func (s *session) writeIID(path string) error {
	id := s.index.Descriptor.Digest
	if !s.input.options.publishes() {
		id = s.results[0].Image.ID
	}
	if err := writeResult(path, []byte(id)); err != nil {
		return fmt.Errorf("writing --iidfile: %w", err)
	}
	return nil
}

// writeResult writes a file at once, for every user to read. A pipe or a terminal
// can only be written to.
func writeResult(path string, content []byte) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, content, 0o644) //nolint:gosec // it is there
	}
	return atomicwriter.WriteFile(path, content, 0o644)
}

func (s *session) reportPublished() error {
	dgst := s.index.Descriptor.Digest
	if s.input.options.quiet {
		_, err := fmt.Fprintln(s.cli.Out(), dgst)
		return err
	}
	return registry.PrintPublished(s.cli, s.input.targets, dgst)
}

// reportImages says which image is on which node: the image ID alone for a
// quiet build of one platform, so that IMAGE=$(docker multiarch build -q .)
// works as it does with docker build.
func reportImages(out io.Writer, results []build.Result, quiet bool) error {
	errs := make([]error, 0, len(results))
	for _, r := range results {
		if r.Err != nil {
			continue
		}
		if r.Image.ID == "" {
			continue // its files are in the place the user chose
		}
		line := fmt.Sprintf("%s %s %s", platforms.FormatAll(r.Platform), r.Node.Name, r.Image.ID)
		if quiet && len(results) == 1 {
			line = r.Image.ID.String()
		}
		_, err := fmt.Fprintln(out, line)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
