//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
	"gotest.tools/v3/golden"
	"gotest.tools/v3/poll"
)

// screen is a terminal in tmux, which shows what a person would see: it wraps, scrolls and is resized as terminals are.
type screen struct {
	*client

	socket string
}

// startOnScreen starts a docker command on a terminal of that size. Its exit code is the last thing shown.
func (c *client) startOnScreen(width, height int, args ...string) *screen {
	c.t.Helper()
	dir, err := os.MkdirTemp("", "tmux") // The path of a socket is short.
	assert.NilError(c.t, err)
	s := &screen{client: c, socket: filepath.Join(dir, "s")}
	settings := filepath.Join(dir, "conf")
	assert.NilError(c.t, os.WriteFile(settings, []byte("set -g status off\nset -g default-terminal xterm\n"), 0o600))
	c.t.Cleanup(func() {
		s.tmux("kill-server")
		assert.NilError(c.t, os.RemoveAll(dir))
	})
	shell := []string{"sh", "-c", `trap : INT; docker "$@"; echo "exit code $?"; exec cat`, "sh"}
	s.tmux(append([]string{"-f", settings, "new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), "--"}, append(shell, args...)...)...)
	return s
}

func (s *screen) tmux(args ...string) string {
	s.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-u", "-S", s.socket}, args...)...)
	cmd.Env = s.environ()
	out, err := cmd.CombinedOutput()
	assert.NilError(s.t, err, "tmux %v: %s", args, out)
	return string(out)
}

func (s *screen) resize(width, height int) {
	s.t.Helper()
	s.tmux("resize-window", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height))
}

// text is what the screen shows now.
func (s *screen) text() string {
	s.t.Helper()
	return s.tmux("capture-pane", "-p")
}

// waitFor waits until the screen shows all words.
func (s *screen) waitFor(words ...string) {
	s.t.Helper()
	poll.WaitOn(s.t, func(poll.LogT) poll.Result {
		text := s.text()
		for _, word := range words {
			if !strings.Contains(text, word) {
				return poll.Continue("no %q on\n%s", word, text)
			}
		}
		return poll.Success()
	}, poll.WithTimeout(patience), poll.WithDelay(50*time.Millisecond))
}

var (
	changingHead   = regexp.MustCompile(`^\[\+\] Building \d+\.\ds`)
	changingTime   = regexp.MustCompile(`[ 0-9]{2}\d\.\ds`)
	changingRow    = regexp.MustCompile(`(?m)^(linux/\S+) +(\S+) +(\S+) +[0-9.]+s +[0-9.]+MB`)
	changingDigest = regexp.MustCompile(`sha256:[0-9a-f]+`)
)

// display is the display and what stands below it, without what differs from run to run.
func (s *screen) display(mark string) string {
	s.t.Helper()
	above, display, found := strings.Cut(strings.TrimRight(s.text(), "\n")+"\n", "[+] Building")
	assert.Assert(s.t, found && !strings.Contains(display, "[+] Building"), "it stands there once: %s%s", above, display)
	display = strings.ReplaceAll("[+] Building"+display, mark, "0123456789")
	display = changingHead.ReplaceAllString(display, "[+] Building #.#s")
	display = changingRow.ReplaceAllString(display, "$1 $2 $3 #s #MB")
	display = strings.ReplaceAll(display, "TIME    SIZE", "TIME   SIZE") // It may have taken more than ten seconds.
	display = changingTime.ReplaceAllString(display, "  #.#s")
	return changingDigest.ReplaceAllString(display, "sha256:…")
}

// shows compares the display, when it has come to rest, with a golden file.
func (s *screen) shows(name, mark string) {
	s.t.Helper()
	var before string
	rests := 0 // On a busy machine it may stand still for a moment.
	poll.WaitOn(s.t, func(poll.LogT) poll.Result {
		now := s.text()
		if same := changingTime.ReplaceAllString(now, ""); same != before {
			before, rests = same, 0
		} else if rests++; rests == 3 {
			return poll.Success()
		}
		return poll.Continue("it changes still:\n%s", now)
	}, poll.WithTimeout(patience), poll.WithDelay(250*time.Millisecond)) // It is drawn every 100 ms.
	golden.Assert(s.t, s.display(mark), "screen-"+name+".golden")
}

// A build that runs is shown as a line a platform and what each says, whatever size the terminal has or gets, and ^C ends it in
// good order.
func TestScreen(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mark := s.mark()
	args := append([]string{"multiarch", "build"}, s.pushing(s.dir("RUN echo compiling; echo linking; sleep "+mark))...)
	screen := s.startOnScreen(80, 24, args...)
	poll.WaitOn(t, func(poll.LogT) poll.Result {
		if n := strings.Count(screen.text(), "linking\n"); n != 2 {
			return poll.Continue("%d of 2 are at it", n)
		}
		return poll.Success()
	}, poll.WithTimeout(patience), poll.WithDelay(50*time.Millisecond))

	assert.Assert(t, is.Contains(screen.text(), "PLATFORM "), "what stood above is there")
	screen.shows("80x24", mark)
	// What scrolls away in a terminal that becomes smaller is out of reach, so the smallest comes last.
	for _, size := range []struct{ width, height int }{{300, 50}, {100, 30}, {50, 12}} {
		screen.resize(size.width, size.height)
		screen.shows(fmt.Sprintf("%dx%d", size.width, size.height), mark)
	}

	screen.tmux("send-keys", "C-c")
	screen.waitFor("exit code 130")
	screen.shows("interrupted", mark)
	assert.Equal(t, strings.TrimSpace(screen.tmux("display-message", "-p", "#{cursor_flag}")), "1", "the cursor is visible")
	s.unharmed()
}

// A build that worked ends with what became of each platform, and nothing of its course.
func TestScreenOfADoneBuild(t *testing.T) {
	t.Parallel()
	c, f, repo := newClient(t), newFront(t), repository(t)
	screen := c.startOnScreen(200, 40, "multiarch", "build", "--push", "-t", f.address+"/"+repo+":1", files{"Dockerfile": dockerfile("RUN uname -m")}.dir(t))
	screen.waitFor("exit code 0")
	screen.shows("done", f.address+"/"+repo)
}
