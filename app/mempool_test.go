package app

import (
	"sync"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// operatorTx is a transaction of a node's operator: a question, or the answer to
// the first one.
func (n *network) operatorTx(of int, sequence uint64, tx types.Tx) []byte {
	n.t.Helper()
	tx.ChainID, tx.Operator, tx.Sequence = testChainID, n.nodes[of].Operator, sequence
	if tx.Expiry == 0 {
		tx.Expiry = uint64(n.height) + 1000
	}
	digest, err := bridge.TxDigest(tx)
	if err != nil {
		n.t.Fatal(err)
	}
	signature, err := evmsig.Sign(n.nodes[of].operator, digest)
	if err != nil {
		n.t.Fatal(err)
	}
	b, err := bridge.EncodeTx(tx, signature)
	if err != nil {
		n.t.Fatal(err)
	}
	return b
}

func question(title string) types.Tx {
	return types.Tx{Propose: &types.GovPropose{Content: types.Content{Text: &types.Text{Title: title}}}}
}

func answer(yes bool) types.Tx { return types.Tx{Vote: &types.GovVote{Proposal: 1, Yes: yes}} }

func (a *node) check(t testing.TB, tx []byte, kind abci.CheckTxType) uint32 {
	t.Helper()
	resp, err := a.CheckTx(ctx, &abci.RequestCheckTx{Tx: tx, Type: kind})
	if err != nil || resp.Code == CodeInternal {
		t.Fatal(resp, err)
	}
	return resp.Code
}

func TestMempoolKeepsOneTransactionForEachSequence(t *testing.T) {
	n := newNetwork(t, 4)
	n.block()
	node := n.nodes[0]
	first, other := n.operatorTx(1, 1, question("first")), n.operatorTx(1, 1, question("other"))
	second := n.operatorTx(1, 2, question("second"))
	for _, c := range []struct {
		name string
		tx   []byte
		want uint32
	}{
		{"first", first, 0},
		{"the same again", first, 0},
		{"another with its sequence", other, bridge.ErrPending.Code},
		{"another operator's", n.operatorTx(2, 1, question("other")), 0},
		{"the next", second, 0},
		{"too far ahead", n.operatorTx(1, 17, question("far")), bridge.ErrSequence.Code},
	} {
		if got := node.check(t, c.tx, abci.CheckTxType_New); got != c.want {
			t.Errorf("%s: code %d, want %d", c.name, got, c.want)
		}
	}
	n.block(first)
	// CometBFT asks again for what it still holds.
	if got := node.check(t, first, abci.CheckTxType_Recheck); got != bridge.ErrSequence.Code {
		t.Errorf("what is in a block already: code %d", got)
	}
	if got := node.check(t, second, abci.CheckTxType_Recheck); got != 0 {
		t.Errorf("what waits still: code %d", got)
	}
	if got := node.check(t, n.operatorTx(1, 2, question("third")), abci.CheckTxType_New); got != bridge.ErrPending.Code {
		t.Errorf("another in its place: code %d", got)
	}
	// What it has lost, it does not ask for; its place is free after a block.
	n.block()
	if got := node.check(t, n.operatorTx(1, 2, question("third")), abci.CheckTxType_New); got != 0 {
		t.Errorf("in the place of a lost one: code %d", got)
	}
}

// Many clients send at once, beside consensus, to one mempool: each place is
// given once, and no operator has more than its share.
func TestMempoolBesideConsensus(t *testing.T) {
	n := newNetwork(t, 2)
	n.block()
	var txs [][]byte
	for sequence := uint64(1); sequence <= 40; sequence++ {
		txs = append(txs, n.operatorTx(0, sequence, question("a")), n.operatorTx(0, sequence, question("b")))
	}
	var senders sync.WaitGroup
	accepted := make([]int, 4)
	for i := range accepted {
		senders.Go(func() {
			for j := range txs {
				if i < 2 { // from the end
					j = len(txs) - 1 - j
				}
				resp, err := n.nodes[0].CheckTx(ctx, &abci.RequestCheckTx{Tx: txs[j]})
				if err == nil && resp.Code == 0 && n.nodes[0].check(t, txs[j], abci.CheckTxType_Recheck) == 0 {
					accepted[i]++
				}
			}
		})
	}
	senders.Wait()
	places := 0
	for _, tx := range txs {
		if n.nodes[0].check(t, tx, abci.CheckTxType_Recheck) == 0 {
			places++
		}
	}
	if places != types.MaxTxAhead {
		t.Errorf("%d places are taken, want %d", places, types.MaxTxAhead)
	}
	for i, count := range accepted {
		if count != types.MaxTxAhead {
			t.Errorf("sender %d got %d in, want each place once", i, count)
		}
	}
}

// CheckTx while blocks are committed: under the race detector, and no place is
// lost for good.
func TestMempoolWhileBlocksAreCommitted(t *testing.T) {
	n := newNetwork(t, 2)
	n.block()
	tx := n.operatorTx(0, 1, question("a"))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				if code := n.nodes[0].check(t, tx, abci.CheckTxType_New); code != 0 {
					t.Errorf("code %d", code)
					return
				}
			}
		}
	}()
	for range 20 {
		n.block()
	}
	close(stop)
	<-stopped
}

// From the mempool through a proposal into the state.
func TestOperatorsDecide(t *testing.T) {
	n := newNetwork(t, 4)
	n.settle()
	p := n.block(n.operatorTx(0, 1, question("yes?")), n.operatorTx(0, 2, answer(true)), n.operatorTx(1, 2, answer(true)), n.operatorTx(1, 1, answer(true)))
	if len(p.Txs) != 1+3 {
		t.Fatalf("%d transactions in the block: want those in sequence", len(p.Txs))
	}
	n.world.deposit(1)
	last := n.propose(n.operatorTx(2, 1, answer(true)), n.operatorTx(3, 1, types.Tx{Vote: &types.GovVote{Proposal: 9}}))
	if got := n.process(last); got != 4 {
		t.Fatalf("%d of 4 accept", got)
	}
	results := n.decide(last)
	if len(results) != 3 || results[1].Code != 0 || results[2].Code != bridge.ErrNotOpen.Code || results[2].Codespace != Codespace {
		t.Errorf("%v", results)
	}
	ended := ""
	for _, e := range n.events {
		if e.Type == bridge.EventProposalEnded {
			ended = e.Attributes[1].Value
		}
	}
	if ended != string(types.ProposalApplied) {
		t.Errorf("the proposal is %q", ended)
	}
	n.settle()
	n.checkInvariants()
}

// A block with a transaction that does not authenticate is refused by all, and
// harms nobody if it is decided all the same.
func TestForeignTransactionsInAProposal(t *testing.T) {
	n := newNetwork(t, 4)
	n.settle()
	good := n.operatorTx(0, 1, question("yes?"))
	for name, txs := range map[string][][]byte{
		"stranger":      {[]byte("stranger's")},
		"twice":         {good, good},
		"gap":           {n.operatorTx(0, 2, question("yes?"))},
		"bad signature": {flip(good)},
	} {
		p := n.propose()
		p.Txs = append(p.Txs, txs...)
		if got := n.process(p); got != 0 {
			t.Errorf("%s: %d accept", name, got)
		}
	}
	p := n.propose()
	p.Txs = append(p.Txs, good, good, []byte("stranger's"))
	results := n.decide(p)
	if results[1].Code != 0 || results[2].Code != bridge.ErrSequence.Code || results[3].Code != bridge.ErrMalformed.Code {
		t.Errorf("%v", results)
	}
	n.settle()
	n.checkInvariants()
}
