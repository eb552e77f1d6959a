package build

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build/source"
)

// at is an error about a line of a Dockerfile.
func at(line int32, content string) error {
	position := &pb.Position{Line: line}
	return errdefs.WithSource(errors.New("exit code: 1"), &errdefs.Source{
		Info: &pb.SourceInfo{Filename: "Dockerfile", Data: []byte(content)}, Ranges: []*pb.Range{{Start: position, End: position}},
	})
}

func TestTheLinesOfAnErrorAreShownAsDockerBuildDoes(t *testing.T) {
	t.Parallel()
	err := at(3, "FROM busybox\nCOPY . /\nRUN make\n")
	other := at(1, "RUN x")
	assert.DeepEqual(t, Excerpts(errors.Join(
		&NodeError{Err: fmt.Errorf("solving: %w", err)}, &NodeError{Err: err}, fmt.Errorf("%w: %w", ErrDockerfile, other),
	)), []string{`Dockerfile:3
--------------------
   1 |     FROM busybox
   2 |     COPY . /
   3 | >>> RUN make
   4 |     
--------------------
`, `Dockerfile:1
--------------------
   1 | >>> RUN x
--------------------
`})
	assert.Equal(t, len(Excerpts(errors.New("x"))), 0)
}

func TestAnExcerptIsCleanAndBounded(t *testing.T) {
	t.Parallel()
	for _, text := range Excerpts(at(1, "RUN \x1b[2Jx\ry")) {
		assert.Assert(t, !strings.ContainsAny(text, "\x1b\r"), "%q", text)
	}
	many := &errdefs.Source{
		Info:   &pb.SourceInfo{Data: []byte(strings.Repeat("\n", 10000))},
		Ranges: []*pb.Range{{Start: &pb.Position{Line: 1}, End: &pb.Position{Line: 9999}}},
	}
	assert.Equal(t, strings.Count(Excerpts(errdefs.WithSource(errors.New("x"), many))[0], "\n"), maxExcerpt+1)
	many.Ranges = []*pb.Range{{}, nil}
	assert.Equal(t, len(Excerpts(errdefs.WithSource(errors.New("x"), many))), 0)
}

func TestADockerfileThatCantBeParsedIsShown(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"FROM a\nFORM b\n", "FROM a\nCOPY --nope=1 a b\n", "FROM a\nENV \n", "FROM a\nRUN <<E\n"} {
		_, err := basesOf(&source.Dockerfile{Name: "Dockerfile.arm", Content: []byte(content)}, nil, "", parse("linux/amd64"))
		shown := strings.Join(Excerpts(err), "")
		assert.Assert(t, strings.HasPrefix(shown, "Dockerfile.arm:2\n") && strings.Contains(shown, "   2 | >>> "), "%v: %s", err, shown)
	}
}
