package windows

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// stream is an answer of JSON messages (pkg/streamformatter/streamformatter.go; the fields are pkg/jsonmessage's).
type stream struct{ w http.ResponseWriter }

func newStream(w http.ResponseWriter) *stream {
	w.Header().Set("Content-Type", "application/json")
	return &stream{w}
}

func (s *stream) send(message map[string]any) {
	text, err := json.Marshal(message)
	if err != nil {
		s.fail(err)
		return
	}
	_, _ = s.w.Write(append(text, "\r\n"...))
	_ = http.NewResponseController(s.w).Flush()
}

// printf is what a build prints.
func (s *stream) printf(format string, args ...any) {
	s.send(map[string]any{"stream": fmt.Sprintf(format, args...)})
}

// status is a line of a pull or push, of one layer if it has an ID.
func (s *stream) status(id, format string, args ...any) {
	s.send(map[string]any{"id": id, "status": fmt.Sprintf(format, args...)})
}

func (s *stream) aux(document any) { s.send(map[string]any{"aux": document}) }

// fail ends the answer as FormatError does.
func (s *stream) fail(err error) {
	detail := map[string]any{"message": err.Error()}
	if e, ok := err.(*exitError); ok { //nolint:errorlint // as FormatError has it
		detail["code"] = e.code
	}
	s.send(map[string]any{"errorDetail": detail, "error": err.Error()})
}

// exitError is a command that failed.
type exitError struct {
	command string
	code    int
}

// Error has the words of builder/dockerfile/dispatchers.go, dispatchRun.
func (e *exitError) Error() string {
	return fmt.Sprintf("The command '%s' returned a non-zero code: %d", e.command, e.code)
}

// short follows pkg/stringid/stringid.go, TruncateID.
func short(id string) string {
	if len(id) > 7 && id[:7] == "sha256:" {
		id = id[7:]
	}
	return id[:min(12, len(id))]
}
