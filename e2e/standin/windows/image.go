package windows

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// keep puts an image into the store under its ID, the digest of its config.
func (e *Engine) keep(image v1.Image) (string, error) {
	id, err := image.ConfigName()
	if err != nil {
		return "", err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.images[id.String()] = image
	return id.String(), nil
}

// find follows daemon/images/image.go, GetImage: by a name, or by an ID or the beginning of one.
func (e *Engine) find(name string) (string, v1.Image, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if named, err := reference.ParseNormalizedNamed(name); err == nil {
		if id, ok := e.tags[reference.TagNameOnly(named).String()]; ok {
			return id, e.images[id], nil
		}
	}
	for id, image := range e.images {
		if strings.HasPrefix(id, name) || strings.HasPrefix(strings.TrimPrefix(id, "sha256:"), name) {
			return id, image, nil
		}
	}
	return "", nil, &statusError{http.StatusNotFound, "No such image: " + name}
}

// namesOf are the names of an image.
func (e *Engine) namesOf(id string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	names := []string{}
	for name, of := range e.tags {
		if of == id {
			named, _ := reference.ParseNormalizedNamed(name)
			names = append(names, reference.FamiliarString(named))
		}
	}
	slices.Sort(names)
	return names
}

// setTag follows daemon/images/image_tag.go, TagImage: the name is taken from another image.
func (e *Engine) setTag(name reference.Named, id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tags[name.String()] = id
}

// inspect follows api/server/router/image/image_routes.go, getImagesByName, and daemon/images/image_inspect.go, ImageInspect.
func (e *Engine) inspect(w http.ResponseWriter, _ *http.Request, name string) error {
	id, image, err := e.find(name)
	if err != nil {
		return err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, map[string]any{
		"Id": id, "RepoTags": e.namesOf(id), "RepoDigests": []string{}, "Created": config.Created.Format(time.RFC3339Nano),
		"Config": config.Config, "Architecture": config.Architecture, "Os": config.OS, "OsVersion": config.OSVersion,
		"RootFS": map[string]any{"Type": config.RootFS.Type, "Layers": config.RootFS.DiffIDs},
	})
	return nil
}

// list follows api/server/router/image/image_routes.go, getImagesJSON.
func (e *Engine) list(w http.ResponseWriter, _ *http.Request, _ string) error {
	e.mu.Lock()
	images := maps.Clone(e.images)
	e.mu.Unlock()
	all := []any{}
	for id, image := range images {
		config, err := image.ConfigFile()
		if err != nil {
			return err
		}
		all = append(all, map[string]any{
			"Id": id, "RepoTags": e.namesOf(id), "RepoDigests": []string{}, "Created": config.Created.Unix(), "Labels": config.Config.Labels,
		})
	}
	reply(w, http.StatusOK, all)
	return nil
}

// tag follows api/server/router/image/image_routes.go, postImagesTag.
func (e *Engine) tag(w http.ResponseWriter, r *http.Request, name string) error {
	target, err := reference.ParseNormalizedNamed(r.FormValue("repo"))
	if err == nil && r.FormValue("tag") != "" {
		target, err = reference.WithTag(reference.TrimNamed(target), r.FormValue("tag"))
	}
	if err != nil {
		return &statusError{http.StatusBadRequest, err.Error()}
	}
	id, _, err := e.find(name)
	if err != nil {
		return err
	}
	e.setTag(reference.TagNameOnly(target), id)
	w.WriteHeader(http.StatusCreated)
	return nil
}

// remove follows daemon/images/image_delete.go, ImageDelete: a name goes, and with its last name the image.
func (e *Engine) remove(w http.ResponseWriter, _ *http.Request, name string) error {
	id, _, err := e.find(name)
	if err != nil {
		return err
	}
	byID := strings.HasPrefix(id, name) || strings.HasPrefix(strings.TrimPrefix(id, "sha256:"), name)
	if names := e.namesOf(id); byID && len(names) > 1 {
		return &statusError{http.StatusConflict, "conflict: unable to delete " + short(id) + " (must be forced) - image is referenced in multiple repositories"}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var gone []map[string]string
	last := true
	for tag, of := range e.tags {
		named, _ := reference.ParseNormalizedNamed(tag)
		switch wanted, err := reference.ParseNormalizedNamed(name); {
		case of != id:
		case byID || err == nil && reference.TagNameOnly(wanted).String() == tag:
			delete(e.tags, tag)
			gone = append(gone, map[string]string{"Untagged": reference.FamiliarString(named)})
		default:
			last = false
		}
	}
	if last {
		delete(e.images, id)
		gone = append(gone, map[string]string{"Deleted": id})
	}
	reply(w, http.StatusOK, gone)
	return nil
}
