package binary

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Entry is what an image has at a path.
type Entry struct {
	// Path is absolute; Mode has the type and the permissions.
	Path string
	Mode fs.FileMode
	// File is what a program that may be run says of itself.
	File File
}

// Files are the files of an image.
type Files interface {
	// Lookup returns what is at an absolute path, symbolic links followed
	// within the image; an fs.ErrNotExist if that is nothing.
	Lookup(ctx context.Context, name string) (Entry, error)
	// Sample gives programs of the image, those in the directories first
	// before others, until a bound is reached.
	Sample(ctx context.Context, first []string) iter.Seq2[Entry, error]
}

// maxListed is how many paths a message names.
const maxListed = 5

// maxChain is how many programs one may need in turn: a script, its
// interpreter, the interpreter's loader. The kernel itself stops at 5.
const maxChain = 6

// Finding is a file that is not as it should be.
type Finding struct {
	// Role is what the file is to the image: "entrypoint", "command",
	// "loader of /app"; empty for one of many.
	Role, Path string
	// Is says what the file is; empty if it is not there.
	Is string
}

// String implements fmt.Stringer.
func (f Finding) String() string {
	text := f.Path
	if f.Role != "" {
		text = f.Role + " " + f.Path
	}
	if f.Is == "" {
		return text + " is missing"
	}
	return text + " is " + f.Is
}

// Report is what Verify found.
type Report struct {
	Platform ocispec.Platform
	// Checked are the programs that the image starts and what they need, as
	// far as they were found and known to fit.
	Checked []string
	// Misfits can't run on the platform, though the image starts them.
	Misfits []Finding
	// Missing are interpreters and loaders that the image lacks.
	Missing []Finding
	// Foreign are other programs for another machine, five at most, and
	// ForeignCount how many there were in the sample.
	Foreign      []Finding
	ForeignCount int
}

// MisfitError is returned for an image with programs for another machine.
type MisfitError struct {
	Platform ocispec.Platform
	Findings []Finding
}

func (e *MisfitError) Error() string {
	all := make([]string, len(e.Findings))
	for i, f := range e.Findings {
		all[i] = f.String()
	}
	return fmt.Sprintf("the image is for %s, but %s", platforms.FormatAll(e.Platform), strings.Join(all, "; "))
}

// Err returns a *MisfitError if the image can't run; a strict one also if it has
// anything that Warning tells.
func (r Report) Err(strict bool) error {
	findings := r.Misfits
	if strict {
		findings = slices.Concat(r.Misfits, r.Missing, r.Foreign)
	}
	if len(findings) == 0 {
		return nil
	}
	return &MisfitError{Platform: r.Platform, Findings: findings[:min(len(findings), maxListed)]}
}

// Warning says in one line what else is strange, or "".
func (r Report) Warning() string {
	var parts []string
	for _, f := range r.Missing {
		parts = append(parts, f.String())
	}
	if len(r.Foreign) > 0 {
		var paths []string
		for _, f := range r.Foreign {
			paths = append(paths, fmt.Sprintf("%s (%s)", f.Path, f.Is))
		}
		if more := r.ForeignCount - len(r.Foreign); more > 0 {
			paths = append(paths, fmt.Sprintf("%d more", more))
		}
		parts = append(parts, "programs for other machines than "+platforms.FormatAll(r.Platform)+": "+strings.Join(paths, ", "))
	}
	return strings.Join(parts, "; ")
}

// Warnings are what is strange about an image, and why no more is known: err, if it
// is not nil.
func (r Report) Warnings(err error) (all []string) {
	if err != nil {
		all = append(all, "its programs could not be verified: "+err.Error())
	}
	if text := r.Warning(); text != "" {
		all = append(all, text)
	}
	return all
}

// Verify looks at what the image starts, at what that needs, and at a sample of
// the other programs. An error is one of reading; what does not fit is in the
// report.
func Verify(ctx context.Context, files Files, image ocispec.Image, allowed Allowed) (Report, error) {
	v := NewVerification(files, image, allowed)
	if err := v.Started(ctx); err != nil {
		return v.report, err
	}
	err := v.Others(ctx)
	return v.report, err
}

// Verification is Verify in two steps, for who wants to do other things
// meanwhile. It is not safe for concurrent use.
type Verification struct {
	files    Files
	platform ocispec.Platform
	config   ocispec.ImageConfig
	allowed  Allowed
	seen     map[string]bool
	dirs     []string // of what the image starts
	report   Report
}

// NewVerification makes a Verification that has looked at nothing yet.
func NewVerification(files Files, image ocispec.Image, allowed Allowed) *Verification {
	return &Verification{
		files: files, platform: image.Platform, config: image.Config, allowed: allowed,
		seen: map[string]bool{}, report: Report{Platform: image.Platform},
	}
}

// Report returns what was found so far.
func (v *Verification) Report() Report { return v.report }

// Started looks at what the image starts, and at what that needs.
func (v *Verification) Started(ctx context.Context) error {
	for _, p := range programs(v.config) {
		if err := v.start(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (v *Verification) windows() bool { return v.platform.OS == "windows" }

// find returns the first program among the paths.
func (v *Verification) find(ctx context.Context, paths []string) (Entry, bool, error) {
	for _, at := range paths {
		e, err := v.files.Lookup(ctx, at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return e, false, err
		case e.Mode.IsRegular() && (v.windows() || e.Mode&0o111 != 0):
			e.Path = at
			return e, true, nil
		}
	}
	return Entry{}, false, nil
}

// start looks at a program of the image's command line. One that is not there
// may come with a volume.
func (v *Verification) start(ctx context.Context, p program) error {
	e, found, err := v.find(ctx, candidates(p.name, v.config, v.windows()))
	if err != nil || !found || p.argument && e.File.Format == FormatScript {
		return err
	}
	v.dirs = append(v.dirs, path.Dir(e.Path))
	return v.follow(ctx, p.role, e, 0)
}

// follow judges a program, and what the kernel needs to run it.
func (v *Verification) follow(ctx context.Context, role string, e Entry, depth int) error {
	if v.seen[e.Path] || v.allowed.has(e.Path) || depth > maxChain {
		return nil
	}
	v.seen[e.Path] = true
	switch e.File.Fits(v.platform) {
	case Foreign:
		v.report.Misfits = append(v.report.Misfits, Finding{Role: role, Path: e.Path, Is: e.File.String()})
		return nil
	case Fits:
		v.report.Checked = append(v.report.Checked, e.Path)
	case Unknown:
	}
	if e.File.Loader != "" {
		return v.need(ctx, "loader of "+e.Path+",", e.File.Loader, depth)
	}
	words := e.File.Interpreter
	if len(words) == 0 || v.windows() {
		return nil
	}
	if err := v.need(ctx, "interpreter of "+e.Path+",", words[0], depth); err != nil || path.Base(words[0]) != "env" {
		return err
	}
	return v.env(ctx, e, words[1:], depth)
}

// env follows what env starts for a script.
func (v *Verification) env(ctx context.Context, script Entry, words []string, depth int) error {
	role := "interpreter of " + script.Path + ","
	for _, word := range words {
		if word == "-S" || strings.Contains(word, "=") {
			continue
		}
		started, found, err := v.find(ctx, candidates(word, v.config, false))
		switch {
		case err != nil || strings.HasPrefix(word, "-"): // an option of env's: what follows may be its value
			return err
		case !found:
			v.report.Missing = append(v.report.Missing, Finding{Role: role, Path: word})
			return nil
		}
		return v.follow(ctx, role, started, depth+1)
	}
	return nil
}

// need follows a program that another one names by its path.
func (v *Verification) need(ctx context.Context, role, name string, depth int) error {
	e, err := v.files.Lookup(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		if !v.allowed.has(name) {
			v.report.Missing = append(v.report.Missing, Finding{Role: role, Path: name})
		}
		return nil
	}
	if err != nil {
		return err
	}
	e.Path = name
	return v.follow(ctx, role, e, depth+1)
}

// Others looks at a sample of the other programs. Only those in the platform's own format count:
// a .dll on Linux is data.
func (v *Verification) Others(ctx context.Context) error {
	native := FormatELF
	if v.windows() {
		native = FormatPE
	}
	for e, err := range v.files.Sample(ctx, v.dirs) {
		if err != nil {
			return err
		}
		if e.File.Format != native || !e.File.Program || e.File.Fits(v.platform) != Foreign || v.seen[e.Path] || v.allowed.has(e.Path) {
			continue
		}
		v.seen[e.Path] = true
		v.report.ForeignCount++
		if len(v.report.Foreign) < maxListed {
			v.report.Foreign = append(v.report.Foreign, Finding{Path: e.Path, Is: e.File.String()})
		}
	}
	return nil
}
