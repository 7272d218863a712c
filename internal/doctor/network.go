package doctor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	cmtjson "github.com/cometbft/cometbft/libs/json"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	// haltAfter is how old the newest block is of a network that stands still.
	haltAfter = time.Minute
	// clockWarn and clockFail are how far a clock may be off the newest block's
	// time, which is that of the votes before it.
	clockWarn = 10 * time.Second
	clockFail = 30 * time.Second
	// dialLimit bounds one attempt to reach a peer or a port.
	dialLimit = 5 * time.Second
)

// nodeChecks are those of the node, its network and its peers.
func (p *patient) nodeChecks() map[string]func(context.Context) verdict {
	return map[string]func(context.Context) verdict{
		"config.chains":     p.configuredChains,
		"port.p2p":          p.portP2P,
		"port.rpc":          p.portRPC,
		"port.telemetry":    p.portTelemetry,
		"port.signer":       p.portSigner,
		"node.running":      p.running,
		"node.synced":       p.synced,
		"node.blocks":       p.blocks,
		"node.ready":        p.ready,
		"node.network":      p.network,
		"node.genesis":      p.sameGenesis,
		"node.version":      p.version,
		"node.clock":        p.clock,
		"peers.configured":  p.peersConfigured,
		"peers.reachable":   p.peersReachable,
		"validator.member":  p.member,
		"validator.key":     p.validatorKey,
		"signer.registered": p.registered,
	}
}

func (p *patient) configuredChains(context.Context) verdict {
	if p.appErr != nil {
		return skip("app.toml is not valid")
	}
	known := map[types.ChainID]string{}
	for _, c := range p.genesis.State.Chains {
		known[c.ID] = c.Label
	}
	if state, err := p.state(); err == nil {
		for _, c := range state.chains {
			known[c.ID] = c.Label
		}
	}
	for _, c := range p.app.Chains {
		delete(known, types.ChainID(c.ID))
	}
	if len(known) > 0 {
		var missing []string
		for id, label := range known {
			missing = append(missing, fmt.Sprintf("%s (%s)", label, id))
		}
		return fail("not served by this node: %s", strings.Join(missing, ", "))
	}
	if len(p.app.Chains) == 0 {
		return warn("no chain is configured")
	}
	return ok("%d", len(p.app.Chains))
}

func (p *patient) running(context.Context) verdict {
	status, err := p.ownStatus()
	switch {
	case err == nil:
		return ok("at height %d", status.SyncInfo.LatestBlockHeight)
	case p.isLocked:
		return warn("a process is on the home, and its node does not answer: %v", err)
	}
	return warn("it does not")
}

func (p *patient) synced(context.Context) verdict {
	status, err := p.ownStatus()
	switch {
	case err != nil:
		return skip("the node does not answer")
	case status.SyncInfo.CatchingUp:
		return warn("it is catching up, at height %d", status.SyncInfo.LatestBlockHeight)
	}
	return ok("at height %d", status.SyncInfo.LatestBlockHeight)
}

func (p *patient) blocks(context.Context) verdict {
	pace, err := p.pace()
	switch {
	case err != nil:
		return skip("%v", err)
	case pace.advance:
		return ok("height %d", pace.height)
	case pace.height == 0:
		return fail("there is no block yet")
	case time.Since(pace.time) > haltAfter:
		return fail("the newest block, %d, is %s old", pace.height, time.Since(pace.time).Round(time.Second))
	}
	return warn("no block came after %d while we looked", pace.height)
}

func (p *patient) ready(ctx context.Context) verdict {
	if p.appErr != nil || !p.app.Telemetry.Enabled || !p.isLocked {
		return skip("[telemetry] is not enabled, or the node does not run")
	}
	_, body, err := p.telemetry(ctx, "/readyz")
	if err != nil {
		return skip("it does not answer: %v", err)
	}
	var answer struct {
		Ready   bool `json:"ready"`
		Failing []struct {
			Check string `json:"check"`
			Err   string `json:"err"`
		} `json:"failing"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return skip("another program answers at %s", p.app.Telemetry.Listen)
	}
	if answer.Ready {
		return ok("all")
	}
	var failing []string
	for _, f := range answer.Failing {
		failing = append(failing, f.Check+": "+f.Err)
	}
	return fail("%s", strings.Join(failing, "; "))
}

func (p *patient) network(context.Context) verdict {
	status, err := p.asked.status()
	switch {
	case err != nil:
		return skip("%v", err)
	case p.genErr != nil:
		return skip("genesis.json is not valid")
	case status.NodeInfo.Network != p.genesis.Doc.ChainID:
		return fail("the node at %s is of %s, the genesis of %s", p.asked.address, status.NodeInfo.Network, p.genesis.Doc.ChainID)
	}
	return ok("%s", status.NodeInfo.Network)
}

// sameGenesis compares what two documents say, whatever their form.
func (p *patient) sameGenesis(ctx context.Context) verdict {
	if p.genErr != nil {
		return skip("genesis.json is not valid")
	}
	if _, err := p.asked.status(); err != nil {
		return skip("%v", err)
	}
	content, err := p.asked.genesis(ctx)
	if err != nil {
		return skip("%v", err)
	}
	theirs, err := node.ParseGenesis(content)
	if err != nil {
		return fail("the genesis of %s cannot be read: %v", p.asked.address, err)
	}
	a, errA := canonical(p.genesis.Doc)
	b, errB := canonical(theirs.Doc)
	switch {
	case errors.Join(errA, errB) != nil:
		return fail("%v", errors.Join(errA, errB))
	case a != b:
		return fail("genesis.json differs from that of the node at %s", p.asked.address)
	}
	return ok("that of the node at %s", p.asked.address)
}

func canonical(doc cmttypes.GenesisDoc) ([32]byte, error) {
	if err := doc.ValidateAndComplete(); err != nil {
		return [32]byte{}, err
	}
	var state bytes.Buffer
	if err := json.Compact(&state, doc.AppState); err != nil {
		return [32]byte{}, err
	}
	doc.AppState = state.Bytes()
	content, err := cmtjson.Marshal(doc)
	return sha256.Sum256(content), err
}

func (p *patient) version(ctx context.Context) verdict {
	if p.genErr == nil {
		if v := p.genesis.Doc.ConsensusParams.Version.App; v != 0 && v != app.ProtocolVersion {
			return fail("the genesis wants version %d of the protocol, this program speaks %d", v, app.ProtocolVersion)
		}
	}
	if _, err := p.asked.status(); err != nil {
		return ok("%d; no node says what the network has", app.ProtocolVersion)
	}
	block, err := p.asked.client.Block(ctx, nil)
	switch {
	case err != nil:
		return skip("ask %s for the newest block: %v", p.asked.address, err)
	case block.Block == nil:
		return ok("%d; there is no block yet", app.ProtocolVersion)
	case block.Block.Version.App != app.ProtocolVersion:
		return fail("block %d has version %d of the protocol, this program speaks %d", block.Block.Height, block.Block.Version.App, app.ProtocolVersion)
	}
	return ok("%d", app.ProtocolVersion)
}

// clock holds this machine's clock against the votes of the validators or, where
// no node answers, against the chains: their blocks are never of the future.
func (p *patient) clock(context.Context) verdict {
	if pace, err := p.pace(); err == nil && pace.advance {
		off := pace.offset.Round(100 * time.Millisecond)
		found := fmt.Sprintf("%s against the newest block", off)
		switch {
		case off.Abs() > clockFail:
			return fail("%s", found)
		case off.Abs() > clockWarn:
			return warn("%s", found)
		}
		return ok("%s", found)
	}
	asked := 0
	for _, c := range p.chains {
		for _, e := range c.endpoints {
			head, err := e.latest()
			if err != nil {
				continue
			}
			asked++
			if ahead := time.Until(time.Unix(int64(head.Time), 0)).Round(time.Second); ahead > clockFail { //nolint:gosec // a clock's seconds
				return fail("the newest block of %s, by %s, is %s in the future", c.config.Name, e.probe.Endpoint(), ahead)
			}
		}
	}
	if asked == 0 {
		return skip("nobody answers whose clock could be compared")
	}
	return ok("no chain's block is in the future")
}
