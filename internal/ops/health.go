package ops

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Check says whether one part is ready to serve. It answers from memory.
type Check func() error

// Health collects the checks of a node. The zero value is ready to use.
type Health struct {
	mu     sync.Mutex
	ready  map[string]Check
	failed error
}

// Add registers a check for /readyz under a short stable name.
func (h *Health) Add(name string, check Check) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ready == nil {
		h.ready = map[string]Check{}
	}
	h.ready[name] = check
}

// Fail makes /livez fail for good: the process is of no more use. Trouble with
// an endpoint is no reason.
func (h *Health) Fail(reason error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed = reason
}

// Failing is one check that does not hold.
type Failing struct {
	Check string `json:"check"`
	Err   string `json:"err"`
}

// Ready runs all checks and returns those that fail, by name.
func (h *Health) Ready() []Failing {
	h.mu.Lock()
	checks := make(map[string]Check, len(h.ready))
	for name, check := range h.ready {
		checks[name] = check
	}
	h.mu.Unlock()
	failing := []Failing{}
	for name, check := range checks {
		if err := check(); err != nil {
			failing = append(failing, Failing{name, err.Error()})
		}
	}
	slices.SortFunc(failing, func(a, b Failing) int { return strings.Compare(a.Check, b.Check) })
	return failing
}

func (h *Health) serveLive(w http.ResponseWriter, _ *http.Request) {
	h.mu.Lock()
	failed := h.failed
	h.mu.Unlock()
	if failed != nil {
		http.Error(w, failed.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}

func (h *Health) serveReady(w http.ResponseWriter, _ *http.Request) {
	failing := h.Ready()
	w.Header().Set("Content-Type", "application/json")
	if len(failing) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(struct {
		Ready   bool      `json:"ready"`
		Failing []Failing `json:"failing"`
	}{len(failing) == 0, failing})
}
