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

// An earlier run of the same left the tag: it has what this run would push, and that is success.
func TestAPlatformTagThatHasTheImageIsEnough(t *testing.T) {
	t.Parallel()
	for known, pushes := range map[string]int{
		"reg.example.com/app@" + idOf("left").String():   1,
		"reg.example.com/app@" + idOf("other").String():  2,
		"reg.example.com/other@" + idOf("left").String(): 2,
	} {
		e := &engine{RepoDigests: []string{known}, Push: func(n int, w http.ResponseWriter) {
			if n == 1 {
				lines(`{"errorDetail":{"message":"tag is immutable"}}`)(n, w)
				return
			}
			lines(`{"status":"x: digest: `+idOf("new").String()+` size: 1"}`)(n, w)
		}}
		res, err := pushed(t, runner(t), e, "reg.example.com/app:1")
		assert.NilError(t, err)
		assert.Equal(t, len(e.done("push")), pushes, known)
		assert.Equal(t, len(res.Pushed), 1)
		assert.Equal(t, res.Pushed[0].Digest == idOf("left"), pushes == 1)
		assert.Equal(t, res.Pushed[0].Reference.String() == "reg.example.com/app:1-linux-amd64", pushes == 1)
	}
}

// A tag that can't be moved is no different for an image that this machine pushes.
func TestARelayLeavesAnImmutableTagAlone(t *testing.T) {
	t.Parallel()
	relay, r := &relayStandIn{immutable: "reg.example.com/app:1-linux-amd64"}, runner(t)
	r.Relay = relay
	res, err := relayed(t, r, &engine{Save: text("the end")}, Wanted{Targets: tags("reg.example.com/app:1"), PlatformTag: newTemplate(t, "")})
	assert.NilError(t, err)
	assert.Equal(t, len(relay.pushed), 2)
	assert.Equal(t, len(res.Pushed), 1)
	aside := res.Pushed[0].Reference.String()
	assert.Assert(t, strings.HasPrefix(aside, relay.immutable+"-"), aside)
	assert.Equal(t, res.Names()[len(res.Names())-1].String(), aside)
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
