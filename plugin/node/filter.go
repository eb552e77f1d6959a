package node

import (
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	dockerclient "github.com/moby/moby/client"

	"github.com/docker-multiarch/docker-multiarch/platform"
)

// filter chooses nodes as docker's list commands do: of one kind of
// condition any may hold, of several kinds all must.
type filter map[string][]string

// nodeConditions are the kinds of condition, and when one holds.
var nodeConditions = map[string]func(v nodeView, value string) bool{
	"name":   func(v nodeView, value string) bool { return strings.Contains(v.Name, value) },
	"status": func(v nodeView, value string) bool { return v.Status == value },
	"engine": func(v nodeView, value string) bool {
		return v.Engine == value || strings.HasPrefix(v.Engine, value+".")
	},
	"platform": func(v nodeView, value string) bool {
		return v.Platform == value || slices.Contains(v.Compatible, value) || slices.Contains(v.Emulated, value)
	},
}

// newFilter checks the conditions; values of platforms are normalised.
func newFilter(flags dockerclient.Filters) (filter, error) {
	filter := filter{}
	for kind, values := range flags {
		if nodeConditions[kind] == nil {
			return nil, fmt.Errorf("invalid filter %q: there are name, platform, status and engine", kind)
		}
		for value := range values {
			value, err := conditionValue(kind, value)
			if err != nil {
				return nil, err
			}
			filter[kind] = append(filter[kind], value)
		}
	}
	return filter, nil
}

func conditionValue(kind, value string) (string, error) {
	switch kind {
	case "platform":
		p, err := platform.Parse(value)
		if err != nil {
			return "", err
		}
		return platforms.FormatAll(p), nil
	case "status":
		all := []string{statusReady, statusDead, statusUnused, statusExcluded, statusAsleep, statusStarting, statusOwed}
		if !slices.Contains(all, value) {
			return "", fmt.Errorf("invalid filter status=%s: a status is %s", value, strings.Join(all, ", "))
		}
	}
	return value, nil
}

// needsProbe says that the engines must be asked before it is known what holds.
func (f filter) needsProbe() bool {
	for kind, values := range f {
		excluded := kind == "status" && slices.Equal(values, []string{statusExcluded})
		if kind != "name" && !excluded {
			return true
		}
	}
	return false
}

func (f filter) apply(views []nodeView) []nodeView {
	return slices.DeleteFunc(views, func(v nodeView) bool {
		for kind, values := range f {
			if !slices.ContainsFunc(values, func(value string) bool { return nodeConditions[kind](v, value) }) {
				return true
			}
		}
		return false
	})
}
