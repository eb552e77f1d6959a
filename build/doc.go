// Package build makes one image for each of several platforms, each on an
// engine of that architecture.
//
// NewPlan decides, without talking to anybody, which node builds which platform
// and under which names; every problem that can be found before a byte is sent
// is found there. A Runner then carries out the plan: on all nodes at once it
// builds, pushes, and has the result checked, and when one platform fails it
// stops the others. What comes out of a Runner is one Result a platform, in the
// order of the plan, with the digest that the engine itself reported.
//
// The package knows engines and builders. It never reads a registry: whether a
// pushed image is the one that was built is checked by a function the caller
// gives (Runner.Verify), and the index is not its business. It does not print:
// what happens goes to the progress display.
package build
