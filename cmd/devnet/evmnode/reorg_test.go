package evmnode_test

import (
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
)

func TestReorgEmitsRemovedLogs(t *testing.T) {
	for name, dropTxs := range map[string]bool{"keeping transactions": false, "dropping transactions": true} {
		t.Run(name, func(t *testing.T) {
			node := start(t, evmnode.Config{FinalityLag: 10})
			actor := newActor(t, node)
			echo := actor.deploy(node, echoCode)
			query := ethereum.FilterQuery{Addresses: []common.Address{echo}}
			live := make(chan types.Log, 16)
			subscription, err := dial(t, node.WSURL()).SubscribeFilterLogs(t.Context(), query, live)
			if err != nil {
				t.Fatal(err)
			}
			defer subscription.Unsubscribe()

			var txs []*types.Transaction
			for i := range 3 {
				txs = append(txs, actor.send(&echo, 200_000, []byte{byte(i)}))
				mine(t, node, 1)
				receive(t, live)
			}
			old := node.Head()
			if err := node.Reorg(3, dropTxs); err != nil {
				t.Fatal(err)
			}
			if head := node.Head(); head.Number.Cmp(old.Number) != 0 || head.Hash() == old.Hash() {
				t.Errorf("head was %s %s, is %s %s", old.Number, old.Hash(), head.Number, head.Hash())
			}
			for i := range 3 {
				if log := receive(t, live); !log.Removed || log.Data[0] != byte(i) {
					t.Errorf("want log %d removed, got %+v", i, log)
				}
			}
			if dropTxs {
				checkDropped(t, node, actor, query, txs)
				return
			}
			for i, tx := range txs {
				if log := receive(t, live); log.Removed || log.Data[0] != byte(i) || log.BlockHash != actor.receipt(tx).BlockHash {
					t.Errorf("want log %d again, got %+v", i, log)
				}
			}
		})
	}
}

// checkDropped wants the transactions gone from chain and pool, and welcome
// when they are sent again.
func checkDropped(t *testing.T, node *evmnode.Node, actor *actor, query ethereum.FilterQuery, txs []*types.Transaction) {
	t.Helper()
	mine(t, node, 2)
	if logs, err := actor.client.FilterLogs(t.Context(), query); err != nil || len(logs) != 0 {
		t.Errorf("%d logs, %v", len(logs), err)
	}
	for _, tx := range txs {
		if _, err := actor.client.TransactionReceipt(t.Context(), tx.Hash()); !errors.Is(err, ethereum.NotFound) {
			t.Errorf("receipt of a dropped transaction: %v", err)
		}
		if err := actor.client.SendTransaction(t.Context(), tx); err != nil {
			t.Errorf("send again: %v", err)
		}
	}
	mine(t, node, 1)
	for _, tx := range txs {
		actor.receipt(tx)
	}
}

func TestReorgBelowFinality(t *testing.T) {
	node := start(t, evmnode.Config{FinalityLag: 2})
	client := dial(t, node.HTTPURL())
	mine(t, node, 9)
	node.FreezeFinality(true)
	before := node.Finalized()
	if err := node.Reorg(5, false); err != nil {
		t.Fatal(err)
	}
	after, err := client.HeaderByNumber(t.Context(), finalizedTag)
	if err != nil {
		t.Fatal(err)
	}
	if after.Number.Cmp(before.Number) != 0 || after.Hash() == before.Hash() {
		t.Errorf("finalized was %s %s, is %s %s", before.Number, before.Hash(), after.Number, after.Hash())
	}
	canonical, err := client.HeaderByNumber(t.Context(), after.Number)
	if err != nil || canonical.Hash() != after.Hash() {
		t.Errorf("finalized is not canonical: %v", err)
	}
	if height(t, client, nil) != 10 {
		t.Errorf("head is %d", height(t, client, nil))
	}
}

func TestReorgAgainAndAgain(t *testing.T) {
	node := start(t, evmnode.Config{FinalityLag: 100})
	actor := newActor(t, node)
	echo := actor.deploy(node, echoCode)
	tx := actor.send(&echo, 200_000, nil)
	mine(t, node, 80)
	var seen []common.Hash
	for range 5 {
		if slices.Contains(seen, node.Head().Hash()) {
			t.Fatal("a head came back")
		}
		seen = append(seen, node.Head().Hash())
		if err := node.Reorg(80, false); err != nil {
			t.Fatal(err)
		}
	}
	mine(t, node, 1)
	actor.receipt(tx)
	value, err := actor.client.StorageAt(t.Context(), echo, common.Hash{}, nil)
	if err != nil || new(big.Int).SetBytes(value).Uint64() != 1 {
		t.Errorf("slot 0 holds %x, %v", value, err)
	}
}

func TestReorgDepth(t *testing.T) {
	node := start(t, evmnode.Config{})
	mine(t, node, 2)
	for _, depth := range []int{-1, 0, 4} {
		if err := node.Reorg(depth, false); err == nil {
			t.Errorf("depth %d was taken", depth)
		}
	}
	if err := node.Reorg(3, true); err != nil {
		t.Errorf("down to genesis: %v", err)
	}
}
