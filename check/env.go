package check

import (
	"maps"
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// env are the variables that an instruction sees.
type env map[string]string

var _ shell.EnvGetter = env{}

// Get implements shell.EnvGetter.
func (e env) Get(name string) (string, bool) {
	value, ok := e[name]
	return value, ok
}

// Keys implements shell.EnvGetter.
func (e env) Keys() []string {
	return slices.Collect(maps.Keys(e))
}

// expand fills in what is known; a word that can't be expanded stays.
func (e env) expand(lex *shell.Lex, word string) string {
	result, err := lex.ProcessWordWithMatches(word, e)
	if err != nil {
		return word
	}
	return result.Result
}

// declare gives ARGs their values: those of the command line, then the default,
// then what outer has. So BuildKit does it, but that a default of TARGETARCH and
// the like would hide the platform's value: that is a finding of its own, and
// what follows from it would only be said twice.
func (e env) declare(lex *shell.Lex, args []instructions.KeyValuePairOptional, given map[string]string, outer env) {
	for _, arg := range args {
		if value, ok := given[arg.Key]; ok {
			e[arg.Key] = value
		} else if arg.Value != nil && (outer[arg.Key] == "" || !slices.Contains(targetArgs, arg.Key)) {
			e[arg.Key] = e.expand(lex, *arg.Value)
		} else if value, ok := outer[arg.Key]; ok {
			e[arg.Key] = value
		} else if _, ok := e[arg.Key]; !ok {
			e[arg.Key] = ""
		}
	}
}
