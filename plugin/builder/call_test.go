package builder

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build"
)

// The JSON of a check has the whole Dockerfile in one string.
func TestTheAnswerAboutALongDockerfileIsJSON(t *testing.T) {
	t.Parallel()
	long := `{"sources": [{"data": "` + strings.Repeat("RlJPTSBzY3JhdGNo", 2000) + "\x1b[2J\"}]}\n"
	o := options{call: "check", callJSON: true}

	answer := o.answer(build.CallResult{JSON: []byte(long), Text: []byte("WARNING")}, nil)

	assert.Assert(t, json.Valid([]byte(answer)), "%.100s", answer)
	assert.Equal(t, answer, strings.ReplaceAll(strings.TrimSpace(long), "\x1b[2J", ""))
}

func TestTheAnswerForPeople(t *testing.T) {
	t.Parallel()
	check := options{call: "check"}
	assert.Equal(t, check.answer(build.CallResult{JSON: []byte("{}")}, nil), "Check complete, no warnings found.")
	assert.Equal(t, check.answer(build.CallResult{Text: []byte("\x1b[2JWARNING\n")}, nil), "WARNING")
	targets := options{call: "targets"}
	assert.Equal(t, targets.answer(build.CallResult{}, nil), "")
	assert.Equal(t, check.answer(build.CallResult{}, errors.New("broken")), "")
}
