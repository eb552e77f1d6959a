package plugin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gotest.tools/v3/assert"
)

// isMetadata checks a metadata file against the schema that users have.
func isMetadata(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	assert.NilError(t, err)
	assert.NilError(t, validate(t, string(text)))
}

func validate(t *testing.T, text string) error {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("../docs/metadata.schema.json")
	assert.NilError(t, err)
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	assert.NilError(t, err)
	return schema.Validate(document)
}

func TestTheMetadataOfALocalBuildIsAsTheSchemaSays(t *testing.T) {
	d, _, _, dir := two(t)
	file := filepath.Join(t.TempDir(), "metadata.json")
	assert.NilError(t, d.run(t, "build", "-t", "app", "--metadata-file", file, dir))
	isMetadata(t, file)

	// The schema knows every field: one that nobody documented fails.
	text, err := os.ReadFile(file)
	assert.NilError(t, err)
	for _, change := range []struct{ old, new string }{
		{`"node":`, `"knot": 1, "node":`},
		{`"multiarch.version": 1`, `"multiarch.version": 2`},
		{`"multiarch.context":`, `"multiarch.text":`},
		{`"linux/arm64":`, `"arm":`},
	} {
		broken := strings.Replace(string(text), change.old, change.new, 1)
		assert.Assert(t, broken != string(text), change.old)
		assert.Assert(t, validate(t, broken) != nil, change.new)
	}
}
