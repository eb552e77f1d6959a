package image

import (
	"errors"
	"fmt"
	"strings"

	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/manifest/layout"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// layoutPrefix marks the name of an OCI layout: oci:DIR[:TAG][@DIGEST], as skopeo writes it.
const layoutPrefix = "oci:"

// layouts are the OCI layouts that a command uses. To the registry client each is a host of its own.
type layouts struct {
	registry *manifest.Registry
	open     []*layout.Dir
	shown    []string // old and new, for a replacer
}

// attach returns the name by which the registry client knows what text names; that of an image in a registry is text.
func (l *layouts) attach(text string, open func(string) (*layout.Dir, error)) (string, error) {
	rest, ok := strings.CutPrefix(text, layoutPrefix)
	if !ok {
		return text, nil
	}
	dir := rest
	if i := strings.IndexAny(rest, ":@"); i >= 0 {
		dir = rest[:i]
	}
	if dir == "" {
		return "", argument.Wrong(fmt.Errorf("invalid OCI layout %q: want oci:DIR[:TAG][@DIGEST]", text))
	}
	d, err := open(dir)
	if err != nil {
		return "", argument.Wrong(err)
	}
	l.open = append(l.open, d)
	host := fmt.Sprintf("layout-%d.invalid", len(l.open))
	l.registry.Attach(host, d)
	l.shown = append(l.shown, host+"/layout", layoutPrefix+dir)
	return host + "/layout" + rest[len(dir):], nil
}

// name gives text as the user knows it.
func (l *layouts) name(text string) string { return strings.NewReplacer(l.shown...).Replace(text) }

// explain gives an error the names that the user knows.
func (l *layouts) explain(err error) error {
	if err == nil || len(l.open) == 0 {
		return err
	}
	return &layoutError{text: l.name(err.Error()), err: err}
}

func (l *layouts) close() error {
	errs := make([]error, len(l.open))
	for i, d := range l.open {
		errs[i] = d.Close()
	}
	return errors.Join(errs...)
}

// layoutError is an error in other words.
type layoutError struct {
	text string
	err  error
}

func (e *layoutError) Error() string { return e.text }
func (e *layoutError) Unwrap() error { return e.err }
