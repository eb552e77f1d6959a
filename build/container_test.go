package build

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"
	dockerclient "github.com/moby/moby/client"
	"gotest.tools/v3/assert"
)

// What others left is removed from an engine one by one, and not while the user
// waits for the end.
func TestASweepEndsWithTheBuild(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	removed := 0
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.51")
		switch {
		case r.Method == http.MethodDelete:
			removed++
			interrupt()
			w.WriteHeader(http.StatusNoContent)
		case strings.HasSuffix(r.URL.Path, "/containers/json"):
			left := `{"Id": "x", "Labels": {"` + labelExpires + `": "2001-01-01T00:00:00Z"}}`
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte("[" + left + "," + left + "," + left + "]"))
		}
	}))
	defer engine.Close()

	sweep(ctx, newNode(t, "pi", "tcp://"+engine.Listener.Addr().String()))

	assert.Equal(t, removed, 1)
}

// Whoever stops waiting while a container is made has it removed all the same.
func TestAContainerIsRemovedThatWasMadeTooLate(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	e := &engine{Create: func(w http.ResponseWriter) {
		cancel()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"Id": "late"}`)
	}}
	a := Assignment{Node: e.start(t, "a", "x86_64")}

	v, err := newVessel(ctx, a, Image{ID: idOf("a")}, dockerclient.ContainerCreateOptions{Config: &container.Config{}}, 0)

	assert.NilError(t, err)
	assert.NilError(t, v.remove(ctx, nil))
	assert.DeepEqual(t, e.done("remove"), []string{"remove late"})
}
