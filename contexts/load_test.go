package contexts

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/context/store"
	dockerclient "github.com/moby/moby/client"
	"gotest.tools/v3/assert"
)

func TestLoadPutsTheCurrentContextFirstAndTheOthersInOrderOfName(t *testing.T) {
	t.Parallel()
	hosts := map[string]string{"b": "unix:///b.sock", "a": "unix:///a.sock", "c": "tcp://c:2376"}
	nodes := load(t, newStore(t, "b", "unix:///nowhere/docker.sock", hosts))
	assert.Equal(t, names(nodes), "b a c")
	for _, n := range nodes {
		assert.Equal(t, n.Current, n.Name == "b", n.Name)
		assert.Equal(t, n.Host, hosts[n.Name])
		assert.NilError(t, n.Err)
		assert.Assert(t, n.Client() != nil)
		assert.Assert(t, !n.Usable(), "nothing was dialled yet")
	}
}

func TestLoadKeepsTheOrderOfTheNamesItIsGiven(t *testing.T) {
	t.Parallel()
	s := newStore(t, "b", "unix:///nowhere/docker.sock", map[string]string{"a": "unix:///a", "b": "unix:///b", "c": "unix:///c"})
	assert.Equal(t, names(load(t, s, "c", "a", "default")), "c a default")
}

func TestLoadRefusesANameThatIsNotInTheStore(t *testing.T) {
	t.Parallel()
	s := newStore(t, "default", "unix:///docker.sock", map[string]string{"a": "unix:///a"})
	nodes, err := Load(s, "a", "b")
	assert.ErrorIs(t, err, ErrUnknownContext)
	assert.ErrorContains(t, err, `"b"`)
	assert.Equal(t, len(nodes), 0)
}

func TestLoadFindsNothingInAnEmptyStore(t *testing.T) {
	t.Parallel()
	assert.Equal(t, names(load(t, newStore(t, "other", "unix:///nowhere/docker.sock", nil))), "")
}

func TestLoadLeavesDefaultOutOnlyIfNobodyMeansIt(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "docker.sock")
	assert.NilError(t, os.WriteFile(socket, nil, 0o600))
	for _, c := range []struct{ name, current, host, want string }{
		{"its socket is not there", "a", "unix:///nowhere/docker.sock", "a"},
		{"its socket is there", "a", "unix://" + socket, "a default"},
		{"it is the current one", "default", "unix:///nowhere/docker.sock", "default a"},
		{"it is a DOCKER_HOST", "a", "tcp://10.0.0.1:2375", "a default"},
		{"it is a pipe", "a", "npipe:////./pipe/docker_engine", "a default"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, c.current, c.host, map[string]string{"a": "unix:///nowhere/a.sock"})
			// A pipe can be dialled on Windows alone: there the error is the node's.
			nodes, err := Load(s)
			assert.NilError(t, err)
			defer nodes.Close()
			assert.Equal(t, names(nodes), c.want)
		})
	}
}

func TestLoadTakesAnEmptyEndpointForTheUsualSocket(t *testing.T) {
	t.Parallel()
	nodes := load(t, newStore(t, "a", "", map[string]string{"a": ""}), "a")
	assert.Equal(t, nodes[0].Host, dockerclient.DefaultDockerHost)
	assert.NilError(t, nodes[0].Err)
}

func TestLoadGivesAContextThatCannotBeUsedAnErrAndLoadsTheOthers(t *testing.T) {
	t.Parallel()
	s := newStore(t, "fine", "unix:///nowhere/docker.sock", map[string]string{"fine": "unix:///fine.sock", "odd": "no endpoint at all"})
	assert.NilError(t, s.CreateOrUpdate(store.Metadata{Name: "none", Endpoints: map[string]any{}}))
	nodes := load(t, s)
	assert.Equal(t, names(nodes), "fine none odd")
	assert.NilError(t, nodes[0].Err)
	for _, n := range nodes[1:] {
		assert.Assert(t, n.Err != nil, n.Name)
		assert.Assert(t, n.Client() == nil, n.Name)
		assert.Assert(t, !n.Usable(), n.Name)
	}
	// What failed while loading stays as it is.
	why := nodes[1].Err
	_ = nodes.Probe(t.Context(), nil)
	assert.ErrorIs(t, nodes[1].Err, why)
}

func TestLoadReportsAStoreThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := newStore(t, "default", "unix:///docker.sock", nil)
	s.Store = brokenStore{s.Store}
	_, err := Load(s)
	assert.ErrorIs(t, err, errBroken)
	assert.ErrorContains(t, err, "listing Docker contexts")
}

var errBroken = errors.New("broken")

type brokenStore struct{ store.Store }

func (brokenStore) List() ([]store.Metadata, error) { return nil, errBroken }

func TestLoadReadsTheTLSFilesOfAContext(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	server.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	_, err := x509.ParseCertificate(server.Certificate().Raw)
	assert.NilError(t, err)

	s := newStore(t, "safe", "unix:///nowhere/docker.sock", map[string]string{
		"safe": "tcp://10.0.0.1:2376", "open": "tcp://10.0.0.1:2375", "torn": "tcp://10.0.0.1:2376",
	})
	for name, pem := range map[string][]byte{"safe": ca, "torn": []byte("-----BEGIN")} {
		assert.NilError(t, s.ResetTLSMaterial(name, &store.ContextTLSData{Endpoints: map[string]store.EndpointTLSData{
			docker.DockerEndpoint: {Files: map[string][]byte{"ca.pem": pem}},
		}}))
	}
	nodes := load(t, s, "safe", "open", "torn")
	assert.Assert(t, nodes[0].Encrypted && !nodes[0].Exposed())
	assert.Assert(t, !nodes[1].Encrypted && nodes[1].Exposed())
	assert.ErrorContains(t, nodes[2].Err, "ca.pem")
}

func TestLoadTakesASkippedVerificationForEncrypted(t *testing.T) {
	t.Parallel()
	s := newStore(t, "a", "unix:///nowhere/docker.sock", nil)
	m := meta("a", "")
	m.Endpoints[docker.DockerEndpoint] = docker.EndpointMeta{Host: "tcp://10.0.0.1:2376", SkipTLSVerify: true}
	assert.NilError(t, s.CreateOrUpdate(m))
	assert.Assert(t, load(t, s, "a")[0].Encrypted)
}

func TestExposedIsPlainTCPToAnotherHostAndLocalSharesTheNetwork(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		host           string
		encrypted      bool
		exposed, local bool
	}{
		{host: "unix:///var/run/docker.sock", local: true},
		{host: "npipe:////./pipe/docker_engine", local: true},
		{host: "fd://", local: true},
		{host: "ssh://me@graviton"},
		{host: "tcp://10.0.0.1:2375", exposed: true},
		{host: "http://10.0.0.1:2375", exposed: true},
		{host: "tcp://10.0.0.1:2376", encrypted: true},
		{host: "https://10.0.0.1:2376", encrypted: true},
		{host: "tcp://127.0.0.1:2375", local: true},
		{host: "tcp://127.9.9.9:2375", local: true},
		{host: "tcp://[::1]:2375", local: true},
		{host: "tcp://localhost:2375", local: true},
		{host: "https://localhost:2376", encrypted: true, local: true},
		// Names that only look local.
		{host: "tcp://localhost.example.com:2375", exposed: true},
		{host: "tcp://127.0.0.1.example.com:2375", exposed: true},
		{host: "tcp://0.0.0.0:2375", exposed: true},
		// What can't be read is taken for the worst.
		{host: "tcp://%zz", exposed: true},
		{host: "tcp://a b:1", exposed: true},
	} {
		t.Run(c.host, func(t *testing.T) {
			t.Parallel()
			n := &Node{Host: c.host, Encrypted: c.encrypted}
			assert.Equal(t, n.Exposed(), c.exposed, "exposed")
			assert.Equal(t, n.Local(), c.local, "local")
		})
	}
}
