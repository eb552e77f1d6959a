//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// The shells' scripts are docker's, which asks the plugin: all of it is tried with the docker command.
func TestCompletionThroughDocker(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	dir := files{"Dockerfile": "FROM scratch AS first\nFROM scratch AS second\n"}.dir(t)
	for _, tt := range []struct{ typed, want []string }{
		{[]string{"multiar"}, []string{"multiarch"}},
		{[]string{"multiarch", "insp"}, []string{"inspect"}},
		{[]string{"multiarch", "build", dir, "--target", ""}, []string{"first", "second"}},
		{[]string{"multiarch", "build", "--node", ""}, []string{"amd64", "default", "i386"}},
		{[]string{"multiarch", "node", "inspect", "i"}, []string{"i386"}},
		{[]string{"multiarch", "build", "--platform", "linux/amd64,linux/3"}, []string{"linux/amd64,linux/386"}},
		{[]string{"multiarch", "check", "--format", "s"}, []string{"sarif"}},
	} {
		lines := c.docker(append([]string{"__completeNoDesc"}, tt.typed...)...).succeeded().lines()
		var found []string
		for _, line := range lines[:len(lines)-1] { // The last one is for the shell.
			word, _, _ := strings.Cut(line, "\t")                   // Docker passes descriptions on to who wants none, too.
			if strings.HasPrefix(word, tt.typed[len(tt.typed)-1]) { // As the shell does.
				found = append(found, word)
			}
		}
		assert.DeepEqual(t, found, tt.want)
	}
}
