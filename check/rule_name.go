package check

import (
	"fmt"
	"slices"
	"strings"
)

// systemPaths are where systems keep what is built for one architecture.
var systemPaths = []string{"/usr/lib", "/lib", "/usr/include", "/usr/local/lib", "/usr/libexec", "/etc/ld.so.conf.d"}

// Commands whose words are not what they do.
var (
	talking = []string{"echo", "printf", "sed", "awk", "tr", "grep", "[", "[[", "test", "case", "LABEL", ":", "rm", "git"}
	fetches = []string{"curl", "wget", "aria2c", "gh", "axel"}
	debs    = []string{"apt-get", "apt", "aptitude", "dpkg", "apt-install"}
	rpms    = []string{"dnf", "yum", "microdnf", "zypper", "tdnf"}
)

// checkCommand judges one command of a RUN by the names in its words. It returns those that may be paths.
func (v *view) checkCommand(s *stage, c command, at int) (paths []string) {
	if c.guarded {
		return nil
	}
	for _, a := range c.assigns {
		v.checkAssign(s, a, at)
	}
	v.checkPackages(s, c, at)
	if slices.Contains(talking, c.name()) {
		return nil
	}
	v.checkCompiler(s, c, at)
	for i, word := range c.words {
		if arch, ok := foreign(word, s.platform); ok && c.fetched(i) {
			v.reportDownload(word, arch, at)
			continue
		}
		paths = append(paths, word)
	}
	return paths
}

// fetched says whether a word of a command is what it downloads, not where to.
func (c command) fetched(i int) bool {
	word := c.words[i]
	if strings.Contains(word, "://") {
		return !namesRepository(word)
	}
	return i > 0 && slices.Contains(fetches, c.name()) && !strings.HasPrefix(word, "/") && !strings.HasPrefix(word, "-") && !namesOutput(c.name(), c.words[i-1])
}

// namesOutput says whether the word after a flag is a file to write: curl -fsSLo FILE, wget -O FILE.
func namesOutput(program, flag string) bool {
	short := strings.HasPrefix(flag, "-") && !strings.HasPrefix(flag, "--")
	return short && (strings.HasSuffix(flag, "o") || program == "wget" && strings.HasSuffix(flag, "O")) ||
		slices.Contains([]string{"--output", "--output-document", "--out"}, flag)
}

func (v *view) reportDownload(url, arch string, at int) {
	v.report(Finding{
		Rule: ruleDownload, Level: Error,
		Why:     fmt.Sprintf("%s is for %s", visible(url), arch),
		Instead: "ARG TARGETARCH in the stage, and $TARGETARCH (or a case of it) in the address",
	}, at)
}

// checkPath finds directories and files of one architecture, in a value that may
// be a list of them. A list that has the platform's own too means to.
func (v *view) checkPath(s *stage, value string, at int) {
	var wrong Finding
	for _, path := range strings.FieldsFunc(value, func(r rune) bool { return r == ':' || r == ' ' || r == '=' }) {
		arch, ok := foreign(path, s.platform)
		switch {
		case !isSystemPath(path) && !isTripletPath(path) || len(architectures(path)) == 0:
		case !ok:
			return
		case wrong.Rule == "":
			wrong = Finding{
				Rule: rulePath, Level: Error,
				Why:     fmt.Sprintf("%s exists on %s alone", visible(path), arch),
				Instead: "a path that all have: a pattern (/usr/lib/*-linux-gnu), or a link made by RUN with $(uname -m)",
			}
		}
	}
	if wrong.Rule != "" {
		v.report(wrong, at)
	}
}

func isSystemPath(path string) bool {
	return slices.ContainsFunc(systemPaths, func(dir string) bool { return strings.HasPrefix(path, dir) })
}

// isTripletPath says whether a path is one of Debian's below a prefix, as in --with-libdir=lib/x86_64-linux-gnu.
func isTripletPath(path string) bool {
	return strings.HasPrefix(path, "lib/") && strings.Contains(path, "-linux-gnu")
}

// checkPackages finds packages that are asked for by their architecture.
func (v *view) checkPackages(s *stage, c command, at int) {
	for i, word := range c.words {
		arch, ok := foreign(word, s.platform)
		if !ok {
			continue
		}
		front, isDeb := strings.CutSuffix(word, ":"+word[strings.LastIndexByte(word, ':')+1:])
		suffix := word[strings.LastIndexByte(word, '.')+1:]
		switch {
		case slices.Contains(debs, c.name()) && isDeb && front != "" && !strings.ContainsAny(word, "/="),
			slices.Contains(debs, c.name()) && i > 0 && c.words[i-1] == "--add-architecture",
			slices.Contains(debs, c.name()) && strings.HasPrefix(word, "--add-architecture="),
			slices.Contains(rpms, c.name()) && len(architectures(suffix)) > 0 && !strings.Contains(word, "/"),
			c.name() == "apk" && i > 0 && c.words[i-1] == "--arch",
			namesRepository(word):
			v.report(Finding{
				Rule: rulePackage, Level: Error, arch: arch,
				Why:     fmt.Sprintf("%s asks for packages for %s", visible(word), arch),
				Instead: "no architecture (the package manager takes its own), or $(dpkg --print-architecture)",
			}, at)
		}
	}
}

// namesRepository says whether a word is a line of a package manager's sources.
func namesRepository(word string) bool {
	return strings.Contains(word, "[arch=") || strings.Contains(word, " arch=")
}

// assigned are variables that tell compilers what to build for.
var assigned = []string{"GOARCH", "CARGO_BUILD_TARGET", "npm_config_arch", "npm_config_target_arch", "TARGET_ARCH", "DOCKER_DEFAULT_PLATFORM"}

// compilers are variables that name a program, which may be a cross-compiler.
var compilers = []string{"CC", "CXX", "LD", "AR"}

// checkAssign judges the value of a variable.
func (v *view) checkAssign(s *stage, a assign, at int) {
	name := ""
	switch {
	case a.name == "GOOS" && slices.Contains([]string{"linux", "windows", "darwin", "freebsd"}, a.value) && a.value != s.platform.OS:
		name = a.value
	case a.name == "GOARCH" && a.value == "arm" && s.platform.Architecture != "arm", a.name == "GOARCH" && a.value == "386" && !usable("386", s.platform):
		name = a.value
	case slices.Contains(assigned, a.name), slices.Contains(compilers, a.name) && strings.Contains(a.value, "-linux-"):
		name, _ = foreign(a.value, s.platform)
	}
	if name != "" {
		v.reportBuild(fmt.Sprintf("%s=%s", a.name, a.value), name, at)
	}
}

func (v *view) reportBuild(text, arch string, at int) {
	v.report(Finding{
		Rule: ruleBuild, Level: Error, arch: arch,
		Why:     fmt.Sprintf("%s builds for %s on every platform", visible(text), arch),
		Instead: "nothing (a native build needs no target), or ARG TARGETARCH and $TARGETARCH",
	}, at)
}

// targetFlags are how compilers and package managers are told what to build for.
var targetFlags = map[string][]string{
	"cargo": {"--target"}, "cross": {"--target"}, "rustc": {"--target"}, "rustup": {"add", "--target", "-t"},
	"dotnet": {"-r", "--runtime", "-a", "--arch"}, "npm": {"--arch", "--cpu"}, "yarn": {"--arch"}, "zig": {"-target"}, "clang": {"-target", "--target"},
	"go": {"-w"}, "pip": {"--platform"}, "pip3": {"--platform"}, "bun": {"--target"}, "deno": {"--target"}, "pkg": {"-t", "--targets"},
	"configure": {"--host"},
}

// tool is what is run, also as python -m TOOL.
func (c command) tool() string {
	if strings.HasPrefix(c.name(), "python") && len(c.words) > 2 && c.words[1] == "-m" {
		return c.words[2]
	}
	return c.name()
}

// checkCompiler finds what is compiled for one architecture by flag or by name.
func (v *view) checkCompiler(s *stage, c command, at int) {
	flags := targetFlags[c.tool()]
	for i, word := range c.words {
		arch, ok := foreign(word, s.platform)
		if !ok {
			continue
		}
		flag, _, joined := strings.Cut(word, "=")
		switch {
		case i == 0 && strings.Contains(c.name(), "-linux-"),
			c.name() == "dotnet" && strings.HasSuffix(flag, ":RuntimeIdentifier"),
			i > 0 && slices.Contains(flags, c.words[i-1]),
			joined && (slices.Contains(flags, flag) || slices.Contains(assigned, flag)),
			joined && c.name() == "make" && strings.HasSuffix(flag, "ARCH"):
			v.reportBuild(word, arch, at)
		}
	}
}

// visible writes a word whose unknown parts are not to be seen.
func visible(word string) string {
	const longest = 120
	word = strings.ReplaceAll(word, hole, "…")
	if runes := []rune(word); len(runes) > longest {
		word = string(runes[:longest]) + "…"
	}
	return word
}
