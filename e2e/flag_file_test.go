//go:build e2e

package e2e

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// given runs docker multiarch build with something on standard input.
func (c *client) given(stdin string, args ...string) result {
	c.t.Helper()
	args = append([]string{"multiarch", "build"}, args...)
	cmd := exec.CommandContext(c.t.Context(), "docker", args...)
	var stdout, stderr bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.environ(), c.t.TempDir(), strings.NewReader(stdin), &stdout, &stderr
	_ = cmd.Run() // The exit code tells.
	return result{t: c.t, args: args, code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

func TestDockerfileOnStandardInput(t *testing.T) {
	t.Parallel()
	c, repo := newClient(t), repository(t)
	dir := files{"a": "right", "b": "ignored", "Dockerfile": "FROM scratch\nRUN wrong", ".dockerignore": "b\n"}.dir(t)

	c.given(dockerfile("COPY . /ctx"), "-f", "-", "-t", repo, dir).succeeded()

	for _, e := range engines {
		assert.Equal(t, e.run(t, repo, "ls", "/ctx"), "Dockerfile\na")
	}
	c.given("", "-f", "-", dir).failed(1, "Dockerfile")
}

// The ways to have another Dockerfile for a platform.
func TestDockerfileOfAPlatform(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	is := func(what string) string { return telling(files{"is": "echo " + what}) }
	dir := files{
		"Dockerfile": is("standard"), "Dockerfile.linux-amd64": is("amd64"), "Dockerfile.linux-386": is("386"), "Other": is("other"),
		"Dockerfile.linux-386.dockerignore": "*",
	}.dir(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, test := range map[string]struct {
		args        []string
		amd64, i386 string
	}{
		"a template":               {[]string{"-f", at("Dockerfile.{{.OS}}-{{.Arch}}")}, "amd64", "386"},
		"for one":                  {[]string{"-f", "linux/386:" + at("Other")}, "standard", "other"},
		"for one and for others":   {[]string{"-f", at("Dockerfile.linux-amd64"), "-f", "linux/386:" + at("Other")}, "amd64", "other"},
		"the order is no matter":   {[]string{"-f", "linux/386:" + at("Other"), "-f", at("Dockerfile.linux-amd64")}, "amd64", "other"},
		"a template for one":       {[]string{"-f", "linux/386:" + at("Dockerfile.{{.OS}}-{{.Arch}}")}, "standard", "386"},
		"the last of several":      {[]string{"-f", at("Dockerfile"), "-f", at("Other")}, "other", "other"},
		"a name like a platform's": {[]string{"-f", "*:" + at("Other")}, "other", "other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := *c
			c.t = t
			got := c.told(both, append(test.args, dir)...)
			assert.DeepEqual(t, got, map[string]files{"linux/amd64": {"is": test.amd64}, "linux/386": {"is": test.i386}})
		})
	}
	c.build("-f", at("Dockerfile.{{.Nought}}"), dir).failed(125, "--file")
	c.build("-f", at("Dockerfile.{{"), dir).failed(125, "--file")
	c.build("-f", at("None.{{.Arch}}"), dir).failed(125, "None.")
}
