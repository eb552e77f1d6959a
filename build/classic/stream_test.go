package classic

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
)

const (
	imageA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	imageB = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// show reads an answer and returns what the display makes of it.
func show(t *testing.T, answer string) (id, shown string, _ error) {
	t.Helper()
	var out bytes.Buffer
	display, err := progress.New(&out, progress.Options{Mode: progress.Plain})
	assert.NilError(t, err)
	s := stream{writer: display.Writer("node", "")}
	got, err := s.read(t.Context(), strings.NewReader(answer))
	assert.NilError(t, display.Wait())
	return got.String(), out.String(), err
}

const twoStages = `{"stream":"Step 1/3 : FROM busybox AS a"}
{"stream":"\n"}
{"status":"Pulling from library/busybox","id":"latest"}
{"status":"Downloading","progressDetail":{"current":5,"total":10},"id":"f00"}
{"status":"Pull complete","progressDetail":{},"id":"f00"}
{"status":"Status: Downloaded newer image for busybox:latest"}
{"stream":" ---\u003e abc\n"}
{"aux":{"ID":"` + imageA + `"}}
{"stream":"Step 2/3 : FROM scratch"}
{"stream":"\n"}
{"stream":"Step 3/3 : RUN make"}
{"stream":"\n"}
{"stream":"half a li"}
{"stream":"ne\r\nand one\n"}
{"aux":{"ID":"` + imageB + `"}}
{"stream":"Successfully built bbbbbbbbbbbb\n"}
{"stream":"Successfully tagged x:1\n"}
`

func TestTheAnswerIsShownStepByStep(t *testing.T) {
	t.Parallel()
	id, shown, err := show(t, twoStages)
	assert.NilError(t, err)
	assert.Equal(t, id, imageB)
	for _, want := range []string{
		"[node] #1 [1/3] FROM busybox AS a", "f00", "Downloaded newer image", "[node] #2 [2/3] FROM scratch", "[node] #3 [3/3] RUN make",
		" half a line\n", " and one\n", "#1 DONE", "#3 DONE",
	} {
		assert.Assert(t, strings.Contains(shown, want), "%q is not in\n%s", want, shown)
	}
}

func TestAStepWhoseResultTheEngineHasIsCached(t *testing.T) {
	t.Parallel()
	_, shown, err := show(t, `{"stream":"Step 1/2 : RUN a"}{"stream":"\n"}{"stream":" ---\u003e Using cache\n"}{"stream":" ---\u003e abc\n"}
{"stream":"Step 2/2 : RUN b"}{"stream":"\n"}{"stream":" ---\u003e def\n"}`)
	assert.NilError(t, err)
	for _, want := range []string{"#1 CACHED\n", "#2 DONE"} {
		assert.Assert(t, strings.Contains(shown, want), "%q is not in\n%s", want, shown)
	}
}

// TestOnlyAPositiveImageIDIsSuccess: an answer may end anywhere, and every stage
// reports an image of its own.
func TestOnlyAPositiveImageIDIsSuccess(t *testing.T) {
	t.Parallel()
	before, _, _ := strings.Cut(twoStages, `{"aux":{"ID":"`+imageB)
	for name, answer := range map[string]string{
		"nothing":             "",
		"a stage alone":       `{"aux":{"ID":"` + imageA + `"}}`,
		"words alone":         `{"stream":"Successfully built aaaaaaaaaaaa\n"}`,
		"another image":       `{"aux":{"ID":"` + imageA + `"}}{"stream":"Successfully built bbbbbbbbbbbb\n"}`,
		"no digest":           `{"aux":{"ID":"x"}}{"stream":"Successfully built x\n"}`,
		"cut before the last": before,
	} {
		id, _, err := show(t, answer)
		assert.NilError(t, err, name)
		assert.Equal(t, id, "", name)
	}
	_, _, err := show(t, twoStages[:40])
	assert.ErrorContains(t, err, "unexpected EOF")
}

func TestAFailureIsTheEnginesWordsCleaned(t *testing.T) {
	t.Parallel()
	_, shown, err := show(t, `{"stream":"Step 1/1 : FROM --platform=linux/386 no/such:1"}{"stream":"\n"}{"errorDetail":{"message":"pull access \u001b[2Jdenied"},"error":"x"}`)
	var failure *Error
	assert.Assert(t, errors.As(err, &failure))
	assert.Equal(t, failure.Message, "pull access denied")
	assert.Equal(t, failure.Base, "no/such:1")
	assert.Assert(t, strings.Contains(shown, "ERROR: pull access denied"), shown)
	for step, message := range map[string]string{
		"RUN x": "returned a non-zero code: 1", "FROM scratch": "Windows does not support FROM scratch",
	} {
		_, _, err = show(t, `{"stream":"Step 2/2 : `+step+`\n"}{"errorDetail":{"message":"`+message+`"}}`)
		assert.Assert(t, errors.As(err, &failure))
		assert.Equal(t, failure.Base, "")
	}
}
