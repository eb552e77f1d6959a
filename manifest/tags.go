package manifest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	"github.com/distribution/reference"
)

const (
	tagsPerPage = 1000
	maxTags     = 100_000 // of one repository
)

var nextLink = regexp.MustCompile(`<([^>]*)>\s*;[^,]*\brel="?next"?`)

// Tags lists the tags of a repository. What the registry names but can't be a tag is left out. Failures are an *[Error].
func (r *Registry) Tags(ctx context.Context, repo reference.Named) ([]reference.NamedTagged, error) {
	in := r.repository(repo, false)
	t := task{op: "listing the tags of", reference: in.name.Name()}
	var all []reference.NamedTagged
	query := fmt.Sprintf("n=%d", tagsPerPage)
	for {
		names, next, err := in.tagPage(ctx, t, query)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if tag, err := reference.WithTag(in.name, name); err == nil {
				all = append(all, tag)
			}
		}
		if next == "" || next == query || len(names) == 0 {
			return all, nil
		}
		if query = next; len(all) > maxTags {
			return nil, in.explain(ctx, t, &failure{class: ErrInvalid, cause: fmt.Errorf("more than %d", maxTags)})
		}
	}
}

// tagPage reads one page, and gives the query of the next. Of the link to it nothing else is used, so that a registry
// can't send us anywhere.
func (r repository) tagPage(ctx context.Context, t task, query string) (names []string, next string, err error) {
	err = r.retry(ctx, t, func(ctx context.Context) error {
		a, err := r.do(ctx, request{method: http.MethodGet, kind: "tags", reference: "list", query: query})
		if err != nil {
			return err
		}
		var body struct {
			Tags []string `json:"tags"`
		}
		if err := json.Unmarshal(a.body, &body); err != nil {
			return &failure{class: ErrInvalid, cause: errors.New("the list of tags can't be read")}
		}
		names, next = body.Tags, ""
		if found := nextLink.FindStringSubmatch(a.header.Get("Link")); found != nil {
			if u, err := url.Parse(found[1]); err == nil {
				next = u.RawQuery
			}
		}
		return nil
	})
	return names, next, err
}
