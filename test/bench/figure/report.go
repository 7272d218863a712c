package figure

import (
	"bytes"
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

// Origin says where the figures are from.
func (r Report) Origin() string {
	commit, dirty := r.Commit, ""
	if clean, found := strings.CutSuffix(r.Commit, "-dirty"); found {
		commit, dirty = clean, "-dirty"
	}
	return fmt.Sprintf("commit %.8s%s, %s, machine class %s, load %s",
		commit, dirty, r.Date.Format("2006-01-02"), r.Machine.Class(), Number(r.Machine.Load))
}

// errOther is of files that hold something else than a run of this suite.
var errOther = errors.New("it is not what this suite writes; measure again to have figures to compare with")

// Read reads the JSON of a run, which has to be whole and nothing else.
func Read(file string) (r Report, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return r, fmt.Errorf("reading figures: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		return r, fmt.Errorf("reading figures of %s: %w (%w)", file, err, errOther)
	}
	if err := complete(text); err != nil {
		return r, fmt.Errorf("reading figures of %s: %w (%w)", file, err, errOther)
	}
	return r, nil
}

// complete says what is missing in the JSON of a run.
func complete(text []byte) error {
	var report map[string]json.RawMessage
	if err := json.Unmarshal(text, &report); err != nil {
		return err
	}
	if err := lacks(report, "command", "commit", "date", "machine", "figures"); err != nil {
		return err
	}
	var figures []map[string]json.RawMessage
	if err := json.Unmarshal(report["figures"], &figures); err != nil {
		return err
	}
	if len(figures) == 0 {
		return errors.New("there are no figures")
	}
	for i, f := range figures {
		if err := lacks(f, "bench", "name", "value", "unit", "command"); err != nil {
			return fmt.Errorf("figure %d: %w", i+1, err)
		}
	}
	return nil
}

func lacks(record map[string]json.RawMessage, fields ...string) error {
	for _, field := range fields {
		if _, ok := record[field]; !ok {
			return fmt.Errorf("there is no %q", field)
		}
	}
	return nil
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
