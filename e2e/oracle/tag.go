package oracle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"slices"
)

// ErrNoTag says that the registry itself answered that it has no such tag or repository.
var ErrNoTag = errors.New("no such tag")

// Manifest is one manifest or index as the registry sent it.
type Manifest struct {
	Digest    string // Recomputed from Raw.
	MediaType string // The answer's Content-Type.
	Raw       []byte
}

// Tag returns the digest, media type and bytes behind repo:tag, and [ErrNoTag] if there is none.
func (r *Registry) Tag(ctx context.Context, repo, tag string) (Manifest, error) {
	return r.manifest(ctx, repo, tag)
}

// manifest reads a manifest by tag or digest. With a violation of the digest, it returns what was read too.
func (r *Registry) manifest(ctx context.Context, repo, ref string) (Manifest, error) {
	where := "manifest " + short(ref)
	resp, err := r.get(ctx, r.url(repo, "manifests", ref), manifestTypes)
	switch {
	case isDigest(ref) && isNotFound(err):
		return Manifest{}, violation(where, ErrMissing, "%v", err)
	case !isDigest(ref) && isUnknown(err):
		return Manifest{}, fmt.Errorf("reading %s: %w", refName(repo, ref), ErrNoTag)
	case err != nil:
		return Manifest{}, fmt.Errorf("reading %s: %w", refName(repo, ref), err)
	}
	defer resp.Body.Close()
	raw, err := readAll(resp.Body, where)
	if err != nil {
		return Manifest{}, fmt.Errorf("reading %s: %w", refName(repo, ref), err)
	}
	m := Manifest{Digest: digestOf(raw), MediaType: contentType(resp), Raw: raw}
	return m, matchDigest(where, m.Digest, ref, resp.Header)
}

// matchDigest compares the digest of what was read with the one asked for and the one that the registry claims. A registry may
// leave the header out, but may not lie in it.
func matchDigest(where, got, ref string, header http.Header) error {
	var found []error
	if isDigest(ref) && got != ref {
		found = append(found, violation(where, ErrDigest, "the bytes asked for as %s are %s", ref, got))
	}
	if claimed := header.Get("Docker-Content-Digest"); claimed != "" && claimed != got {
		found = append(found, violation(where, ErrDigest, "the header says %s, the bytes are %s", claimed, got))
	}
	return errors.Join(found...)
}

func contentType(resp *http.Response) string {
	header := resp.Header.Get("Content-Type")
	if mediaType, _, err := mime.ParseMediaType(header); err == nil {
		return mediaType
	}
	return header
}

// Tags lists the tags of repo, sorted; the list is empty if the registry does not know the repository.
func (r *Registry) Tags(ctx context.Context, repo string) ([]string, error) {
	var tags []string
	for url := r.url(repo, "tags", "list"); url != ""; {
		page, next, err := r.tagPage(ctx, url)
		if isUnknown(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("listing the tags of %s: %w", repo, err)
		}
		if len(page) == 0 {
			break // An empty page that names a next one would go on for ever.
		}
		tags = append(tags, page...)
		url = next
	}
	slices.Sort(tags)
	return slices.Compact(tags), nil
}

var nextLink = regexp.MustCompile(`<([^>]+)>\s*;\s*rel="?next"?`)

// tagPage reads one page of tags, and returns the URL of the next one if there is one.
func (r *Registry) tagPage(ctx context.Context, url string) (tags []string, next string, err error) {
	resp, err := r.get(ctx, url, nil)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	raw, err := readAll(resp.Body, "tags")
	if err != nil {
		return nil, "", err
	}
	var page struct {
		Tags []string `json:"tags"`
	}
	if err := json.Unmarshal(raw, &page); err != nil {
		return nil, "", err
	}
	link := nextLink.FindStringSubmatch(resp.Header.Get("Link"))
	if link == nil {
		return page.Tags, "", nil
	}
	following, err := resp.Request.URL.Parse(link[1])
	if err != nil {
		return nil, "", err
	}
	return page.Tags, following.String(), nil
}
