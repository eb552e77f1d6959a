//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/soak"
)

// seeds are those that a test runs: a few always the same ones, or what scripts/soak says, as FIRST:COUNT.
func seeds(t *testing.T, first, count uint64) (from, to uint64) {
	t.Helper()
	if given := os.Getenv("MULTIARCH_SOAK"); given != "" {
		_, err := fmt.Sscanf(given, "%d:%d", &first, &count)
		assert.NilError(t, err, "MULTIARCH_SOAK=%s", given)
	}
	return first, first + count
}

// eachSeed calls f for each seed, a few at once, each with a client of its own, and notes what f says of it in a line of the log
// that scripts/soak adds up.
func eachSeed(t *testing.T, first, count uint64, f func(t *testing.T, c *client, seed uint64) (outcome string)) {
	t.Helper()
	eachSeedOf(t, 3, first, count, f)
}

func eachSeedOf(t *testing.T, workers int, first, count uint64, f func(t *testing.T, c *client, seed uint64) (outcome string)) {
	t.Helper()
	next, to := seeds(t, first, count)
	var seed atomic.Uint64
	seed.Store(next)
	for worker := range workers {
		t.Run("worker "+strconv.Itoa(worker), func(t *testing.T) {
			t.Parallel()
			c := newClient(t)
			for {
				mine := seed.Add(1) - 1
				if mine >= to {
					return
				}
				t.Logf("soak: %d %s", mine, f(t, c, mine))
			}
		})
	}
}

// theirs builds with docker's own client, and the files come back as a tar.
func theirs(t *testing.T, e engine, c soak.Context, dest string) (map[string]soak.Entry, error) {
	t.Helper()
	if c.Modern {
		if err := soak.Stock(t.Context(), "unix://"+filepath.Join(farm.root, "engines", string(e), "docker.sock"), c, dest); err != nil {
			return nil, err
		}
		return soak.Entries(dest)
	}
	args := []string{"--context", string(e), "build", "--no-cache", "-q", "-o", "type=tar,dest=" + dest}
	if c.File != "" {
		args = append(args, "-f", c.File)
	}
	cmd := exec.Command("docker-debian", append(args, c.Dir)...)
	cmd.Env = append(os.Environ(), "DOCKER_CONFIG="+filepath.Join(farm.root, "docker-config"), "DOCKER_BUILDKIT=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return soak.Entries(dest)
}

// ours builds with the product, for one node or for both.
func ours(t *testing.T, c *client, b soak.Context, dest string, nodes ...string) (map[string]map[string]soak.Entry, error) {
	t.Helper()
	args := []string{"--no-cache", "-o", "type=tar,dest=" + dest}
	if b.File != "" {
		args = append(args, "-f", b.File)
	}
	for _, node := range nodes {
		args = append(args, "--node", node)
	}
	r := c.build(append(args, b.Dir)...)
	if r.code != 0 {
		return nil, errors.New(r.String())
	}
	all := map[string]map[string]soak.Entry{}
	for _, node := range nodes {
		file := dest
		if len(nodes) > 1 {
			file = filepath.Join(dest, strings.ReplaceAll(engine(node).platform(), "/", "_")+".tar")
		}
		entries, err := soak.Entries(file)
		assert.NilError(t, err)
		all[node] = entries
	}
	return all, nil
}

// Of any tree and any ignore file the product makes what `docker build` makes, bit for bit, or both refuse.
func TestGeneratedTrees(t *testing.T) {
	t.Parallel()
	eachSeed(t, 1, 18, func(t *testing.T, c *client, seed uint64) string {
		dir, dest := t.TempDir(), t.TempDir()
		defer os.RemoveAll(dir)
		defer os.RemoveAll(dest)
		made, err := soak.NewContext(seed, dir)
		assert.NilError(t, err, "seed %d", seed)
		nodes := []string{"amd64"}
		if seed%4 == 0 {
			nodes = append(nodes, "i386")
		}

		got, ourErr := ours(t, c, made, filepath.Join(dest, "ours"), nodes...)
		want, theirErr := theirs(t, "amd64", made, filepath.Join(dest, "theirs"))

		if ourErr != nil || theirErr != nil {
			both := ourErr != nil && theirErr != nil
			if !assert.Check(t, both, "seed %d: %s\nours: %v\ntheirs: %v", seed, made, ourErr, theirErr) {
				return "different"
			}
			return "refused"
		}
		for node, entries := range got {
			if lines := soak.Diff(entries, want); len(lines) > 0 {
				t.Errorf("seed %d on %s: %s\n%s", seed, node, made, strings.Join(lines, "\n"))
				return "different"
			}
		}
		return "equal"
	})
}

// What changes while it is sent is noticed, or did no harm: two nodes never have different files, nor files that were not there at
// one time. The nodes are stand-ins here, for the many rounds that it takes.
func TestFilesChangeWhileTheyAreSent(t *testing.T) {
	t.Parallel()
	eachSeed(t, 1, 24, func(t *testing.T, _ *client, seed uint64) string {
		dir := t.TempDir()
		defer os.RemoveAll(dir)
		outcome, err := soak.Mutate(t.Context(), seed, dir)
		if !assert.Check(t, err, "seed %d", seed) {
			return "wrong"
		}
		return outcome
	})
}

// The same on the two real engines.
func TestFilesChangeWhileEnginesBuild(t *testing.T) {
	t.Parallel()
	eachSeed(t, 1, 4, func(t *testing.T, c *client, seed uint64) string {
		dir := t.TempDir()
		defer os.RemoveAll(dir)
		random := rand.New(rand.NewPCG(seed, 5))
		w, err := soak.NewWriter(random, filepath.Join(dir, "context"), filepath.Join(dir, "outside"))
		assert.NilError(t, err)
		files{"Dockerfile": "FROM scratch\nCOPY . /\n"}.write(t, dir)
		args := []string{"--no-cache", "-f", filepath.Join(dir, "Dockerfile"), filepath.Join(dir, "context"), "-o", "type=tar,dest=" + filepath.Join(dir, "out")}
		if seed%2 == 0 { // The nodes have it already.
			c.build(args...).succeeded()
		} else {
			w.Sneaky()
		}
		stop, changing := make(chan struct{}), errgroup.Group{}
		pause := time.Duration(1+random.IntN(2000)) * time.Millisecond
		changing.Go(func() error { return w.Run(stop, pause) })

		r := c.build(args...)

		close(stop)
		assert.NilError(t, changing.Wait())
		if r.code != 0 {
			if !assert.Check(t, (r.code == 4 || r.code == 1) && w.Changed(r.stderr), "seed %d: %s", seed, r) {
				return "wrong"
			}
			return "noticed"
		}
		for _, e := range engines {
			entries, err := soak.Entries(filepath.Join(dir, "out", strings.ReplaceAll(e.platform(), "/", "_")+".tar"))
			assert.NilError(t, err)
			if !assert.Check(t, w.Wrong(soak.Sums(entries)), "seed %d on %s", seed, e) {
				return "wrong"
			}
		}
		return "unharmed"
	})
}
