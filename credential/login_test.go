package credential

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/docker/cli/cli/config/types"
	"gotest.tools/v3/assert"
)

const canary = "c4n4ry"

// secret has the canary wherever something could be read.
var secret = types.AuthConfig{
	Username: canary, Password: canary, Auth: canary, ServerAddress: canary, IdentityToken: canary, RegistryToken: canary,
}

func TestALoginIsPrintedByNobody(t *testing.T) {
	t.Parallel()
	l := New(secret)
	hides := struct{ login Login }{l}
	holds := struct{ Login Login }{l}
	var printed []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%10.3v", "%w", "%p"} {
		for _, value := range []any{l, &l, hides, &hides, holds, &holds, []Login{l}, map[string]Login{"a": l}, [1]any{l}} {
			printed = append(printed, fmt.Sprintf(verb, value))
		}
	}
	for _, value := range []any{l, &l, hides, holds, []Login{l}, map[string]Login{"a": l}} {
		text, err := json.Marshal(value)
		assert.NilError(t, err)
		printed = append(printed, string(text), fmt.Sprint(value), fmt.Sprintln(value), errors.New(fmt.Sprint(value)).Error())
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "value", value)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "value", value)
		printed = append(printed, log.String())
	}
	printed = append(printed, l.String(), l.GoString())
	for _, text := range printed {
		assert.Assert(t, !strings.Contains(text, canary) && !strings.Contains(text, fmt.Sprintf("%x", canary)), text)
	}
}

func TestALoginIsRevealedToWhoAsks(t *testing.T) {
	t.Parallel()
	assert.DeepEqual(t, New(secret).Reveal(), secret)
	assert.Assert(t, New(secret).Known())
	assert.Equal(t, Login{}.Reveal(), types.AuthConfig{})
	assert.Assert(t, !New(types.AuthConfig{}).Known())
}
