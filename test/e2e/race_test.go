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
	c := n.newCrowd()
	for range raceRounds {
		c.send(func() {})
	}
	c.paidOnce()
	n.raced()
	n.audit()
}

// crowd is all users, who send to strangers in both directions.
type crowd struct {
	*network
	paid []common.Address
}

// crowdSends is what each of them sends at a time.
const crowdSends = 1000

// newCrowd gives every user gold on alpha and coins on both chains.
func (n *network) newCrowd() *crowd {
	n.t.Helper()
	n.equip(n.gold, 1_000_000, n.users...)
	var bought []deposit
	for _, user := range n.users {
		bought = append(bought, deposit{from: n.alpha, asset: n.coin, sender: user, amount: 100 * crowdSends, recipient: word(user.Address)})
	}
	ids, _ := n.deposit(bought...)
	n.reach(time.Minute, types.StatusReleased, ids...)
	return &crowd{network: n}
}

// send lets each user send gold to beta and coins to alpha, and waits until all
// is released. Meanwhile something happens.
func (c *crowd) send(meanwhile func()) {
	c.t.Helper()
	var deposits []deposit
	for _, user := range c.users {
		to := stranger(int64(len(c.paid)))
		c.paid = append(c.paid, to)
		deposits = append(deposits,
			deposit{from: c.alpha, asset: c.gold, sender: user, amount: crowdSends, recipient: word(to)},
			deposit{from: c.beta, asset: c.coin, sender: user, amount: crowdSends, recipient: word(to)})
	}
	ids, _ := c.deposit(deposits...)
	meanwhile()
	c.reach(time.Minute, types.StatusReleased, ids...)
}

// paidOnce wants every stranger to have been paid once on each chain.
func (c *crowd) paidOnce() {
	c.t.Helper()
	times := map[common.Address]int{}
	for _, m := range c.mints(c.gold) {
		times[m.to]++
	}
	for _, to := range c.paid {
		if times[to] != 1 {
			c.t.Errorf("%s was paid %d times on beta", to, times[to])
		}
		c.has(c.beta, c.gold.wrapped, to, crowdSends-c.gold.fee)
		c.has(c.alpha, native, to, crowdSends-c.coin.fee)
	}
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
