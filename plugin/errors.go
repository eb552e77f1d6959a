package plugin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/containerd/platforms"
	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/hints"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/build/source"
	"github.com/docker-multiarch/docker-multiarch/check"
	"github.com/docker-multiarch/docker-multiarch/check/binary"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/config"
	"github.com/docker-multiarch/docker-multiarch/contexts/power"
	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/manifest/archive"
	"github.com/docker-multiarch/docker-multiarch/platform"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/builder"
	"github.com/docker-multiarch/docker-multiarch/plugin/dockerfile"
	"github.com/docker-multiarch/docker-multiarch/plugin/image"
	"github.com/docker-multiarch/docker-multiarch/plugin/registry"
)

// The exit codes; docs/errors.md explains them to the user.
const (
	exitFailed      = 1
	exitNoNode      = 2
	exitUnavailable = 3
	exitUnverified  = 4
	exitPartial     = 5
	exitChanged     = 6
	exitUsage       = 125
	exitInterrupted = 130
)

var errInterrupted = errors.New("interrupted")

// usageHint names the command that was called, in place of its %s.
const usageHint = "Run '%s --help' for more information."

// fail turns an error of the command at path, such as "docker multiarch build",
// into what the user sees and the exit code of the process.
func fail(path string, err error) error {
	if err == nil {
		return nil
	}
	code, hint := explain(err)
	text := strings.Join(build.Excerpts(err), "") + progress.Clean(err.Error())
	if hint == usageHint {
		hint = fmt.Sprintf(usageHint, path)
	}
	// What docker's own checks of arguments say ends with the command for help.
	if hint != "" && hints.Enabled() && !strings.Contains(text, path+" --help'") {
		text += "\n\n" + progress.Clean(hint)
	}
	return cli.StatusError{Cause: err, Status: text, StatusCode: code}
}

// explanation is what one kind of error means to the user.
type explanation struct {
	is   func(error) bool
	code int
	hint func(error) string
}

// explain returns the exit code of an error and what the user can do about it.
// The first entry that fits counts, so the more specific come first.
func explain(err error) (code int, hint string) {
	for _, e := range explanations {
		if !e.is(err) {
			continue
		}
		if e.hint != nil {
			hint = e.hint(err)
		}
		return e.code, hint
	}
	return exitFailed, ""
}

var explanations = []explanation{
	{is(errInterrupted), exitInterrupted, nil},
	{as[*builder.LoopbackError], exitUsage, loopbackHint},
	{as[argument.Error], exitUsage, say(usageHint)},
	{as[*platform.Error], exitUsage, say("Platforms are written os/arch[/variant], for example linux/amd64 or linux/arm/v7.")},
	{is(build.ErrTagCollision), exitUsage, say("Choose another tag, or other per-platform tags with --platform-tag.")},
	{is(build.ErrNeedsTag), exitUsage, say("Leave out --platform-tag=none, or have this machine push for that node: --relay NODE")},
	{is(config.ErrUnknownContext), exitUsage, say("Remove it from the file, or see what there is: docker context ls")},
	{is(config.ErrNotOwned), exitUsage, say("Make it and its folders yours and writable by nobody else (chown, chmod go-w), or use --no-hooks.")},
	{as[*config.Error], exitUsage, say("The keys are explained by: docker multiarch node config --help")},
	{as[*build.UnsupportedError], exitUsage, say("Leave it out, or build that platform on another node: --node PLATFORM:CONTEXT")},
	{is(contexts.ErrUnknownContext), exitUsage, say("Try: docker context ls")},
	{as[*registry.PartialError], exitPartial, say("Run the same command again to finish, or give the rest their names: docker multiarch create -t NAME PUBLISHED")},
	{as[*build.DroppedError], exitNoNode, droppedHint},
	{as[*build.NoNodeError], exitNoNode, noNodeHint},
	{is(manifest.ErrChanged), exitChanged, say("Another build published this tag at the same time. Run the command again if yours should count.")},
	{is(manifest.ErrImmutable), exitChanged, say("Publish under a new tag.")},
	{is(source.ErrWindows), exitUsage, say("Rename them, or name them in the ignore file of the Dockerfile for Windows.")},
	{is(source.ErrName), exitFailed, say("Rename it, or name it in .dockerignore.")},
	{is(source.ErrChanged), exitUnverified, say("Run the command again when nothing writes to the build context.")},
	{is(build.ErrOtherImage), exitUnverified, say("Another build moved the same tag on that node. Run the command again.")},
	{is(archive.ErrInvalid), exitUnverified, nil},
	{is(syscall.ENOSPC), exitFailed, say("This machine has no room for it. Temporary files go where TMPDIR says.")},
	{is(manifest.ErrDigest), exitUnverified, nil},
	{is(manifest.ErrPlatform), exitUnverified, nil},
	{is(manifest.ErrInvalid), exitUnverified, nil},
	{as[*binary.MisfitError], exitUnverified, say("Copy or build that file for each platform. If it is meant to be there: --allow-foreign PATH")},
	{as[*image.LackError], exitUnverified, nil},
	{as[*image.SizeError], exitUnverified, nil},
	{as[*dockerfile.FindingsError], exitUnverified, nil},
	{is(manifest.ErrUnproven), exitUnavailable, say("The tag has what it had before, or all of the new image: look with docker multiarch inspect. The same command again does what is left.")},
	{is(manifest.ErrUnsupported), exitUnavailable, nil},
	{is(manifest.ErrUnauthorized), exitUnavailable, loginHint},
	{is(manifest.ErrDenied), exitUnavailable, say("The login is known, but may not do this. Check the repository's name and permissions.")},
	{is(manifest.ErrCredentials), exitUnavailable, say("Check credsStore and credHelpers in the Docker configuration.")},
	{is(manifest.ErrCertificate), exitUnavailable, say("This machine does not trust the registry's certificate. Add its CA to the system's trust store, or set SSL_CERT_FILE.")},
	{is(manifest.ErrNotFound), exitUnavailable, nil},
	{is(manifest.ErrUnavailable), exitUnavailable, say("Check the address, and that the registry is up.")},
	{is(manifest.ErrStale), exitUnavailable, nil},
	{is(build.ErrVersion), exitUnverified, say("The base image decides the version of Windows: one of that version, or FROM IMAGE:${TARGETOSVERSION}. A host runs an older one with --isolation windows/amd64:hyperv.")},
	{is(build.ErrBasePlatform), exitUnavailable, platformHint},
	{as[*build.BaseImageError], exitUnavailable, baseHint},
	{is(build.ErrNoHealthcheck), exitFailed, say("--test-health needs a HEALTHCHECK in the Dockerfile.")},
	{is(build.ErrExposed), exitUsage, say("Use ssh or TLS for that node, or allow it with insecure: true in multiarch.yaml.")},
	{is(build.ErrNodeFull), exitUnavailable, fullHint},
	{is(build.ErrImageLost), exitUnavailable, say("Something removes images there, another build's --rm-images or a prune. Run the command again.")},
	{is(power.ErrHook), exitUnavailable, say("The command is in multiarch.yaml: docker multiarch node config")},
	{is(contexts.ErrNotDeclared), exitUnavailable, say("Correct platforms in multiarch.yaml: docker multiarch node config")},
	{is(power.ErrInUse), exitUnavailable, say("Wait for it, or stop the node all the same: docker multiarch node stop --force NODE")},
	{is(power.ErrBusy), exitUnavailable, say("Wait for it, or stop the node all the same: docker multiarch node stop --force NODE")},
	{is(power.ErrStillAwake), exitUnavailable, say("See whether the stop command in multiarch.yaml stops this node.")},
	{is(build.ErrNodeLost), exitUnavailable, nodeHint},
	{as[*build.TestError], exitFailed, testHint},
	{is(errNodeDown), exitUnavailable, say("See what docker says: docker version")},
	{isPush, exitUnavailable, pushHint},
	{is(build.ErrDockerfile), exitFailed, nil},
	{is(check.ErrDockerfile), exitFailed, nil},
	{is(builder.ErrCheck), exitUnverified, nil},
	{is(context.Canceled), exitInterrupted, nil},
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func as[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func say(hint string) func(error) string { return func(error) string { return hint } }

func isPush(err error) bool {
	e, ok := errors.AsType[*build.NodeError](err)
	return ok && e.Op == "push"
}

// droppedHint is the command line that says what the user means.
func droppedHint(err error) string {
	e, _ := errors.AsType[*build.DroppedError](err)
	return "Nothing was sent. To publish what can be built now, say so:\n  --platform " + joinPlatforms(e.Planned)
}

// noNodeHint says what to do about nodes that ssh does not reach, or how to get
// a node.
func noNodeHint(err error) string {
	e, _ := errors.AsType[*build.NoNodeError](err)
	var hints []string
	for _, n := range e.Nodes {
		for _, remedy := range sshRemedies {
			if errors.Is(n.Err, remedy.kind) {
				hints = append(hints, fmt.Sprintf("%s: %s", n.Name, strings.ReplaceAll(remedy.text, "HOST", strings.TrimPrefix(n.Host, "ssh://"))))
			}
		}
	}
	if len(hints) > 0 {
		return strings.Join(hints, "\n")
	}
	return "Add a node: docker context create NAME --docker host=ssh://user@host"
}

// sshRemedies are what a user can do about an ssh endpoint.
var sshRemedies = []struct {
	kind error
	text string
}{
	{contexts.ErrSSHHostKeyUnknown, "check the host's key and accept it, which adds it to known_hosts: ssh HOST"},
	{contexts.ErrSSHHostKeyChanged, "if the machine was set up anew, forget its old key: ssh-keygen -R HOST"},
	{contexts.ErrSSHLogin, "ssh asks no questions here; this must work without one: ssh -o BatchMode=yes HOST true"},
	{contexts.ErrSSHBusy, "its sshd limits logins under way: raise MaxStartups in sshd_config, or try again"},
	{contexts.ErrSSHNoDocker, "install docker there, or put it into the PATH of commands run over ssh: ssh HOST docker version"},
	{contexts.ErrSSHNoEngine, "see what docker says there: ssh HOST docker version"},
	{contexts.ErrSSHChatty, "let the profile there print in interactive shells only"},
}

// loopbackHint offers to push from here, where the registry is.
func loopbackHint(err error) string {
	e, _ := errors.AsType[*builder.LoopbackError](err)
	return "Name the registry by an address that all nodes reach, or have this machine push for the node: --relay " + e.Node.Name
}

func loginHint(err error) string {
	if e, ok := errors.AsType[*manifest.Error](err); ok && e.Host != "" {
		return "Try: docker login " + e.Host
	}
	return "Try: docker login"
}

// testHint says what to do about an image without a shell.
func testHint(err error) string {
	if e, _ := errors.AsType[*build.TestError](err); e.NoShell() {
		return `A test is a line for the image's shell. An image without one takes words: --test '["/app","--version"]'`
	}
	return ""
}

func nodeHint(err error) string {
	if e, ok := errors.AsType[*build.NodeError](err); ok {
		return fmt.Sprintf("Try: docker --context %s version", e.Node)
	}
	return ""
}

func fullHint(err error) string {
	if e, ok := errors.AsType[*build.NodeError](err); ok {
		return fmt.Sprintf("Try: docker --context %s system prune", e.Node)
	}
	return ""
}

// platformHint says what to do about a base image that has not all platforms.
func platformHint(err error) string {
	e, ok := errors.AsType[*build.NodeError](err)
	base, known := errors.AsType[*build.BaseImageError](err)
	if !ok || !known {
		return ""
	}
	return fmt.Sprintf("Take a base image that has it, or a Dockerfile of its own for that platform: --file %s:FILE. What there is: docker multiarch inspect %s",
		joinPlatforms([]ocispec.Platform{e.Platform}), base.Reference)
}

func baseHint(err error) string {
	e, ok := errors.AsType[*build.NodeError](err)
	if !ok {
		return ""
	}
	return fmt.Sprintf("The engine of node %s could not get it. It needs to reach the registry and trust its certificate itself; the login is this machine's.", e.Node)
}

func pushHint(err error) string {
	e, _ := errors.AsType[*build.NodeError](err)
	return fmt.Sprintf("The engine of node %s could not push. It needs to reach the registry and trust its certificate itself; the login is this machine's.", e.Node)
}

func joinPlatforms(all []ocispec.Platform) string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = platforms.FormatAll(p)
	}
	text := strings.Join(names, ",")
	if strings.Contains(text, "(") {
		return "'" + text + "'" // the shell has another use for brackets
	}
	return text
}
