package image

import (
	"testing"

	"gotest.tools/v3/assert"
)

// The path of a layout ends where skopeo says, but for digests, which it has no way to write.
func TestSplitLayout(t *testing.T) {
	t.Parallel()
	const hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	for text, want := range map[string]struct {
		form, path, rest string
		windows          bool
	}{
		"oci:dir":                         {form: "oci:", path: "dir"},
		"oci:dir:tag":                     {form: "oci:", path: "dir", rest: ":tag"},
		"oci:/a/dir:reg.example.com/x:1":  {form: "oci:", path: "/a/dir", rest: ":reg.example.com/x:1"},
		"oci-archive:x.tar:1":             {form: "oci-archive:", path: "x.tar", rest: ":1"},
		"oci-archive:x.tar@sha256:" + hex: {form: "oci-archive:", path: "x.tar", rest: "@sha256:" + hex},
		"oci:dir:tag@sha256:" + hex:       {form: "oci:", path: "dir", rest: ":tag@sha256:" + hex},
		"oci:me@home/dir":                 {form: "oci:", path: "me@home/dir"},
		"oci:me@home:tag":                 {form: "oci:", path: "me@home", rest: ":tag"},
		`oci:C:\x`:                        {form: "oci:", path: "C", rest: `:\x`},
		`oci:c:\x:tag`:                    {form: "oci:", path: `c:\x`, rest: ":tag", windows: true},
		`oci:C:/x@sha256:` + hex:          {form: "oci:", path: `C:/x`, rest: "@sha256:" + hex, windows: true},
		`oci-archive:C:\x.tar`:            {form: "oci-archive:", path: `C:\x.tar`, windows: true},
		`oci:\\host\share\x:1`:            {form: "oci:", path: `\\host\share\x`, rest: ":1", windows: true},
		"oci:d:1":                         {form: "oci:", path: "d", rest: ":1", windows: true},
		"oci:":                            {form: "oci:"},
		"example.com/oci:1":               {},
	} {
		form, path, rest := splitLayout(text, want.windows)
		assert.Equal(t, form, want.form, text)
		assert.Equal(t, path, want.path, text)
		assert.Equal(t, rest, want.rest, text)
	}
}
