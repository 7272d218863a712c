package bridge

import (
	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// txToPB gives a transaction's form on the wire.
func txToPB(tx types.Tx) *pb.TxBody {
	body := &pb.TxBody{
		ChainId: tx.ChainID, Operator: tx.Operator[:], Sequence: tx.Sequence, ExpiryHeight: tx.Expiry,
	}
	switch {
	case tx.Propose != nil:
		body.Message = &pb.TxBody_Propose{Propose: &pb.GovPropose{Content: contentToPB(tx.Propose.Content)}}
	case tx.Vote != nil:
		body.Message = &pb.TxBody_Vote{Vote: &pb.GovVote{Proposal: tx.Vote.Proposal, Yes: tx.Vote.Yes}}
	case tx.Edit != nil:
		body.Message = &pb.TxBody_Edit{Edit: &pb.EditValidator{Moniker: tx.Edit.Moniker}}
	case tx.Rotate != nil:
		body.Message = &pb.TxBody_Rotate{Rotate: &pb.RotateSigner{Signer: tx.Rotate.Signer[:], Signature: tx.Rotate.Signature[:]}}
	case tx.ChangeOperator != nil:
		body.Message = &pb.TxBody_ChangeOperator{ChangeOperator: &pb.ChangeOperator{
			Operator: tx.ChangeOperator.Operator[:], Signature: tx.ChangeOperator.Signature[:],
		}}
	case tx.Leave != nil:
		body.Message = &pb.TxBody_Leave{Leave: &pb.Leave{}}
	case tx.Unjail != nil:
		body.Message = &pb.TxBody_Unjail{Unjail: &pb.Unjail{}}
	case tx.Report != nil:
		body.Message = &pb.TxBody_Report{Report: &pb.ReportSignature{
			Epoch: tx.Report.Epoch, Height: tx.Report.Height, Root: tx.Report.Root[:], Signature: tx.Report.Signature[:],
			Witness: witnessToPB(tx.Report.Witness),
		}}
	}
	return body
}

// tx reads a transaction. It is total.
func (f *fields) tx(body *pb.TxBody) types.Tx {
	tx := types.Tx{
		ChainID: body.GetChainId(), Operator: f.address(body.GetOperator()),
		Sequence: body.GetSequence(), Expiry: body.GetExpiryHeight(),
	}
	switch m := body.GetMessage().(type) {
	case *pb.TxBody_Propose:
		tx.Propose = &types.GovPropose{Content: f.content(m.Propose.GetContent())}
	case *pb.TxBody_Vote:
		tx.Vote = &types.GovVote{Proposal: m.Vote.GetProposal(), Yes: m.Vote.GetYes()}
	case *pb.TxBody_Edit:
		tx.Edit = &types.EditValidator{Moniker: m.Edit.GetMoniker()}
	case *pb.TxBody_Rotate:
		tx.Rotate = &types.RotateSigner{Signer: f.address(m.Rotate.GetSigner()), Signature: f.signature(m.Rotate.GetSignature())}
	case *pb.TxBody_ChangeOperator:
		tx.ChangeOperator = &types.ChangeOperator{
			Operator: f.address(m.ChangeOperator.GetOperator()), Signature: f.signature(m.ChangeOperator.GetSignature()),
		}
	case *pb.TxBody_Leave:
		tx.Leave = &types.Leave{}
	case *pb.TxBody_Unjail:
		tx.Unjail = &types.Unjail{}
	case *pb.TxBody_Report:
		tx.Report = &types.ReportSignature{
			Epoch: m.Report.GetEpoch(), Height: m.Report.GetHeight(), Root: f.hash(m.Report.GetRoot()),
			Signature: f.signature(m.Report.GetSignature()), Witness: f.witness(m.Report.GetWitness()),
		}
	}
	return tx
}

func contentToPB(c types.Content) *pb.Content {
	switch {
	case c.Text != nil:
		return &pb.Content{Content: &pb.Content_Text{Text: &pb.Text{Title: c.Text.Title, Text: c.Text.Text}}}
	case c.Params != nil:
		return &pb.Content{Content: &pb.Content_Params{Params: changesToPB(c.Params)}}
	case c.Unpause != nil:
		return &pb.Content{Content: &pb.Content_Unpause{Unpause: &pb.Unpause{Chain: uint64(c.Unpause.Chain)}}}
	case c.AddChain != nil:
		return &pb.Content{Content: &pb.Content_AddChain{AddChain: &pb.AddChain{
			Chain: termsToPB(c.AddChain.Chain), CodeHash: c.AddChain.CodeHash[:], Block: c.AddChain.Block,
			SetHash: c.AddChain.SetHash[:],
		}}}
	case c.ChangeChain != nil:
		return &pb.Content{Content: &pb.Content_ChangeChain{ChangeChain: &pb.ChangeChain{
			Id: uint64(c.ChangeChain.ID), BatchGapMs: c.ChangeChain.BatchGapMS, BatchGas: c.ChangeChain.BatchGas,
			ReleaseGas: c.ChangeChain.ReleaseGas, ExpiryBlocks: c.ChangeChain.ExpiryBlocks,
		}}}
	case c.RetireChain != nil:
		return &pb.Content{Content: &pb.Content_RetireChain{RetireChain: &pb.RetireChain{Id: uint64(c.RetireChain.ID)}}}
	case c.ReanchorChain != nil:
		return &pb.Content{Content: &pb.Content_ReanchorChain{ReanchorChain: reanchorToPB(c.ReanchorChain)}}
	case c.RegisterAsset != nil:
		return &pb.Content{Content: &pb.Content_RegisterAsset{RegisterAsset: registerToPB(c.RegisterAsset.Asset)}}
	case c.MapAsset != nil:
		return &pb.Content{Content: &pb.Content_MapAsset{MapAsset: &pb.MapAsset{
			Asset: c.MapAsset.Asset[:], Token: tokenTermsToPB(c.MapAsset.Token),
		}}}
	case c.ResolveQuarantine != nil:
		return &pb.Content{Content: &pb.Content_ResolveQuarantine{ResolveQuarantine: &pb.ResolveQuarantine{
			Id: c.ResolveQuarantine.ID, Action: uint32(c.ResolveQuarantine.Action),
		}}}
	case c.AdmitValidator != nil:
		return &pb.Content{Content: &pb.Content_AdmitValidator{AdmitValidator: &pb.AdmitValidator{
			Registration: registrationToPB(c.AdmitValidator.Registration), Power: c.AdmitValidator.Power,
		}}}
	case c.SetPower != nil:
		return &pb.Content{Content: &pb.Content_SetPower{SetPower: &pb.SetPower{
			Validator: c.SetPower.Validator[:], Power: c.SetPower.Power,
		}}}
	case c.RemoveValidator != nil:
		return &pb.Content{Content: &pb.Content_RemoveValidator{RemoveValidator: &pb.RemoveValidator{
			Validator: c.RemoveValidator.Validator[:],
		}}}
	}
	return &pb.Content{}
}

func changesToPB(c *types.ParamChanges) *pb.ParamChanges {
	changes := &pb.ParamChanges{}
	for _, change := range c.Changes {
		changes.Changes = append(changes.Changes, &pb.ParamChange{Name: change.Name, Value: change.Value})
	}
	return changes
}

func termsToPB(c types.Chain) *pb.ChainTerms {
	return &pb.ChainTerms{
		Id: uint64(c.ID), Label: c.Label, Bridge: c.Bridge[:], BatchGapMs: c.BatchGapMS, BatchGas: c.BatchGas,
		ReleaseGas: c.ReleaseGas, ExpiryBlocks: c.ExpiryBlocks,
	}
}

func reanchorToPB(c *types.Reanchor) *pb.Reanchor {
	r := &pb.Reanchor{
		Id: uint64(c.ID), Block: c.Block, Nonce: c.Nonce, Hash: c.Hash[:], Common: c.Common,
		OutboxNonce: c.OutboxNonce, NextItem: c.NextItem,
	}
	for _, b := range c.Balances {
		r.Balances = append(r.Balances, &pb.AssetBalance{Asset: b.Asset[:], Amount: b.Amount.Bytes()})
	}
	for _, s := range c.Skipped {
		r.Skipped = append(r.Skipped, &pb.SkippedCommand{Nonce: s.Nonce, Failures: s.Failures})
	}
	for _, t := range c.Registered {
		r.Registered = append(r.Registered, &pb.AssetToken{Asset: t.Asset[:], Token: t.Token[:]})
	}
	return r
}

func registerToPB(a types.Asset) *pb.RegisterAsset {
	r := &pb.RegisterAsset{Id: a.ID[:], Name: a.Name, Symbol: a.Symbol, Decimals: uint32(a.Decimals)}
	for _, t := range a.Tokens {
		r.Tokens = append(r.Tokens, tokenTermsToPB(t))
	}
	return r
}

func tokenTermsToPB(t types.Token) *pb.TokenTerms {
	terms := &pb.TokenTerms{
		Chain: uint64(t.Chain), Mode: uint32(t.Mode), Decimals: uint32(t.Decimals),
		ReleaseFee: t.ReleaseFee.Bytes(), RefundFee: t.RefundFee.Bytes(),
		Minimum: t.Limit.Minimum.Bytes(), Capacity: t.Limit.Capacity.Bytes(), Rate: t.Limit.Rate.Bytes(),
		FlowCapacity: t.Flow.Capacity.Bytes(), FlowRate: t.Flow.Rate.Bytes(), Large: t.Large.Bytes(),
	}
	if t.Token != (types.Address{}) {
		terms.Token = t.Token[:]
	}
	return terms
}

// content reads a proposal's content; one of no kind is empty, which Validate
// refuses.
func (f *fields) content(c *pb.Content) types.Content {
	switch m := c.GetContent().(type) {
	case *pb.Content_Text:
		return types.Content{Text: &types.Text{Title: m.Text.GetTitle(), Text: m.Text.GetText()}}
	case *pb.Content_Params:
		changes := &types.ParamChanges{}
		for _, change := range m.Params.GetChanges() {
			changes.Changes = append(changes.Changes, types.ParamChange{Name: change.GetName(), Value: change.GetValue()})
		}
		return types.Content{Params: changes}
	case *pb.Content_Unpause:
		return types.Content{Unpause: &types.Unpause{Chain: types.ChainID(m.Unpause.GetChain())}}
	case *pb.Content_AddChain:
		return types.Content{AddChain: &types.AddChain{
			Chain: f.terms(m.AddChain.GetChain()), CodeHash: f.hash(m.AddChain.GetCodeHash()),
			Block: m.AddChain.GetBlock(), SetHash: f.hash(m.AddChain.GetSetHash()),
		}}
	case *pb.Content_ChangeChain:
		return types.Content{ChangeChain: &types.ChangeChain{
			ID: types.ChainID(m.ChangeChain.GetId()), BatchGapMS: m.ChangeChain.GetBatchGapMs(),
			BatchGas: m.ChangeChain.GetBatchGas(), ReleaseGas: m.ChangeChain.GetReleaseGas(),
			ExpiryBlocks: m.ChangeChain.GetExpiryBlocks(),
		}}
	case *pb.Content_RetireChain:
		return types.Content{RetireChain: &types.RetireChain{ID: types.ChainID(m.RetireChain.GetId())}}
	case *pb.Content_ReanchorChain:
		return types.Content{ReanchorChain: f.reanchor(m.ReanchorChain)}
	case *pb.Content_RegisterAsset:
		return types.Content{RegisterAsset: &types.RegisterAsset{Asset: f.asset(m.RegisterAsset)}}
	case *pb.Content_MapAsset:
		return types.Content{MapAsset: &types.MapAsset{
			Asset: types.AssetID(f.hash(m.MapAsset.GetAsset())), Token: f.token(m.MapAsset.GetToken()),
		}}
	case *pb.Content_ResolveQuarantine:
		return types.Content{ResolveQuarantine: &types.ResolveQuarantine{
			ID: m.ResolveQuarantine.GetId(), Action: types.QuarantineAction(f.byte(m.ResolveQuarantine.GetAction())),
		}}
	case *pb.Content_AdmitValidator:
		return types.Content{AdmitValidator: &types.AdmitValidator{
			Registration: f.registration(m.AdmitValidator.GetRegistration()), Power: m.AdmitValidator.GetPower(),
		}}
	case *pb.Content_SetPower:
		return types.Content{SetPower: &types.SetPower{
			Validator: types.ValidatorID(f.address(m.SetPower.GetValidator())), Power: m.SetPower.GetPower(),
		}}
	case *pb.Content_RemoveValidator:
		return types.Content{RemoveValidator: &types.RemoveValidator{
			Validator: types.ValidatorID(f.address(m.RemoveValidator.GetValidator())),
		}}
	}
	return types.Content{}
}

func (f *fields) terms(c *pb.ChainTerms) types.Chain {
	return types.Chain{
		ID: types.ChainID(c.GetId()), Label: c.GetLabel(), Bridge: f.address(c.GetBridge()), BatchGapMS: c.GetBatchGapMs(),
		BatchGas: c.GetBatchGas(), ReleaseGas: c.GetReleaseGas(), ExpiryBlocks: c.GetExpiryBlocks(),
	}
}

func (f *fields) reanchor(m *pb.Reanchor) *types.Reanchor {
	r := &types.Reanchor{
		ID: types.ChainID(m.GetId()), Block: m.GetBlock(), Nonce: m.GetNonce(), Hash: f.hash(m.GetHash()),
		Common: m.GetCommon(), OutboxNonce: m.GetOutboxNonce(), NextItem: m.GetNextItem(),
	}
	for _, b := range m.GetBalances() {
		r.Balances = append(r.Balances, types.AssetBalance{
			Asset: types.AssetID(f.hash(b.GetAsset())), Amount: f.amount(b.GetAmount()),
		})
	}
	for _, s := range m.GetSkipped() {
		r.Skipped = append(r.Skipped, types.SkippedCommand{Nonce: s.GetNonce(), Failures: s.GetFailures()})
	}
	for _, t := range m.GetRegistered() {
		r.Registered = append(r.Registered, types.AssetToken{Asset: types.AssetID(f.hash(t.GetAsset())), Token: f.address(t.GetToken())})
	}
	return r
}

func (f *fields) asset(m *pb.RegisterAsset) types.Asset {
	a := types.Asset{
		ID: types.AssetID(f.hash(m.GetId())), Name: m.GetName(), Symbol: m.GetSymbol(), Decimals: f.byte(m.GetDecimals()),
	}
	for _, t := range m.GetTokens() {
		a.Tokens = append(a.Tokens, f.token(t))
	}
	return a
}

func (f *fields) token(t *pb.TokenTerms) types.Token {
	token := types.Token{
		Chain: types.ChainID(t.GetChain()), Mode: types.TokenMode(f.byte(t.GetMode())), Decimals: f.byte(t.GetDecimals()),
		ReleaseFee: f.amount(t.GetReleaseFee()), RefundFee: f.amount(t.GetRefundFee()),
		Limit: types.TokenLimit{
			Minimum: f.amount(t.GetMinimum()), Capacity: f.amount(t.GetCapacity()), Rate: f.amount(t.GetRate()),
		},
		Flow:  types.FlowLimit{Capacity: f.amount(t.GetFlowCapacity()), Rate: f.amount(t.GetFlowRate())},
		Large: f.amount(t.GetLarge()),
	}
	if len(t.GetToken()) > 0 {
		token.Token = f.address(t.GetToken())
	}
	return token
}

func registrationToPB(r types.Registration) *pb.Registration {
	return &pb.Registration{
		Operator: r.Operator[:], ConsensusKey: r.ConsensusKey, Signer: r.Signer[:], Moniker: r.Moniker,
		OperatorSignature: r.OperatorSignature[:], ConsensusSignature: r.ConsensusSignature[:],
		SignerSignature: r.SignerSignature[:],
	}
}

func (f *fields) registration(r *pb.Registration) types.Registration {
	return types.Registration{
		Operator: f.address(r.GetOperator()), ConsensusKey: r.GetConsensusKey(), Signer: f.address(r.GetSigner()),
		Moniker: r.GetMoniker(), OperatorSignature: f.signature(r.GetOperatorSignature()),
		ConsensusSignature: f.signature(r.GetConsensusSignature()), SignerSignature: f.signature(r.GetSignerSignature()),
	}
}
