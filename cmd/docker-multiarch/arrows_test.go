package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

const (
	module = "github.com/docker-multiarch/docker-multiarch"

	cobra        = "github.com/spf13"
	dockerCLI    = "github.com/docker/cli/cli/command"
	engineClient = "github.com/moby/moby"
	buildKit     = "github.com/moby/buildkit"
	registryLib  = "github.com/google/go-containerregistry"
)

var belowPlugin = []string{
	"build", "build/classic", "build/progress", "build/source", "check", "check/binary", "contexts", "contexts/config", "contexts/history", "contexts/power", "credential", "manifest", "manifest/archive", "manifest/layout", "mediatype", "platform", "retry", "scratch",
}

var (
	atPlugin    = []string{"plugin/argument", "plugin/completion", "plugin/metadata", "plugin/node", "plugin/registry"}
	pluginRooms = append([]string{"plugin/builder", "plugin/dockerfile", "plugin/image"}, atPlugin...)
)

// arrows are the rooms that a room may reach, directly or through others, and the libraries that it may not.
// The linter has the same rules for direct imports.
var arrows = map[string]struct{ rooms, never []string }{
	"cmd/docker-multiarch": {rooms: slices.Concat([]string{"plugin"}, pluginRooms, belowPlugin)},
	"plugin":               {rooms: slices.Concat(pluginRooms, belowPlugin)},
	"plugin/builder":       {rooms: slices.Concat([]string{"plugin/dockerfile"}, atPlugin, belowPlugin)},
	"plugin/image":         {rooms: slices.Concat(atPlugin, belowPlugin)},
	"plugin/dockerfile":    {rooms: slices.Concat([]string{"plugin/argument", "plugin/completion", "plugin/registry"}, belowPlugin)},
	"plugin/node":          {rooms: slices.Concat([]string{"plugin/argument", "plugin/completion"}, belowPlugin)},
	"plugin/registry":      {rooms: slices.Concat([]string{"plugin/argument"}, belowPlugin)},
	"plugin/argument":      {rooms: belowPlugin},
	"plugin/completion":    {rooms: slices.Concat([]string{"plugin/argument"}, belowPlugin)},
	"plugin/metadata":      {never: []string{cobra, dockerCLI, registryLib, engineClient, buildKit}},
	"build": {
		rooms: []string{"build/classic", "build/progress", "build/source", "contexts", "credential", "platform", "retry"},
		never: []string{cobra, dockerCLI, registryLib},
	},
	"build/classic":    {rooms: []string{"build/progress", "build/source"}, never: []string{cobra, dockerCLI, registryLib}},
	"build/source":     {never: []string{cobra, dockerCLI, registryLib, engineClient, buildKit + "/client", buildKit + "/session"}},
	"build/progress":   {never: []string{cobra, dockerCLI, registryLib, engineClient}},
	"check":            {rooms: []string{"check/binary", "mediatype"}, never: []string{cobra, dockerCLI, registryLib, engineClient}},
	"check/binary":     {never: []string{cobra, dockerCLI, registryLib, engineClient, buildKit}},
	"contexts":         {rooms: []string{"platform", "retry"}, never: []string{cobra, dockerCLI, registryLib, buildKit}},
	"contexts/config":  {never: []string{cobra, dockerCLI, registryLib, engineClient, buildKit}},
	"contexts/history": {never: []string{cobra, dockerCLI, registryLib, engineClient, buildKit}},
	"contexts/power":   {rooms: []string{"contexts/config", "retry"}, never: []string{cobra, dockerCLI, registryLib, engineClient, buildKit}},
	"credential":       {never: []string{cobra, dockerCLI, registryLib, engineClient, buildKit}},
	"manifest":         {rooms: []string{"credential", "mediatype", "platform", "retry"}, never: []string{cobra, dockerCLI, engineClient, buildKit}},
	"manifest/archive": {rooms: []string{"manifest/layout", "mediatype", "scratch"}, never: []string{cobra, dockerCLI, registryLib, engineClient, buildKit}},
	"manifest/layout":  {rooms: []string{"scratch"}, never: []string{cobra, dockerCLI, registryLib, engineClient, buildKit}},
	"mediatype":        {never: []string{cobra, dockerCLI, registryLib, engineClient, buildKit}},
	"platform":         {never: []string{cobra, dockerCLI, registryLib, engineClient, buildKit}},
	"retry":            {never: []string{""}}, // every library
	"scratch":          {never: []string{cobra, dockerCLI, registryLib, engineClient, buildKit}},
	"e2e/oracle":       {never: []string{""}}, // it judges the product and shares no code with it
}

// developers are the packages that are no part of the product, and so have no arrows of their own.
var developers = []string{"e2e", "plugin/plugintest", "scripts"}

// wrong returns what of deps, import paths outside the standard library, the room may not reach.
func wrong(room string, deps []string) []string {
	rule := arrows[room]
	var found []string
	for _, dep := range deps {
		if other, ours := strings.CutPrefix(dep, module+"/"); ours {
			if other != room && !slices.Contains(rule.rooms, other) {
				found = append(found, dep)
			}
		} else if slices.ContainsFunc(rule.never, func(path string) bool { return within(dep, path) }) {
			found = append(found, dep)
		}
	}
	return found
}

// within tells whether dep is the package path or below it. Everything is below "".
func within(dep, path string) bool {
	return path == "" || dep == path || strings.HasPrefix(dep, path+"/")
}

func TestArrows(t *testing.T) {
	t.Parallel()
	for _, pkg := range goList(t, "-f", "{{.ImportPath}}", module+"/...") {
		room := strings.TrimPrefix(pkg, module+"/")
		_, known := arrows[room]
		if !known && slices.ContainsFunc(developers, func(path string) bool { return within(room, path) }) {
			continue
		}
		t.Run(room, func(t *testing.T) {
			t.Parallel()
			assert.Assert(t, known, "a new room: give it its arrows here and in .golangci.yml")
			deps := goList(t, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", pkg)
			assert.Assert(t, len(deps) > 0)
			assert.DeepEqual(t, wrong(room, deps), []string(nil))
		})
	}
}

// The check is worth nothing if it would not find what it looks for.
func TestArrowsFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := []struct {
		room, dep string
		wrong     bool
	}{
		{"contexts", module + "/manifest", true},
		{"contexts", module + "/retry", false},
		{"contexts", registryLib + "/pkg/name", true},
		{"contexts", engineClient + "/client", false},
		{"manifest", engineClient + "/client", true},
		{"manifest", registryLib + "/pkg/name", false},
		{"build", module + "/manifest", true},
		{"build", cobra + "/cobra", true},
		{"build", module + "/contexts", false},
		{"build/source", module + "/build", true},
		{"check/binary", module + "/manifest", true},
		{"check/binary", engineClient + "/client", true},
		{"build/progress", buildKit + "/client", false},
		{"check", module + "/manifest", true},
		{"check", engineClient + "/client", true},
		{"retry", "golang.org/x/sync/errgroup", true},
		{"e2e/oracle", module + "/manifest", true},
		{"plugin", module + "/e2e/oracle", true},
		{"plugin", cobra + "/cobra", false},
		{"plugin/node", module + "/plugin/builder", true},
		{"plugin/builder", module + "/plugin/image", true},
		{"plugin/image", module + "/plugin/registry", false},
		{"manifest", "github.com/mobyx/moby", false},
	}
	for _, tt := range tests {
		deps := []string{tt.dep, module + "/" + tt.room}
		var want []string
		if tt.wrong {
			want = []string{tt.dep}
		}
		assert.DeepEqual(t, wrong(tt.room, deps), want)
	}
}

func goList(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list", "-buildvcs=false"}, args...)...).Output()
	assert.NilError(t, err)
	return strings.Fields(string(out))
}
