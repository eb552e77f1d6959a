package build

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"

	buildkit "github.com/moby/buildkit/client"
	"github.com/moby/sys/atomicwriter"
)

// OutputType is the form in which a build's files leave the engine.
type OutputType string

// The forms there are.
const (
	OutputLocal OutputType = "local"
	OutputTar   OutputType = "tar"
)

// Output sends the files of the last stage to this machine instead of an image
// to the engine's store.
type Output struct {
	Type OutputType
	// Dest is a directory for OutputLocal and a file for OutputTar.
	Dest string
	// Stream takes the tar archive instead of a file, if it is not nil.
	Stream io.Writer
}

// unclosed is a stream that outlives what is written to it.
type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }

// export is the output as BuildKit knows it.
func (o Output) export() buildkit.ExportEntry {
	if o.Type == OutputLocal {
		return buildkit.ExportEntry{Type: buildkit.ExporterLocal, OutputDir: o.Dest}
	}
	return buildkit.ExportEntry{Type: buildkit.ExporterTar, Output: func(map[string]string) (io.WriteCloser, error) {
		if o.Stream != nil {
			return unclosed{o.Stream}, nil
		}
		if err := os.MkdirAll(filepath.Dir(o.Dest), 0o755); err != nil {
			return nil, fmt.Errorf("writing output: %w", err)
		}
		// The file appears under its name when it is complete.
		return atomicwriter.New(o.Dest, 0o644)
	}}
}

// exports returns what becomes of the result: an image in the engine's own
// store or in a registry, or files here.
func exports(req Request, a Assignment) []buildkit.ExportEntry {
	if len(req.Outputs) > 0 {
		all := make([]buildkit.ExportEntry, len(req.Outputs))
		for i, output := range req.Outputs {
			all[i] = output.export()
		}
		return all
	}
	if req.pushTo != nil {
		attrs := exporterAttrs(req, nil)
		maps.Copy(attrs, map[string]string{"name": req.pushTo.Name(), "push": "true", "push-by-digest": "true", "store": "false"})
		return []buildkit.ExportEntry{{Type: exporterImage, Attrs: attrs}}
	}
	return []buildkit.ExportEntry{{Type: exporterMoby, Attrs: exporterAttrs(req, a.Names())}}
}
