package build

import (
	"testing"

	"gotest.tools/v3/assert"
)

// A frontend of a private registry is asked with what a build would have of it.
func TestAQuestionIsAskedWithTheAccessOfABuild(t *testing.T) {
	t.Parallel()
	req := request(t)
	req.Call = "check"
	req.Dockerfile.Content = []byte("# syntax=reg.example.com/front:1\nFROM scratch")
	a := Assignment{Platform: parse("linux/amd64"), Node: on("pi", "linux/amd64")}

	opt, err := runner(t).callOpt(req, a, func(error) {}, nil)

	assert.NilError(t, err)
	assert.Equal(t, opt.FrontendAttrs["requestid"], "frontend.lint")
	assert.Equal(t, len(opt.Exports)+len(opt.CacheExports), 0, "nothing is built")
	access := opt.Session[0].(*sessionAuth).access.at("reg.example.com") //nolint:forcetypeassert // it would fail here
	assert.Equal(t, len(access), 1)
	assert.Equal(t, access[0].Repository.String(), "reg.example.com/front")
}
