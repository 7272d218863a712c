package evmnode

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/miner"
)

// feeRecipient gets the tips; nobody has its key.
var feeRecipient = common.HexToAddress("0xfee0000000000000000000000000000000000fee")

// tick makes a block each interval until ctx ends. A slow block delays the next
// one instead of piling ticks up, which is time.Ticker's own behaviour.
func (n *Node) tick(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := n.Mine(ctx, 1); err != nil && ctx.Err() == nil {
			n.log.Error("no block made (will retry)", "err", err)
		}
	}
}

// Mine makes count blocks at once out of the transactions that wait in the pool,
// besides those of the ticker. When it returns, `latest` is the last of them.
func (n *Node) Mine(ctx context.Context, count int) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for range count {
		if err := ctx.Err(); err != nil {
			return err
		}
		if n.closed {
			return ErrClosed
		}
		if err := n.mineOne(); err != nil {
			return fmt.Errorf("evmnode: block %d: %w", n.Head().Number.Uint64()+1, err)
		}
	}
	return nil
}

func (n *Node) mineOne() error {
	n.awaitPool()
	parent := n.Head()
	timestamp := max(parent.Time+1, uint64(time.Now().Unix()))
	block, err := n.build(parent, timestamp, fromPool)
	if err != nil {
		return err
	}
	if err := n.adopt(block); err != nil {
		return err
	}
	// The pool follows the head in the background. It has to be done with that
	// before it is given more transactions: of those that come at the same time
	// some would wait for the account's next one, or for the next block.
	if err := n.eth.TxPool().Sync(); err != nil {
		return fmt.Errorf("sync pool: %w", err)
	}
	return nil
}

// poolPatience is how long a block waits for the pool; transactions with a gap
// before them wait for more than that.
const poolPatience = 100 * time.Millisecond

// awaitPool waits until the pool has looked at every transaction that it has
// taken: it does so in the background, and one that it has just taken might miss
// the block.
func (n *Node) awaitPool() {
	for deadline := time.Now().Add(poolPatience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, queued := n.eth.TxPool().Stats(); queued == 0 {
			return
		}
	}
}

// fromPool is the content of a block that takes what waits in the pool.
var fromPool types.Transactions

// build makes a block on parent, which need not be the head, and stores it
// without making it canonical. Transactions other than fromPool are put in
// exactly as given.
func (n *Node) build(parent *types.Header, timestamp uint64, txs types.Transactions) (*types.Block, error) {
	number := parent.Number.Uint64() + 1
	args := &miner.BuildPayloadArgs{
		Parent:       parent.Hash(),
		Timestamp:    timestamp,
		FeeRecipient: feeRecipient,
		Random:       n.randomness(parent.Hash()),
		BeaconRoot:   new(common.Hash),
		Withdrawals:  types.Withdrawals{},
	}
	if chain := n.eth.BlockChain(); chain.Config().IsAmsterdam(new(big.Int).SetUint64(number), timestamp) {
		args.SlotNum = &number
	}
	extra := fmt.Appendf(nil, "bridged devnet %d", n.generation)
	empty := txs != nil && len(txs) == 0
	block, _, err := n.eth.Miner().BuildTestingPayload(args, txs, empty, extra)
	if err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	if _, err := n.eth.BlockChain().InsertBlockWithoutSetHead(context.Background(), block, false); err != nil {
		return nil, fmt.Errorf("insert: %w", err)
	}
	return block, nil
}

// randomness stands in for the beacon chain's: reproducible, and another one
// after each reorganisation.
func (n *Node) randomness(parent common.Hash) common.Hash {
	return crypto.Keccak256Hash(parent[:], binary.BigEndian.AppendUint64(nil, n.generation))
}

// adopt makes a stored block the head, with all its ancestors, in one step.
func (n *Node) adopt(block *types.Block) error {
	if _, err := n.eth.BlockChain().SetCanonical(block); err != nil {
		return fmt.Errorf("set head: %w", err)
	}
	n.moveTags()
	return nil
}

// moveTags sets `safe` and `finalized` to where the head puts them. They never
// fall behind where they were, and always name canonical blocks: after a reorg
// below them, the new block of the same number.
func (n *Node) moveTags() {
	chain := n.eth.BlockChain()
	head := n.Head().Number.Uint64()
	target := func(current *types.Header, lag uint64) *types.Header {
		var number uint64
		if current != nil {
			number = current.Number.Uint64()
		}
		if !n.frozen && head > lag {
			number = max(number, head-lag)
		}
		return chain.GetHeaderByNumber(number)
	}
	// In this order nobody sees `finalized` above `safe`.
	chain.SetSafe(target(n.Safe(), n.cfg.SafeLag))
	chain.SetFinalized(target(n.Finalized(), n.cfg.FinalityLag))
}

// FreezeFinality holds `safe` and `finalized` where they are, as when a chain
// goes on without finality, or lets them catch up again.
func (n *Node) FreezeFinality(frozen bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.frozen = frozen
	if !n.closed {
		n.moveTags()
	}
}
