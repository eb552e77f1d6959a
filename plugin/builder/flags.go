package builder

import (
	"os"
	"time"

	"github.com/docker/cli/opts"
	"github.com/moby/moby/api/types/container"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/node"
	"github.com/docker-multiarch/docker-multiarch/plugin/registry"
)

// options are the flags of build, as the user typed them. The values of a
// PlatformValues may hold for one platform only.
type options struct {
	dir string
	// fetched says that dir is a temporary one, made of a URL or of standard
	// input.
	fetched bool

	// settled are the platforms of multiarch.yaml, for a build that names none.
	settled []ocispec.Platform

	tags         []string
	platforms    []string
	nodes        []string
	relays       []string
	emulate      []string
	allowMissing []string
	keepGoing    bool
	rmImages     bool
	push         bool
	load         bool
	files        bool    // --output asks for files, not an image
	archive      *output // --output asks for an image of all platforms in a file or directory
	platformTag  string
	dryRun       bool
	noHooks      bool
	insecure     argument.Hosts
	ifUnchanged  string

	file          argument.PlatformValues
	buildArgs     argument.PlatformValues
	labels        argument.PlatformValues
	target        argument.PlatformValues
	annotations   argument.PlatformValues
	secrets       argument.PlatformValues
	ssh           argument.PlatformValues
	buildContexts argument.PlatformValues
	cacheFrom     argument.PlatformValues
	cacheTo       argument.PlatformValues
	addHosts      argument.PlatformValues
	network       argument.PlatformValues
	output        argument.PlatformValues

	verify       string
	allowForeign []string
	tests        argument.PlatformValues
	testFiles    argument.PlatformValues
	testTimeout  time.Duration
	testNetwork  bool
	testHealth   bool

	call          string
	callJSON      bool
	check         bool
	attests       []string
	provenance    string
	sbom          string
	noCache       bool
	noCacheFilter []string
	pull          bool
	shmSize       opts.MemBytes
	ulimits       *opts.UlimitOpt
	cgroupParent  string
	classic       classicFlags
	secretFiles   string

	progress     string
	logDir       string
	quiet        bool
	metadataFile string
	iidFile      string
}

func newOptions() *options {
	return &options{ulimits: opts.NewUlimitOpt(&map[string]*container.Ulimit{})}
}

// emulateAll is what --emulate means without a value.
const emulateAll = "all"

func (o *options) addFlags(cmd *cobra.Command) {
	o.addNodeFlags(cmd)
	o.addPlatformFlags(cmd)
	o.addBuilderFlags(cmd)
	o.addCheckFlags(cmd)
	o.addOutputFlags(cmd)
}

// addNodeFlags are about who builds what.
func (o *options) addNodeFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&o.platforms, "platform", nil, "Platforms to build (default: those of the nodes)")
	flags.StringSliceVar(&o.nodes, "node", nil, `Docker contexts to build on, or "PLATFORM:CONTEXT" for one platform (default: all)`)
	flags.StringSliceVar(&o.relays, "relay", nil, "Nodes that don't push: this machine takes their images over and pushes them")
	flags.StringSliceVar(&o.emulate, "emulate", nil, "Allow emulation, of all platforms or of these only")
	flags.Lookup("emulate").NoOptDefVal = emulateAll
	flags.StringSliceVar(&o.allowMissing, "allow-missing", nil, "Platforms the result may lack")
	flags.BoolVar(&o.keepGoing, "keep-going", false, "Let the other platforms finish when one fails")
	flags.BoolVar(&o.noHooks, node.NoHooksFlag, false, "Start and stop no nodes")
	flags.BoolVar(&o.dryRun, "dry-run", false, "Print the plan and stop")
}

// addPlatformFlags take "PLATFORM:VALUE" for a value that holds for one
// platform.
func (o *options) addPlatformFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.VarP(&o.file, "file", "f", `Name of the Dockerfile (default "PATH/Dockerfile")`)
	flags.Var(&o.buildArgs, "build-arg", "Set build-time variables")
	flags.Var(&o.labels, "label", "Set metadata for an image")
	flags.Var(&o.target, "target", "Set the target build stage to build")
	flags.Var(&o.annotations, "annotation", "Add annotation to the image")
	flags.Var(&o.secrets, "secret", `Secret to expose to the build ("id=mysecret[,src=/local/secret]")`)
	flags.Var(&o.ssh, "ssh", `SSH agent socket or keys to expose to the build ("default|<id>[=<socket>|<key>[,<key>]]")`)
	flags.Var(&o.buildContexts, "build-context", "Additional build contexts (name=path)")
	flags.Var(&o.cacheFrom, "cache-from", "External cache sources")
	flags.Var(&o.cacheTo, "cache-to", "Cache export destinations")
	flags.Var(&o.addHosts, "add-host", `Add a custom host-to-IP mapping ("host:ip")`)
	flags.VarP(&o.output, "output", "o", `Output destination ("type=local,dest=path")`)
	flags.Var(&o.network, "network", `Set the networking mode for the "RUN" instructions during build`)
}

// addBuilderFlags are about how each engine builds.
func (o *options) addBuilderFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.call, "call", "build", `Set method for evaluating build ("build", "check", "outline", "targets")`)
	flags.BoolVar(&o.check, "check", false, `Shorthand for "--call=check"`)
	flags.StringArrayVar(&o.attests, "attest", nil, `Attestation parameters ("type=sbom,generator=image")`)
	flags.StringVar(&o.provenance, "provenance", "", `Shorthand for "--attest=type=provenance"`)
	flags.StringVar(&o.sbom, "sbom", "", `Shorthand for "--attest=type=sbom"`)
	flags.BoolVar(&o.noCache, "no-cache", false, "Do not use cache when building the image")
	flags.StringSliceVar(&o.noCacheFilter, "no-cache-filter", nil, "Do not cache specified stages")
	flags.BoolVar(&o.pull, "pull", false, "Always attempt to pull all referenced images")
	flags.Var(&o.shmSize, "shm-size", `Shared memory size for build containers`)
	flags.Var(o.ulimits, "ulimit", "Ulimit options")
	o.classic.add(cmd)
	flags.StringVar(&o.secretFiles, "secret-files", secretFilesWarn, `What to do about files that look secret and would go to another machine ("warn", "fail" or "off")`)
	flags.StringVar(&o.cgroupParent, "cgroup-parent", "", `Set the parent cgroup for the "RUN" instructions during build`)
}

// addCheckFlags are about what has to be right before anything is published.
func (o *options) addCheckFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.verify, "verify", argument.VerifyOn, `Check that the programs in each image are of its architecture ("off", "on" or "strict")`)
	flags.StringSliceVar(&o.allowForeign, "allow-foreign", nil, "Paths in the image that may hold programs of other architectures")
	flags.Var(&o.tests, "test", "Run a command in a container of each image; nothing is published if it fails")
	flags.Var(&o.testFiles, "test-file", "Read such commands from a file, one a line")
	flags.DurationVar(&o.testTimeout, "test-timeout", 5*time.Minute, "Time limit of each test")
	flags.BoolVar(&o.testNetwork, "test-network", false, "Give tests a network")
	flags.BoolVar(&o.testHealth, "test-health", false, "Wait for each image's HEALTHCHECK to succeed")
}

// addOutputFlags are about what becomes of the result.
func (o *options) addOutputFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&o.tags, "tag", "t", nil, `Name and optionally a tag ("name:tag")`)
	flags.BoolVar(&o.push, "push", false, "Push the images and publish the manifest list")
	argument.AddInsecureRegistry(cmd, &o.insecure)
	flags.BoolVar(&o.load, "load", false, "Keep the images in the engines (always done)")
	flags.StringVar(&o.platformTag, "platform-tag", build.DefaultPlatformTag, `Template of the per-platform tags, or "none"`)
	registry.AddIfUnchanged(cmd, &o.ifUnchanged)
	flags.BoolVar(&o.rmImages, "rm-images", false, "Remove the images from the nodes afterwards")
	flags.StringVar(&o.progress, "progress", defaultProgress(), "Set type of progress output ("+progressModes()+")")
	flags.StringVar(&o.logDir, "log-dir", "", "Write the full log of each platform to a file in this directory")
	flags.BoolVarP(&o.quiet, "quiet", "q", false, "Suppress progress and print only the digest or image ID")
	flags.StringVar(&o.metadataFile, "metadata-file", "", "Write build result metadata to a file")
	flags.StringVar(&o.iidFile, "iidfile", "", "Write the image ID, or with --push the digest, to a file")
}

// defaultProgress is the mode that docker build takes from the environment.
func defaultProgress() string {
	if mode := os.Getenv("BUILDKIT_PROGRESS"); mode != "" {
		return mode
	}
	return string(progress.Modes[0])
}
