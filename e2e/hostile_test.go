//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

// hostile is text that would clear the screen, rename the window, hide what follows and overwrite the line.
const hostile = "evil\x1b[2J\x1b]0;owned\x07\x1b[8m\u009b2J\u202e\rno such thing"

// hostileEcho is a shell command that says it.
var hostileEcho = fmt.Sprintf("printf '%s\\n'", octal(hostile))

// octal is text as printf has it, in letters that any file may have.
func octal(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, `\%03o`, c)
	}
	return b.String()
}

// harmless asserts that what was said is shown, and nothing of it moves a terminal.
func (r result) harmless() {
	r.t.Helper()
	shown := r.stdout + r.stderr
	assert.Check(r.t, is.Contains(shown, "evil"), "it was not said: %s", r)
	for _, c := range shown {
		harmful := unicode.IsControl(c) && c != '\n' && c != '\t' || unicode.Is(unicode.Bidi_Control, c)
		assert.Assert(r.t, !harmful, "%q in %q", c, shown)
	}
}

// What a step prints comes from a node that may be anybody's.
func TestHostileNode(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"plain", "github"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			r := s.push("--progress", mode, s.dir("RUN "+hostileEcho+"; "+hostileEcho+" >&2; exit 7"))
			r.harmless()
			assert.Equal(t, r.code, 1, "%s", r)
			s.unharmed()
		})
	}
}

// On a terminal, what stood above stays, and the window keeps its name.
func TestHostileNodeOnAScreen(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	args := append([]string{"multiarch", "build"}, s.pushing(s.dir("RUN "+hostileEcho+"; exit 7"))...)
	screen := s.startOnScreen(200, 50, args...)
	screen.waitFor("PLATFORM ", "[+] Building", "evil", "no such thing", "exit code 1")
	assert.Assert(t, !strings.Contains(screen.tmux("display-message", "-p", "#{pane_title}"), "owned"))
	s.unharmed()
}

// What a registry says may come from whoever stands before it.
func TestHostileRegistry(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	message, err := json.Marshal(hostile)
	assert.NilError(t, err)
	s.front.breakWith(func(w http.ResponseWriter, r *http.Request) bool {
		if !putOf(tag)(r) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, `{"errors":[{"code":"DENIED","message":%s}]}`, message)
		return true
	})
	r := s.push("--progress", "plain", s.dir("RUN uname -m"))
	r.harmless()
	assert.Equal(t, r.code, 3, "%s", r)
	s.cleanedUp()
	s.sameTag()
}

// A start command's words may be those of the cloud it asked.
func TestHostileStartCommand(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.env["XDG_STATE_HOME"] = t.TempDir()
	c.addContext("cloud", "unix:///nonexistent.sock")
	assert.NilError(t, os.WriteFile(filepath.Join(c.config, "start.sh"), []byte(hostileEcho+"; "+hostileEcho+" >&2; exit 1\n"), 0o600))
	c.nodesYAML("node:", "  cloud:", "    platforms: [linux/arm64]", "    start: [/bin/sh, start.sh]", "    stop: [/bin/true]")
	r := c.build("--progress", "plain", "--platform", "linux/arm64", files{"Dockerfile": dockerfile("RUN true")}.dir(t))
	r.harmless()
	assert.Equal(t, r.code, 3, "%s", r)
}
