package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// run is a report over events of one package, in go test's own form but with single quotes.
func run(t *testing.T, faults string, events ...string) (line, shown string) {
	t.Helper()
	var out bytes.Buffer
	r := newReport(&out)
	input := strings.ReplaceAll(strings.Join(events, "\n"), "'", `"`)
	assert.NilError(t, r.read(strings.NewReader(input)))
	file := filepath.Join(t.TempDir(), "faults.txt")
	assert.NilError(t, os.WriteFile(file, []byte(faults), 0o600))
	r.requireAll(file)
	return r.summary(), out.String()
}

func TestReport(t *testing.T) {
	t.Parallel()
	const (
		pass     = `{'Action':'pass','Package':'m/e2e','Test':'TestA'}`
		failA    = `{'Action':'fail','Package':'m/e2e','Test':'TestA'}`
		skip     = `{'Action':'skip','Package':'m/e2e','Test':'TestA'}`
		skipUnit = `{'Action':'skip','Package':'m/build','Test':'TestA'}`
		passUnit = `{'Action':'pass','Package':'m/build','Test':'TestA'}`
		start    = `{'Action':'run','Package':'m/e2e','Test':'TestA'}`
		output   = `{'Action':'output','Package':'m/e2e','Test':'TestA','Output':'why\n'}`
		failPkg  = `{'Action':'fail','Package':'m/e2e'}`
		goTest   = `{'Action':'go-test-failed'}`
	)
	tests := []struct {
		name, faults string
		events       []string
		line, shows  string
	}{
		{"all pass", "TestA\ta node dies\n", []string{start, pass}, "1 passed, 0 failed", ""},
		{"output of a failed test is shown", "", []string{start, output, failA, failPkg, goTest}, "0 passed, 1 failed", "why\n"},
		{"a result does not hide a failure", "", []string{failA, pass}, "0 passed, 1 failed", "FAILED m/e2e TestA"},
		{"the same test twice is one", "", []string{pass, pass}, "1 passed, 0 failed", ""},
		{"a test that ended the process", "", []string{start, output, failPkg}, "0 passed, 1 failed", "why\n"},
		{"a package that does not build", "", []string{failPkg, goTest}, "0 passed, 1 failed", "FAILED m/e2e"},
		{"go test itself", "", []string{goTest}, "0 passed, 1 failed", "go test failed"},
		{"a unit test may be skipped", "", []string{skipUnit}, "0 passed, 0 failed, 1 skipped", ""},
		{"an end-to-end test may not", "", []string{skip}, "0 passed, 1 failed, 1 skipped", "TestA"},
		{"a fault whose test is gone", "# rows\n\nTestB\ta node dies\n", []string{pass}, "1 passed, 1 failed", "did not run: TestB, which has to show: a node dies"},
		{"a fault shown by a unit test only", "TestA\ta node dies\n", []string{passUnit}, "1 passed, 1 failed", "did not run: TestA"},
		{"a fault without words", "TestA\n", []string{pass}, "1 passed, 1 failed", "not TEST<TAB>"},
		{"what is no event is shown", "", []string{"ld: gone", pass}, "1 passed, 0 failed", "ld: gone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			line, shown := run(t, tt.faults, tt.events...)
			assert.Equal(t, line, tt.line)
			assert.Assert(t, strings.Contains(shown, tt.shows), shown)
		})
	}
}
