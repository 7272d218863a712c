package e2e

import (
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	raceRounds = 4
	raceUsers  = 4
)

// TestRelayersRace lets all relayers send everything at once. Whoever comes
// second has a revert; nobody is paid twice.
func TestRelayersRace(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, plan{users: raceUsers, eager: true})
	n.equip(n.gold, 1_000_000, n.users...)
	const amount = 1000
	number := int64(0)
	var paid []common.Address
	var bought []deposit
	for _, user := range n.users {
		bought = append(bought, deposit{from: n.alpha, asset: n.coin, sender: user, amount: 100 * amount, recipient: word(user.Address)})
	}
	ids, _ := n.deposit(bought...)
	n.reach(time.Minute, types.StatusReleased, ids...)
	for range raceRounds {
		var deposits []deposit
		for _, user := range n.users {
			to := stranger(number)
			number++
			paid = append(paid, to)
			deposits = append(deposits,
				deposit{from: n.alpha, asset: n.gold, sender: user, amount: amount, recipient: word(to)},
				deposit{from: n.beta, asset: n.coin, sender: user, amount: amount, recipient: word(to)})
		}
		ids, _ := n.deposit(deposits...)
		n.reach(time.Minute, types.StatusReleased, ids...)
	}
	times := map[common.Address]int{}
	for _, m := range n.mints(n.gold) {
		times[m.to]++
	}
	for _, to := range paid {
		if times[to] != 1 {
			t.Errorf("%s was paid %d times on beta", to, times[to])
		}
		n.has(n.beta, n.gold.wrapped, to, amount-n.gold.fee)
		n.has(n.alpha, native, to, amount-n.coin.fee)
	}
	n.raced()
	n.audit()
}

// raced wants more than one relayer to have sent the same command, or the test
// has shown nothing.
func (n *network) raced() {
	n.t.Helper()
	for _, c := range n.chains() {
		senders := map[uint64]int{}
		lost := 0
		for i := range n.Homes {
			own := map[uint64]bool{}
			for _, line := range n.said(i, func(l logLine) bool { return l.Component == "relayer" && l.Chain == c.name }) {
				switch line.Msg {
				case "sent":
					own[line.Nonce] = true
				case "reverted: another relayer was first":
					lost++
				}
			}
			for nonce := range own {
				senders[nonce]++
			}
		}
		contested := 0
		for _, count := range senders {
			if count > 1 {
				contested++
			}
		}
		n.t.Logf("%s: %d commands, %d sent by more than one relayer, %d reverts", c.name, len(senders), contested, lost)
		if contested == 0 {
			n.t.Errorf("no command of %s was sent by two relayers", c.name)
		}
	}
}
