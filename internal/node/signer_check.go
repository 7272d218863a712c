package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// SignerTrouble says what is wrong with the signer keys that a node has, by what
// the network knows of its validator in an epoch: what keeps its seals from
// counting now, and what will from the next epoch on. Both are nil if all is well.
func SignerTrouble(v bridge.ValidatorView, epoch uint64, keys []types.Address) (now, later error) {
	if !v.InSet && v.Status != types.ValidatorActive {
		return nil, nil // nobody waits for its seals
	}
	if v.NextSigner != (types.Address{}) && !slices.Contains(keys, v.NextSigner) {
		later = fmt.Errorf("the network expects the signer key %s from epoch %d on, and the node does not have it: name it as signer.next_key and restart before that", v.NextSigner, epoch+1)
	}
	switch {
	case slices.Contains(keys, v.Signer):
		return nil, later
	case len(keys) == 0:
		now = errors.New("the node has no signer key: see \"bridged keys add signer\" and [signer]")
	case v.NextSigner != (types.Address{}) && later == nil:
		now = fmt.Errorf("the old signer key was removed too early: the network expects %s until epoch %d has begun; name it as signer.key, and %s as signer.next_key, and restart",
			v.Signer, epoch+1, v.NextSigner)
	default:
		now = fmt.Errorf("the node has the signer key %s, the network expects %s: name that as signer.key and restart", keys[0], v.Signer)
	}
	if !v.InSet {
		return nil, now
	}
	return now, later
}

// signerCheck tells an operator whose node lacks the key that the network wants,
// in this epoch or the next.
type signerCheck struct {
	state view
	self  types.ValidatorID
	log   *slog.Logger
	wake  chan struct{}

	mu      sync.Mutex
	trouble error // now
	said    string
}

func newSignerCheck(state view, self types.ValidatorID, log *slog.Logger) *signerCheck {
	return &signerCheck{state: state, self: self, log: log.With("component", "signer"), wake: make(chan struct{}, 1)}
}

// committed never blocks.
func (c *signerCheck) committed() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// run looks after each commit, and says what has changed.
func (c *signerCheck) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.wake:
		}
		c.look()
	}
}

func (c *signerCheck) look() {
	v, epoch, err := c.state.validator(c.self)
	if isUnknown(err) {
		v = bridge.ValidatorView{} // nobody waits for its seals
	} else if err != nil {
		c.log.Warn("the signer keys were not compared with the state (will retry)", "err", err)
		return
	}
	now, later := SignerTrouble(v, epoch, c.state.Signers)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trouble = now
	said := fmt.Sprint(now, later)
	if said == c.said {
		return
	}
	c.said = said
	switch {
	case now != nil:
		c.log.Error("this validator's seals do not count", "err", now)
	case later != nil:
		c.log.Warn("this validator's seals will not count", "err", later)
	default:
		c.log.Info("the node has the signer keys that the network expects")
	}
}

// check is the readiness of the signer.
func (c *signerCheck) check() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trouble
}

// isUnknown says whether the network does not know the validator, or has no
// state yet.
func isUnknown(err error) bool {
	return errors.Is(err, bridge.ErrNotFound) || errors.Is(err, app.ErrNoBlock)
}
