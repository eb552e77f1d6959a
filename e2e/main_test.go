//go:build e2e

// Package e2e tests the product as a user has it: the plugin behind the real docker command, on the real engines and registries of
// scripts/farm. What a test asserts it reads from the engines, the registry and the list of processes; what the product says comes
// second.
package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// farm is what scripts/farm env says.
var farm struct {
	root     string // Of the farm; its Docker config directory is below it.
	registry string // Plain http on loopback, host:port.
	private  string // TLS and a password, on an address that is not loopback.
	user     string
	password string
	ca       string // The file of the private registry's authority.
	command  string // scripts/farm
}

// plugin is the program under test.
var plugin string

// run keeps apart what several runs of the suite leave in one farm's registries.
var run = "e2e-" + strconv.FormatInt(time.Now().UnixMilli(), 36)

// parallel is how many tests run at once: most of a test is waiting for engines, so there are more than processors. What scripts/soak
// runs may be waiting for little else than the next attempt.
func parallel() string {
	if os.Getenv("MULTIARCH_SOAK") != "" {
		return "24"
	}
	return "6"
}

func TestMain(m *testing.M) {
	code, err := testMain(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
	}
	os.Exit(code)
}

func testMain(m *testing.M) (int, error) {
	if err := readFarm(); err != nil {
		return 1, err
	}
	dir, err := os.MkdirTemp("", "multiarch-e2e-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o755); err != nil { // Some tests run the plugin as another user.
		return 1, err
	}
	if err := buildPlugin(dir); err != nil {
		return 1, err
	}
	flag.Parse()
	if err := flag.Set("test.parallel", parallel()); err != nil {
		return 1, err
	}
	code := m.Run()
	return code, tidy()
}

// tidy has the engines forget the images of this run. No image is removed while tests run, but for those of tests that are about it:
// tests that build the same have the same image, and an engine can lose it, with its last name, to a removal just before it gets another.
func tidy() error {
	for _, e := range engines {
		if err := e.removeImages(run); err != nil {
			return err
		}
		if _, err := e.try("image", "prune", "-f", "--filter", "label=run="+run); err != nil {
			return err
		}
	}
	return nil
}

func readFarm() error {
	for _, v := range []struct {
		name  string
		value *string
	}{
		{"MULTIARCH_FARM", &farm.root},
		{"MULTIARCH_FARM_REGISTRY", &farm.registry},
		{"MULTIARCH_FARM_PRIVATE", &farm.private},
		{"MULTIARCH_FARM_USER", &farm.user},
		{"MULTIARCH_FARM_PASSWORD", &farm.password},
		{"MULTIARCH_FARM_CA", &farm.ca},
	} {
		if *v.value = os.Getenv(v.name); *v.value == "" {
			return fmt.Errorf(`%s is not set; run: scripts/farm up && eval "$(scripts/farm env)"`, v.name)
		}
	}
	command, err := filepath.Abs("../scripts/farm")
	farm.command = command
	return err
}

// buildPlugin builds the plugin once for all tests, unless MULTIARCH_PLUGIN names one that is to be tested as it is.
func buildPlugin(dir string) error {
	if plugin = os.Getenv("MULTIARCH_PLUGIN"); plugin != "" {
		_, err := os.Stat(plugin)
		return err
	}
	plugin = filepath.Join(dir, "docker-multiarch")
	if out, err := exec.Command("go", "build", "-o", plugin, "../cmd/docker-multiarch").CombinedOutput(); err != nil {
		return fmt.Errorf("building the plugin: %w\n%s", err, out)
	}
	return nil
}
