package build

import (
	"fmt"
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

// A check that ends early has the reason in its result, and no word of it in the text.
func TestTheErrorOfACheckIsItsError(t *testing.T) {
	t.Parallel()
	const raw = `{"warnings": [], "sources": [{"filename": "Dockerfile", "data": "RlJPTSBhCkNPUFkgYgo="}], "buildError": {"message": "no \u001bb", "location": %s}}`
	for location, excerpts := range map[string]int{
		`{"sourceIndex": 0, "ranges": [{"start": {"line": 2}, "end": {"line": 2}}]}`: 1,
		`{"sourceIndex": 7}`: 0, `{"sourceIndex": -1}`: 0, `{}`: 0,
	} {
		answer := fmt.Appendf(nil, raw, location)
		result, err := newCallResult("check", map[string][]byte{"result.json": answer, "result.statuscode": []byte("1")})
		assert.Error(t, err, "no b")
		assert.Equal(t, len(Excerpts(err)), excerpts, location)
		assert.DeepEqual(t, result.JSON, answer)
	}
	_, err := newCallResult("check", map[string][]byte{"result.json": []byte(`{"warnings": [], "sources": []}`)})
	assert.NilError(t, err)
	_, err = newCallResult("check", map[string][]byte{"result.json": []byte("x")})
	assert.ErrorContains(t, err, "reading the answer: ")
	_, err = newCallResult("outline", map[string][]byte{"result.json": []byte("x")})
	assert.NilError(t, err)
}
