package faultproxy

import (
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Step is one kind of request in a publication.
type Step struct {
	Method string
	// Kind is what the request is about: "ping", "token", "tag", "digest" (a manifest by its digest), "blob", "upload" (the begin of
	// one), "mount", "session" (an upload that was begun), "tags", or "other".
	Kind string
	// After tells whether the publication's tag was sent to the registry already. It is false for sending it.
	After bool
}

// String writes the step as in "GET tag after".
func (s Step) String() string {
	if s.After {
		return s.Method + " " + s.Kind + " after"
	}
	return s.Method + " " + s.Kind
}

// Fault does something to a request: it answers, or has the registry answer and changes that.
type Fault func(w http.ResponseWriter, r *http.Request, registry http.Handler)

// Rule says which requests a fault befalls.
type Rule struct {
	At    func(Step) bool
	Skip  int // Lets the first ones pass.
	Times int // Befalls so many; 0 is all.
	Fault Fault
}

// At matches one step.
func At(step Step) func(Step) bool { return func(s Step) bool { return s == step } }

// Proxy is an http.Handler before a registry.
type Proxy struct {
	registry http.Handler
	tag      string

	mu    sync.Mutex
	rules []Rule
	seen  []int // How often each rule's step was seen.
	hits  int
	steps []Step
	sent  bool // The tag.
}

// New returns a proxy that passes everything on. tag is the one that is published: its PUT divides the steps before from those after.
func New(registry http.Handler, tag string) *Proxy { return &Proxy{registry: registry, tag: tag} }

// Break has rules count from now on, in place of those before. The first one that matches a request befalls it.
func (p *Proxy) Break(rules ...Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules, p.seen = rules, make([]int, len(rules))
}

// Hits counts the requests that a fault befell.
func (p *Proxy) Hits() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hits
}

// Steps are all requests up to now, in the order of their arrival.
func (p *Proxy) Steps() []Step {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.steps)
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if fault := p.befalls(r); fault != nil {
		fault(w, r, p.registry)
		return
	}
	p.registry.ServeHTTP(w, r)
}

func (p *Proxy) befalls(r *http.Request) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	step := Step{Method: r.Method, Kind: kind(r, p.tag), After: p.sent}
	if step.Method == http.MethodPut && step.Kind == "tag" {
		step.After, p.sent = false, true
	}
	p.steps = append(p.steps, step)
	for i, rule := range p.rules {
		if !rule.At(step) {
			continue
		}
		p.seen[i]++
		if p.seen[i] > rule.Skip && (rule.Times == 0 || p.seen[i] <= rule.Skip+rule.Times) {
			p.hits++
			return rule.Fault
		}
	}
	return nil
}

func kind(r *http.Request, tag string) string {
	path := r.URL.Path
	rest := path[strings.LastIndex(path, "/")+1:]
	switch {
	case path == "/v2/":
		return "ping"
	case path == tokenPath:
		return "token"
	case strings.Contains(path, "/blobs/uploads/") && rest != "":
		return "session"
	case strings.Contains(path, "/blobs/uploads/") && r.URL.Query().Has("mount"):
		return "mount"
	case strings.Contains(path, "/blobs/uploads/"):
		return "upload"
	case strings.Contains(path, "/blobs/"):
		return "blob"
	case strings.Contains(path, "/manifests/sha256:"):
		return "digest"
	case strings.HasSuffix(path, "/manifests/"+tag):
		return "tag"
	case strings.HasSuffix(path, "/tags/list"):
		return "tags"
	}
	return "other"
}
