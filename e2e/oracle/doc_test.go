package oracle

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

func TestUsesTheStandardLibraryAlone(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("*.go")
	assert.NilError(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		assert.NilError(t, err)
		for _, spec := range file.Imports {
			assert.Check(t, !strings.Contains(spec.Path.Value, "."), "%s imports %s", name, spec.Path.Value)
		}
	}
}
