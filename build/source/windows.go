package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf16"
)

// ErrWindows is returned for paths that can't be on Windows.
var ErrWindows = errors.New("paths that Windows can't have")

const (
	// maxWindowsPath is MAX_PATH, in UTF-16 units.
	maxWindowsPath = 260
	// maxNamed bounds how many paths an error names.
	maxNamed = 10
)

// windowsDevice matches names that are devices, whatever comes after the first
// dot ("Naming Files, Paths, and Namespaces" in Microsoft's documentation).
var windowsDevice = regexp.MustCompile(`(?i)^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?$`)

// CheckWindows returns an ErrWindows that names the paths, without what the
// patterns of an ignore file rule out, that a Windows engine could not hold: it
// would drop or merge them, or fail after most was sent.
func (s *Snapshot) CheckWindows(ctx context.Context, exclude []string) error {
	files, err := s.View(func(error) {}).Without(exclude)
	if err != nil {
		return fmt.Errorf("ignore file: %w", err)
	}
	var paths []string
	err = files.Walk(ctx, "", func(path string, _ fs.DirEntry, err error) error {
		paths = append(paths, filepath.ToSlash(path))
		return err
	})
	if err != nil {
		return err
	}
	wrong := windowsProblems(paths)
	if len(wrong) == 0 {
		return nil
	}
	if more := len(wrong) - maxNamed; more > 0 {
		wrong = append(wrong[:maxNamed], fmt.Sprintf("%d more", more))
	}
	return fmt.Errorf("%w: %s", ErrWindows, strings.Join(wrong, ", "))
}

// windowsProblems says of each path that Windows can't have why not. Paths have
// slashes. A directory's fault is told once, not again for all that is in it.
func windowsProblems(paths []string) []string {
	var wrong []string
	before := map[string]string{}
	for _, path := range paths {
		name := path[strings.LastIndex(path, "/")+1:]
		reason := windowsFault(name)
		if length := len(utf16.Encode([]rune(path))); reason == "" && length > maxWindowsPath {
			reason = fmt.Sprintf("%d characters, %d are allowed", length, maxWindowsPath)
		}
		folded := strings.ToUpper(path)
		if other, ok := before[folded]; ok && reason == "" && sameFolder(path, other) {
			reason = fmt.Sprintf("differs from %q in case only", other)
		}
		before[folded] = path
		if reason != "" {
			wrong = append(wrong, fmt.Sprintf("%q (%s)", path, reason))
		}
	}
	return wrong
}

func windowsFault(name string) string {
	switch {
	case windowsDevice.MatchString(name):
		return "the name of a device"
	case strings.ContainsAny(name, `<>:"|?*\`):
		return `one of < > : " | ? * \ is in it`
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }):
		return "a control character is in it"
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
		return "a dot or a space is at the end"
	}
	return ""
}

// sameFolder tells whether two paths differ in their last name only.
func sameFolder(a, b string) bool {
	return a[:strings.LastIndex(a, "/")+1] == b[:strings.LastIndex(b, "/")+1]
}
