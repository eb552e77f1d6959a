package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// event is what go test -json writes a line of: see go doc test2json. scripts/test adds the action go-test-failed.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64
}

// id names a test, or a package as a whole if test is empty.
type id struct{ pkg, test string }

const (
	passed  = "pass"
	broken  = "fail"
	skipped = "skip"
)

// slow is the time in seconds from which a test's end is worth a line.
const slow = 1

// report is what is known of a run so far.
type report struct {
	out      io.Writer
	results  map[id]string   // the worst result of each test
	running  map[id]bool     // tests that have started and not ended
	output   map[id][]string // of tests that run
	problems []string
	failures int // tests and packages that failed
}

func newReport(out io.Writer) *report {
	return &report{out: out, results: map[id]string{}, running: map[id]bool{}, output: map[id][]string{}}
}

// read takes all events there are. Lines that are none, such as a linker's message, are shown.
func (r *report) read(events io.Reader) error {
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		switch {
		case len(line) == 0:
		case json.Unmarshal(line, &e) != nil || e.Action == "":
			r.print("%s", line)
		default:
			r.take(e)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) take(e event) {
	what := id{e.Package, e.Test}
	switch e.Action {
	case "run":
		r.running[what] = true
	case "output":
		if !strings.HasPrefix(e.Output, "=== ") { // when tests run at once, these lines tell nothing
			r.output[what] = append(r.output[what], e.Output)
		}
	case "build-output":
		r.print("%s", e.Output)
	case "go-test-failed":
		if r.failures == 0 {
			r.problem("go test failed, though no test did")
		}
	case passed, broken, skipped:
		if e.Test == "" {
			r.endPackage(e)
		} else {
			r.endTest(what, e)
		}
	}
}

func (r *report) endTest(what id, e event) {
	switch {
	case e.Action == broken:
		r.print("%s", strings.Join(r.output[what], ""))
	case e.Action == skipped && isEndToEnd(e.Package):
		r.print("%s", strings.Join(r.output[what], ""))
	case e.Elapsed >= slow && !strings.Contains(e.Test, "/"):
		r.print("       %s %s (%.1fs)\n", e.Action, e.Test, e.Elapsed)
	}
	delete(r.running, what)
	delete(r.output, what)
	r.note(what, e.Action)
}

// endPackage finds what ended without a result of its own: a package that does not build, a test that ended the process.
func (r *report) endPackage(e event) {
	what := id{pkg: e.Package}
	switch e.Action {
	case passed:
		r.print("ok     %s (%.1fs)\n", e.Package, e.Elapsed)
	case broken:
		for test := range r.running {
			if test.pkg == e.Package {
				r.endTest(test, event{Action: broken})
			}
		}
		r.print("%s", strings.Join(r.output[what], ""))
		if !r.hasFailed(e.Package) {
			r.note(what, broken)
		}
	}
	delete(r.output, what)
}

func (r *report) hasFailed(pkg string) bool {
	for what, result := range r.results {
		if what.pkg == pkg && result == broken {
			return true
		}
	}
	return false
}

// note keeps the worse of two results: some packages are tested twice, with and without the tag e2e.
func (r *report) note(what id, result string) {
	old := r.results[what]
	if result == broken && old != broken {
		r.failures++
	}
	if old == "" || result == broken || result == skipped && old == passed {
		r.results[what] = result
	}
}

// requireAll makes a problem of each end-to-end test that was skipped and each test in the file that did not run and pass.
func (r *report) requireAll(file string) {
	for what, result := range r.results {
		if result == skipped && isEndToEnd(what.pkg) {
			r.problem("skipped, but no end-to-end test may be: %s", what.test)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		r.problem("reading the list of faults: %v", err)
		return
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		test, shows, ok := strings.Cut(line, "\t")
		switch result := r.resultOf(test); {
		case !ok:
			r.problem("%s: not TEST<TAB>what it shows: %q", file, line)
		case result == "":
			r.problem("did not run: %s, which has to show: %s", test, shows)
		case result != passed:
			r.problem("did not pass (%s): %s, which has to show: %s", result, test, shows)
		}
	}
}

// resultOf looks the end-to-end tests up by name.
func (r *report) resultOf(test string) string {
	for what, result := range r.results {
		if what.test == test && isEndToEnd(what.pkg) {
			return result
		}
	}
	return ""
}

func isEndToEnd(pkg string) bool {
	return strings.HasSuffix(pkg, "/e2e") || strings.Contains(pkg, "/e2e/")
}

func (r *report) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

func (r *report) failed() int { return r.failures + len(r.problems) }

// summary prints what failed and returns the line with the counts. A problem counts as a failure.
func (r *report) summary() string {
	counts := map[string]int{}
	var failed []string
	for what, result := range r.results {
		counts[result]++
		if result == broken {
			failed = append(failed, what.pkg+" "+what.test)
		}
	}
	slices.Sort(failed)
	for _, f := range append(failed, r.problems...) {
		r.print("FAILED %s\n", f)
	}
	line := fmt.Sprintf("%d passed, %d failed", counts[passed], r.failed())
	if counts[skipped] > 0 {
		line += fmt.Sprintf(", %d skipped", counts[skipped])
	}
	return line
}

func (r *report) print(format string, args ...any) { _, _ = fmt.Fprintf(r.out, format, args...) }
