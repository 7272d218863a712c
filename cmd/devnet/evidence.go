package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/x/bridge"
)

// evidence is what a demo's verdict rests on, by chain id: blocks of consensus,
// logs of validators, and logs of contracts.
type evidence struct {
	marks    map[uint64][]sighting
	sent     map[uint64][]sending
	executed map[uint64][]execution
	deposits map[uint64]map[uint64]int // inbox nonce → how many Deposited events
}

// sighting says that votes of a height were the first to reach an inbox nonce.
type sighting struct {
	height int64
	nonce  uint64
}

// sending is a transaction that a relayer says it has sent.
type sending struct {
	nonce        uint64 // of the outbox
	first, count uint32
	height       int64
}

// execution is a slice that the contract says it has executed.
type execution struct {
	nonce        uint64 // of the outbox
	first, count uint32
	failures     []byte
	block        uint64
}

func (s sending) covers(nonce uint64, index uint32) bool {
	return s.nonce == nonce && index >= s.first && index-s.first < s.count
}

func (e execution) covers(nonce uint64, index uint32) bool {
	return e.nonce == nonce && index >= e.first && index-e.first < e.count
}

// failed says whether the execution reports that an item could not be paid.
func (e execution) failed(index uint32) bool {
	i := index - e.first
	return int(i/8) < len(e.failures) && e.failures[i/8]&(1<<(i%8)) != 0
}

// gather collects the evidence up to a height.
func (n *network) gather(ctx context.Context, top int64) (*evidence, error) {
	e := &evidence{
		marks: map[uint64][]sighting{}, sent: map[uint64][]sending{},
		executed: map[uint64][]execution{}, deposits: map[uint64]map[uint64]int{},
	}
	if err := n.scanBlocks(ctx, top, e); err != nil {
		return nil, err
	}
	ids := map[string]uint64{}
	for _, c := range n.chains.living() {
		ids[c.name] = c.node.ChainID()
		if err := c.scanLogs(ctx, e); err != nil {
			return nil, err
		}
	}
	for _, h := range n.homes {
		if err := readSendings(logPath(h.Home), ids, e.sent); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// scanBlocks reads the votes out of all blocks: the first transaction of block
// h holds what the precommits of h-1 carried.
func (n *network) scanBlocks(ctx context.Context, top int64, e *evidence) error {
	client, err := n.node(0)
	if err != nil {
		return err
	}
	for h := int64(2); h <= top; h++ {
		block, err := client.Block(ctx, &h)
		if err != nil {
			return fmt.Errorf("read block %d: %w", h, err)
		}
		if len(block.Block.Txs) == 0 {
			return fmt.Errorf("block %d has no transaction of votes", h)
		}
		votes, err := bridge.ProposalVotes(block.Block.Txs[0])
		if err != nil {
			return fmt.Errorf("votes in block %d: %w", h, err)
		}
		e.sight(h-1, votes)
	}
	return nil
}

// sight notes which inbox nonces the votes of a height are the first to reach.
func (e *evidence) sight(height int64, votes []bridge.Vote) {
	for _, vote := range votes {
		for _, c := range vote.Chains {
			for _, mark := range c.Marks {
				seen := e.marks[uint64(c.Chain)]
				if len(seen) == 0 || mark.Nonce > seen[len(seen)-1].nonce {
					e.marks[uint64(c.Chain)] = append(seen, sighting{height, mark.Nonce})
				}
			}
		}
	}
}

// scanLogs reads the events of a chain's bridge contract.
func (c *chain) scanLogs(ctx context.Context, e *evidence) error {
	logs, err := c.client.FilterLogs(ctx, ethereum.FilterQuery{FromBlock: new(big.Int), Addresses: []common.Address{c.bridge}})
	if err != nil {
		return fmt.Errorf("logs of %s: %w", c.name, err)
	}
	id, contract := c.node.ChainID(), bindings.NewBridge()
	e.deposits[id] = map[uint64]int{}
	for i := range logs {
		if d, err := contract.UnpackDepositedEvent(&logs[i]); err == nil {
			e.deposits[id][d.Nonce]++
		}
		if x, err := contract.UnpackExecutedEvent(&logs[i]); err == nil {
			e.executed[id] = append(e.executed[id], executionOf(x, &logs[i]))
		}
	}
	return nil
}

func executionOf(x *bindings.BridgeExecuted, log *types.Log) execution {
	return execution{nonce: x.OutboxNonce, first: x.First, count: x.Count, failures: x.Failures, block: log.BlockNumber}
}

// readSendings finds in a validator's log what its relayers have sent. A line
// that is no JSON, as the last one of a killed process may be, says nothing.
func readSendings(path string, ids map[string]uint64, sent map[uint64][]sending) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewReader(file); ; {
		raw, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		var line struct {
			Msg       string `json:"msg"`
			Component string `json:"component"`
			Chain     string `json:"chain"`
			Nonce     uint64 `json:"nonce"`
			First     uint32 `json:"first"`
			Count     uint32 `json:"count"`
			Height    int64  `json:"height"`
		}
		if json.Unmarshal(raw, &line) != nil || line.Msg != "sent" || line.Component != "relayer" {
			continue
		}
		if id, ok := ids[line.Chain]; ok {
			sent[id] = append(sent[id], sending{line.Nonce, line.First, line.Count, line.Height})
		}
	}
}

// marked is the height whose vote extensions first carry a mark of the source
// chain at or above a deposit.
func (e *evidence) marked(t *transfer) (int64, error) {
	for _, s := range e.marks[t.from.node.ChainID()] {
		if s.nonce >= t.nonce {
			return s.height, nil
		}
	}
	return 0, errors.New("no vote in any block covers the deposit")
}

// sentAt is the height that was under way when a relayer first sent a transfer's
// release.
func (e *evidence) sentAt(t *transfer) (int64, error) {
	first := int64(-1)
	for _, s := range e.sent[t.state.OutboxChain] {
		if s.covers(t.state.OutboxNonce, t.state.OutboxIndex) && (first < 0 || s.height < first) {
			first = s.height
		}
	}
	if first < 0 {
		return 0, errors.New("no relayer says that it has sent the release")
	}
	return first, nil
}

// payment is the one execution that paid a transfer: on the destination chain its
// release, on the source chain its refund.
func (e *evidence) payment(t *transfer) (execution, error) {
	var found []execution
	for _, x := range e.executed[t.payer().node.ChainID()] {
		if x.covers(t.state.OutboxNonce, t.state.OutboxIndex) && !x.failed(t.state.OutboxIndex) {
			found = append(found, x)
		}
	}
	if len(found) != 1 {
		return execution{}, fmt.Errorf("%s paid it %d times", t.payer().name, len(found))
	}
	return found[0], nil
}
