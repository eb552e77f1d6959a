package progress

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// logs writes the full log of each part to a file of its own in dir. The nodes
// that had one platform one after the other share its file.
type logs struct {
	dir   string
	files map[string]*os.File // by name
	err   error
}

func newLogs(dir string) (*logs, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making --log-dir: %w", err)
	}
	return &logs{dir: dir, files: map[string]*os.File{}}, nil
}

func (l *logs) show(e event, changes []change) {
	file, err := l.file(e.part)
	if err != nil {
		l.err = cmp.Or(l.err, err)
		return
	}
	for _, c := range changes {
		if text := c.line(e.part); text != "" {
			_, err := fmt.Fprintf(file, "%s [%s] %s\n", time.Now().UTC().Format(time.RFC3339Nano), e.part.label(), text)
			l.err = cmp.Or(l.err, err)
		}
	}
}

// unfit is what can't be in the name of a file everywhere.
var unfit = regexp.MustCompile(`[^A-Za-z0-9.]+`)

func (l *logs) file(p *part) (*os.File, error) {
	name := unfit.ReplaceAllString(p.name, "_") + ".log"
	if file := l.files[name]; file != nil {
		return file, nil
	}
	file, err := os.Create(filepath.Join(l.dir, name)) //nolint:gosec // the user names the directory, and unfit leaves no separator
	if err != nil {
		return nil, err
	}
	l.files[name] = file
	return file, nil
}

func (*logs) draw(time.Time) {}

func (l *logs) close(time.Time) error {
	for _, file := range l.files {
		l.err = cmp.Or(l.err, file.Close())
	}
	if l.err != nil {
		return fmt.Errorf("writing --log-dir: %w", l.err)
	}
	return nil
}
