package config

import (
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

func TestPower(t *testing.T) {
	t.Parallel()
	c, err := Read(write(t, `node:
  arm:
    platforms: [linux/arm64]
    start: [aws, start, "{name}", 5]
    stop: {shell: aws stop | cat}
    status: [aws, status]
    wait: 3m
    idle: 10m
    deadman: true
`))
	assert.NilError(t, err)
	assert.NilError(t, c.Own())
	assert.DeepEqual(t, c.Node("arm").Power, Power{
		Start: Command{Args: []string{"aws", "start", "{name}", "5"}}, Stop: Command{Shell: "aws stop | cat"},
		Status: Command{Args: []string{"aws", "status"}}, Wait: 3 * time.Minute, Idle: 10 * time.Minute, Deadman: true,
	})
}

func TestPowerMistakes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"start: aws start":                         ":3: start must be a list of words",
		"start: []":                                ":3: start must be a list of words",
		"start: {run: x}":                          ":3: start must be a list of words",
		"start: [a, [b]]":                          ":3: a word of start must not be a list",
		"start: {shell: ''}":                       `:3: a word of start must not be ""`,
		"start: [a]\n    stop: [b]":                ":3: a node with start needs platforms",
		"start: [a]\n    platforms: [linux/arm64]": ":3: a node with start needs stop, or keep: true",
		"stop: [a]":                                ":3: stop needs start",
		"idle: 5m":                                 ":3: idle needs start",
		"platforms: [linux/arm64]\n    deadman: yep": ":4: deadman must be true or false",
	} {
		_, err := Read(write(t, "node:\n  arm:\n    "+text+"\n"))
		assert.ErrorContains(t, err, want, text)
	}
}
