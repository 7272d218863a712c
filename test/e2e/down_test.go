package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/test/cluster"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// standstill is for how many blocks of the sources a network without a quorum is
// watched.
const standstill = 10

// TestValidatorsDown kills one validator of four, which changes nothing, and
// then another, which stops everything and loses nothing.
func TestValidatorsDown(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, plan{users: 2})
	there, back := n.users[0], n.users[1]
	n.equip(n.gold, 1_000_000, there)
	strangers := int64(0)
	both := func() (ids []string, blocks [2]uint64, paid func(released bool)) {
		a, b := stranger(strangers), stranger(strangers+1)
		strangers += 2
		first, block := n.deposit(
			deposit{from: n.alpha, asset: n.gold, sender: there, amount: 1000 + strangers, recipient: word(a)},
			deposit{from: n.alpha, asset: n.coin, sender: there, amount: 2000 + strangers, recipient: word(a)})
		second, other := n.deposit(
			deposit{from: n.beta, asset: n.coin, sender: back, amount: 500 + strangers, recipient: word(b)})
		amount := strangers
		return append(first, second...), [2]uint64{block, other}, func(released bool) {
			t.Helper()
			for _, want := range []struct {
				c      *chain
				asset  *asset
				who    common.Address
				amount int64
			}{{n.beta, n.gold, a, 990 + amount}, {n.beta, n.coin, a, 1990 + amount}, {n.alpha, n.coin, b, 490 + amount}} {
				if !released {
					want.amount = 0
				}
				n.has(want.c, want.asset.token(want.c), want.who, want.amount)
			}
		}
	}

	ids, _ := n.deposit(deposit{from: n.alpha, asset: n.coin, sender: there, amount: 100_000, recipient: word(back.Address)})
	n.reach(time.Minute, types.StatusReleased, ids...)

	n.Kill(3)
	ids, _, paid := both()
	n.reach(90*time.Second, types.StatusReleased, ids...)
	paid(true)

	n.Kill(2)
	ids, blocks, paid := both()
	n.alpha.finalised(blocks[0])
	n.beta.finalised(blocks[1])
	height := n.heightNow(0)
	n.alpha.finalised(n.alpha.head() + standstill)
	if now := n.heightNow(0); now != height {
		t.Errorf("two of four validators made %d blocks", now-height)
	}
	paid(false)

	n.Start(2)
	n.reach(90*time.Second, types.StatusReleased, ids...)
	paid(true)

	n.Start(3)
	n.caughtUp(3)
	n.audit()
}

func (n *network) heightNow(i int) (height int64) {
	n.t.Helper()
	cluster.Eventually(n.t, askTimeout, fmt.Sprintf("the height of node%d", i), func(ctx context.Context) (err error) {
		height, err = n.height(ctx, i)
		return err
	})
	return height
}
