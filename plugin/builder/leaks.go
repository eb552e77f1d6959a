package builder

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/docker/go-units"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// What --secret-files can be.
const (
	secretFilesWarn = "warn"
	secretFilesFail = "fail"
	secretFilesOff  = "off"
)

// largeContext is what is a lot to send to another machine, in bytes.
const largeContext = 1 << 30

var (
	// secretNames are files that usually hold keys or logins, as patterns of
	// path.Match over the base name or, with a slash, the last two names.
	secretNames = []string{
		".env", ".env.*", ".netrc", "_netrc", ".npmrc", ".pypirc", ".pgpass", ".htpasswd", ".git-credentials",
		"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.kdbx", "*.ppk",
		"credentials.json", "service-account*.json", "*.tfstate", "*.ovpn",
		".aws/credentials", ".docker/config.json", ".kube/config", "gcloud/credentials.db",
	}
	// harmless are names that look like the above and are made to be shown.
	harmless = []string{".env.example", ".env.sample", ".env.template", ".env.dist", "*.pub", "*.pub.pem", "ca.pem", "cacert.pem"}
	// secretArgs are build arguments whose values end in the image's history.
	secretArgs = regexp.MustCompile(`(?i)passw|secret|token|api_?key|private_?key|credential`)
)

// checkSecrets warns of what should not leave this machine, or end in an image,
// before anything is sent.
func (s *session) checkSecrets() error {
	s.warnArguments()
	remote := s.remoteNodes()
	if len(remote) == 0 {
		return nil
	}
	s.warnSize(remote)
	var found []string
	for file := range s.snapshot.Files() {
		if looksSecret(filepath.ToSlash(file)) {
			found = append(found, file)
		}
	}
	if len(found) == 0 {
		return nil
	}
	text := fmt.Sprintf("these files look secret and would go to %s: %s", strings.Join(remote, ", "), argument.Shorten(found))
	switch s.input.options.secretFiles {
	case secretFilesOff:
		return nil
	case secretFilesFail:
		return argument.Wrong(errors.New(text))
	}
	s.warn(text + ". Name them in .dockerignore if the build does not need them.")
	return nil
}

// warnArguments names build arguments that look secret.
func (s *session) warnArguments() {
	names := map[string]bool{}
	for _, r := range s.requests {
		for key := range r.BuildArgs {
			if secretArgs.MatchString(key) {
				names[key] = true
			}
		}
	}
	if len(names) > 0 {
		s.warn("build arguments end in the image's history: " + argument.Shorten(slices.Sorted(maps.Keys(names))) + ". Use --secret for secrets.")
	}
}

// warnSize says how much may be sent, and where it lies, when it is a lot.
func (s *session) warnSize(remote []string) {
	_, bytes := s.snapshot.Size()
	if bytes < largeContext {
		return
	}
	sizes := map[string]int64{}
	for file, size := range s.snapshot.Files() {
		top, _, _ := strings.Cut(filepath.ToSlash(file), "/")
		sizes[top] += size
	}
	names := slices.SortedFunc(maps.Keys(sizes), func(a, b string) int { return cmp.Compare(sizes[b], sizes[a]) })
	for i, name := range names {
		names[i] = fmt.Sprintf("%s (%s)", name, units.HumanSize(float64(sizes[name])))
	}
	s.warn(fmt.Sprintf("the build context has %s that may go to %s: %s", units.HumanSize(float64(bytes)), strings.Join(remote, ", "), argument.Shorten(names)))
}

func (s *session) remoteNodes() []string {
	var names []string
	for _, a := range s.plan {
		for _, n := range a.Able { // whoever may take over is among them
			if !n.Local() && !slices.Contains(names, n.Name) {
				names = append(names, n.Name)
			}
		}
	}
	return names
}

func looksSecret(file string) bool {
	return matchesAny(harmless, file) == "" && matchesAny(secretNames, file) != ""
}

func matchesAny(patterns []string, file string) string {
	base, pair := path.Base(file), path.Join(path.Base(path.Dir(file)), path.Base(file))
	for _, pattern := range patterns {
		name := base
		if strings.Contains(pattern, "/") {
			name = pair
		}
		if ok, err := path.Match(pattern, name); ok && err == nil {
			return pattern
		}
	}
	return ""
}

func (s *session) warn(text string) {
	fmt.Fprintf(s.cli.Err(), "WARNING: %s\n", progress.Clean(text))
}
