package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// rateLooks is over how many looks at duties the rate of misses is taken.
const rateLooks = 20

// statusValidator is how this node's validator stands, and what threatens it.
type statusValidator struct {
	bridge.ValidatorView
	Duties        []statusDuty  `json:"duties"`         // of which it has missed something
	JailedIn      uint64        `json:"jailed_in"`      // blocks until misses jail it if it goes on as now; 0: nothing threatens
	SignerTrouble string        `json:"signer_trouble"` // what is wrong with the home's signer keys; empty: nothing
	SignerNext    string        `json:"signer_next"`    // what will be, from the next epoch on
	OldSigner     types.Address `json:"old_signer"`     // key of the home that is not needed any more; zero: none
}

// statusDuty is what is missed of a duty.
type statusDuty struct {
	bridge.MissView
	Recent   uint64 `json:"recent"`    // of them, in the last blocks
	Blocks   uint64 `json:"blocks"`    // how many those are; 0 where an older state cannot be asked
	JailedIn uint64 `json:"jailed_in"` // blocks until it jails at this rate; 0: never
}

// validatorStatus compares the misses of now with those of some blocks ago, and
// the home's signer keys with what the network expects.
func (c *client) validatorStatus(ctx context.Context, network bridge.NetworkState, v bridge.ValidatorView, height int64) *statusValidator {
	result := &statusValidator{ValidatorView: v, Duties: []statusDuty{}}
	span := min(rateLooks*network.Params.DutyBlocks, uint64(max(height-1, 0)))
	var then bridge.ValidatorView
	if span == 0 || c.ask(ctx, "validator", bridge.QueryArgs{ID: v.ID.String()}, height-int64(span), &then) != nil { //nolint:gosec // below height
		span = 0 // pruned, or not known then: there is no rate
	}
	for _, m := range v.Misses {
		duty := statusDuty{MissView: m, Blocks: span}
		for _, before := range then.Misses {
			if before.Chain == m.Chain {
				duty.Recent = m.Missed - min(m.Missed, before.Missed)
			}
		}
		duty.JailedIn = jailedIn(duty)
		if v.Status == types.ValidatorActive && duty.JailedIn > 0 && (result.JailedIn == 0 || duty.JailedIn < result.JailedIn) {
			result.JailedIn = duty.JailedIn
		}
		result.Duties = append(result.Duties, duty)
	}
	if loaded, err := config.Load(c.session.home(), c.session.flags); err == nil && c.session.home().Exists() {
		result.compareSigners(network.Epoch, node.SignerAddresses(c.session.home(), loaded.Signer))
	}
	return result
}

// jailedIn is in how many blocks a duty has more misses than are allowed, if it
// goes on as in the last blocks.
func jailedIn(d statusDuty) uint64 {
	if d.Recent == 0 || d.Blocks == 0 {
		return 0
	}
	left := uint64(d.Most) + 1 - min(d.Missed, uint64(d.Most))
	return (left*d.Blocks + d.Recent - 1) / d.Recent
}

func (v *statusValidator) compareSigners(epoch uint64, keys []types.Address) {
	now, later := node.SignerTrouble(v.ValidatorView, epoch, keys)
	if now != nil {
		v.SignerTrouble = now.Error()
	}
	if later != nil {
		v.SignerNext = later.Error()
	}
	if now != nil || later != nil || v.NextSigner != (types.Address{}) {
		return
	}
	for _, key := range keys {
		if key != v.Signer {
			v.OldSigner = key
		}
	}
}

// printStanding writes how the epoch and this node's validator stand.
func printStanding(w io.Writer, b statusBridge) {
	epoch := fmt.Sprintf("%d, since height %d; the next may begin at height %d", b.Epoch, b.EpochHeight, b.NextEpoch)
	if b.Handover != 0 {
		epoch = fmt.Sprintf("%d; a handover to epoch %d goes on since height %d", b.Epoch, b.Epoch+1, b.Handover)
	}
	v := b.Validator
	if v == nil {
		pairs(w, "epoch", epoch, "validator", "no")
		return
	}
	standing := fmt.Sprintf("%s, %s", cmp.Or(v.Moniker, v.ID.String()), statusText(v.ValidatorView))
	if v.InSet {
		standing += fmt.Sprintf("; power %d", v.Power)
	} else {
		standing += "; not in this epoch"
	}
	if v.InSet && v.NextPower != v.Power {
		standing += fmt.Sprintf(", and wants %d from the next epoch on", v.NextPower)
	}
	pairs(w, "epoch", epoch, "validator", standing)
	b.printDuties(w)
	for _, trouble := range []struct{ what, text string }{{"SIGNER", v.SignerTrouble}, {"signer", v.SignerNext}} {
		if trouble.text != "" {
			fmt.Fprintf(w, "%s: %s\n", trouble.what, trouble.text)
		}
	}
	if v.OldSigner != (types.Address{}) {
		fmt.Fprintf(w, "The signer key %s is not needed any more: make that of %s the signer.key, and signer.next_key empty.\n", v.OldSigner, v.Signer)
	}
}

func (b statusBridge) printDuties(w io.Writer) {
	known := names{chains: map[types.ChainID]string{}}
	for _, c := range b.Chains {
		known.chains[c.ID] = c.Label
	}
	for _, d := range b.Validator.Duties {
		fmt.Fprintf(w, "Missed %s %d times, of %d allowed", known.duty(d.Chain), d.Missed, d.Most)
		if d.Blocks > 0 {
			fmt.Fprintf(w, "; %d in the last %d blocks", d.Recent, d.Blocks)
		}
		if d.JailedIn > 0 && b.Validator.Status == types.ValidatorActive {
			fmt.Fprintf(w, ": jailed in about %d blocks at this rate", d.JailedIn)
		}
		fmt.Fprintln(w, ".")
	}
	if b.Validator.Strikes > 0 {
		fmt.Fprintf(w, "Strikes, votes for another history than what happened: %d. Look at the endpoints.\n", b.Validator.Strikes)
	}
}
