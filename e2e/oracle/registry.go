package oracle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// Registry is one registry as the oracle sees it. It may be used by several goroutines at once.
type Registry struct {
	// Base is the registry's root with its scheme, such as "http://127.0.0.1:5000".
	Base string
	// Client sends the requests; nil means http.DefaultClient.
	Client *http.Client
	// User and Password are sent as basic authentication with each request, unless User is empty.
	User, Password string
}

// get sends one GET and returns the answer if it is 200; any other answer is a *statusError.
func (r *Registry) get(ctx context.Context, url string, accept []string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	// Asked for by name, so that net/http does not unpack anything behind our back: the oracle judges the bytes as stored.
	req.Header.Set("Accept-Encoding", "identity")
	if len(accept) > 0 {
		req.Header.Set("Accept", strings.Join(accept, ", "))
	}
	if r.User != "" {
		req.SetBasicAuth(r.User, r.Password)
	}
	client := r.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, refusal(resp)
	}
	return resp, nil
}

func (r *Registry) url(repo, kind, ref string) string {
	return strings.TrimSuffix(r.Base, "/") + "/v2/" + repo + "/" + kind + "/" + ref
}

// statusError is a registry's answer other than 200, with the codes of its error document.
type statusError struct {
	status int
	codes  []string
}

func (e *statusError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the registry answered %d %s", e.status, strings.Join(e.codes, " ")))
}

func refusal(resp *http.Response) error {
	e := &statusError{status: resp.StatusCode}
	var body struct {
		Errors []struct {
			Code string `json:"code"`
		} `json:"errors"`
	}
	// A body that can't be read or is no error document leaves the list of codes empty, which is what callers look at.
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	_ = json.Unmarshal(raw, &body)
	for _, one := range body.Errors {
		e.codes = append(e.codes, one.Code)
	}
	return e
}

func isNotFound(err error) bool {
	var status *statusError
	return errors.As(err, &status) && status.status == http.StatusNotFound
}

// isUnknown tells a registry's word that it has no such thing from any other 404: a wrong Base must not pass for an absent tag.
func isUnknown(err error) bool {
	var status *statusError
	return errors.As(err, &status) && status.status == http.StatusNotFound &&
		slices.ContainsFunc(status.codes, func(code string) bool {
			return code == "MANIFEST_UNKNOWN" || code == "NAME_UNKNOWN" || code == "NOT_FOUND"
		})
}
