package figure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// Report is the JSON of a run.
type Report struct {
	Command string    `json:"command"`
	Commit  string    `json:"commit"` // with "-dirty" if files differ from it
	Date    time.Time `json:"date"`   // of the run's beginning
	Machine Machine   `json:"machine"`
	Figures []Figure  `json:"figures"`
}

// Machine is where a run was made.
type Machine struct {
	Cores  int     `json:"cores"`
	CPU    string  `json:"cpu"`
	Memory uint64  `json:"memory_bytes"`
	System string  `json:"system"`
	Go     string  `json:"go"`
	Load   float64 `json:"load"` // average of a minute, when the run began
}

// Class is the machine class of docs/benchmarks.md.
func (m Machine) Class() string {
	switch m.Cores {
	case 2:
		return "S"
	case 8:
		return "M"
	default:
		return fmt.Sprintf("%d cores", m.Cores)
	}
}

// NewReport is one without figures, of a run that begins now.
func NewReport(ctx context.Context, command string) Report {
	return Report{Command: command, Commit: commit(ctx), Date: time.Now().UTC().Truncate(time.Second), Machine: thisMachine()}
}

// commit is that of the working directory, or "unknown".
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude", "*").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// thisMachine leaves empty what the system does not tell.
func thisMachine() Machine {
	m := Machine{Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
	m.CPU = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line("/proc/cpuinfo", "model name")), ":"))
	if n, _ := fmt.Sscanf(line("/proc/meminfo", "MemTotal:"), "%d", &m.Memory); n == 1 {
		m.Memory <<= 10
	}
	_, _ = fmt.Sscanf(line("/proc/loadavg", ""), "%g", &m.Load)
	return m
}

// line is what follows the prefix in the first line of a file that has it.
func line(file, prefix string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for l := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(l, prefix); ok {
			return rest
		}
	}
	return ""
}

// Read reads the JSON of a run.
func Read(file string) (r Report, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return r, fmt.Errorf("reading figures: %w", err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("reading figures of %s: %w", file, err)
	}
	if len(r.Figures) == 0 {
		return r, fmt.Errorf("reading figures of %s: %w", file, errors.New("it holds none"))
	}
	return r, nil
}

// Write writes a run as JSON.
func (r Report) Write(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding figures: %w", err)
	}
	if err := os.WriteFile(file, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing figures: %w", err)
	}
	return nil
}

// find is the same figure in a report, if it is there.
func (r Report) find(f Figure) (Figure, bool) {
	for _, g := range r.Figures {
		if f.Same(g) {
			return g, true
		}
	}
	return Figure{}, false
}
