package relayer

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"go.uber.org/goleak"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction(evmnode.LingeringGoroutine),
		// go-ethereum's own, one set for the whole process, made by the first reorg.
		goleak.IgnoreTopFunction("github.com/ethereum/go-ethereum/core.(*txSenderCacher).cache"))
}

// simChain is a destination: a contract, one account, a pool and blocks, mined
// when the test says so.
type simChain struct {
	mu       sync.Mutex
	block    uint64
	contract place
	mined    uint64
	pool     map[uint64]chain.Tx // by account nonce
	receipts map[types.Hash]*chain.Receipt
	undo     []simBlock // of former blocks
	market   chain.Fees
	least    uint64 // cap below which nothing is mined
	slice    uint32 // items that one transaction pays; 0: all
	down     error  // of every call
	lose     bool   // Send takes a transaction, and its answer gets lost
	drop     bool   // Send says yes, and nothing happens
	wants    uint64 // gas that a simulation says is needed
	looks    int
	sends    int
	executed []uint64 // commands, in order
	wasted   int      // transactions that reverted
}

type place struct {
	nonce uint64
	item  uint32
}

type simBlock struct {
	contract place
	mined    uint64
	executed int
	txs      []chain.Tx
}

func newSimChain() *simChain {
	return &simChain{
		block: 100, pool: map[uint64]chain.Tx{}, receipts: map[types.Hash]*chain.Receipt{},
		market: chain.Fees{Tip: 2, Cap: 202},
	}
}

func (c *simChain) Position(context.Context) (chain.OutboxPosition, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looks++
	pending := c.mined
	for {
		if _, ok := c.pool[pending]; !ok {
			break
		}
		pending++
	}
	return chain.OutboxPosition{
		Block: c.block, Nonce: c.contract.nonce, NextItem: c.contract.item, Market: c.market,
		Account: chain.Account{Mined: c.mined, Pending: pending, Balance: types.NewAmount(1e18)},
	}, c.down
}

// Make puts what the contract has to know into Data.
func (c *simChain) Make(e chain.Execution, _ chain.OutboxPosition, nonce uint64, f chain.Fees) (chain.Tx, error) {
	data := binary.BigEndian.AppendUint64(nil, e.Nonce)
	data = binary.BigEndian.AppendUint32(data, e.From)
	data = binary.BigEndian.AppendUint32(data, e.Items)
	raw := fmt.Appendf(nil, "%x %d %+v", data, nonce, f)
	tx := chain.Tx{
		Hash: crypto.Keccak256Hash(raw), Raw: raw, Nonce: nonce, Data: data, Fees: f, Gas: max(simGas, e.Least),
		Whole: c.slice == 0 || e.Items-e.From <= c.slice,
	}
	if !e.Spend.IsZero() && e.Spend.Cmp(tx.Most()) < 0 {
		return chain.Tx{}, chain.ErrTooExpensive
	}
	return tx, nil
}

// simGas is the limit of each transaction; a tenth of it is used, at the whole
// of what was offered.
const simGas = 1000

func (c *simChain) Simulate(_ context.Context, tx chain.Tx) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.run(tx); !ok {
		return 0, fmt.Errorf("simulate: %w: BadProof", chain.ErrReverted)
	}
	return c.wants, c.down
}

func (c *simChain) Send(_ context.Context, tx chain.Tx) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sends++
	old, waits := c.pool[tx.Nonce]
	switch {
	case c.down != nil:
		return c.down
	case c.drop:
		return nil
	case tx.Nonce < c.mined:
		return chain.ErrNonceUsed
	case waits && old.Hash == tx.Hash:
		return nil
	case waits && (tx.Fees.Cap*10 < old.Fees.Cap*11 || tx.Fees.Tip*10 < old.Fees.Tip*11):
		return chain.ErrUnderpriced
	}
	c.pool[tx.Nonce] = tx
	if c.lose {
		return fmt.Errorf("connection reset")
	}
	return nil
}

func (c *simChain) Receipt(_ context.Context, hash types.Hash) (*chain.Receipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.receipts[hash], c.down
}

// run is where the contract stands after tx, and false if it reverts.
func (c *simChain) run(tx chain.Tx) (place, bool) {
	nonce := binary.BigEndian.Uint64(tx.Data)
	from, items := binary.BigEndian.Uint32(tx.Data[8:]), binary.BigEndian.Uint32(tx.Data[12:])
	if nonce != c.contract.nonce+1 || from != c.contract.item {
		return c.contract, false
	}
	if c.slice != 0 && items-from > c.slice {
		return place{c.contract.nonce, from + c.slice}, true
	}
	return place{nonce, 0}, true
}

// mine makes a block of all that can be mined.
func (c *simChain) mine() {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := simBlock{contract: c.contract, mined: c.mined, executed: len(c.executed)}
	c.block++
	for {
		tx, ok := c.pool[c.mined]
		if !ok || tx.Fees.Cap < c.least {
			break
		}
		delete(c.pool, c.mined)
		c.mined++
		next, good := c.run(tx)
		if good && next.nonce != c.contract.nonce {
			c.executed = append(c.executed, next.nonce)
		}
		if !good {
			c.wasted++
		}
		c.contract = next
		c.receipts[tx.Hash] = &chain.Receipt{
			Succeeded: good, Block: c.block, GasUsed: simGas / 10, Cost: chain.GasCost(simGas/10, tx.Fees.Cap),
		}
		b.txs = append(b.txs, tx)
	}
	c.undo = append(c.undo, b)
}

// reorg takes blocks back, and its transactions into the pool unless lost.
func (c *simChain) reorg(blocks int, lost bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range blocks {
		b := c.undo[len(c.undo)-1]
		c.undo = c.undo[:len(c.undo)-1]
		c.contract, c.mined, c.executed = b.contract, b.mined, c.executed[:b.executed]
		for _, tx := range b.txs {
			delete(c.receipts, tx.Hash)
			if !lost {
				c.pool[tx.Nonce] = tx
			}
		}
	}
	c.block++ // the new branch is longer
	for range blocks {
		c.undo = append(c.undo, simBlock{contract: c.contract, mined: c.mined, executed: len(c.executed)})
	}
}

// simView is what a test may see of the chain.
type simView struct {
	contract             place
	looks, sends, wasted int
	pool                 []chain.Tx
}

func (c *simChain) view() simView {
	c.mu.Lock()
	defer c.mu.Unlock()
	return simView{c.contract, c.looks, c.sends, c.wasted, slices.Collect(maps.Values(c.pool))}
}

// with changes the chain.
func (c *simChain) with(change func(*simChain)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c)
}

// simNode is a validator's committed state and mailbox.
type simNode struct {
	mu         sync.Mutex
	keys       []testKey // in the order of set
	set        types.ValidatorSet
	outbox     Outbox
	signatures map[uint64][][types.SignatureBytes]byte
}

type testKey struct {
	address types.Address
	sign    func(types.Hash) [types.SignatureBytes]byte
}

func (n *simNode) Height() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.outbox.Height
}

func (n *simNode) Outbox(_ types.ChainID, most int) (Outbox, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	o := n.outbox
	o.Commands = slices.Clone(o.Commands[:min(len(o.Commands), most)])
	return o, nil
}

func (n *simNode) Signatures(height uint64) [][types.SignatureBytes]byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.signatures[height])
}

// commit makes a block with so many new commands, each of so many items.
func (n *simNode) commit(commands int, items uint32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.outbox.Height++
	height := n.outbox.Height
	last := n.outbox.Executed
	if open := len(n.outbox.Commands); open > 0 {
		last = n.outbox.Commands[open-1].Nonce
	}
	digest := crypto.Keccak256Hash(binary.BigEndian.AppendUint64(nil, height))
	for i := range uint64(commands) {
		n.outbox.Commands = append(n.outbox.Commands, bridge.OutboxCommand{
			Nonce: last + 1 + i, Kind: types.CommandBatch, Bytes: []byte{3}, Items: items, Set: n.set,
			Seal: bridge.SealState{Epoch: 1, Height: height, Root: types.Hash{1}, Digest: digest},
		})
	}
}

// agree takes the executions up to a command into the state.
func (n *simNode) agree(nonce uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.outbox.Executed = nonce
	n.outbox.Commands = slices.DeleteFunc(n.outbox.Commands, func(c bridge.OutboxCommand) bool { return c.Nonce <= nonce })
}

// precommit brings the signatures of some validators over all open seals.
func (n *simNode) precommit(validators ...int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	done := map[uint64]bool{}
	for _, c := range n.outbox.Commands {
		for _, v := range validators {
			if !done[c.Seal.Height] {
				n.signatures[c.Seal.Height] = append(n.signatures[c.Seal.Height], n.keys[v].sign(c.Seal.Digest))
			}
		}
		done[c.Seal.Height] = true
	}
}

// world is a chain, a state and the relayers of some validators.
type world struct {
	t     *testing.T
	chain *simChain
	node  *simNode
	log   *logBuffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	n := &simNode{signatures: map[uint64][][types.SignatureBytes]byte{}}
	n.outbox.Height = 10
	for i := range 4 {
		key, err := crypto.ToECDSA(crypto.Keccak256([]byte{byte(i)}))
		if err != nil {
			t.Fatal(err)
		}
		n.keys = append(n.keys, testKey{crypto.PubkeyToAddress(key.PublicKey), func(digest types.Hash) (s [types.SignatureBytes]byte) {
			full, err := crypto.Sign(digest[:], key)
			if err != nil {
				panic(err)
			}
			copy(s[:], full)
			s[32] |= full[64] << 7
			return s
		}})
		n.set = append(n.set, types.Member{Signer: n.keys[i].address, Power: 10})
	}
	set, err := types.NewValidatorSet(n.set)
	if err != nil {
		t.Fatal(err)
	}
	n.set = set
	return &world{t: t, chain: newSimChain(), node: n, log: &logBuffer{}}
}

// worker makes the relayer of the validator with a rank for the oldest command.
func (w *world) worker(r uint64) *Worker {
	return w.workerOf(Config{Self: []types.Address{withRank(w.node.set, 1, w.node.outbox.Executed+1, r)}})
}

func (w *world) workerOf(cfg Config) *Worker {
	w.t.Helper()
	return w.workerWith(cfg, nil)
}

func (w *world) workerWith(cfg Config, spending *Spending) *Worker {
	w.t.Helper()
	cfg.Chain, cfg.Label = 1, "beta"
	worker, err := New(cfg,
		Deps{State: w.node, Signatures: w.node, Sink: w.chain, Spending: spending, Logger: slog.New(slog.NewTextHandler(w.log, nil))},
	)
	if err != nil {
		w.t.Fatal(err)
	}
	return worker
}

// start runs the worker until the test, or stop, ends it.
func (w *world) start(worker *Worker) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- worker.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("Run: %v", err)
		}
	}
	w.t.Cleanup(stop)
	return stop
}

// run lets time pass, with a block of the destination every ten seconds and a
// height every second.
func (w *world) run(workers []*Worker, seconds int) {
	for i := range seconds {
		time.Sleep(time.Second)
		w.node.commit(0, 0)
		for _, worker := range workers {
			worker.Committed()
		}
		if i%10 == 9 {
			w.chain.mine()
		}
	}
	synctest.Wait() // so that the test may look at everything
}

type logBuffer struct {
	mu   sync.Mutex
	text []byte
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	return len(p), nil
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}

var _ io.Writer = (*logBuffer)(nil)
