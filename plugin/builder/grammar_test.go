package builder

import (
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// FuzzFlagGrammar holds that no value of a flag crashes, and that what is taken makes sense.
func FuzzFlagGrammar(f *testing.F) {
	for _, seed := range []string{
		"type=local,dest=out", "out", "-", "type=tar", `type=tar,"dest=a,b"`, "type=image,push=true", "type=local", "type=x",
		"index:a=b", "manifest:a=b=c", "a=b:c", "a", "index:", "=",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if o, err := parseOutput(text); err == nil && o.isFiles() {
			assert.Assert(t, o.dest != "" && !o.push, "%q", text)
		}
		if level, key, value, err := parseAnnotation(text); err == nil {
			assert.Assert(t, key != "" && (level == levelIndex || level == levelManifest), "%q", text)
			assert.Assert(t, strings.HasSuffix(text, key+"="+value), "%q", text)
		}
		if entries, err := cacheEntries([]string{text}); err == nil {
			assert.Assert(t, strings.Contains(entries[0], "type="), "%q", text)
		} else {
			assert.Assert(t, strings.Contains(text, "="), "%q", text)
		}
	})
}
