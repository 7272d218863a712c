package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/observer"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// chainPoll is how often the state is asked whether it knows a chain by now.
const chainPoll = 200 * time.Millisecond

// awaitChain returns nil once the state serves the chain with the configured
// contract, and an error when it never will or ctx ends.
func (n *Node) awaitChain(ctx context.Context, c config.Chain, state view) error {
	ticker := time.NewTicker(chainPoll)
	defer ticker.Stop()
	told := false
	for {
		known, _, err := state.Chain(types.ChainID(c.ID))
		switch {
		case err == nil:
			err := CheckChain(c, known.Chain)
			if err == nil {
				return nil
			}
			n.health.Add("chain_"+c.Name, func() error { return err })
			n.log.Error("chain is not served: the configuration contradicts the network; mend [[chains]] and restart", "chain", c.Name, "err", err)
			return err
		case errors.Is(err, bridge.ErrNotFound) && !told:
			told = true
			n.log.Warn("the network does not know this chain (will retry)", "chain", c.Name, "chain_id", c.ID)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// observesAll is an error if self is a validator of the epoch and this node has no
// endpoints for one of the network's chains: it misses its duty there.
func (n *Node) observesAll(self types.ValidatorID) error {
	state := newView(n.app, nil)
	members, err := state.validators()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(members, func(v types.Validator) bool { return v.ID() == self }) {
		return nil
	}
	chains, err := state.chains()
	if err != nil {
		return err
	}
	for _, chain := range chains {
		if !slices.ContainsFunc(n.chains, func(c *chainWorkers) bool { return types.ChainID(c.config.ID) == chain.ID }) {
			return fmt.Errorf("%s is not observed: name its endpoints in app.toml", chain.Label)
		}
	}
	return nil
}

// CheckChain compares a configured chain with the network's.
func CheckChain(c config.Chain, known types.Chain) error {
	if known.Bridge != c.Contract || known.Label != c.Name {
		return fmt.Errorf("app.toml says %s with contract %s, the network says %s with %s", c.Name, c.Contract, known.Label, known.Bridge)
	}
	return nil
}

// observerTrouble is why a chain is not ready to be voted for. A chain that
// contradicts itself is no trouble of this node: it says so, and does its duty.
func observerTrouble(s observer.Status) error {
	switch {
	case s.Alarm == types.AlarmContradiction:
		return nil
	case s.Refused != "":
		return fmt.Errorf("the network refuses the chain: %s", s.Refused)
	case s.Error != "":
		return fmt.Errorf("%s: %s", s.Check, s.Error)
	case s.ProvenAt.IsZero():
		return errors.New("no finalised block is proven yet")
	}
	return nil
}
