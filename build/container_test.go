package build

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

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
