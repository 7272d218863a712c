package modelchain

import (
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"slices"

	"github.com/ethereum/go-ethereum/common/hexutil"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/eth/filters"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// api is the eth_ methods of one endpoint. Their forms are those of Ethereum's
// JSON-RPC; go-ethereum's rpc package finds them by reflection.
type api struct {
	chain    *Chain
	endpoint *Endpoint
}

var errHeaderNotFound = errors.New("header not found")

// ChainId is eth_chainId.
func (a *api) ChainId(ctx context.Context) (hexutil.Uint64, error) { //nolint:revive,staticcheck // the wire's name
	return hexutil.Uint64(a.chain.cfg.ID), a.endpoint.asked(ctx, "eth_chainId")
}

// BlockNumber is eth_blockNumber.
func (a *api) BlockNumber(ctx context.Context) (hexutil.Uint64, error) {
	if err := a.endpoint.asked(ctx, "eth_blockNumber"); err != nil {
		return 0, err
	}
	a.chain.mu.Lock()
	defer a.chain.mu.Unlock()
	return hexutil.Uint64(a.chain.head()), nil
}

// at finds a block by number or tag. The caller holds the chain's mutex.
func (a *api) at(number rpc.BlockNumber) *block {
	c := a.chain
	switch number {
	case rpc.LatestBlockNumber, rpc.PendingBlockNumber:
		return c.blocks[c.head()]
	case rpc.FinalizedBlockNumber:
		return c.blocks[c.final()]
	case rpc.SafeBlockNumber:
		return c.blocks[c.safe()]
	case rpc.EarliestBlockNumber:
		return c.blocks[0]
	}
	if number < 0 || uint64(number) > c.head() {
		return nil
	}
	return c.blocks[number]
}

// find is at, for methods that take hashes as well.
func (a *api) find(which rpc.BlockNumberOrHash) *block {
	if hash, ok := which.Hash(); ok {
		for _, b := range slices.Backward(a.chain.blocks) {
			if b.header.Hash() == hash {
				return b
			}
		}
		return nil
	}
	number, _ := which.Number()
	return a.at(number)
}

// GetBlockByNumber is eth_getBlockByNumber; full has no effect.
func (a *api) GetBlockByNumber(ctx context.Context, number rpc.BlockNumber, _ bool) (json.RawMessage, error) {
	if err := a.endpoint.asked(ctx, "eth_getBlockByNumber"); err != nil {
		return nil, err
	}
	a.chain.mu.Lock()
	defer a.chain.mu.Unlock()
	return a.told(a.at(number))
}

// GetBlockByHash is eth_getBlockByHash; full has no effect.
func (a *api) GetBlockByHash(ctx context.Context, hash types.Hash, _ bool) (json.RawMessage, error) {
	if err := a.endpoint.asked(ctx, "eth_getBlockByHash"); err != nil {
		return nil, err
	}
	a.chain.mu.Lock()
	defer a.chain.mu.Unlock()
	return a.told(a.find(rpc.BlockNumberOrHash{BlockHash: &hash}))
}

// told is a block as this endpoint tells it, if there is one.
func (a *api) told(b *block) (json.RawMessage, error) {
	switch {
	case b == nil:
		return nil, nil
	case a.endpoint.lies(ForgesHeaders):
		forged := gethtypes.CopyHeader(b.header)
		forged.Extra = []byte("forged at " + a.endpoint.address)
		return rawBlock(forged, nil)
	}
	return b.raw, nil
}

// GetProof is eth_getProof.
func (a *api) GetProof(ctx context.Context, of types.Address, keys []types.Hash, which rpc.BlockNumberOrHash) (*accountProof, error) {
	if err := a.endpoint.asked(ctx, "eth_getProof"); err != nil {
		return nil, err
	}
	a.chain.mu.Lock()
	b := a.find(which)
	if b != nil && a.endpoint.lies(BadProofs) {
		b = a.chain.blocks[0]
	}
	a.chain.mu.Unlock()
	if b == nil {
		return nil, errHeaderNotFound
	}
	proof, err := a.chain.proofOf(b, of, keys)
	return &proof, err
}

// GetLogs is eth_getLogs.
func (a *api) GetLogs(ctx context.Context, q filters.FilterCriteria) ([]*gethtypes.Log, error) {
	if err := a.endpoint.asked(ctx, "eth_getLogs"); err != nil {
		return nil, err
	}
	a.chain.mu.Lock()
	found, err := a.logs(q)
	a.chain.mu.Unlock()
	switch {
	case err != nil || len(found) == 0:
		return found, err
	case a.endpoint.lies(HidesLogs):
		return found[:len(found)-1], nil
	case a.endpoint.lies(AltersLogs):
		for i, l := range found {
			altered := *l
			altered.Data = slices.Clone(l.Data)
			altered.Data[2*32-1] ^= 1 // in the first field
			found[i] = &altered
		}
	}
	return found, nil
}

// logs finds those that match. The caller holds the chain's mutex.
func (a *api) logs(q filters.FilterCriteria) ([]*gethtypes.Log, error) {
	first, last := a.number(q.FromBlock), a.number(q.ToBlock)
	if q.BlockHash != nil {
		b := a.find(rpc.BlockNumberOrHash{BlockHash: q.BlockHash})
		if b == nil {
			return nil, errors.New("unknown block")
		}
		first, last = b.number(), b.number()
	}
	if first > last || last > a.chain.head() {
		return nil, errors.New("invalid block range params")
	}
	found := []*gethtypes.Log{}
	from, _ := slices.BinarySearch(a.chain.logged, first)
	for _, number := range a.chain.logged[from:] {
		if number > last {
			break
		}
		for _, r := range a.chain.blocks[number].receipts {
			for _, l := range r.Logs {
				if matches(l, q) {
					found = append(found, l)
				}
			}
		}
	}
	return found, nil
}

// number is that of a filter's bound, where none is the newest block.
func (a *api) number(bound *big.Int) uint64 {
	if bound == nil {
		return a.chain.head()
	}
	if b := a.at(rpc.BlockNumber(bound.Int64())); b != nil {
		return b.number()
	}
	return bound.Uint64()
}

func matches(l *gethtypes.Log, q filters.FilterCriteria) bool {
	if len(q.Addresses) > 0 && !slices.Contains(q.Addresses, l.Address) || len(q.Topics) > len(l.Topics) {
		return false
	}
	for i, wanted := range q.Topics {
		if len(wanted) > 0 && !slices.Contains(wanted, l.Topics[i]) {
			return false
		}
	}
	return true
}

// GetBlockReceipts is eth_getBlockReceipts.
func (a *api) GetBlockReceipts(ctx context.Context, which rpc.BlockNumberOrHash) ([]*gethtypes.Receipt, error) {
	if err := a.endpoint.asked(ctx, "eth_getBlockReceipts"); err != nil {
		return nil, err
	}
	a.chain.mu.Lock()
	defer a.chain.mu.Unlock()
	b := a.find(which)
	if b == nil {
		return nil, nil
	}
	return append([]*gethtypes.Receipt{}, b.receipts...), nil
}
