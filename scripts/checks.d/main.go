// Command checks.d prints what the rules of docker multiarch check find in every Dockerfile below a directory, for
// linux/amd64 and linux/arm64, without asking registries: go run ./scripts/checks.d $(go env GOMODCACHE). Each finding is
// then judged by a human; docs/checks.md has the result.
package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/check"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./scripts/checks.d DIRECTORY")
		os.Exit(2)
	}
	if err := survey(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func survey(dir string) error {
	files, unparsed, rules := 0, 0, map[string]int{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !isDockerfile(d.Name()) {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		report, err := judge(path, name)
		if err != nil {
			unparsed++
			fmt.Printf("%s: %v\n", name, err)
			return nil
		}
		files++
		for _, f := range report.Findings {
			if slices.Contains(check.Rules, f.Rule) {
				rules[f.Rule]++
				fmt.Printf("%s:%d %s %s %v: %s\n", f.File, f.Line, f.Level, f.Rule, f.Platforms, f.Why)
			}
		}
		return nil
	})
	fmt.Printf("%d Dockerfiles, %d that are none; findings: %v\n", files, unparsed, rules)
	return err
}

func isDockerfile(name string) bool {
	return strings.HasPrefix(name, "Dockerfile") && !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, ".Dockerfile")
}

func judge(path, name string) (*check.Report, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var inputs []check.Input
	for _, arch := range []string{"amd64", "arm64"} {
		inputs = append(inputs, check.Input{
			Platform: ocispec.Platform{OS: "linux", Architecture: arch}, Name: name, Dockerfile: content, Context: os.DirFS(filepath.Dir(path)),
		})
	}
	return check.Check(context.Background(), inputs, check.Options{Style: true})
}
