package bridge

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// The results of proposals that passed and did not apply any more; a stable code
// each. Texts are for people and not part of the state.
const (
	resultUnknownChain  = "unknown_chain"
	resultKnownChain    = "chain_known"
	resultUnserved      = "chain_not_served"
	resultPause         = "wrong_pause"
	resultWrongSet      = "wrong_validator_set"
	resultOutOfRange    = "out_of_range"
	resultUnknownAsset  = "unknown_asset"
	resultKnownAsset    = "asset_known"
	resultTokenTaken    = "token_taken"
	resultMappingFixed  = "mapping_fixed"
	resultRegistering   = "registration_pending"
	resultUnknownRecord = "unknown_record"
	resultBadKeys       = "bad_registration"
	resultKeyTaken      = "key_taken"
	resultHandover      = "handover"
	resultByStake       = "by_stake"

	resultKnownValidator   = "validator_known"
	resultUnknownValidator = "unknown_validator"
	resultNotApplicable    = "not_applicable" // any other reason
)

// inapplicable is why a content does not apply to the state.
type inapplicable struct {
	result string
	err    error
}

// Error implements error.
func (e *inapplicable) Error() string { return e.err.Error() }

func cannot(result, format string, args ...any) error {
	return &inapplicable{result, fmt.Errorf(format, args...)}
}

func resultOf(err error) string {
	var reason *inapplicable
	if errors.As(err, &reason) {
		return reason.result
	}
	return resultNotApplicable
}

// applicable says whether a content could be applied to the present state. It
// changes nothing.
func (a *applier) applicable(c types.Content) error {
	if err := c.Validate(); err != nil {
		return cannot(resultOutOfRange, "%w", err)
	}
	switch {
	case c.Params != nil:
		_, err := a.changedParams(c.Params)
		return err
	case c.Unpause != nil:
		return a.mayUnpause(c.Unpause.Chain)
	case c.AddChain != nil:
		return a.mayAdd(c.AddChain)
	case c.ChangeChain != nil:
		return a.mayChange(c.ChangeChain)
	case c.RetireChain != nil:
		return a.mayRetire(c.RetireChain.ID)
	case c.ReanchorChain != nil:
		return a.mayReanchor(c.ReanchorChain)
	case c.RegisterAsset != nil:
		return a.mayRegister(c.RegisterAsset.Asset)
	case c.MapAsset != nil:
		_, err := a.mapped(c.MapAsset)
		return err
	case c.ResolveQuarantine != nil:
		return a.mayResolve(c.ResolveQuarantine.ID)
	case c.AdmitValidator != nil:
		return a.mayAdmit(c.AdmitValidator)
	case c.SetPower != nil:
		_, err := a.maySetPower(c.SetPower)
		return err
	case c.RemoveValidator != nil:
		_, err := a.knownValidator(c.RemoveValidator.Validator)
		return err
	}
	return nil
}

// enact does what a proposal says, or says why it cannot and changes nothing.
func (a *applier) enact(c types.Content) error {
	if err := a.applicable(c); err != nil {
		return err
	}
	switch {
	case c.Params != nil:
		changed, err := a.changedParams(c.Params)
		if err != nil {
			return err
		}
		a.network.Params = paramsToPB(changed)
	case c.Unpause != nil:
		return a.unpause(a.chain(c.Unpause.Chain))
	case c.AddChain != nil:
		a.addChain(c.AddChain)
	case c.ChangeChain != nil:
		a.changeChain(c.ChangeChain)
	case c.RetireChain != nil:
		return a.retire(a.chain(c.RetireChain.ID))
	case c.ReanchorChain != nil:
		return a.reanchor(a.chain(c.ReanchorChain.ID), *c.ReanchorChain)
	case c.RegisterAsset != nil:
		a.registerAsset(c.RegisterAsset.Asset)
	case c.MapAsset != nil:
		return a.mapAsset(c.MapAsset)
	case c.ResolveQuarantine != nil:
		return a.resolve(c.ResolveQuarantine.ID, c.ResolveQuarantine.Action)
	case c.AdmitValidator != nil:
		a.admit(c.AdmitValidator.Registration, c.AdmitValidator.Power)
	case c.SetPower != nil:
		return a.setPower(c.SetPower)
	case c.RemoveValidator != nil:
		return a.removeValidator(c.RemoveValidator)
	}
	return nil
}

func (a *applier) changedParams(c *types.ParamChanges) (types.Params, error) {
	changed, err := c.ApplyTo(paramsFromPB(a.network.Params))
	if err == nil {
		err = changed.ValidateFor(len(a.chains))
	}
	if err != nil {
		return changed, cannot(resultOutOfRange, "%w", err)
	}
	return changed, nil
}

// known finds a chain of the network.
func (a *applier) known(id types.ChainID) (*pb.Chain, error) {
	chain := a.chain(id)
	if chain == nil {
		return nil, cannot(resultUnknownChain, "chain %s is not connected", id)
	}
	return chain, nil
}

// served finds a chain that the network serves.
func (a *applier) served(id types.ChainID) (*pb.Chain, error) {
	chain, err := a.known(id)
	if err == nil && chain.Refused != "" {
		return nil, cannot(resultUnserved, "chain %s is not served: %s", id, chain.Refused)
	}
	return chain, err
}

func (a *applier) mayUnpause(id types.ChainID) error {
	chain, err := a.served(id)
	switch {
	case err != nil:
		return err
	case chain.Paused == contradicted:
		return cannot(resultPause, "chain %s contradicted what was agreed: propose to re-anchor it", chain.Label)
	case chain.Paused != paused:
		return cannot(resultPause, "chain %s is not paused", chain.Label)
	}
	return nil
}

// mayRetire leaves the time that a chain has to be dead for to when the proposal
// passes: voting takes some of it.
func (a *applier) mayRetire(id types.ChainID) error {
	chain, err := a.known(id)
	if err == nil && chain.Refused == refusedRetired {
		return cannot(resultUnserved, "chain %s is retired already", chain.Label)
	}
	return err
}

func (a *applier) mayReanchor(c *types.Reanchor) error {
	chain, err := a.served(c.ID)
	if err != nil {
		return err
	}
	if chain.Paused != contradicted {
		return cannot(resultPause, "chain %s has not contradicted what was agreed", chain.Label)
	}
	if err := a.checkBalances(chain, *c); err != nil {
		return err
	}
	return a.checkPosition(chain, *c)
}

func (a *applier) mayResolve(id uint64) error {
	if a.s.Quarantine(id) == nil {
		return cannot(resultUnknownRecord, "quarantine %d: there is no such record", id)
	}
	return nil
}

// mayAdd checks a new chain. A retired one stays known, so neither its id nor
// its label is ever taken again.
func (a *applier) mayAdd(c *types.AddChain) error {
	for _, chain := range a.chains {
		if chain.Id == uint64(c.Chain.ID) || chain.Label == c.Chain.Label {
			return cannot(resultKnownChain, "chain %s (%d) is connected, or was", chain.Label, chain.Id)
		}
	}
	if a.network.Handover != 0 {
		return cannot(resultHandover, "the validator set is being handed over: deploy the contract with the set of epoch %d, and propose it then", a.network.Epoch+1)
	}
	if current := signerSet(a.s.Epoch(a.network.Epoch)).Hash(); c.SetHash != current {
		return cannot(resultWrongSet, "the contract was deployed with the validator set %s, the network's is %s: deploy it anew", c.SetHash, current)
	}
	if err := paramsFromPB(a.network.Params).ValidateFor(len(a.chains) + 1); err != nil {
		return cannot(resultOutOfRange, "one more chain: %w", err)
	}
	return nil
}

func (a *applier) addChain(c *types.AddChain) {
	chain := newChain(evmsig.NetworkID(a.network.ChainId), c.Chain)
	chain.CursorBlock = c.Block
	at, _ := slices.BinarySearchFunc(a.chains, chain, func(x, y *pb.Chain) int { return cmp.Compare(x.Id, y.Id) })
	a.chains = slices.Insert(a.chains, at, chain)
	a.emit(EventChainAdded, "chain", decimal(chain.Id), "label", chain.Label, "bridge", c.Chain.Bridge.Hex())
}

func (a *applier) mayChange(c *types.ChangeChain) error {
	chain, err := a.served(c.ID)
	if err != nil {
		return err
	}
	terms := chainState(chain).Chain
	terms.BatchGapMS, terms.BatchGas, terms.ReleaseGas, terms.ExpiryBlocks = c.BatchGapMS, c.BatchGas, c.ReleaseGas, c.ExpiryBlocks
	if err := terms.Validate(); err != nil {
		return cannot(resultOutOfRange, "%w", err)
	}
	return nil
}

func (a *applier) changeChain(c *types.ChangeChain) {
	chain := a.chain(c.ID)
	tell := chain.ReleaseGas != c.ReleaseGas // the only one that the contract knows
	chain.BatchGapMs, chain.BatchGas, chain.ReleaseGas, chain.ExpiryBlocks = c.BatchGapMS, c.BatchGas, c.ReleaseGas, c.ExpiryBlocks
	if tell {
		a.setParams(chain)
	}
}

func (a *applier) mayRegister(asset types.Asset) error {
	if a.asset(asset.ID) != nil {
		return cannot(resultKnownAsset, "asset %s is registered", asset.ID)
	}
	for _, token := range asset.Tokens {
		if err := a.mayHold(asset.ID, token); err != nil {
			return err
		}
	}
	return nil
}

// mayHold says whether a chain can be told to register a token of an asset.
func (a *applier) mayHold(id types.AssetID, token types.Token) error {
	if _, err := a.served(token.Chain); err != nil {
		return err
	}
	assets := a.s.Assets()
	held := 0
	for _, asset := range assets {
		if types.AssetID(asset.Id) != id && tokenOn(asset, token.Chain) != nil {
			held++
		}
	}
	if held >= types.MaxBalances {
		return cannot(resultOutOfRange, "chain %s holds %d assets: a re-anchoring could not name one more", token.Chain, held)
	}
	if token.Mode != types.ModeLock {
		return nil
	}
	for _, other := range assets {
		if t := tokenOn(other, token.Chain); t != nil && bytes.Equal(t.Token, token.Token[:]) {
			return cannot(resultTokenTaken, "token %s of chain %s belongs to asset %s", token.Token, token.Chain, other.Symbol)
		}
	}
	return nil
}

func (a *applier) registerAsset(asset types.Asset) {
	record := assetToPB(asset)
	a.assets[asset.ID] = record
	a.s.SetAsset(record)
	for _, token := range record.Tokens {
		a.orderRegistration(record, token)
	}
}

// orderRegistration has a contract register a token. One that was not heard of
// yet is told when it is.
func (a *applier) orderRegistration(asset *pb.Asset, token *pb.Token) {
	chain := a.chain(types.ChainID(token.Chain))
	if heardOf(chain) {
		a.order(chain, registration(asset, token))
	}
}

// heardOf says whether a contract's first event was applied: it has orders.
func heardOf(chain *pb.Chain) bool { return chain.Outbox > 0 || chain.Backlog > 0 }
