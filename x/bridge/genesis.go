package bridge

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// firstEpoch is the epoch that contracts are deployed with.
const firstEpoch = 1

// InitGenesis writes the first state of a network: its identity, its validators
// as epoch 1, its chains and assets; or the exported records of another. The
// store has to be empty. It returns the consensus validators, ascending by
// signer.
func (m *Machine) InitGenesis(st Store, chainID string, initialHeight int64, g types.Genesis) (validators []types.Validator, err error) {
	defer state.Catch(&err)
	if err := g.Validate(); err != nil {
		return nil, err
	}
	if chainID == "" || initialHeight < 1 {
		return nil, fmt.Errorf("genesis: empty chain id, or an initial height below 1")
	}
	s := state.New(st)
	if len(g.Records) > 0 {
		return importRecords(s, chainID, uint64(initialHeight), g.Records)
	}
	network := &pb.Network{ChainId: chainID, Epoch: firstEpoch, Params: paramsToPB(g.Params)}
	if g.Staking != nil {
		network.Staking = &pb.Staking{Chain: uint64(g.Staking.Chain), Activation: g.Staking.Activation.Bytes()}
	}
	s.SetNetwork(network)
	members := membersToPB(g.Validators)
	s.SetEpoch(firstEpoch, members)
	s.SetConsensus(uint64(initialHeight), members)         //nolint:gosec // checked above
	registerAll(s, members.Members, uint64(initialHeight)) //nolint:gosec // checked above
	networkID := evmsig.NetworkID(chainID)
	for _, c := range g.Chains {
		s.SetChain(newChain(networkID, c))
	}
	for _, asset := range g.Assets {
		s.SetAsset(assetToPB(asset))
		s.SetLedger(asset.ID, &pb.Ledger{})
	}
	return validatorsFromPB(members), nil
}

// newChain is the record of a chain of which nothing was heard yet.
func newChain(networkID types.Hash, c types.Chain) *pb.Chain {
	seed := evmsig.InboxSeed(networkID, c.ID, c.Bridge)
	return &pb.Chain{
		Id: uint64(c.ID), Label: c.Label, Bridge: c.Bridge[:], BatchGapMs: c.BatchGapMS, BatchGas: c.BatchGas,
		ReleaseGas: c.ReleaseGas, ExpiryBlocks: c.ExpiryBlocks, CursorHash: seed[:],
	}
}

// importRecords writes an exported state. The network keeps its identity: its
// contracts are bound to it.
func importRecords(s state.State, chainID string, initialHeight uint64, records []types.Record) ([]types.Validator, error) {
	for i, r := range records {
		if len(r.Key) == 0 || i > 0 && bytes.Compare(records[i-1].Key, r.Key) >= 0 {
			return nil, fmt.Errorf("genesis: record %d: keys have to ascend", i)
		}
		s.SetRaw(r.Key, r.Value)
	}
	network := s.Network()
	if network.ChainId != chainID {
		return nil, fmt.Errorf("genesis: the records are of network %q, not of %q: its contracts obey no other name", network.ChainId, chainID)
	}
	var last uint64
	s.Seals(0, func(seal *pb.Seal) bool {
		last = seal.Height
		return true
	})
	if last >= initialHeight {
		return nil, fmt.Errorf("genesis: initial height %d: the records have a seal of height %d, and contracts accept none below it", initialHeight, last)
	}
	members := s.Epoch(network.Epoch)
	if members == nil {
		return nil, fmt.Errorf("genesis: the records hold no validators of epoch %d", network.Epoch)
	}
	if !proto.Equal(s.Consensus(initialHeight), members) { // it was to change
		s.SetConsensus(initialHeight, members)
	}
	return validatorsFromPB(members), nil
}

// ExportGenesis gives the whole state as records that InitGenesis takes.
func (m *Machine) ExportGenesis(r Reader) (g types.Genesis, err error) {
	defer state.Catch(&err)
	state.NewView(r).All(func(key, value []byte) bool {
		g.Records = append(g.Records, types.Record{Key: bytes.Clone(key), Value: bytes.Clone(value)})
		return true
	})
	return g, nil
}

func paramsToPB(p types.Params) *pb.Params {
	return &pb.Params{
		MaxMarks: p.MaxMarks, MarkStride: p.MarkStride, HeadInterval: p.HeadInterval, MaxSigs: p.MaxSigs,
		MaxOpenBatches: p.MaxOpenBatches, KeepBlocks: p.KeepBlocks, PayloadBytes: p.PayloadBytes, VotingPeriod: p.VotingPeriod,
		LargeDelayBlocks: p.LargeDelayBlocks, LargeDelayMs: p.LargeDelayMS, MaxHeld: p.MaxHeld, MaxOpenSeals: p.MaxOpenSeals,
		MaxCommands: p.MaxCommands, RetireDelayBlocks: p.RetireDelayBlocks, RetireDelayMs: p.RetireDelayMS,
		EpochBlocks: p.EpochBlocks, MaxValidators: p.MaxValidators, MaxShare: p.MaxShare, MaxGain: p.MaxGain,
		MaxStrikes: p.MaxStrikes, StrikeWindow: p.StrikeWindow, DutyBlocks: p.DutyBlocks, LagBlocks: p.LagBlocks, SigGrace: p.SigGrace,
		MissWindow: p.MissWindow, MaxMisses: p.MaxMisses, JailBlocks: p.JailBlocks, JailMs: p.JailMS,
		UnbondingBlocks: p.UnbondingBlocks, UnbondingMs: p.UnbondingMS, SlashFraction: p.SlashFraction,
	}
}

func paramsFromPB(p *pb.Params) types.Params {
	return types.Params{
		MaxMarks: p.GetMaxMarks(), MarkStride: p.GetMarkStride(), HeadInterval: p.GetHeadInterval(), MaxSigs: p.GetMaxSigs(),
		MaxOpenBatches: p.GetMaxOpenBatches(), KeepBlocks: p.GetKeepBlocks(), PayloadBytes: p.GetPayloadBytes(), VotingPeriod: p.GetVotingPeriod(),
		LargeDelayBlocks: p.GetLargeDelayBlocks(), LargeDelayMS: p.GetLargeDelayMs(), MaxHeld: p.GetMaxHeld(), MaxOpenSeals: p.GetMaxOpenSeals(),
		MaxCommands: p.GetMaxCommands(), RetireDelayBlocks: p.GetRetireDelayBlocks(), RetireDelayMS: p.GetRetireDelayMs(),
		EpochBlocks: p.GetEpochBlocks(), MaxValidators: p.GetMaxValidators(), MaxShare: p.GetMaxShare(), MaxGain: p.GetMaxGain(),
		MaxStrikes: p.GetMaxStrikes(), StrikeWindow: p.GetStrikeWindow(), DutyBlocks: p.GetDutyBlocks(), LagBlocks: p.GetLagBlocks(), SigGrace: p.GetSigGrace(),
		MissWindow: p.GetMissWindow(), MaxMisses: p.GetMaxMisses(), JailBlocks: p.GetJailBlocks(), JailMS: p.GetJailMs(),
		UnbondingBlocks: p.GetUnbondingBlocks(), UnbondingMS: p.GetUnbondingMs(), SlashFraction: p.GetSlashFraction(),
	}
}

func membersToPB(validators []types.Validator) *pb.Validators {
	sorted := slices.Clone(validators)
	slices.SortFunc(sorted, func(a, b types.Validator) int { return a.Signer.Cmp(b.Signer) })
	members := &pb.Validators{}
	for _, v := range sorted {
		members.Members = append(members.Members, &pb.Validator{
			ConsensusKey: v.ConsensusKey, Signer: v.Signer[:], Operator: v.Operator[:], Power: v.Power, Moniker: v.Moniker,
		})
	}
	return members
}

func validatorsFromPB(members *pb.Validators) []types.Validator {
	var validators []types.Validator
	for _, v := range members.GetMembers() {
		validators = append(validators, types.Validator{
			ConsensusKey: v.ConsensusKey, Signer: types.Address(v.Signer), Operator: types.Address(v.Operator),
			Power: v.Power, Moniker: v.Moniker,
		})
	}
	return validators
}

func assetToPB(a types.Asset) *pb.Asset {
	tokens := slices.Clone(a.Tokens)
	slices.SortFunc(tokens, func(x, y types.Token) int { return cmp.Compare(x.Chain, y.Chain) })
	asset := &pb.Asset{Id: a.ID[:], Name: a.Name, Symbol: a.Symbol, Decimals: uint32(a.Decimals)}
	for _, t := range tokens {
		token := &pb.Token{
			Chain: uint64(t.Chain), Mode: uint32(t.Mode), Decimals: uint32(t.Decimals),
			ReleaseFee: t.ReleaseFee.Bytes(), RefundFee: t.RefundFee.Bytes(),
			Minimum: t.Limit.Minimum.Bytes(), Capacity: t.Limit.Capacity.Bytes(), Rate: t.Limit.Rate.Bytes(),
			FlowCapacity: t.Flow.Capacity.Bytes(), FlowRate: t.Flow.Rate.Bytes(), Large: t.Large.Bytes(),
		}
		if t.Mode == types.ModeLock {
			token.Token = t.Token[:]
		}
		asset.Tokens = append(asset.Tokens, token)
	}
	return asset
}

func assetFromPB(a *pb.Asset) types.Asset {
	asset := types.Asset{ID: types.AssetID(a.Id), Name: a.Name, Symbol: a.Symbol, Decimals: uint8(a.Decimals)} //nolint:gosec // written from a uint8
	for _, t := range a.Tokens {
		token := types.Token{
			Chain: types.ChainID(t.Chain), Mode: types.TokenMode(t.Mode), Decimals: uint8(t.Decimals), //nolint:gosec // written from uint8s
			ReleaseFee: amountOf(t.ReleaseFee), RefundFee: amountOf(t.RefundFee),
			Limit: types.TokenLimit{Minimum: amountOf(t.Minimum), Capacity: amountOf(t.Capacity), Rate: amountOf(t.Rate)},
			Flow:  types.FlowLimit{Capacity: amountOf(t.FlowCapacity), Rate: amountOf(t.FlowRate)}, Large: amountOf(t.Large),
		}
		if len(t.Token) > 0 {
			token.Token = types.Address(t.Token)
		}
		asset.Tokens = append(asset.Tokens, token)
	}
	return asset
}
