package doctor

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	cmtconfig "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/p2p"
	rpcclient "github.com/cometbft/cometbft/rpc/client"
	rpchttp "github.com/cometbft/cometbft/rpc/client/http"
	ctypes "github.com/cometbft/cometbft/rpc/core/types"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// patient is the home that is looked at. What lies on the disk is read at once;
// what others have to be asked for is asked once, when the first check wants it.
type patient struct {
	Options

	app      config.Config
	appErr   error
	comet    *cmtconfig.Config // CometBFT's defaults where the file cannot be read
	cometErr error
	genesis  node.Genesis
	genErr   error
	nodeID   p2p.ID
	nodeErr  error
	isLocked bool
	lockErr  error

	own   *rpc                              // the home's node
	asked *rpc                              // who is asked for the network's state
	state func() (networkState, error)      // of the asked node
	pace  func() (pace, error)              // of the asked node
	self  func() (types.ValidatorID, error) // this home's validator

	chains []*chainPatient
}

// networkState is the part of the replicated state that checks compare with.
type networkState struct {
	network    bridge.NetworkState
	validators []bridge.ValidatorView
	chains     []bridge.ChainState
}

func newPatient(ctx context.Context, o Options) *patient {
	p := &patient{Options: o}
	loaded, err := config.Load(o.Home, nil)
	p.app, p.appErr = loaded.Config, err
	if p.comet, p.cometErr = config.LoadComet(o.Home); p.cometErr != nil {
		p.comet = config.Comet(o.Home, "")
	}
	if p.genesis, p.genErr = node.ReadGenesis(o.Home.GenesisFile()); p.genErr == nil {
		p.genErr = p.genesis.Validate()
	}
	if key, err := p2p.LoadNodeKey(o.Home.NodeKeyFile()); err != nil {
		p.nodeErr = err
	} else {
		p.nodeID = key.ID()
	}
	p.isLocked, p.lockErr = node.IsLocked(o.Home)

	// Less than a check has, so that it can say who did not answer.
	ask := func() (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, o.Limit/2) }
	p.own = newRPC(strings.Replace(p.comet.RPC.ListenAddress, "0.0.0.0", "127.0.0.1", 1), ask)
	p.asked = p.own
	if o.Node != "" {
		p.asked = newRPC(o.Node, ask)
	}
	p.state = sync.OnceValues(func() (networkState, error) {
		ctx, cancel := ask()
		defer cancel()
		return p.asked.networkState(ctx)
	})
	p.pace = sync.OnceValues(func() (pace, error) {
		ctx, cancel := ask()
		defer cancel()
		return p.asked.measure(ctx)
	})
	p.self = sync.OnceValues(p.findSelf)
	if p.appErr == nil {
		for _, c := range p.app.Chains {
			p.chains = append(p.chains, newChainPatient(ctx, p, c))
		}
	}
	return p
}

func (p *patient) close() {
	for _, c := range p.chains {
		if c.client != nil {
			c.client.Close()
		}
	}
}

// jobs are all checks on all their subjects, in the catalog's order.
func (p *patient) jobs() []job {
	runs := map[string]func(context.Context) verdict{}
	for code, run := range p.homeChecks() {
		runs[code] = run
	}
	for code, run := range p.nodeChecks() {
		runs[code] = run
	}
	var jobs []job
	for _, c := range Catalog() {
		if run := runs[c.Code]; run != nil {
			jobs = append(jobs, job{c.Code, "", run})
			continue
		}
		for _, chain := range p.chains {
			jobs = append(jobs, chain.jobs(c.Code)...)
		}
	}
	return jobs
}

// findSelf is the validator that this home's consensus key makes; a key that is
// with a remote signer is asked of the running node.
func (p *patient) findSelf() (types.ValidatorID, error) {
	if !node.HasRemoteSigner(p.comet) {
		identity, err := node.ReadIdentity(p.Home)
		return identity.Validator, err
	}
	status, err := p.ownStatus()
	if err != nil {
		return types.ValidatorID{}, errors.New("the consensus key is with a remote signer, and only a running node knows it")
	}
	return types.ValidatorID(status.ValidatorInfo.Address), nil
}

// ownStatus is that of the home's node, if it is this one that answers.
func (p *patient) ownStatus() (*ctypes.ResultStatus, error) {
	status, err := p.own.status()
	if err == nil && status.NodeInfo.ID() != p.nodeID {
		return nil, fmt.Errorf("at %s another node answers, with the id %s", p.own.address, status.NodeInfo.ID())
	}
	return status, err
}

// rpc asks one node.
type rpc struct {
	address string
	client  *rpchttp.HTTP
	err     error // of the address
	status  func() (*ctypes.ResultStatus, error)
}

func newRPC(address string, ask func() (context.Context, context.CancelFunc)) *rpc {
	r := &rpc{address: address}
	if r.client, r.err = rpchttp.New(address, "/websocket"); r.err != nil {
		r.err = fmt.Errorf("node %s: %w", address, r.err)
	}
	r.status = sync.OnceValues(func() (*ctypes.ResultStatus, error) {
		if r.err != nil {
			return nil, r.err
		}
		ctx, cancel := ask()
		defer cancel()
		status, err := r.client.Status(ctx)
		if err != nil {
			return nil, fmt.Errorf("no node answers at %s: %w", address, err)
		}
		return status, nil
	})
	return r
}

// query runs one of the protocol's queries.
func (r *rpc) query(ctx context.Context, name string, result any) error {
	arguments, err := json.Marshal(bridge.QueryArgs{})
	if err != nil {
		return fmt.Errorf("encode the query: %w", err)
	}
	answer, err := r.client.ABCIQueryWithOptions(ctx, "/bridge/"+name, arguments, rpcclient.ABCIQueryOptions{})
	if err != nil {
		return fmt.Errorf("ask %s for %s: %w", r.address, name, err)
	}
	if answer.Response.Code != 0 {
		return fmt.Errorf("ask %s for %s: %s", r.address, name, answer.Response.Log)
	}
	if err := json.Unmarshal(answer.Response.Value, result); err != nil {
		return fmt.Errorf("read the answer to %s: %w", name, err)
	}
	return nil
}

func (r *rpc) networkState(ctx context.Context) (s networkState, err error) {
	if _, err := r.status(); err != nil {
		return s, err
	}
	for name, into := range map[string]any{"network": &s.network, "validators": &s.validators, "chains": &s.chains} {
		if err := r.query(ctx, name, into); err != nil {
			return s, err
		}
	}
	return s, nil
}

// pace is how a node's blocks come.
type pace struct {
	height  int64
	time    time.Time     // of the newest block
	offset  time.Duration // of this machine's clock against it, when it was new
	advance bool          // a block came while we looked
}

// measure waits for a new block, for some seconds.
func (r *rpc) measure(ctx context.Context) (pace, error) {
	status, err := r.status()
	if err != nil {
		return pace{}, err
	}
	first := pace{height: status.SyncInfo.LatestBlockHeight, time: status.SyncInfo.LatestBlockTime}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return first, nil
		case <-ticker.C:
		}
		status, err := r.client.Status(ctx)
		if err != nil {
			continue
		}
		if s := status.SyncInfo; s.LatestBlockHeight > first.height {
			return pace{s.LatestBlockHeight, s.LatestBlockTime, time.Since(s.LatestBlockTime), true}, nil
		}
	}
}

// genesis is the document that the node started from.
func (r *rpc) genesis(ctx context.Context) ([]byte, error) {
	var content bytes.Buffer
	for chunk, total := 0, 1; chunk < total; chunk++ {
		answer, err := r.client.GenesisChunked(ctx, uint(chunk)) //nolint:gosec // counts up from 0
		if err != nil {
			return nil, fmt.Errorf("ask %s for the genesis: %w", r.address, err)
		}
		total = min(answer.TotalChunks, 64)
		raw, err := base64.StdEncoding.DecodeString(answer.Data)
		if err != nil {
			return nil, fmt.Errorf("the genesis of %s: %w", r.address, err)
		}
		content.Write(raw)
	}
	return content.Bytes(), nil
}
