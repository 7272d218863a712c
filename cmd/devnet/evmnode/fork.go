package evmnode

import (
	"context"
	"errors"
	"fmt"
)

// Fork starts another chain, with this one's id, that has all of its blocks up to
// now, and goes its own way from here on: what somebody would serve who lies
// about what happens. It has ports of its own. The caller must Close it.
func (n *Node) Fork() (*Node, error) {
	cfg := n.cfg
	cfg.HTTPPort, cfg.WSPort, cfg.DataDir = 0, 0, ""
	cfg.born = n.eth.BlockChain().Genesis().Time()
	fork, err := New(cfg)
	if err != nil {
		return nil, err
	}
	if err := fork.follow(n); err != nil {
		return nil, errors.Join(fmt.Errorf("evmnode: fork: %w", err), fork.Close())
	}
	return fork, nil
}

// follow makes another node's chain its own.
func (n *Node) follow(other *Node) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	head := other.Head()
	for number := uint64(1); number <= head.Number.Uint64(); number++ {
		block := other.eth.BlockChain().GetBlockByNumber(number)
		if block == nil {
			return fmt.Errorf("no block %d", number)
		}
		if _, err := n.eth.BlockChain().InsertBlockWithoutSetHead(context.Background(), block, false); err != nil {
			return fmt.Errorf("block %d: %w", number, err)
		}
	}
	n.generation++ // blocks to come differ from the other's, even empty ones
	return n.adopt(n.eth.BlockChain().GetBlock(head.Hash(), head.Number.Uint64()))
}
