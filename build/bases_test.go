package build

import (
	"slices"
	"strings"
	"testing"

	"github.com/distribution/reference"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build/source"
)

func TestBases(t *testing.T) {
	t.Parallel()
	const digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	for _, c := range []struct {
		name, dockerfile string
		args             map[string]string
		target, platform string
		want             string
	}{
		{name: "scratch", dockerfile: "FROM scratch", want: ""},
		{name: "one", dockerfile: "FROM alpine", want: "docker.io/library/alpine:latest"},
		{name: "a tag", dockerfile: "FROM alpine:3", want: "docker.io/library/alpine:3"},
		{name: "a registry", dockerfile: "FROM reg.example.com:5000/a/b:1", want: "reg.example.com:5000/a/b:1"},
		{name: "a digest", dockerfile: "FROM alpine@" + digest, want: "docker.io/library/alpine@" + digest},
		{name: "twice the same", dockerfile: "FROM alpine AS a\nFROM alpine:latest AS b", want: "docker.io/library/alpine:latest"},
		{name: "stages", dockerfile: "FROM a AS one\nFROM one AS two\nFROM TWO\nCOPY --from=one / /", want: "docker.io/library/a:latest"},
		{name: "a stage named like its image", dockerfile: "FROM alpine AS alpine\nFROM alpine\nCOPY --from=alpine / /", want: "docker.io/library/alpine:latest"},
		{name: "a later stage is no base", dockerfile: "FROM later\nFROM x AS later", want: "docker.io/library/later:latest docker.io/library/x:latest"},
		{name: "COPY --from an image", dockerfile: "FROM a\nCOPY --from=b:1 / /", want: "docker.io/library/a:latest docker.io/library/b:1"},
		{name: "COPY --from a number", dockerfile: "FROM a\nFROM b\nCOPY --from=0 / /", want: "docker.io/library/a:latest docker.io/library/b:latest"},
		{
			name: "RUN --mount=from", dockerfile: "FROM a\nRUN --mount=type=bind,from=b:1,target=/b --mount=from=c:1,target=/c --mount=type=cache,target=/d true",
			want: "docker.io/library/a:latest docker.io/library/b:1 docker.io/library/c:1",
		},
		{name: "RUN --mount=from a stage", dockerfile: "FROM a AS one\nFROM b\nRUN --mount=from=one,target=/b --mount=from=0,target=/c true", want: "docker.io/library/a:latest docker.io/library/b:latest"},
		{name: "syntax", dockerfile: "# syntax=docker/dockerfile:1\nFROM scratch", want: "docker.io/docker/dockerfile:1"},
		{name: "syntax of a private registry", dockerfile: "#syntax = reg.example.com/front:1\nFROM scratch", want: "reg.example.com/front:1"},
		{name: "syntax in a comment further down is none", dockerfile: "FROM scratch\n# syntax=docker/dockerfile:1", want: ""},
		{name: "an ARG with a default", dockerfile: "ARG V=3\nFROM alpine:$V", want: "docker.io/library/alpine:3"},
		{name: "an ARG that is given", dockerfile: "ARG V=3\nFROM alpine:${V}", args: map[string]string{"V": "4"}, want: "docker.io/library/alpine:4"},
		{name: "an ARG without a value", dockerfile: "ARG V\nFROM alpine:$V", want: ""},
		{name: "an ARG without a value, given", dockerfile: "ARG V\nFROM $V", args: map[string]string{"V": "reg.example.com/x"}, want: "reg.example.com/x:latest"},
		{name: "an ARG that is given and not declared", dockerfile: "FROM alpine:$V", args: map[string]string{"V": "4"}, want: ""},
		{name: "an ARG of a stage does not count", dockerfile: "FROM a\nARG V=3\nFROM alpine:$V", want: "docker.io/library/a:latest"},
		{name: "a default in the word", dockerfile: "ARG V\nFROM ${V:-alpine:3}", want: "docker.io/library/alpine:3"},
		{name: "two ARGs on a line", dockerfile: "ARG A=reg.example.com B=img\nFROM $A/$B:1", want: "reg.example.com/img:1"},
		{name: "an ARG made of another", dockerfile: "ARG REGISTRY=reg.example.com\nARG BASE=$REGISTRY/base:1\nFROM $BASE", want: "reg.example.com/base:1"},
		{
			name: "an ARG made of another that is given", dockerfile: "ARG REGISTRY=reg.example.com\nARG BASE=${REGISTRY}/base:1\nFROM $BASE",
			args: map[string]string{"REGISTRY": "other.example.com"}, want: "other.example.com/base:1",
		},
		{name: "the architecture", dockerfile: "FROM base-$TARGETARCH:1", platform: "linux/arm64", want: "docker.io/library/base-arm64:1"},
		{name: "system and variant", dockerfile: "ARG TARGETARCH\nFROM base:$TARGETOS-$TARGETARCH$TARGETVARIANT", platform: "linux/arm/v7", want: "docker.io/library/base:linux-armv7"},
		{
			name: "an architecture that becomes a stage", dockerfile: "FROM a AS build-amd64\nFROM b AS build-arm64\nFROM build-$TARGETARCH", platform: "linux/arm64",
			want: "docker.io/library/a:latest docker.io/library/b:latest",
		},
		{name: "built on the node's own platform", dockerfile: "FROM --platform=$BUILDPLATFORM golang:1 AS build\nFROM alpine", want: "docker.io/library/golang:1 docker.io/library/alpine:latest"},
		{name: "a target by name", dockerfile: "FROM a AS one\nFROM b", target: "one", want: "docker.io/library/a:latest docker.io/library/b:latest"},
		{name: "a target in other letters", dockerfile: "FROM a AS one\nFROM b", target: "ONE", want: "docker.io/library/a:latest docker.io/library/b:latest"},
		{name: "a target by number", dockerfile: "FROM a\nFROM b", target: "1", want: "docker.io/library/a:latest docker.io/library/b:latest"},
		{name: "an image that is no reference is the build's to refuse", dockerfile: "FROM a//b", want: ""},
		{name: "another escape character", dockerfile: "# escape=`\nARG V=3\nFROM alpine:$V", want: "docker.io/library/alpine:3"},
		{name: "written on Windows", dockerfile: "\ufeffARG V=3\r\nFROM alpine:$V\r\n", want: "docker.io/library/alpine:3"},
		{name: "a text in the Dockerfile is no instruction", dockerfile: "FROM a\nCOPY <<EOF /x\nFROM b\nCOPY --from=c / /\nEOF", want: "docker.io/library/a:latest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.platform == "" {
				c.platform = "linux/amd64"
			}
			found, err := basesOf(&source.Dockerfile{Content: []byte(c.dockerfile)}, c.args, c.target, parse(c.platform))
			assert.NilError(t, err)
			got, want := []string{}, strings.Fields(c.want)
			for _, image := range found {
				got = append(got, image.String())
			}
			slices.Sort(got)
			slices.Sort(want)
			assert.Equal(t, strings.Join(got, " "), strings.Join(want, " "))
		})
	}
}

func TestBasesRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, dockerfile, target, want string }{
		{"nothing", "", "", ""},
		{"comments alone", "# x\n", "", ""},
		{"no FROM", "RUN true", "", ""},
		{"an unknown instruction", "FROM a\nFORM b", "", "FORM"},
		{"FROM without image", "FROM", "", ""},
		{"an unknown flag", "FROM a\nCOPY --nope=1 a b", "", "nope"},
		{"no such target", "FROM a AS one", "two", `no stage named "two"`},
		{"a number too large", "FROM a\nFROM b", "2", `no stage named "2"`},
		{"a negative number", "FROM a\nFROM b", "-1", `no stage named "-1"`},
		{"a number with more", "FROM a\nFROM b", "1x", `no stage named "1x"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := basesOf(&source.Dockerfile{Content: []byte(c.dockerfile)}, nil, c.target, parse("linux/amd64"))
			assert.ErrorIs(t, err, ErrDockerfile)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestHostsAreSortedAndNamedOnce(t *testing.T) {
	t.Parallel()
	var images []reference.Named
	for _, tag := range tags("z.example.com/a:1 alpine:3 localhost:5000/b:1 busybox:1 z.example.com/c:1") {
		images = append(images, tag)
	}
	assert.DeepEqual(t, hostsOf(images), []string{"docker.io", "localhost:5000", "z.example.com"})
	assert.Equal(t, len(hostsOf(nil)), 0)
}

func FuzzBases(f *testing.F) {
	for _, seed := range []string{
		"FROM scratch", "ARG A=1\nFROM alpine:$A AS x\nCOPY --from=x / /\nRUN --mount=from=y,target=/z true", "# syntax=a/b:1\nFROM --platform=$X y",
		"FROM ${A:-${B:+c}}", "# escape=`\nFROM a`\nb", "FROM a\nONBUILD COPY --from=b / /", "FROM a\nRUN <<E\nx\nE", "FROM a\nRUN --mount=from=$A true",
	} {
		f.Add([]byte(seed), "target", "value")
	}
	f.Fuzz(func(t *testing.T, dockerfile []byte, target, value string) {
		found, err := basesOf(&source.Dockerfile{Content: dockerfile}, map[string]string{"A": value}, target, parse("linux/arm/v7"))
		if err != nil {
			assert.ErrorIs(t, err, ErrDockerfile)
			return
		}
		seen := map[string]bool{}
		for _, image := range found {
			assert.Assert(t, !reference.IsNameOnly(image), "%s has no tag", image)
			assert.Assert(t, !seen[image.String()], "%s is there twice", image)
			seen[image.String()] = true
			_, err := reference.ParseNamed(image.String())
			assert.NilError(t, err)
		}
		assert.Assert(t, len(hostsOf(found)) <= len(found))
	})
}
