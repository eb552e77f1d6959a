package contexts

import (
	"errors"
	"regexp"
	"strings"
)

// Errors of ssh endpoints that a user can do something about.
var (
	// ErrSSH is any failure of ssh itself.
	ErrSSH = errors.New("ssh failed")
	// ErrSSHHostKeyUnknown and ErrSSHHostKeyChanged are about known_hosts.
	ErrSSHHostKeyUnknown = errors.New("the host key is not known")
	ErrSSHHostKeyChanged = errors.New("the host key changed")
	// ErrSSHLogin means that no key was accepted.
	ErrSSHLogin = errors.New("login refused")
	// ErrSSHBusy means that the server turned the connection away before the
	// login (MaxStartups).
	ErrSSHBusy = errors.New("the server takes no more connections")
	// ErrSSHNoEngine means that the other side's docker command reaches no
	// engine.
	ErrSSHNoEngine = errors.New("no engine answers on the other side")
	// ErrSSHNoDocker means that the other side has no docker command in its
	// PATH, and ErrSSHChatty that a profile there prints text into the
	// connection.
	ErrSSHNoDocker = errors.New("no docker command on the other side")
	ErrSSHChatty   = errors.New("a login profile on the other side prints text")
)

// SSHError is a failure of an ssh endpoint.
type SSHError struct {
	// Kind is one of the errors above.
	Kind error
	// Text is what ssh, or the other side through it, wrote.
	Text string
}

// Error implements error.
func (e *SSHError) Error() string {
	if e.Text == "" {
		return e.Kind.Error()
	}
	return e.Kind.Error() + ": " + e.Text
}

// Unwrap returns the kind of failure.
func (e *SSHError) Unwrap() error { return e.Kind }

// sshMessages are the words by which ssh tells its failures apart, the more
// specific first; its exit code is 255 for all of them.
var sshMessages = []struct {
	text string
	err  error
}{
	{"REMOTE HOST IDENTIFICATION HAS CHANGED", ErrSSHHostKeyChanged},
	{"Host key verification failed", ErrSSHHostKeyUnknown},
	{"Permission denied", ErrSSHLogin},
	{"Too many authentication failures", ErrSSHLogin},
	{"kex_exchange_identification", ErrSSHBusy},
	{"Exceeded MaxStartups", ErrSSHBusy},
	{"command not found", ErrSSHNoDocker},
	{"docker: not found", ErrSSHNoDocker},
	{"exit status 127", ErrSSHNoDocker},
	{"malformed HTTP", ErrSSHChatty},
	{"Cannot connect to the Docker daemon", ErrSSHNoEngine},
}

// malformed is what the other side wrote where an HTTP answer was due.
var malformed = regexp.MustCompile(`"[^"\n]*"$`)

// sshError makes an error of what ssh, or the other side through it, wrote.
func sshError(text string) error {
	e := &SSHError{Kind: ErrSSH, Text: lastLine(text)}
	for _, m := range sshMessages {
		if strings.Contains(text, m.text) {
			e.Kind = m.err
			break
		}
	}
	switch {
	case errors.Is(e.Kind, ErrSSHChatty):
		e.Text = malformed.FindString(text)
	case errors.Is(e.Kind, ErrSSHNoEngine):
		e.Text = ""
	}
	return e
}

// lastLine is where ssh says what was wrong; docker/cli puts what the command
// wrote behind "stderr=".
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	text = text[strings.LastIndexByte(text, '\n')+1:]
	if command, stderr, ok := strings.Cut(text, "stderr="); ok {
		text = stderr
		if _, status, ok := strings.Cut(command, "has exited with "); ok && stderr == "" {
			text, _, _ = strings.Cut(status, ",")
		}
	}
	return strings.TrimPrefix(text, "ssh: ")
}
