package binary

import (
	"path"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// program is a word of an image's command line that names a program.
type program struct {
	role string // "entrypoint" or "command"
	name string // as it stands there
	// argument says that it may just as well be an argument of another program.
	argument bool
}

// shellCharacters are what makes a word more than a word to a shell,
// cmdCharacters to Windows' own.
const (
	shellCharacters = "$`\"'\\;|&()<>{}*?[]~#\n"
	cmdCharacters   = "%^\"|&()<>@\n"
)

// programs are those that the image starts: the entrypoint, or the command in
// its place; what a wrapper such as tini starts after "--"; and with an
// entrypoint the first word of the command, which wrappers start.
func programs(c ocispec.ImageConfig) []program {
	var all []program
	entrypoint, command := unescaped(c.Entrypoint, c), unescaped(c.Cmd, c)
	if len(entrypoint) > 0 {
		all = started("entrypoint", entrypoint)
		if len(command) > 0 && !isShell(entrypoint) {
			for _, p := range started("command", command) {
				p.argument = true
				all = append(all, p)
			}
		}
	} else {
		all = started("command", command)
	}
	return slices.DeleteFunc(all, func(p program) bool { return p.name == "" || strings.HasPrefix(p.name, "-") })
}

func started(role string, argv []string) []program {
	if len(argv) == 0 {
		return nil
	}
	all := []program{{role: role, name: argv[0]}}
	if isShell(argv) {
		special := shellCharacters
		if strings.EqualFold(argv[len(argv)-2], "/c") {
			special = cmdCharacters
		}
		return append(all, program{role: role, name: firstWord(argv[len(argv)-1], special)})
	}
	if at := slices.Index(argv, "--"); at > 0 && at+1 < len(argv) {
		all = append(all, program{role: role, name: argv[at+1], argument: true})
	}
	return all
}

// isShell says whether argv is a shell with a line to run, as the shell form of
// an instruction makes it.
func isShell(argv []string) bool {
	if len(argv) < 3 {
		return false
	}
	name := strings.TrimSuffix(path.Base(strings.ReplaceAll(strings.ToLower(argv[0]), `\`, "/")), ".exe")
	flag := argv[len(argv)-2]
	switch name {
	case "sh", "bash", "ash", "dash", "zsh", "ksh", "busybox":
		return strings.HasPrefix(flag, "-") && strings.HasSuffix(flag, "c")
	case "cmd":
		return strings.EqualFold(flag, "/c")
	}
	return false
}

// unescaped takes apart the shell form of Windows, which is one string:
// "cmd /S /C line".
func unescaped(argv []string, c ocispec.ImageConfig) []string {
	if !c.ArgsEscaped || len(argv) != 1 { //nolint:staticcheck // engines on Windows set it
		return argv
	}
	words := strings.Fields(argv[0])
	at := slices.IndexFunc(words, func(word string) bool { return strings.EqualFold(word, "/c") }) + 1
	if at == 0 || at == len(words) {
		return words
	}
	return append(words[:at:at], strings.Join(words[at:], " "))
}

// firstWord is the program that a shell's line starts first, if that can be
// told without being a shell; "" if not.
func firstWord(line, special string) string {
	for _, word := range strings.Fields(line) {
		name, _, assignment := strings.Cut(word, "=")
		switch {
		case strings.ContainsAny(word, special):
			return ""
		case word == "exec" || assignment && !strings.Contains(name, "/"):
			continue
		}
		return word
	}
	return ""
}

// defaultPath is what engines take when an image sets no PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// candidates are the paths at which a program of that name may be.
func candidates(name string, c ocispec.ImageConfig, windows bool) []string {
	if windows {
		return windowsCandidates(name, c)
	}
	dir := path.Join("/", c.WorkingDir)
	if path.IsAbs(name) {
		return []string{path.Clean(name)}
	}
	if strings.Contains(name, "/") {
		return []string{path.Join(dir, name)}
	}
	search := defaultPath
	for _, kv := range c.Env {
		if value, ok := strings.CutPrefix(kv, "PATH="); ok {
			search = value
		}
	}
	var all []string
	for _, in := range strings.Split(search, ":") {
		if !path.IsAbs(in) {
			in = path.Join(dir, in)
		}
		all = append(all, path.Join(in, name))
	}
	return all
}

// windowsCandidates knows paths as engines write them into archives and layers:
// with slashes and without a drive. What is in the PATH of a base image can't be
// told from the config.
func windowsCandidates(name string, c ocispec.ImageConfig) []string {
	clean := func(s string) string {
		s = strings.ReplaceAll(s, `\`, "/")
		if len(s) >= 2 && s[1] == ':' {
			s = s[2:]
		}
		return s
	}
	name = clean(name)
	dirs := []string{clean(c.WorkingDir), "/Windows/System32"}
	if path.IsAbs(name) {
		dirs = []string{"/"}
	}
	var all []string
	for _, dir := range dirs {
		at := path.Join("/", dir, name)
		all = append(all, at)
		if path.Ext(at) == "" {
			all = append(all, at+".exe")
		}
	}
	return all
}
