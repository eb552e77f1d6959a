package build

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/docker/cli/cli/config/types"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/credential"
)

// What engines 20.10, 26 and 28 say, word for word.
func TestAnEngineThatDoesNotReachTheRegistryIsFoundBeforeTheBuild(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status  int
		message string
		reached bool
	}{
		"it is there":       {200, ``, true},
		"no such tag":       {404, `manifest unknown: manifest unknown`, true},
		"a new repository":  {401, `unauthorized: authentication required`, true},
		"not logged in":     {500, `Head \"https://10.100.0.2:5443/v2/busybox/manifests/latest\": no basic auth credentials`, true},
		"another authority": {500, `Get \"https://10.100.0.1:15999/v2/\": tls: failed to verify certificate: x509: certificate signed by unknown authority`, false},
		"an older engine":   {500, `Get \"https://10.100.0.1:15999/v2/\": x509: certificate signed by unknown authority`, false},
		"plain http":        {500, `Get \"https://reg:5000/v2/\": http: server gave HTTP response to HTTPS client`, false},
		"no such name":      {500, `Get \"https://nosuch.invalid/v2/\": dial tcp: lookup nosuch.invalid on 10.0.0.1:53: no such host`, false},
		"busy":              {500, `received unexpected HTTP status: 503 Service Unavailable`, true},
		"an engine of ours": {404, `page not found`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &engine{Distribution: func(w http.ResponseWriter) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(`{"message": "` + test.message + `\u001b[2J"}`))
			}}
			node := e.start(t, "pi", "x86_64")
			runner := &Runner{Credentials: func(_ context.Context, host string) (credential.Login, error) {
				return credential.New(types.AuthConfig{Username: "user of " + host, Password: "p"}), nil
			}}
			plan := Plan{{Platform: parse("linux/amd64"), Node: node, Pushes: names("reg.example.com/app:1-linux-amd64 reg.example.com/app:2-linux-amd64")}}
			err := runner.CheckRegistries(t.Context(), plan)
			assert.Equal(t, err == nil, test.reached, "%v", err)
			assert.DeepEqual(t, e.done("look"), []string{"look reg.example.com/app:1-linux-amd64 user of reg.example.com"})
			if err == nil {
				return
			}
			var where *NodeError
			assert.Assert(t, errors.As(err, &where))
			assert.Equal(t, where.Node+" "+where.Op, "pi push")
			assert.Assert(t, !strings.Contains(err.Error(), "\x1b"))
		})
	}
}

func TestNothingIsAskedOfNodesThatSleepOrDoNotPush(t *testing.T) {
	t.Parallel()
	e := &engine{}
	node := e.start(t, "pi", "x86_64")
	asleep := *node
	asleep.Asleep = true
	relayed := *node
	relayed.Relay = true
	pushes := names("reg.example.com/app:1-linux-amd64")
	assert.NilError(t, (&Runner{}).CheckRegistries(t.Context(), Plan{
		{Platform: parse("linux/amd64"), Node: node},
		{Platform: parse("linux/amd64"), Node: &asleep, Pushes: pushes},
		{Platform: parse("linux/amd64"), Node: node, Optional: true, Pushes: pushes},
		{Platform: parse("linux/amd64"), Node: &relayed, Pushes: pushes},
	}))
	assert.DeepEqual(t, e.done("look"), []string{})
}
