package e2e

import (
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/icrosschain/bridged/contracts/bindings"
	btypes "github.com/icrosschain/bridged/x/bridge/types"
)

const (
	burstDeposits = 5000
	burstEach     = 250 // in one transaction
	burstAmount   = 1000
	burstLimit    = 3 * time.Minute
)

// TestBurst puts 5,000 deposits into one block of alpha, each with a recipient
// and an amount of its own. All are paid on beta, in their order, once.
func TestBurst(t *testing.T) {
	n := newNetwork(t, plan{users: 1})
	user := n.users[0]
	puppet := n.alpha.deployPuppet(user)
	token := bindings.NewTestToken()
	n.alpha.do(user, call{to: &n.gold.origin, data: token.PackMint(puppet, big.NewInt(1e18))})
	n.alpha.do(user, told(puppet, n.gold.origin, 1, approval(n.alpha.bridge)))

	base := stranger(0)
	base[19] = 0
	recipient := func(i int64) common.Address {
		return common.BigToAddress(new(big.Int).Add(base.Big(), big.NewInt(i)))
	}
	goOn := n.alpha.clock.Stop()
	var txs []*types.Transaction
	for first := int64(0); first < burstDeposits; first += burstEach {
		data := bindings.NewBridge().PackDeposit(n.gold.origin, big.NewInt(burstAmount+first), n.beta.id(),
			word(recipient(first)), user.Address, big.NewInt(n.gold.fee), nil)
		txs = append(txs, n.alpha.send(user, told(puppet, n.alpha.bridge, burstEach, data)))
	}
	goOn()
	first := n.oneBlock(txs)
	start := time.Now()
	n.reach(burstLimit, btypes.StatusReleased, fmt.Sprintf("%s/%d", n.alpha.name, first+burstDeposits-1))
	t.Logf("%d deposits of one block were released within %s", burstDeposits, time.Since(start).Round(time.Second))

	paid := n.mints(n.gold)
	if len(paid) != burstDeposits {
		t.Fatalf("%d were paid of %d", len(paid), burstDeposits)
	}
	for i, m := range paid {
		want := burstAmount + int64(i) - n.gold.fee
		if m.to != recipient(int64(i)) || m.amount.Cmp(big.NewInt(want)) != 0 {
			t.Fatalf("payment %d is %s to %s; want %d to %s", i, m.amount, m.to, want, recipient(int64(i)))
		}
		n.has(n.beta, n.gold.wrapped, m.to, want)
	}
	n.audit()
}

// oneBlock wants all transactions in one block, with all deposits in the order of
// their amounts, and returns the inbox nonce of the first.
func (n *network) oneBlock(txs []*types.Transaction) (first uint64) {
	n.t.Helper()
	contract := bindings.NewBridge()
	var block *big.Int
	var gas uint64
	deposits := uint64(0)
	for _, tx := range txs {
		receipt := n.alpha.succeeded(tx)
		if block == nil {
			block, first = receipt.BlockNumber, n.nonce(n.alpha, receipt)
		}
		if receipt.BlockNumber.Cmp(block) != 0 {
			n.t.Fatalf("deposits are in blocks %s and %s", block, receipt.BlockNumber)
		}
		gas += receipt.GasUsed
		for _, log := range receipt.Logs {
			e, err := contract.UnpackDepositedEvent(log)
			if err != nil || log.Address != n.alpha.bridge {
				continue
			}
			if e.Nonce != first+deposits || e.Amount.Uint64() != burstAmount+deposits {
				n.t.Fatalf("deposit %d has nonce %d and amount %s", deposits, e.Nonce, e.Amount)
			}
			deposits++
		}
	}
	if deposits != burstDeposits {
		n.t.Fatalf("%d deposits in block %s", deposits, block)
	}
	n.t.Logf("block %s of alpha holds %d deposits in %d transactions, for %d gas", block, deposits, len(txs), gas)
	return first
}
