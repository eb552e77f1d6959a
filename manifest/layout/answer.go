package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"syscall"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// upload is a blob that is not whole yet.
type upload struct {
	name   string
	digest digest.Digest
}

// RoundTrip implements http.RoundTripper: it answers as a registry with one repository, of any name, would. What the file
// system fails with is its own error.
func (d *Dir) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer func() { _ = req.Body.Close() }() // as the interface wants it
	}
	resp, err := d.answer(req)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		resp = respond(http.StatusNotFound, nil)
	case isSystem(err):
		return nil, err
	case err != nil:
		if resp, err = refuse(err); err != nil {
			return nil, err
		}
	}
	resp.Request = req
	return resp, nil
}

func isSystem(err error) bool {
	_, ok := errors.AsType[syscall.Errno](err)
	return ok
}

func (d *Dir) answer(req *http.Request) (*http.Response, error) {
	rest, ref := path.Split(req.URL.Path)
	switch kind := path.Base(rest); {
	case req.URL.Path == "/v2/":
		return respond(http.StatusOK, nil), nil
	case kind == "manifests" && req.Method == http.MethodPut:
		return d.putManifest(req, ref)
	case kind == "manifests":
		return d.getManifest(ref)
	case strings.HasSuffix(rest, "/blobs/uploads/"):
		return d.upload(req, ref)
	case kind == "blobs" && (req.Method == http.MethodGet || req.Method == http.MethodHead):
		return d.getBlob(req, ref)
	}
	return respond(http.StatusMethodNotAllowed, nil), nil
}

func respond(status int, raw []byte) *http.Response {
	return &http.Response{
		StatusCode: status, Status: strconv.Itoa(status) + " " + http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(raw)), ContentLength: int64(len(raw)),
	}
}

// refuse reports what waiting doesn't cure in the form that registries have for it.
func refuse(cause error) (*http.Response, error) {
	raw, err := json.Marshal(map[string]any{"errors": []map[string]string{{"code": "MANIFEST_INVALID", "message": cause.Error()}}})
	return respond(http.StatusUnprocessableEntity, raw), err
}

func (d *Dir) getManifest(ref string) (*http.Response, error) {
	m, err := d.find(ref)
	if err != nil {
		return nil, err
	}
	name, dgst, err := blobPath(m.Digest.String())
	if err != nil {
		return nil, err
	}
	raw, err := d.read(name)
	if err != nil {
		return nil, err
	}
	if dgst.Algorithm().FromBytes(raw) != dgst {
		return nil, fmt.Errorf("%s has other content", name)
	}
	resp := respond(http.StatusOK, raw)
	resp.Header.Set("Content-Type", m.MediaType)
	return resp, nil
}

func (d *Dir) getBlob(req *http.Request, ref string) (*http.Response, error) {
	file, err := d.Blob(digest.Digest(ref))
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	resp := respond(http.StatusOK, nil)
	resp.ContentLength = info.Size()
	if req.Method == http.MethodHead {
		return resp, file.Close()
	}
	resp.Body = file
	return resp, nil
}

func (d *Dir) putManifest(req *http.Request, ref string) (*http.Response, error) {
	raw, err := io.ReadAll(io.LimitReader(req.Body, maxManifest+1))
	if err != nil {
		return nil, err
	}
	dgst := digest.FromBytes(raw)
	if want, err := digest.Parse(ref); len(raw) > maxManifest || err == nil && want.Algorithm().FromBytes(raw) != want {
		return respond(http.StatusBadRequest, nil), nil
	} else if err == nil {
		dgst = want
	}
	if err := d.store(bytes.NewReader(raw), dgst); err != nil {
		return nil, err
	}
	if dgst.String() != ref {
		m := ocispec.Descriptor{MediaType: req.Header.Get("Content-Type"), Digest: dgst, Size: int64(len(raw))}
		if err := d.tag(ref, m); err != nil {
			return nil, err
		}
	}
	return respond(http.StatusCreated, nil), nil
}

// upload goes through the three steps of sending a blob.
func (d *Dir) upload(req *http.Request, id string) (*http.Response, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch u := d.uploads[id]; {
	case req.Method == http.MethodPost:
		name, err := d.temporary()
		if err != nil {
			return nil, err
		}
		id = strconv.Itoa(d.count)
		d.uploads[id] = &upload{name: name}
	case u == nil:
		return nil, fs.ErrNotExist
	case req.Method == http.MethodDelete:
		return respond(http.StatusNoContent, nil), d.drop(id)
	case req.Method == http.MethodPatch:
		// Uploads go on side by side.
		d.mu.Unlock()
		dgst, _, err := d.spool(u.name, req.Body)
		d.mu.Lock()
		if u.digest = dgst; err != nil {
			return nil, err
		}
	case req.URL.Query().Get("digest") != u.digest.String():
		return respond(http.StatusBadRequest, nil), d.drop(id)
	default:
		delete(d.uploads, id)
		return respond(http.StatusCreated, nil), d.commit(u.name, u.digest)
	}
	resp := respond(http.StatusAccepted, nil)
	resp.Header.Set("Location", path.Join(strings.TrimSuffix(req.URL.Path, id), id))
	return resp, nil
}
