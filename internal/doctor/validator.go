package doctor

import (
	"context"
	"slices"
	"time"

	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// role says what the network knows this home as: the entry with its consensus
// key, and that with its signer key; -1 where there is none.
func (p *patient) role() (state networkState, byKey, bySigner int, v *verdict) {
	stop := func(s verdict) (networkState, int, int, *verdict) { return state, -1, -1, &s }
	signers := node.SignerAddresses(p.Home, p.app.Signer)
	if p.appErr != nil || len(signers) == 0 {
		return stop(skip("this node has no signer key"))
	}
	state, err := p.state()
	if err != nil {
		return stop(skip("%v", err))
	}
	self, err := p.self()
	if err != nil {
		return stop(skip("%v", err))
	}
	byKey, bySigner = -1, -1
	for i, member := range state.validators {
		if member.ID == self {
			byKey = i
		}
		if slices.Contains(signers, member.Signer) {
			bySigner = i
		}
	}
	return state, byKey, bySigner, nil
}

func (p *patient) member(context.Context) verdict {
	state, byKey, bySigner, stop := p.role()
	switch {
	case stop != nil:
		return *stop
	case byKey >= 0:
		return standing(state.validators[byKey], state.network.Epoch)
	case bySigner >= 0:
		return ok("its signer key is, see validator.key")
	}
	return fail("the network knows neither its consensus key nor its signer key")
}

// standing is how the network treats a validator that it knows.
func standing(v bridge.ValidatorView, epoch uint64) verdict {
	switch {
	case v.Status == types.ValidatorJailed:
		return fail("%s is jailed (%s), at least until block %d and %s", v.Moniker, v.Reason, v.JailedUntil,
			time.UnixMilli(v.JailedUntilMS).UTC().Format(time.RFC3339))
	case v.Status != types.ValidatorActive:
		return fail("%s is %s (%s)", v.Moniker, v.Status, v.Reason)
	case v.Power == 0:
		return warn("%s is admitted, and waits for the end of epoch %d", v.Moniker, epoch)
	}
	return ok("%s, with power %d", v.Moniker, v.Power)
}

func (p *patient) validatorKey(context.Context) verdict {
	state, byKey, bySigner, stop := p.role()
	switch {
	case stop != nil:
		return *stop
	case byKey >= 0:
		return ok("validator %s", state.validators[byKey].ID)
	case bySigner >= 0:
		self, _ := p.self()
		return fail("the network knows validator %s for this signer key, the home's consensus key is that of %s", state.validators[bySigner].ID, self)
	}
	return skip("the network does not know this home")
}

func (p *patient) registered(context.Context) verdict {
	state, byKey, bySigner, stop := p.role()
	own := node.SignerAddresses(p.Home, p.app.Signer)
	switch {
	case stop != nil:
		return *stop
	case byKey < 0 && bySigner < 0:
		return skip("the network does not know this home")
	case byKey < 0:
		return ok("%s", state.validators[bySigner].Signer)
	}
	known := state.validators[byKey]
	switch {
	case !slices.Contains(own, known.Signer):
		return fail("the signer key is %s, the network expects %s", own[0], known.Signer)
	case known.NextSigner != (types.Address{}) && !slices.Contains(own, known.NextSigner):
		return warn("the network expects %s from the next epoch on, and [signer] next_key does not name it", known.NextSigner)
	}
	return ok("%s", known.Signer)
}
