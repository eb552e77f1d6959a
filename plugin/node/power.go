package node

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/docker/cli/cli/command"

	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/config"
	"github.com/docker-multiarch/docker-multiarch/contexts/power"
)

// defaultWait is how long an engine may take to answer after its start command.
const defaultWait = 5 * time.Minute

// hookVariables are the variables that the user's start and stop commands get, in
// capitals or not (Windows says Path), and hookPrefixes the beginnings of the names
// of others: what a shell needs and what the tools of clouds read. Registries are
// not among them.
var (
	hookVariables = []string{
		"HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS",
		"XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "KRB5CCNAME", "LIBVIRT_DEFAULT_URI", "BOTO_CONFIG",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
		"USERPROFILE", "APPDATA", "LOCALAPPDATA", "SYSTEMROOT", "COMSPEC", "PATHEXT", "TEMP", "TMP",
	}
	hookPrefixes = []string{"LC_", "AWS_", "GOOGLE_", "CLOUDSDK_", "AZURE_", "ARM_", "HCLOUD_", "OS_", "DIGITALOCEAN_", "SCW_"}
)

// powerStore is what is remembered of nodes that were started, apart for each
// configuration: elsewhere the same name may be another machine.
func powerStore(dockerCLI command.Cli) (*power.Store, error) {
	dir, err := stateDir()
	if err != nil {
		return nil, fmt.Errorf("finding the state directory: %w", err)
	}
	path, err := filepath.Abs(configPath(dockerCLI))
	if err != nil {
		return nil, fmt.Errorf("finding the configuration: %w", err)
	}
	sum := sha256.Sum256([]byte(path))
	return power.Open(filepath.Join(dir, "power", hex.EncodeToString(sum[:8]))), nil
}

// Machine is a node that can be started and stopped.
type Machine struct {
	*power.Machine

	node *contexts.Node
}

func (m *Machine) release() { _ = contexts.Nodes{m.node}.Close() }

// NewMachine is the node as something that can be started and stopped, by the
// commands of a configuration that is the user's alone. Without hooks it can't; that
// it is in use holds all the same.
func NewMachine(dockerCLI command.Cli, c *config.Config, n *contexts.Node, hooks bool) (*Machine, error) {
	if err := c.Own(); hooks && err != nil {
		return nil, err
	}
	if n.Client() == nil {
		return nil, n.Err
	}
	store, err := powerStore(dockerCLI)
	if err != nil {
		return nil, err
	}
	m := &Machine{node: n, Machine: &power.Machine{
		Name: n.Name, Engine: n, Store: store, Reaper: func() error { return nil },
		Dir: filepath.Dir(c.Path), Env: hookEnvironment(os.Environ()),
	}}
	if hooks {
		m.Power, m.Reaper = c.Node(n.Name).Power, func() error { return startReaper(dockerCLI, n.Name) }
	}
	return m, nil
}

// loadMachine loads the one node that is to be started or stopped.
func loadMachine(dockerCLI command.Cli, name string) (*Machine, error) {
	c, err := ReadConfig(dockerCLI)
	if err != nil {
		return nil, err
	}
	nodes, err := contexts.Load(dockerCLI, name)
	if err != nil {
		return nil, err
	}
	configure(nodes[0], c)
	m, err := NewMachine(dockerCLI, c, nodes[0], true)
	if err != nil {
		return nil, errors.Join(err, nodes.Close())
	}
	return m, nil
}

// hookEnvironment is what of all variables the user's commands get.
func hookEnvironment(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(variable string) bool {
		name, _, _ := strings.Cut(strings.ToUpper(variable), "=")
		return !slices.Contains(hookVariables, name) &&
			!slices.ContainsFunc(hookPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	})
}

// WaitOf is how long the engine of a node may take to answer.
func WaitOf(p config.Power) time.Duration {
	if p.Wait > 0 {
		return p.Wait
	}
	return defaultWait
}
