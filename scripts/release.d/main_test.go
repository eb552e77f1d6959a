package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx"
	"gotest.tools/v3/assert"
)

// The test is a Go program itself.
func TestDescribe(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	file, err := os.Executable()
	assert.NilError(t, err)
	var out, again bytes.Buffer

	assert.NilError(t, describe(&out, "v1.2.3", file))
	assert.NilError(t, describe(&again, "v1.2.3", file))

	assert.Equal(t, out.String(), again.String())
	doc, err := json.Read(&out)
	assert.NilError(t, err)
	assert.Equal(t, doc.CreationInfo.Created, "2023-11-14T22:13:20Z")
	versions := map[string]string{}
	for _, pkg := range doc.Packages {
		assert.Assert(t, !pkg.FilesAnalyzed)
		versions[pkg.PackageName] = pkg.PackageVersion
	}
	assert.Equal(t, versions["github.com/docker-multiarch/docker-multiarch"], "v1.2.3")
	assert.Equal(t, versions["github.com/spdx/tools-golang"], "v0.5.7")
	assert.Assert(t, versions["stdlib"] != "")
	assert.Equal(t, len(doc.Relationships), len(doc.Packages)) // What it is, and what that depends on.
	assert.Equal(t, doc.Relationships[0].RefB.ElementRefID, spdx.ElementID("Package-main"))
}

func TestDescribeWhatIsNoProgram(t *testing.T) {
	t.Parallel()
	assert.ErrorContains(t, describe(&bytes.Buffer{}, "v1", "main.go"), "unrecognized file format")
}
