package builder

import (
	"context"
	"errors"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/check/binary"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// fits looks at the programs of an image that a node built: at those that it
// starts at once, at a sample of the others beside what comes next. Who is strict
// waits for both. That programs can't be read is a warning otherwise, unless it is
// the node's failure.
func (s *session) fits(ctx context.Context, a build.Assignment, open func() (*build.Contents, error)) (beside func(context.Context), err error) {
	strict, bounds := s.input.options.verify == argument.VerifyStrict, binary.Quick
	if strict {
		bounds = binary.Thorough
	}
	report := binary.Report{Platform: a.Platform}
	var v *binary.Verification
	c, err := open()
	if err == nil {
		image := ocispec.Image{Platform: a.Platform, Config: c.Config}
		v = binary.NewVerification(binary.FromArchives(c, bounds), image, s.input.allowed)
		err = v.Started(ctx)
		if strict && err == nil {
			err = v.Others(ctx)
		}
		report = v.Report()
	}
	if misfit := report.Err(strict); misfit != nil {
		return nil, misfit
	}
	if strict || ctx.Err() != nil || errors.Is(err, build.ErrNodeLost) || errors.Is(err, build.ErrNodeFull) {
		return nil, err
	}
	if err != nil {
		s.warnOf(a, report, err)
		return nil, nil
	}
	return func(ctx context.Context) {
		if err := v.Others(ctx); ctx.Err() == nil {
			s.warnOf(a, v.Report(), err)
		}
	}, nil
}

// warnOf keeps what is strange about an image for the end, when no display is in
// the way.
func (s *session) warnOf(a build.Assignment, report binary.Report, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who := platforms.FormatAll(a.Platform) + " on " + a.Node.Name
	for _, text := range report.Warnings(err) {
		s.warnings = append(s.warnings, who+": "+text)
	}
}
