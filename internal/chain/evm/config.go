package evm

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// Config says where a chain is and how much its servers are believed.
type Config struct {
	Name      string // for logs and errors
	ChainID   types.ChainID
	Bridge    types.Address
	Endpoints []Endpoint

	// MinAgree groups have to name a finalised header. There is no default:
	// the caller decides how few it is content with.
	MinAgree int
	Finality Finality

	// Verification is how the inbox is verified under an agreed header; ByProof
	// by default. There is no going from one to another by itself.
	Verification Verification

	MaxRange       uint64        // blocks of one eth_getLogs; default 2000
	RequestTimeout time.Duration // of one request; default 10 s
	// Rate is how many calls a second each endpoint is asked for, and Burst how
	// many at once after a rest. 0: no limit; a Burst of 0 is one second's.
	Rate, Burst int
	// GenesisHash is that of block 0, if it is known: endpoints that name another
	// one are refused. Without it, those are that contradict min_agree groups.
	GenesisHash types.Hash
	// StartBlock is the block that deployed the contract, or one before: where
	// reading begins while the network has agreed on no event. Default 0.
	StartBlock uint64
	// ForeignHeaders is for chains whose headers have fields that go-ethereum
	// does not know, so that their hash cannot be recomputed: then the state
	// root is believed if min_agree groups name it together with the hash.
	ForeignHeaders bool
}

// Endpoint is one JSON-RPC server.
type Endpoint struct {
	URL   string
	Group string // who runs it; the host name by default
}

// Finality says which block is final: the tag "finalized" or "safe", or the one
// below so many confirmations. The zero value is the tag "finalized".
type Finality struct {
	Tag           string
	Confirmations uint64
}

// String is the form in a configuration file.
func (f Finality) String() string {
	if f.Confirmations != 0 {
		return strconv.FormatUint(f.Confirmations, 10)
	}
	return f.Tag
}

// Verification says what shows that the inbox is what an endpoint says.
type Verification string

// What Verification can be.
const (
	ByProof     Verification = "proof"     // eth_getProof against the state root
	ByReceipts  Verification = "receipts"  // eth_getBlockReceipts against the receipts root
	ByAgreement Verification = "agreement" // nothing but min_agree: a plain read
)

// means is the same for people.
func (v Verification) means() string {
	switch v {
	case ByReceipts:
		return "events are proven by the receipts of their blocks; that there are no others is what min_agree groups say"
	case ByAgreement:
		return "nothing is proven: min_agree groups are believed"
	}
	return "proofs of the contract's storage"
}

const (
	defaultMaxRange = 2000
	defaultTimeout  = 10 * time.Second
)

// withDefaults completes a configuration, or says all that is wrong with it.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Name == "" {
		c.Name = c.ChainID.String()
	}
	if c.ChainID == 0 {
		bad("chain id is 0")
	}
	if c.Bridge == (types.Address{}) {
		bad("bridge address is zero")
	}
	if c.MaxRange == 0 {
		c.MaxRange = defaultMaxRange
	}
	if c.RequestTimeout <= 0 {
		c.RequestTimeout = defaultTimeout
	}
	if c.Rate < 0 || c.Burst < 0 {
		bad("rate %d with burst %d: want no negative numbers", c.Rate, c.Burst)
	}
	if c.Burst == 0 {
		c.Burst = c.Rate
	}
	if c.Finality == (Finality{}) {
		c.Finality.Tag = "finalized"
	}
	if f := c.Finality; (f.Tag != "") == (f.Confirmations != 0) || f.Tag != "" && f.Tag != "finalized" && f.Tag != "safe" {
		bad(`finality %q with %d confirmations: want "finalized", "safe" or a number of confirmations`, f.Tag, f.Confirmations)
	}
	switch c.Verification {
	case "":
		c.Verification = ByProof
	case ByProof, ByReceipts, ByAgreement:
	default:
		bad("verification %q: want %q, %q or %q", c.Verification, ByProof, ByReceipts, ByAgreement)
	}
	groups := map[string]bool{}
	endpoints := make([]Endpoint, len(c.Endpoints))
	for i, e := range c.Endpoints {
		u, err := url.Parse(e.URL)
		if err != nil || u.Host == "" {
			bad("endpoint %d: want a URL such as https://rpc.example.org", i+1)
			continue
		}
		if e.Group == "" {
			e.Group = u.Hostname()
		}
		groups[e.Group] = true
		endpoints[i] = e
	}
	c.Endpoints = endpoints
	if c.MinAgree < 1 || c.MinAgree > len(groups) {
		bad("min_agree %d: want 1 to the number of groups of endpoints, which is %d", c.MinAgree, len(groups))
	}
	if err := errors.Join(errs...); err != nil {
		return Config{}, fmt.Errorf("chain %s: %w", c.Name, err)
	}
	return c, nil
}
