package contexts

import (
	"errors"
	"fmt"
	"strings"
)

// Errors of ssh endpoints that a user can do something about.
var (
	// ErrSSH is any failure of ssh itself.
	ErrSSH = errors.New("ssh")
	// ErrSSHHostKeyUnknown and ErrSSHHostKeyChanged are about known_hosts.
	ErrSSHHostKeyUnknown = fmt.Errorf("%w: host key not known", ErrSSH)
	ErrSSHHostKeyChanged = fmt.Errorf("%w: host key changed", ErrSSH)
	// ErrSSHLogin means that no key was accepted.
	ErrSSHLogin = fmt.Errorf("%w: login refused", ErrSSH)
	// ErrSSHBusy means that the server turned the connection away before the
	// login (MaxStartups).
	ErrSSHBusy = fmt.Errorf("%w: server refuses connections", ErrSSH)
	// ErrSSHNoDocker means that the other side has no docker command in its
	// PATH, and ErrSSHChatty that a profile there prints text into the
	// connection.
	ErrSSHNoDocker = fmt.Errorf("%w: no docker command on the other side", ErrSSH)
	ErrSSHChatty   = fmt.Errorf("%w: a login profile on the other side prints text", ErrSSH)
)

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
}

// sshError makes an error of what ssh, or the other side through it, wrote.
func sshError(text string) error {
	text = strings.TrimSpace(text)
	for _, m := range sshMessages {
		if strings.Contains(text, m.text) {
			return fmt.Errorf("%w: %s", m.err, lastLine(text))
		}
	}
	return fmt.Errorf("%w: %s", ErrSSH, lastLine(text))
}

func lastLine(text string) string {
	return text[strings.LastIndexByte(text, '\n')+1:]
}
