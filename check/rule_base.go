package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/mediatype"
)

// official are official images that are published for linux/amd64 and linux/arm64
// at least (docker-library/official-images).
var official = []string{
	"alpine", "amazoncorretto", "busybox", "caddy", "cassandra", "composer", "debian", "eclipse-temurin", "elixir", "erlang", "fedora",
	"golang", "gradle", "haproxy", "httpd", "influxdb", "julia", "mariadb", "maven", "memcached", "mongo", "mysql", "nats", "neo4j",
	"nginx", "node", "openjdk", "perl", "php", "postgres", "python", "rabbitmq", "redis", "rockylinux", "ruby", "rust", "swift",
	"tomcat", "traefik", "ubuntu", "vault", "wordpress", "zookeeper",
}

// checkBases judges the images that come from registries, and what FROM says of
// platforms.
func (v *view) checkBases(b *bases) {
	for _, use := range v.images {
		l, answer := b.answer(v, use)
		arch, named := foreignImage(use.name, use.platform)
		switch {
		case answer == Unused || answer == Has:
		case named:
			v.report(Finding{
				Rule: ruleBaseNamed, Level: Error,
				Why:     fmt.Sprintf("%s is the image for %s alone", use.name, arch),
				Instead: suggestion(use.name, use.platform),
			}, use.line)
		case answer == Lacks && isDigest(l.name) && !mediatype.IsIndex(l.descriptor.MediaType):
			v.report(Finding{
				Rule: ruleBasePinned, Level: Error,
				Why:     fmt.Sprintf("the digest of %s is that of one platform's image (%s), not of the list", use.name, list(l.platforms)),
				Instead: "the digest of the image index: docker multiarch inspect " + tagOnly(l.name),
			}, use.line)
		case answer == Lacks:
			v.report(Finding{
				Rule: ruleBaseLacks, Level: Error,
				Why:     fmt.Sprintf("%s has no %s; it has %s", use.name, platforms.Format(use.platform), list(l.platforms)),
				Instead: suggestion(use.name, use.platform),
			}, use.line)
		}
	}
	for _, s := range v.stages {
		if s.constant && s.Platform != "" && (s.final || !v.oneOfEach()) {
			v.checkConstant(s)
		}
	}
}

// oneOfEach says whether the image takes from stages of several constant
// platforms, its own among them: then it means to hold them all.
func (v *view) oneOfEach() bool {
	for _, s := range v.stages {
		if s.Platform != "" && !s.cross && !s.constant && !strings.Contains(s.Platform, "$") {
			return true
		}
	}
	return false
}

func (v *view) checkConstant(s *stage) {
	f := Finding{
		Rule: ruleFromConstant, Level: Warning,
		Why:     fmt.Sprintf("--platform=%s is built everywhere, by emulation where it is not native; programs from it run nowhere else", platforms.Format(s.platform)),
		Instead: "FROM --platform=$BUILDPLATFORM, if what it makes is the same for every platform; else no --platform",
	}
	if s.final {
		f.Level = Error
		f.Why = fmt.Sprintf("--platform=%s makes every platform's image one for %s", platforms.Format(s.platform), platforms.Format(s.platform))
		f.Instead = "FROM without --platform"
	}
	v.report(f, line(s.Location))
}

// foreignImage says whether the name of an image is that of another architecture's.
func foreignImage(name string, p ocispec.Platform) (string, bool) {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return "", false
	}
	// The namespaces of official images by architecture.
	prefixes := map[string]string{"amd64": "amd64", "i386": "386", "arm32v5": "arm", "arm32v6": "arm", "arm32v7": "arm", "arm64v8": "arm64", "ppc64le": "ppc64le", "s390x": "s390x", "riscv64": "riscv64"}
	namespace, _, ok := strings.Cut(reference.Path(named), "/")
	if arch := prefixes[namespace]; ok && arch != "" {
		return arch, arch != p.Architecture
	}
	if tagged, ok := named.(reference.Tagged); ok {
		if arch, ok := foreign(tagged.Tag(), p); ok {
			return arch, true
		}
	}
	return foreign(reference.Path(named), p)
}

// suggestion names an image that has the platform, as far as that is known without
// asking.
func suggestion(name string, p ocispec.Platform) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return ""
	}
	last := reference.Path(named)[strings.LastIndexByte(reference.Path(named), '/')+1:]
	common := p.OS == "linux" && (p.Architecture == "amd64" || p.Architecture == "arm64")
	switch {
	case !common || !slices.Contains(official, last):
		return "an image that has it, or a Dockerfile of its own for that platform: --file " + platforms.Format(p) + ":FILE"
	case strings.HasPrefix(reference.FamiliarName(named), last):
		return "a newer tag of the official image " + last + "; see what it has: docker multiarch inspect " + last
	}
	if tagged, ok := named.(reference.Tagged); ok {
		last += ":" + tagged.Tag()
	}
	return "the official image, which is made for several platforms: " + last
}

func isDigest(name reference.Named) bool {
	_, ok := name.(reference.Digested)
	return ok
}

func tagOnly(name reference.Named) string {
	trimmed := reference.TrimNamed(name)
	if tagged, ok := name.(reference.Tagged); ok {
		if withTag, err := reference.WithTag(trimmed, tagged.Tag()); err == nil {
			trimmed = withTag
		}
	}
	return reference.FamiliarString(trimmed)
}

func list(all []ocispec.Platform) string {
	if len(all) == 0 {
		return "no image"
	}
	return strings.Join(names(all...), ", ")
}
