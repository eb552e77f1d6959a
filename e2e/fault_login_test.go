//go:build e2e

package e2e

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

// logins are the ways in which a user has, or has not, the password of the private registry.
var logins = map[string]func(c *client, password string){
	"config.json": func(c *client, password string) {
		auth := base64.StdEncoding.EncodeToString([]byte(farm.user + ":" + password))
		c.configure("auths", map[string]any{farm.private: map[string]string{"auth": auth}})
	},
	"a credential helper": func(c *client, password string) {
		c.helper(fmt.Sprintf(`read -r host; echo "{\"ServerURL\": \"$host\", \"Username\": \"%s\", \"Secret\": \"%s\"}"`, farm.user, password))
	},
}

// helper gives the client a credential helper for the private registry: a shell script.
func (c *client) helper(script string) {
	c.t.Helper()
	dir := c.t.TempDir()
	text := "#!/bin/sh\n" + script + "\n"
	assert.NilError(c.t, os.WriteFile(filepath.Join(dir, "docker-credential-e2e"), []byte(text), 0o755))
	c.env["PATH"] = dir + ":" + os.Getenv("PATH")
	c.configure("credHelpers", map[string]string{farm.private: "e2e"})
}

// privateDockerfile has a base image in the private registry, in a repository of its own: an engine asks one of several builds at the
// same time for the login to a repository, and has the others wait for the answer.
func privateDockerfile(t *testing.T) string {
	t.Helper()
	mark := newMark()
	w := writer{t, repository(t) + "/base-" + mark, privateRegistry(t)}
	w.busybox()
	return "FROM " + farm.private + "/" + w.repo + "\nLABEL e2e=" + mark + "\nRUN uname -m\n"
}

// busybox puts a copy of the farm's base image under the tag latest.
func (w writer) busybox() {
	w.t.Helper()
	base, _ := w.registry.Check(w.t.Context(), "busybox", "latest", oracle.Want{}) // It was made by the farm, in another order than ours.
	assert.Assert(w.t, len(base.Children) > 1)
	for _, child := range base.Children {
		w.mount("busybox", child.ConfigDigest)
		for _, layer := range child.Layers {
			w.mount("busybox", layer.Digest)
		}
		w.manifest("", child.MediaType, child.Raw)
	}
	w.manifest("latest", base.MediaType, base.Raw)
}

func TestPrivateRegistryWithLogin(t *testing.T) {
	t.Parallel()
	for way, login := range logins {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			c, repo := newClient(t), repository(t)
			ref := farm.private + "/" + repo + ":1"
			login(c, farm.password)

			digest := digestOf(t, c.build("-t", ref, "--push", files{"Dockerfile": privateDockerfile(t)}.dir(t)).succeeded(), ref)

			assert.Equal(t, published(t, privateRegistry(t), repo, "1", bothPlatforms()).Digest, digest)
			c.inspect(ref).succeeded()
		})
	}
}

// A base image that the login does not open: the engines are refused, each for its own platform.
func TestPrivateBaseImageWithoutLogin(t *testing.T) {
	t.Parallel()
	withoutLogin(t, func(t *testing.T, s *scene) {
		s.push(files{"Dockerfile": privateDockerfile(t)}.dir(t)).
			failed(3, farm.private+"/"+repository(t)+"/base-", "linux/", "docker login "+farm.private)
		s.unharmed()
	})
}

// A target that the login does not open is found before a byte is sent.
func TestPrivateTargetWithoutLogin(t *testing.T) {
	t.Parallel()
	withoutLogin(t, func(t *testing.T, s *scene) {
		repo := repository(t)
		r := s.push("-t", farm.private+"/"+repo+":1", s.dir())
		r.failed(3, farm.private+"/"+repo, "docker login "+farm.private)
		assert.Assert(t, r.waited < 10*time.Second, "it took %s to notice", r.waited)
		assert.DeepEqual(t, tags(t, privateRegistry(t), repo), []string(nil))
		s.unsent()
	})
}

// withoutLogin runs a test for each way of not having the password.
func withoutLogin(t *testing.T, test func(t *testing.T, s *scene)) {
	t.Helper()
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		test(t, newScene(t))
	})
	for way, login := range logins {
		t.Run("wrong in "+way, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			login(s.client, "wrong")
			test(t, s)
		})
	}
	t.Run("helper that has none", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		s.helper("echo 'credentials not found in native keychain'; exit 1")
		test(t, s)
	})
}

// A helper that fails is no helper that has nothing: going on without a login would hide what is wrong.
func TestCredentialHelperFails(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"fails":          "echo 'the keychain is locked'; exit 1",
		"talks nonsense": "echo '<html>'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.helper(script)
			s.push("-t", farm.private+"/"+s.repo, s.dir()).failed(3, farm.private, "credHelpers")
			s.unsent()
			s.push(files{"Dockerfile": privateDockerfile(t)}.dir(t)).failed(3, farm.private, "credHelpers")
			s.unharmed()
			s.inspect(farm.private+"/busybox").failed(3, farm.private, "credHelpers")
		})
	}
	t.Run("is missing", func(t *testing.T) {
		t.Parallel()
		s := newScene(t)
		s.configure("credHelpers", map[string]string{farm.private: "e2e-is-not-there"})
		s.push("-t", farm.private+"/"+s.repo, s.dir()).failed(3, "docker-credential-e2e-is-not-there", "credHelpers")
		s.unsent()
	})
}

func TestCredentialHelperHangs(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]func(s *scene) []string{
		"target":     func(s *scene) []string { return []string{"-t", farm.private + "/" + s.repo, s.dir()} },
		"base image": func(s *scene) []string { return []string{files{"Dockerfile": privateDockerfile(s.t)}.dir(s.t)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.helper("exec sleep " + s.mark())
			r := s.push(args(s)...)
			r.failed(3, farm.private, "credential helper", "credHelpers")
			assert.Assert(t, r.waited < 40*time.Second, "it took %s to give up", r.waited)
			s.unharmed() // The helper itself must be gone too.
		})
	}
}

// No password is ever shown.
func TestPasswordIsNeverPrinted(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	logins["config.json"](s.client, "wrong-but-secret")
	for _, r := range []result{
		s.push("-t", farm.private+"/"+s.repo, s.dir()),
		s.push(files{"Dockerfile": privateDockerfile(t)}.dir(t)),
		s.docker("--debug", "multiarch", "build", "--push", "-t", farm.private+"/"+s.repo, s.dir()),
	} {
		assert.Assert(t, r.code != 0)
		for _, secret := range []string{"wrong-but-secret", base64.StdEncoding.EncodeToString([]byte(farm.user + ":wrong-but-secret"))} {
			assert.Assert(t, !strings.Contains(r.stdout+r.stderr, secret), "%s", r)
		}
	}
}
