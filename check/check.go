package check

import (
	"context"
	"io/fs"
	"slices"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Images looks up what registries hold. A manifest.Registry is one.
type Images interface {
	// Resolve returns what a reference points at and the platforms that are there.
	Resolve(ctx context.Context, image reference.Named) (ocispec.Descriptor, []ocispec.Platform, error)
}

// Input is one platform that is wanted, and what it is built from.
type Input struct {
	Platform ocispec.Platform
	// Name is the Dockerfile's, as findings give it.
	Name       string
	Dockerfile []byte
	Args       map[string]string
	Target     string
	// NamedContexts are images, as docker-image://REF, and other places that
	// stand in for a base image of that name.
	NamedContexts map[string]string
	// Context are the files of the build context, without those that the ignore
	// file rules out; nil leaves out what is said of them.
	Context fs.FS
}

// Report is what was found.
type Report struct {
	Platforms []string  `json:"platforms"`
	Bases     []Base    `json:"bases"`
	Findings  []Finding `json:"findings"`
	// Unknown are the look-ups that failed.
	Unknown []error `json:"-"`
}

// Options are what a check includes.
type Options struct {
	// Images are asked what there is for which platform; nil asks nobody.
	Images Images
	// Style runs BuildKit's own rules too.
	Style bool
}

// Check judges a Dockerfile for the platforms that are wanted, each of which can
// have one of its own. A Dockerfile that
// can't be parsed is an ErrDockerfile; an image that can't be looked up is no
// error, but in Report.Unknown.
func Check(ctx context.Context, inputs []Input, o Options) (*Report, error) {
	views := make([]*view, len(inputs))
	report := &Report{Bases: []Base{}, Findings: []Finding{}}
	for i, in := range inputs {
		d, err := parse(in.Name, in.Dockerfile)
		if err != nil {
			return nil, err
		}
		if views[i], err = newView(d, in); err != nil {
			return nil, err
		}
		report.Platforms = append(report.Platforms, platforms.Format(in.Platform))
	}
	b := newBases(o.Images)
	if err := b.lookUp(ctx, views); err != nil {
		return nil, err
	}
	var found []Finding
	for _, v := range views {
		v.checkBases(b)
		v.checkStages()
		v.checkSystems(inputs)
		found = append(found, v.found...)
		if o.Style {
			found = append(found, v.lint(ctx)...)
		}
	}
	report.Findings = append(report.Findings, merge(kept(views, onPurpose(found)))...)
	report.Bases, report.Unknown = b.table(views), b.failed()
	return report, ctx.Err()
}

// report adds a finding for the view's platform.
func (v *view) report(f Finding, at int) {
	f.File, f.Line, f.Platforms = v.Name, at, names(v.Platform)
	if !slices.ContainsFunc(v.found, func(g Finding) bool { return g.Rule == f.Rule && g.Line == f.Line && g.Level == f.Level }) {
		v.found = append(v.found, f)
	}
}
