// Command test.d tells what came of a test run. It reads the events of go test -json, prints what failed and why as it
// comes, and at the end writes one line to stdout: N passed, N failed. It is for scripts/test.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	faults := flag.String("faults", "", "file with a line `TEST<TAB>what it shows` for each test that has to run and pass")
	flag.Parse()
	r := newReport(os.Stderr)
	if err := r.read(os.Stdin); err != nil {
		r.problem("reading the events: %v", err)
	}
	if *faults != "" {
		r.requireAll(*faults)
	}
	fmt.Println(r.summary())
	if r.failed() > 0 {
		os.Exit(1)
	}
}
