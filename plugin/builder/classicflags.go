package builder

import (
	"fmt"
	"strconv"

	"github.com/docker/cli/opts"
	"github.com/moby/moby/api/types/container"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// classicFlags are the flags of build that only the classic builder knows. Their
// values may hold for one platform, so that a build of Linux and Windows can
// have them for Windows.
type classicFlags struct {
	isolation, securityOpt         argument.PlatformValues
	memory, memorySwap             argument.PlatformValues
	cpuShares, cpuPeriod, cpuQuota argument.PlatformValues
	cpusetCPUs, cpusetMems         argument.PlatformValues
	squash, rm, forceRm, compress  bool
}

func (f *classicFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Var(&f.isolation, "isolation", "Container isolation technology (classic builder)")
	flags.Var(&f.securityOpt, "security-opt", "Security options (classic builder)")
	flags.VarP(&f.memory, "memory", "m", "Memory limit (classic builder)")
	flags.Var(&f.memorySwap, "memory-swap", `Swap limit equal to memory plus swap: "-1" to enable unlimited swap (classic builder)`)
	flags.Var(&f.cpuShares, "cpu-shares", "CPU shares (relative weight) (classic builder)")
	flags.Var(&f.cpuPeriod, "cpu-period", "Limit the CPU CFS (Completely Fair Scheduler) period (classic builder)")
	flags.Var(&f.cpuQuota, "cpu-quota", "Limit the CPU CFS (Completely Fair Scheduler) quota (classic builder)")
	flags.Var(&f.cpusetCPUs, "cpuset-cpus", `CPUs in which to allow execution ("0-3", "0,1") (classic builder)`)
	flags.Var(&f.cpusetMems, "cpuset-mems", `MEMs in which to allow execution ("0-3", "0,1") (classic builder)`)
	flags.BoolVar(&f.squash, "squash", false, "Squash newly built layers into a single new layer (classic builder)")
	flags.BoolVar(&f.rm, "rm", true, "Remove intermediate containers after a successful build (classic builder)")
	flags.BoolVar(&f.forceRm, "force-rm", false, "Always remove intermediate containers (classic builder)")
	flags.BoolVar(&f.compress, "compress", false, "Compress the build context using gzip (classic builder)")
}

// values are the flags that may hold for one platform, by name.
func (f *classicFlags) values() map[string]*argument.PlatformValues {
	return map[string]*argument.PlatformValues{
		"isolation": &f.isolation, "security-opt": &f.securityOpt, "memory": &f.memory, "memory-swap": &f.memorySwap,
		"cpu-shares": &f.cpuShares, "cpu-period": &f.cpuPeriod, "cpu-quota": &f.cpuQuota,
		"cpuset-cpus": &f.cpusetCPUs, "cpuset-mems": &f.cpusetMems,
	}
}

// of is what the flags say for a platform.
func (f *classicFlags) of(p ocispec.Platform) (build.ClassicOptions, error) {
	c := build.ClassicOptions{
		Isolation: f.isolation.Single(p), SecurityOpt: f.securityOpt.List(p),
		CPUSetCPUs: f.cpusetCPUs.Single(p), CPUSetMems: f.cpusetMems.Single(p),
		Squash: f.squash, KeepContainers: !f.rm, ForceRemove: f.forceRm, Compress: f.compress,
	}
	// What is valid on this machine (Isolation.IsValid) says nothing of the node.
	if isolation := container.Isolation(c.Isolation); !isolation.IsDefault() && !isolation.IsProcess() && !isolation.IsHyperV() {
		return c, argument.Wrong(fmt.Errorf("invalid --isolation %q: must be default, process or hyperv", c.Isolation))
	}
	if container.Isolation(c.Isolation).IsDefault() {
		c.Isolation = ""
	}
	for _, number := range []struct {
		flag   string
		values *argument.PlatformValues
		parse  func(string) (int64, error)
		set    *int64
	}{
		{"memory", &f.memory, parseMemory, &c.Memory},
		{"memory-swap", &f.memorySwap, parseSwap, &c.MemorySwap},
		{"cpu-shares", &f.cpuShares, parseCount, &c.CPUShares},
		{"cpu-period", &f.cpuPeriod, parseCount, &c.CPUPeriod},
		{"cpu-quota", &f.cpuQuota, parseCount, &c.CPUQuota},
	} {
		text := number.values.Single(p)
		if text == "" {
			continue
		}
		n, err := number.parse(text)
		if err != nil {
			return c, argument.Wrong(fmt.Errorf("invalid --%s %q: %w", number.flag, text, err))
		}
		*number.set = n
	}
	return c, nil
}

func parseMemory(text string) (int64, error) {
	var m opts.MemBytes
	err := m.Set(text)
	return m.Value(), err
}

func parseSwap(text string) (int64, error) {
	var m opts.MemSwapBytes
	err := m.Set(text)
	return m.Value(), err
}

func parseCount(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) }

// hyperV are the platforms of all that were asked for which --isolation=hyperv
// was chosen.
func (in *input) hyperV() []ocispec.Platform {
	var all []ocispec.Platform
	for _, p := range in.platforms {
		if container.Isolation(in.options.classic.isolation.Single(p)).IsHyperV() {
			all = append(all, p)
		}
	}
	return all
}
