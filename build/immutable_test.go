package build

import (
	"net/http"
	"strings"
	"testing"

	"github.com/distribution/reference"
	"gotest.tools/v3/assert"
)

// An earlier run left the platform's tag at a registry that lets no tag be moved.
func TestAPlatformTagThatMayNotBeMovedIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, message := range map[string]string{
		"ECR":    `tag invalid: The image tag '1-linux-amd64' already exists in the 'app' repository and cannot be overwritten because the tag is immutable.`,
		"Harbor": `unknown: Failed to process request due to 'app:1-linux-amd64' configured as immutable.`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &engine{Push: func(n int, w http.ResponseWriter) {
				if n == 1 {
					lines(`{"errorDetail":{"message":"`+message+`"}}`)(n, w)
					return
				}
				lines(`{"status":"x: digest: `+idOf("x").String()+` size: 1"}`)(n, w)
			}}
			res, err := pushed(t, runner(t), e, "reg.example.com/app:1")
			assert.NilError(t, err)
			assert.Equal(t, len(e.done("push")), 2)
			aside := res.Pushed[0].Reference.String()
			assert.Assert(t, strings.HasPrefix(aside, "reg.example.com/app:1-linux-amd64-"), aside)
			assert.Equal(t, res.Names()[len(res.Names())-1].String(), aside, "it has to be listed, or removed")
		})
	}
}

func TestAPlatformTagThatIsRefusedTwiceIsRefused(t *testing.T) {
	t.Parallel()
	e := &engine{Push: lines(`{"errorDetail":{"message":"tag is immutable"}}`)}
	_, err := pushed(t, runner(t), e, "reg.example.com/app:1")
	assert.ErrorContains(t, isNodeError(t, err, "a", "push"), "immutable")
	assert.Equal(t, len(e.done("push")), 2)
}

func TestATagOfThisRunsOwnIsATag(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"1", strings.Repeat("x", maxTag)} {
		name := mustTag("reg.example.com/app:" + tag)
		a, err := unusedTag(name)
		assert.NilError(t, err)
		b, err := unusedTag(name)
		assert.NilError(t, err)
		assert.Assert(t, a.String() != b.String())
		assert.Equal(t, reference.FamiliarName(a), "reg.example.com/app")
	}
}
