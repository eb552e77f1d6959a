// Command transcript.d draws what a terminal shows, as tmux capture-pane -e prints it, as an SVG picture of text.
package main

import (
	"bufio"
	"cmp"
	"fmt"
	"html"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The size of a character and of the margin, in pixels.
const (
	charWidth, lineHeight, margin = 8.4, 19, 12
)

// plain is the colour of text without a style.
const plain = "#e6edf3"

// styles are the colours of what the display uses of SGR.
var styles = map[string]string{
	"2": "#8b949e", "31": "#ff7b72", "33": "#e3b341", "34": "#79c0ff",
}

var sgr = regexp.MustCompile("\x1b\\[([0-9;]*)m")

func main() {
	if err := draw(); err != nil {
		fmt.Fprintln(os.Stderr, "transcript.d:", err)
		os.Exit(1)
	}
}

func draw() error {
	var lines []string
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		lines = append(lines, strings.TrimRight(input.Text(), " "))
	}
	for len(lines) > 0 && sgr.ReplaceAllString(lines[len(lines)-1], "") == "" {
		lines = lines[:len(lines)-1]
	}
	columns := 0
	for _, line := range lines {
		columns = max(columns, utf8.RuneCountInString(sgr.ReplaceAllString(line, "")))
	}
	fmt.Printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" font-family="ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14">`+"\n",
		float64(columns)*charWidth+2*margin, len(lines)*lineHeight+2*margin)
	fmt.Println(`<rect width="100%" height="100%" rx="6" fill="#0d1117"/>`)
	style := ""
	for i, line := range lines {
		fmt.Printf(`<text x="%d" y="%d" xml:space="preserve">`, margin, margin+(i+1)*lineHeight-5)
		style = spans(line, style)
		fmt.Println("</text>")
	}
	fmt.Println("</svg>")
	return input.Err()
}

// spans prints a line that begins in a style, and returns that in which it ends.
func spans(line, style string) string {
	for line != "" {
		at := sgr.FindStringSubmatchIndex(line)
		text := line
		if at != nil {
			text = line[:at[0]]
		}
		if text != "" {
			fmt.Printf(`<tspan fill="%s">%s</tspan>`, cmp.Or(style, plain), html.EscapeString(text))
		}
		if at == nil {
			break
		}
		style = ""
		for _, code := range strings.Split(line[at[2]:at[3]], ";") {
			if styles[code] != "" {
				style = styles[code]
			}
		}
		line = line[at[1]:]
	}
	return style
}
