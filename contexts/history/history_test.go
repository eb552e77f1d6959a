package history

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

var now = time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)

func open(t *testing.T, dir string) *History {
	t.Helper()
	h, err := Open(dir)
	assert.NilError(t, err)
	return h
}

func TestWhatOneRunSawTheNextKnows(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	h := open(t, dir)
	h.Node("pi", "ssh://pi").Dead = now
	h.Projects["p"] = &Project{Built: now, Nodes: []string{"pi"}}
	assert.NilError(t, h.Close())

	info, err := os.Stat(filepath.Join(dir, file))
	assert.NilError(t, err)
	if runtime.GOOS != "windows" { // which has no such bits
		assert.Equal(t, info.Mode().Perm(), os.FileMode(0o600))
	}

	h = open(t, dir)
	assert.Equal(t, h.Node("pi", "ssh://pi").Dead, now)
	assert.DeepEqual(t, h.Projects["p"].Nodes, []string{"pi"})
	assert.Assert(t, h.Node("pi", "ssh://another").Dead.IsZero(), "a new endpoint is a new node")
	assert.NilError(t, h.Close())
}

func TestADamagedFileIsAnEmptyHistory(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", "[]", `{"nodes":null}`, `{"nodes":{"a":1}}`} {
		dir := t.TempDir()
		assert.NilError(t, os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600))
		h := open(t, dir)
		assert.Equal(t, len(h.Nodes)+len(h.Projects), 0, text)
		assert.NilError(t, h.Close())
	}
}

func TestALinkInThePlaceOfTheFileIsNotFollowed(t *testing.T) {
	t.Parallel()
	dir, victim := t.TempDir(), filepath.Join(t.TempDir(), "victim")
	assert.NilError(t, os.WriteFile(victim, []byte(`{"nodes":{"a":{}},"projects":{}}`), 0o600))
	assert.NilError(t, os.Symlink(victim, filepath.Join(dir, file)))
	h := open(t, dir)
	assert.Equal(t, len(h.Nodes), 0)
	h.Node("b", "x")
	assert.NilError(t, h.Close())
	text, err := os.ReadFile(victim)
	assert.NilError(t, err)
	assert.Equal(t, string(text), `{"nodes":{"a":{}},"projects":{}}`)
}

func TestOldProjectsAreForgotten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := open(t, dir)
	for i := range maxProjects + 10 {
		h.Projects[fmt.Sprint(i)] = &Project{Built: now.Add(time.Duration(i) * time.Hour)}
	}
	assert.NilError(t, h.Close())
	h = open(t, dir)
	assert.Equal(t, len(h.Projects), maxProjects)
	assert.Assert(t, h.Projects["9"] == nil && h.Projects["10"] != nil)
	assert.NilError(t, h.Close())
}
