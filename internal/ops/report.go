package ops

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// Report is how the running node does beside consensus, as it writes it down for
// `bridged status`: what only this process knows.
type Report struct {
	At     time.Time     `json:"at"` // when it was written
	Chains []ChainReport `json:"chains"`
}

// ChainReport is how a node sees one of its chains.
type ChainReport struct {
	Chain types.ChainID `json:"chain"`
	Label string        `json:"label"`

	Head     uint64    `json:"head"`      // final block proven last; 0: none
	ProvenAt time.Time `json:"proven_at"` // zero: never

	// While the chain cannot be observed: what fails, since when, and why.
	Check string    `json:"check"` // empty: nothing does
	Since time.Time `json:"since"`
	Error string    `json:"error"`

	// Since when the final block has stood still, where that is much longer than
	// usual, and the newest block then; else zero.
	Stalled time.Time `json:"stalled"`
	Newest  uint64    `json:"newest"`

	Reading *ReadingReport `json:"reading"` // null while no long read goes on

	AgreeGroups uint64           `json:"agree_groups"` // that named the same final block at the last look
	MinAgree    uint64           `json:"min_agree"`    // that have to
	Endpoints   []EndpointReport `json:"endpoints"`
}

// ReadingReport is how far a read of a chain's blocks has come.
type ReadingReport struct {
	Block           uint64 `json:"block"` // last one read
	To              uint64 `json:"to"`
	BlocksPerSecond uint64 `json:"blocks_per_second"`
	LeftSeconds     uint64 `json:"left_seconds"` // estimated
}

// EndpointReport is how one endpoint does.
type EndpointReport struct {
	Endpoint  string  `json:"endpoint"` // group and host, without secrets
	State     string  `json:"state"`    // up, probing, rate limited or down
	LatencyMS uint64  `json:"latency_ms"`
	Success   float64 `json:"success"` // share of the calls, the newest count most
	Head      uint64  `json:"head"`    // newest final block that it named
	Lag       uint64  `json:"lag"`     // blocks behind what was agreed on then
	Requests  uint64  `json:"requests"`
	Failures  uint64  `json:"failures"`
	Limited   uint64  `json:"limited"` // answers that there are too many requests
	Check     string  `json:"check"`   // of the last request, if it failed
	Error     string  `json:"error"`
}

// WriteReport replaces a report. It need not outlive a crash of the machine.
func WriteReport(path string, r Report) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	if err := os.WriteFile(path+".new", append(content, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

// ReadReport reads the report of the node that runs in a home. An error says
// that there is none, or that it is older than age: no node has written it.
func ReadReport(path string, age time.Duration) (Report, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return Report{}, fmt.Errorf("read the report: %w", err)
	}
	var r Report
	if err := json.Unmarshal(content, &r); err != nil {
		return Report{}, fmt.Errorf("read the report: %w", err)
	}
	if old := time.Since(r.At); old > age {
		return Report{}, fmt.Errorf("the report is %s old: the node does not run, or not here", old.Round(time.Second))
	}
	return r, nil
}
