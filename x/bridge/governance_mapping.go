package bridge

import (
	"slices"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// mapping is an asset's token on a chain, as a proposal wants it.
type mapping struct {
	asset    *pb.Asset // the record after the change
	token    *pb.Token // in it
	before   *pb.Token // nil if the chain had none
	moved    bool      // another mode, token or decimals
	limited  bool      // another limit of the contract
	register bool      // the contract is to register it
}

// mapped checks a change of an asset's token on a chain. Fees and the network's
// own limits are free. What the contract has registered it keeps for good; what
// it has not may become another token, but not while its order is on the way:
// the answer could be for either. So nothing is ever queued, in flight or owed
// in a token that changes.
func (a *applier) mapped(c *types.MapAsset) (mapping, error) {
	asset := a.asset(c.Asset)
	if asset == nil {
		return mapping{}, cannot(resultUnknownAsset, "asset %s is not registered", c.Asset)
	}
	chain, err := a.served(c.Token.Chain)
	if err != nil {
		return mapping{}, err
	}
	m, err := newMapping(asset, c.Token)
	if err != nil {
		return mapping{}, err
	}
	confirmed := m.before != nil && a.confirmed(c.Asset, m.before)
	switch {
	case m.moved && confirmed:
		return mapping{}, cannot(resultMappingFixed, "the contract on chain %s has registered its token of %s, for good", chain.Label, asset.Symbol)
	case confirmed:
		return m, nil
	case a.registering(chain, c.Asset):
		if m.moved || m.limited {
			return mapping{}, cannot(resultRegistering, "chain %s is just being told of its token of %s: wait until that is executed", chain.Label, asset.Symbol)
		}
		return m, nil
	}
	m.register = true
	if m.moved {
		err = a.mayHold(c.Asset, c.Token)
	}
	return m, err
}

// newMapping puts a token's terms into a copy of its asset's record.
func newMapping(asset *pb.Asset, terms types.Token) (mapping, error) {
	whole := assetFromPB(asset)
	whole.Tokens = slices.DeleteFunc(whole.Tokens, func(t types.Token) bool { return t.Chain == terms.Chain })
	whole.Tokens = append(whole.Tokens, terms)
	for i := range whole.Tokens {
		if whole.Tokens[i].Mode == types.ModeMint && whole.Tokens[i].Chain != terms.Chain {
			whole.Tokens[i].Token = types.Address{} // the contract has chosen it
		}
	}
	if err := whole.Validate(); err != nil {
		return mapping{}, cannot(resultOutOfRange, "%w", err)
	}
	m := mapping{asset: assetToPB(whole), before: tokenOn(asset, terms.Chain)}
	for i, token := range m.asset.Tokens {
		if old := tokenOn(asset, types.ChainID(token.Chain)); old != nil && token.Chain != uint64(terms.Chain) {
			m.asset.Tokens[i] = old
		}
	}
	m.token = tokenOn(m.asset, terms.Chain)
	if m.before == nil {
		m.moved = true
		return m, nil
	}
	held := assetFromPB(asset).Tokens
	before := held[slices.IndexFunc(held, func(t types.Token) bool { return t.Chain == terms.Chain })]
	m.limited = before.Limit != terms.Limit
	m.moved = before.Mode != terms.Mode || before.Decimals != terms.Decimals || terms.Mode == types.ModeLock && before.Token != terms.Token
	if !m.moved {
		m.token.Token, m.token.Registered = m.before.Token, m.before.Registered
	}
	return m, nil
}

// confirmed says whether the contract has ever registered the token.
func (a *applier) confirmed(asset types.AssetID, token *pb.Token) bool {
	if len(token.Token) == 0 {
		return false
	}
	of, known := a.s.TokenAsset(types.ChainID(token.Chain), types.Address(token.Token))
	return known && of == asset
}

// registering says whether an order to register the asset's token is on its way
// to a chain, or back.
func (a *applier) registering(chain *pb.Chain, asset types.AssetID) bool {
	found := false
	look := func(b []byte) {
		command, err := types.DecodeCommand(b)
		register, ok := command.(types.RegisterToken)
		found = found || err == nil && ok && register.Asset == asset
	}
	for _, waiting := range a.backlog(chain) {
		look(waiting)
	}
	a.s.Commands(types.ChainID(chain.Id), chain.Executed+1, func(c *pb.Command) bool {
		if c.Kind == uint32(types.CommandRegisterToken) {
			look(c.Bytes)
		}
		return !found
	})
	return found
}

// mapAsset changes the token, and tells the contract what it has to know of it.
func (a *applier) mapAsset(c *types.MapAsset) error {
	m, err := a.mapped(c)
	if err != nil {
		return err
	}
	a.assets[c.Asset] = m.asset
	a.s.SetAsset(m.asset)
	chain := a.chain(c.Token.Chain)
	switch {
	case m.register:
		a.orderRegistration(m.asset, m.token)
	case m.limited && m.token.Registered:
		order := paramsOf(chain)
		order.Tokens = []types.TokenParams{{Token: types.Address(m.token.Token), Limit: c.Token.Limit}}
		a.order(chain, order)
	}
	return nil
}
