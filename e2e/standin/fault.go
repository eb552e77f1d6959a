package standin

import (
	"io"
	"net/http"
	"time"
)

// On makes the Faults of an engine that answers one path with a fault.
func On(name string, fault http.HandlerFunc) map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{name: fault}
}

// Status answers with an HTTP status and an engine's kind of message.
func Status(code int, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, `{"message": "`+message+`"}`)
	}
}

// Text answers with a text that claims to be JSON.
func Text(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	}
}

// Silence never answers; it ends when the other side hangs up.
func Silence(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// HangUp ends the connection instead of an answer.
func HangUp(w http.ResponseWriter, _ *http.Request) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// Endless answers with JSON that does not end.
func Endless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"ID": "`)
	block := make([]byte, 64<<10)
	for i := range block {
		block[i] = 'x'
	}
	for r.Context().Err() == nil {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// Trickle answers with a byte now and then, so that there is never silence and never an answer.
func Trickle(w http.ResponseWriter, r *http.Request) {
	for pause(r.Context(), 100*time.Millisecond) {
		_, _ = io.WriteString(w, " ")
		_ = http.NewResponseController(w).Flush()
	}
}
