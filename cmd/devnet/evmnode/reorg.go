package evmnode

import (
	"fmt"

	"github.com/ethereum/go-ethereum/core/types"
)

// Reorg replaces the newest depth blocks by as many other ones, and switches to
// them in one step: the head keeps its number and changes its hash. Readers see
// the old chain or the new one; log subscriptions get the old logs again, marked
// as removed.
//
// The new blocks hold the transactions of those they replace or, with dropTxs,
// none, and then the pool forgets all its transactions as well: whoever wants
// them on chain has to send them again. The depth may go beyond `finalized`,
// which no honest chain would do; the limit is the genesis block, or about 127
// blocks, beyond which the state is gone.
func (n *Node) Reorg(depth int, dropTxs bool) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return ErrClosed
	}
	if head := n.Head().Number.Uint64(); depth < 1 || uint64(depth) > head {
		return fmt.Errorf("evmnode: reorg of %d blocks at height %d", depth, head)
	}
	tip, err := n.buildBranch(uint64(depth), dropTxs)
	if err == nil {
		err = n.adopt(tip)
	}
	if err != nil {
		return fmt.Errorf("evmnode: reorg: %w", err)
	}
	if dropTxs {
		// The pool takes back what a reorganisation threw out; Clear waits for
		// that before it empties the pool.
		n.eth.TxPool().Clear()
	}
	return nil
}

// buildBranch builds, hidden from readers, the blocks that are to replace the
// newest depth ones, and returns the last of them.
func (n *Node) buildBranch(depth uint64, dropTxs bool) (*types.Block, error) {
	n.generation++
	chain := n.eth.BlockChain()
	head := n.Head().Number.Uint64()
	parent := chain.GetHeaderByNumber(head - depth)
	var tip *types.Block
	for number := head - depth + 1; number <= head; number++ {
		old := chain.GetBlockByNumber(number)
		if old == nil {
			return nil, fmt.Errorf("block %d is missing", number)
		}
		txs := types.Transactions{}
		if !dropTxs {
			txs = append(txs, old.Transactions()...)
		}
		block, err := n.build(parent, old.Time(), txs)
		if err != nil {
			return nil, fmt.Errorf("block %d: %w", number, err)
		}
		parent, tip = block.Header(), block
	}
	return tip, nil
}
