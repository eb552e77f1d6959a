package progress

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
)

// maxGroup bounds the lines of one group, in bytes; the first ones are kept, and
// the last ones of a failure are shown at the end.
const maxGroup = 1 << 20

// github writes the workflow commands of GitHub Actions: a step that said
// something becomes a group when it has ended, since groups can't be within each
// other, and a failure an annotation.
type github struct {
	out    io.Writer
	groups map[*vertex]*bytes.Buffer
	failed []*vertex
}

func newGitHub(out io.Writer) *github {
	return &github{out: commandless{out}, groups: map[*vertex]*bytes.Buffer{}}
}

func (g *github) show(e event, changes []change) {
	for _, c := range changes {
		switch c.kind {
		case said, warned:
			g.collect(c)
		case finished:
			g.finish(c.vertex)
		case ended:
			g.abandon(e.part)
			g.printf("[%s] %s", e.part.label(), e.part.outcome())
		case began, moved: // Told when it is finished.
		}
	}
}

func (g *github) collect(c change) {
	group := g.groups[c.vertex]
	if group == nil {
		group = &bytes.Buffer{}
		g.groups[c.vertex] = group
	}
	if group.Len() < maxGroup {
		_, _ = fmt.Fprintln(group, harmless(c.text))
	}
}

func (g *github) finish(v *vertex) {
	title := fmt.Sprintf("[%s] %s %s", v.part.label(), v.name, v.outcome())
	if group := g.groups[v]; group != nil {
		g.printf("::group::%s", escapeData(title))
		_, _ = g.out.Write(group.Bytes())
		g.printf("::endgroup::")
		delete(g.groups, v)
	} else {
		g.printf("%s", title)
	}
	if v.failed() {
		g.failed = append(g.failed, v)
		g.printf("::error title=%s::%s", escapeProperty(v.part.label()), escapeData(v.name+": "+v.err))
	}
}

// abandon writes the groups of steps that no end came of, as when their node was
// lost.
func (g *github) abandon(p *part) {
	for _, v := range p.started {
		if g.groups[v] != nil {
			g.finish(v)
		}
	}
}

func (*github) draw(time.Time) {}

func (g *github) close(time.Time) error {
	for _, v := range g.failed {
		for i, line := range v.tail {
			v.tail[i] = harmless(line)
		}
	}
	printFailures(g.out, g.failed)
	return nil
}

func (g *github) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(g.out, format+"\n", args...)
}

// commandless takes the older form of workflow commands, which the runner looks
// for anywhere in a line, out of all that is written.
type commandless struct{ io.Writer }

func (c commandless) Write(p []byte) (int, error) {
	_, err := c.Writer.Write(bytes.ReplaceAll(p, []byte("##["), []byte("# #[")))
	return len(p), err
}

// harmless keeps a line of a build from being taken for a workflow command: the
// runner looks for :: at the start of a line.
func harmless(line string) string {
	if strings.HasPrefix(strings.TrimSpace(line), "::") {
		return "| " + line
	}
	return line
}

var (
	dataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func escapeData(text string) string     { return dataEscapes.Replace(text) }
func escapeProperty(text string) string { return propertyEscapes.Replace(text) }
