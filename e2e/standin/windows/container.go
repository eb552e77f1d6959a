package windows

import (
	"archive/tar"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// containerID makes an ID such as engines have, another one each time.
func (e *Engine) containerID() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.made++
	return fmt.Sprintf("%064x", e.made)
}

// createContainer follows api/server/router/container/container_routes.go, postContainersCreate. The container can't be started.
func (e *Engine) createContainer(w http.ResponseWriter, r *http.Request, _ string) error {
	var config struct{ Image string }
	if err := json.NewDecoder(r.Body).Decode(&config); err != nil {
		return &statusError{http.StatusBadRequest, err.Error()}
	}
	_, image, err := e.find(config.Image)
	if err != nil {
		return err
	}
	id := e.containerID()
	e.mu.Lock()
	e.containers[id] = image
	e.mu.Unlock()
	reply(w, http.StatusCreated, map[string]any{"Id": id, "Warnings": []string{}})
	return nil
}

// listContainers follows getContainersJSON of the same file. Ours are none that anyone asks for.
func (*Engine) listContainers(w http.ResponseWriter, _ *http.Request, _ string) error {
	reply(w, http.StatusOK, []any{})
	return nil
}

// removeContainer follows deleteContainers of the same file.
func (e *Engine) removeContainer(w http.ResponseWriter, _ *http.Request, id string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.containers[id]; !ok {
		return &statusError{http.StatusNotFound, "No such container: " + id}
	}
	delete(e.containers, id)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// Containers is how many containers there are.
func (e *Engine) Containers() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.containers)
}

// archive follows api/server/router/container/copy.go, getContainersArchive, and daemon/archive_windows.go, containerArchivePath: the
// path may have slashes and a drive. Everything may be executed (chmodTarEntry in go-archive's archive_windows.go).
func (e *Engine) archive(w http.ResponseWriter, r *http.Request, id string) error {
	e.mu.Lock()
	image, found := e.containers[id]
	e.mu.Unlock()
	if !found {
		return &statusError{http.StatusNotFound, "No such container: " + id}
	}
	files, err := filesOf(image)
	if err != nil {
		return err
	}
	name := r.FormValue("path")
	at, found := files[key(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "C:"))]
	if !found {
		return &statusError{http.StatusNotFound, "Could not find the file " + name + " in container " + id}
	}
	stat, err := json.Marshal(map[string]any{"name": path.Base(at.path), "size": len(at.content), "mode": at.mode(), "mtime": at.time})
	if err != nil {
		return err
	}
	w.Header().Set("X-Docker-Container-Path-Stat", base64.StdEncoding.EncodeToString(stat))
	w.Header().Set("Content-Type", "application/x-tar")
	out := tar.NewWriter(w)
	for _, inner := range append([]entry{at}, files.below(at.path)...) {
		h := &tar.Header{
			Name: strings.TrimPrefix(inner.path, path.Dir(at.path)), Typeflag: tar.TypeReg,
			Mode: 0o755, Size: int64(len(inner.content)), ModTime: inner.time,
		}
		h.Name = strings.TrimPrefix(h.Name, "/")
		if inner.dir {
			h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
		}
		if err := out.WriteHeader(h); err != nil {
			return nil //nolint:nilerr // whoever asked has gone
		}
		_, _ = out.Write(inner.content)
	}
	_ = out.Close()
	return nil
}

func (e entry) mode() fs.FileMode {
	if e.dir {
		return fs.ModeDir | 0o777
	}
	return 0o666
}
