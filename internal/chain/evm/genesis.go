package evm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/ethereum/go-ethereum/rpc"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// genesis tells endpoints of the right chain from those of another one with the
// same chain id: a fork, a test network of the same number. A configured hash
// decides; without one the word of min_agree groups does, once there is one.
type genesis struct {
	want     types.Hash // zero: none is configured
	minAgree int

	mu   sync.Mutex
	said map[*endpoint]types.Hash
}

// fetchGenesis is the hash of block 0; the zero hash where the server does not
// serve it, as some that keep no history.
func fetchGenesis(ctx context.Context, caller *Caller) (types.Hash, error) {
	var raw json.RawMessage
	err := caller.CallContext(ctx, &raw, "eth_getBlockByNumber", "0x0", false)
	if _, answered := errors.AsType[rpc.Error](err); answered && !isRateLimited(err) {
		return types.Hash{}, nil
	}
	if err != nil {
		return types.Hash{}, fmt.Errorf("ask for block 0: %w", err)
	}
	var block struct {
		Number string     `json:"number"`
		Hash   types.Hash `json:"hash"`
	}
	if json.Unmarshal(raw, &block) != nil || block.Number != "0x0" {
		return types.Hash{}, nil // null, or some other block
	}
	return block.Hash, nil
}

// hear notes what an endpoint says.
func (g *genesis) hear(e *endpoint, hash types.Hash) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.said[e] = hash
}

// check refuses an endpoint of another chain. One that does not serve block 0 is
// as good as the headers that it names.
func (g *genesis) check(e *endpoint) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	own := g.said[e]
	switch {
	case own == types.Hash{} || own == g.want:
		return nil
	case g.want != types.Hash{}:
		return chain.Failed(chain.CheckGenesis, "its block 0 is %s, and genesis_hash is %s", own, g.want)
	}
	agreed := g.agreed()
	switch {
	case len(agreed) == 0 || len(agreed) == 1 && agreed[0] == own:
		return nil
	case len(agreed) == 1:
		return chain.Failed(chain.CheckGenesis, "its block 0 is %s, that of min_agree groups is %s: it is on another chain with the same id", own, agreed[0])
	}
	return chain.Failed(chain.CheckGenesis, "its block 0 is %s, and others name another one: set genesis_hash to the right one", own)
}

// agreed are the hashes that min_agree groups name.
func (g *genesis) agreed() (agreed []types.Hash) {
	groups := map[types.Hash]map[string]bool{}
	for e, hash := range g.said {
		if groups[hash] == nil {
			groups[hash] = map[string]bool{}
		}
		groups[hash][e.group] = true
	}
	for hash, names := range groups {
		if hash != (types.Hash{}) && len(names) >= g.minAgree {
			agreed = append(agreed, hash)
		}
	}
	return agreed
}
