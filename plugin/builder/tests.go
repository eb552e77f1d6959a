package builder

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// maxTestFile bounds a file of tests, in bytes.
const maxTestFile = 1 << 20

// readTests takes the tests of a platform: those of --test, and the lines of
// --test-file.
func (s *session) readTests(r *build.Request, a build.Assignment) error {
	o := s.input.options
	lines := o.tests.List(a.Platform)
	for _, file := range o.testFiles.List(a.Platform) {
		more, err := readTestFile(file, s.plan.Platforms())
		if err != nil {
			return argument.Wrong(fmt.Errorf("invalid --test-file: %w", err))
		}
		lines = append(lines, more.List(a.Platform)...)
	}
	r.Tests = build.Tests{Health: o.testHealth, Timeout: o.testTimeout, Network: o.testNetwork}
	for _, line := range lines {
		test, err := build.NewTest(line)
		if err != nil {
			return argument.Wrong(fmt.Errorf("invalid --test: %w", err))
		}
		r.Tests.Commands = append(r.Tests.Commands, test)
	}
	switch {
	case o.files && (o.testHealth || len(lines) > 0):
		return argument.Wrong(errors.New("--output of files leaves no image that --test could run"))
	case o.testTimeout <= 0:
		return argument.Wrong(errors.New("invalid --test-timeout: must be more than 0"))
	}
	return nil
}

// readTestFile reads tests, one a line, each as --test takes it. What begins with
// "#" is a comment.
func readTestFile(name string, planned []ocispec.Platform) (argument.PlatformValues, error) {
	var tests argument.PlatformValues
	file, err := os.Open(name) //nolint:gosec // the user named it
	if err != nil {
		return tests, err
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, maxTestFile+1))
	if err != nil {
		return tests, err
	}
	if len(text) > maxTestFile {
		return tests, fmt.Errorf("%s is larger than %d bytes", name, maxTestFile)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxTestFile+1)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" && !strings.HasPrefix(line, "#") {
			if err := tests.Set(line); err != nil {
				return tests, err
			}
		}
	}
	return tests, errors.Join(lines.Err(), tests.Check("test-file", planned))
}
