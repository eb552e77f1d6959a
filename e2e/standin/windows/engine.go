package windows

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Engine is what a stand-in says and does. Its fields are set before it listens.
type Engine struct {
	ID string
	// OSVersion is that of the host, without the revision: engines say "10.0.20348" (osversion.Get in hcsshim's osversion).
	OSVersion string
	// Run is what the command of a RUN prints, and its exit code. It is not run; nil is a command that prints nothing and succeeds.
	Run func(command string) (output string, code int)

	mu         sync.Mutex
	images     map[string]v1.Image // by ID
	tags       map[string]string   // IDs by canonical name
	containers map[string]v1.Image
	made       int
	asked      map[string]int
}

const (
	engineVersion = "28.5.2"
	apiVersion    = "1.51" // api/common.go, DefaultVersion
)

// route is one kind of request. The name in its path is passed to the answer.
type route struct {
	name, method string
	path         *regexp.Regexp
	answer       func(e *Engine, w http.ResponseWriter, r *http.Request, name string) error
}

// routes are those of api/server/router: system, build, image and container.
var routes = []route{
	{"ping", http.MethodHead, regexp.MustCompile(`^/_ping$`), (*Engine).ping},
	{"ping", http.MethodGet, regexp.MustCompile(`^/_ping$`), (*Engine).ping},
	{"info", http.MethodGet, regexp.MustCompile(`^/info$`), (*Engine).info},
	{"version", http.MethodGet, regexp.MustCompile(`^/version$`), (*Engine).version},
	{"build", http.MethodPost, regexp.MustCompile(`^/build$`), (*Engine).build},
	{"list", http.MethodGet, regexp.MustCompile(`^/images/json$`), (*Engine).list},
	{"inspect", http.MethodGet, regexp.MustCompile(`^/images/(.*)/json$`), (*Engine).inspect},
	{"tag", http.MethodPost, regexp.MustCompile(`^/images/(.*)/tag$`), (*Engine).tag},
	{"push", http.MethodPost, regexp.MustCompile(`^/images/(.*)/push$`), (*Engine).push},
	{"save", http.MethodGet, regexp.MustCompile(`^/images/(?:(.*)/)?get$`), (*Engine).save},
	{"remove", http.MethodDelete, regexp.MustCompile(`^/images/(.*)$`), (*Engine).remove},
	{"containers", http.MethodGet, regexp.MustCompile(`^/containers/json$`), (*Engine).listContainers},
	{"create", http.MethodPost, regexp.MustCompile(`^/containers/create$`), (*Engine).createContainer},
	{"archive", http.MethodGet, regexp.MustCompile(`^/containers/(.*)/archive$`), (*Engine).archive},
	{"removeContainer", http.MethodDelete, regexp.MustCompile(`^/containers/(.*)$`), (*Engine).removeContainer},
}

var versionPrefix = regexp.MustCompile(`^/v[0-9.]+`)

// ServeHTTP implements http.Handler. The headers are those of api/server/middleware/version.go, WrapHandler.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "Docker/"+engineVersion+" (windows)")
	w.Header().Set("Api-Version", apiVersion)
	w.Header().Set("Ostype", "windows")
	path := versionPrefix.ReplaceAllString(r.URL.Path, "")
	for _, route := range routes {
		found := route.path.FindStringSubmatch(path)
		if found == nil || route.method != r.Method {
			continue
		}
		e.note(route.name)
		if err := route.answer(e, w, r, strings.Join(found[1:], "")); err != nil {
			fail(w, err)
		}
		return
	}
	fail(w, &statusError{http.StatusNotFound, "page not found"})
}

// statusError is an error with the status that an engine gives it.
type statusError struct {
	code    int
	message string
}

func (e *statusError) Error() string { return e.message }

// fail follows api/server/server.go, makeHTTPHandler.
func fail(w http.ResponseWriter, err error) {
	code := http.StatusInternalServerError
	if e, ok := errors.AsType[*statusError](err); ok {
		code = e.code
	}
	reply(w, code, map[string]string{"message": err.Error()})
}

func reply(w http.ResponseWriter, code int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(document)
}

// Asked counts the requests of a kind, such as "build", "push" or "remove".
func (e *Engine) Asked(kind string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.asked[kind]
}

func (e *Engine) note(kind string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.asked == nil {
		e.asked, e.images, e.tags, e.containers = map[string]int{}, map[string]v1.Image{}, map[string]string{}, map[string]v1.Image{}
	}
	e.asked[kind]++
}
