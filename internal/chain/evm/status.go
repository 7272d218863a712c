package evm

import (
	"maps"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
)

// EndpointStatus is how an endpoint has done so far.
type EndpointStatus struct {
	Endpoint string // group and host, without secrets
	Group    string
	Requests uint64            // calls; each call of a batch counts
	Calls    map[string]uint64 // the same by class of method, see Classes
	Failures uint64            // requests that failed, or whose answer was refused
	Limited  uint64            // times that the server said that there are too many

	State   string        // one of States
	Latency time.Duration // of a call, usually; 0: not known
	Success float64       // share of the calls that succeed, the newest count most
	Head    uint64        // newest final block that it named; 0: none yet
	Lag     uint64        // blocks that it was behind what was agreed on then

	NoGenesis bool // it does not serve block 0

	// Of the last request that failed or whose answer was refused; Error and Check
	// are empty once another one succeeded.
	Error    string
	Check    chain.Check
	FailedAt time.Time
}

// Classes are the classes of methods that Calls knows.
func Classes() []string { return classNames[:] }

// Status is how each endpoint has done, in the order of the configuration.
func (c *Client) Status() []EndpointStatus {
	all := make([]EndpointStatus, len(c.endpoints))
	for i, e := range c.endpoints {
		all[i] = e.snapshot()
	}
	return all
}

func (e *endpoint) snapshot() EndpointStatus {
	state, limited := e.gate.state()
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.status
	s.Calls = maps.Clone(e.status.Calls)
	s.State, s.Limited = state, limited
	s.Latency = time.Duration(e.all.latency * float64(time.Second))
	s.Success = 1 - e.all.doubt(time.Now())
	return s
}
