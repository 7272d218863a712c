package contracts_test

import (
	"bytes"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func TestStaking(t *testing.T) {
	s := newStaked(t)
	registration := bytes.Repeat([]byte{7}, types.MaxDataBytes)
	s.follow(s.call(s.user, "stake", big.NewInt(150), registration))
	event := s.last().(types.Staked)
	s.check(event.Operator == s.user && event.Amount == types.NewAmount(150) && bytes.Equal(event.Data, registration), "%+v", event)
	s.stake(s.user, 1) // a top-up may be small
	s.holds(s.user, 151, 0)
	s.holds(s.operators[1], 0, 0)
	s.check(s.balance(s.token, s.user) == 1_000_000-151, "the operator has %d", s.balance(s.token, s.user))

	for name, c := range map[string]struct {
		operator common.Address
		amount   int64
		data     []byte
		want     string
	}{
		"nothing":            {s.user, 0, nil, "BadAmount"},
		"below the minimum":  {s.operators[1], minimumStake - 1, nil, "BelowMinimum"},
		"too much data":      {s.user, 100, make([]byte, types.MaxDataBytes+1), "DataTooLong"},
		"more than there is": {s.user, 1_000_000, nil, "ERC20InsufficientBalance"},
		"nobody's tokens":    {s.relayer, 100, nil, "ERC20InsufficientAllowance"},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.fork(t)
			_, err := s.call(c.operator, "stake", big.NewInt(c.amount), c.data)
			s.reverts(err, c.want)
			s.holds(s.user, 151, 0)
		})
	}
	s.stake(s.operators[1], minimumStake)
}

func TestRequestUnstake(t *testing.T) {
	s := newStaked(t)
	s.stake(s.user, 1000)
	for amount, want := range map[int64]string{
		0: "BadAmount", 1001: "BadAmount", 1000 - minimumStake + 1: "BelowMinimum", 999: "BelowMinimum",
	} {
		_, err := s.call(s.user, "requestUnstake", big.NewInt(amount))
		s.reverts(err, want)
	}
	_, err := s.call(s.operators[1], "requestUnstake", big.NewInt(1))
	s.reverts(err, "BadAmount")
	s.request(s.user, 1000-minimumStake)
	s.check(s.last() == types.Unstaked{Operator: s.user, Amount: types.NewAmount(900)}, "%+v", s.last())
	s.holds(s.user, minimumStake, 0, 900)
	s.request(s.user, minimumStake) // all of it
	s.holds(s.user, 0, 0, 900, minimumStake)
}

func TestRequestsAreBounded(t *testing.T) {
	s := newStaked(t)
	s.stake(s.user, 1000)
	most, err := s.staking.Uint("MAX_REQUESTS")
	s.must(err)
	for range most {
		s.request(s.user, 1)
	}
	_, err = s.call(s.user, "requestUnstake", common.Big1)
	s.reverts(err, "TooManyRequests")
	s.ripen()
	s.release(s.user, 1)
	s.request(s.user, 1)
	list, err := s.Chain.View(s.staking.Address, bindings.NewStaking().PackRequests(s.user))
	s.must(err)
	open, err := bindings.NewStaking().UnpackRequests(list)
	s.must(err)
	s.check(uint64(len(open)) == most && open[0].Ripe == s.Chain.Time && open[most-1].Ripe == s.Chain.Time+unbonding &&
		open[0].Left.Cmp(common.Big1) == 0 && open[0].Asked.Cmp(common.Big1) == 0, "requests %+v", open)
}

func TestReleaseWaits(t *testing.T) {
	s := newStaked(t)
	s.stake(s.user, 1000)
	s.request(s.user, 300)
	s.Chain.Time += unbonding - 1
	s.request(s.user, 200)
	s.releaseFails(s.user, 300)
	s.holds(s.user, 500, 0, 300, 200)
	s.Chain.Time++
	// The first is ripe, the second is not: what needs both is not done by half.
	s.releaseFails(s.user, 301)
	s.holds(s.user, 500, 0, 300, 200)
	s.release(s.user, 300)
	s.holds(s.user, 500, 300, 200)
	s.ripen()
	s.release(s.user, 50)
	s.holds(s.user, 500, 350, 150)
	s.release(s.user, 1_000_000) // beyond all requests: what there is
	s.holds(s.user, 500, 500)
	s.release(s.user, 1)
	s.holds(s.user, 500, 500)
	s.release(s.operators[1], 1)
	s.holds(s.operators[1], 0, 0)
}

func TestWithdraw(t *testing.T) {
	s := newStaked(t)
	s.stake(s.user, 1000)
	s.request(s.user, 1000)
	s.ripen()
	withdraw := func(to common.Address, want string) {
		t.Helper()
		_, err := s.call(s.user, "withdraw", to)
		s.reverts(err, want)
	}
	payee := strangers(1)[0]
	withdraw(payee, "NothingToWithdraw")
	s.release(s.user, 600)
	withdraw(common.Address{}, "BadRecipient")
	withdraw(s.staking.Address, "BadRecipient")
	_, err := s.call(s.operators[1], "withdraw", payee)
	s.reverts(err, "NothingToWithdraw")
	r, err := s.call(s.user, "withdraw", payee)
	s.must(err)
	s.check(new(big.Int).SetBytes(r.Output).Uint64() == 600 && s.balance(s.token, payee) == 600, "paid %d", s.balance(s.token, payee))
	s.holds(s.user, 0, 0, 400)
	withdraw(payee, "NothingToWithdraw")
	s.release(s.user, 400)
	_, err = s.call(s.user, "withdraw", s.user)
	s.must(err)
	s.holds(s.user, 0, 0)
	s.check(s.balance(s.token, s.user) == 1_000_000-600, "got back %d", s.balance(s.token, s.user))
	s.stake(s.user, minimumStake) // whoever has left may come again
	s.holds(s.user, minimumStake, 0)
}

func TestSlashCutsStakedAndUnbonding(t *testing.T) {
	s := newStaked(t)
	s.stake(s.user, 1001)
	s.stake(s.operators[1], 500)
	s.request(s.user, 100)
	s.ripen()
	s.release(s.user, 100)
	s.request(s.user, 333)
	s.request(s.user, 7)
	s.slash(s.user, 500_000, 281) // of 561, rounded up
	s.holds(s.user, 280, 100, 166, 3)
	s.holds(s.operators[1], 500, 0)
	// Below the minimum now: all or nothing of it can go, and more can come.
	s.slash(s.user, 900_000, 252)
	s.holds(s.user, 28, 100, 16, 0)
	_, err := s.call(s.user, "requestUnstake", common.Big1)
	s.reverts(err, "BelowMinimum")
	_, err = s.call(s.user, "stake", big.NewInt(71), []byte{})
	s.reverts(err, "BelowMinimum")
	s.stake(s.user, 72)
	s.holds(s.user, 100, 100, 16, 0)
	s.slash(s.user, 1, 1)
	s.holds(s.user, 99, 100, 15, 0)
	s.slash(s.user, 1_000_000, 99)
	s.holds(s.user, 0, 100, 0, 0)
	slashed, err := s.staking.Uint("slashed")
	s.must(err)
	s.check(slashed == 1001+72-100, "slashed %d", slashed)
	_, err = s.call(s.user, "withdraw", s.user)
	s.must(err)
	s.holds(s.user, 0, 0, 0, 0)
}

func TestSlashEverythingUnbonding(t *testing.T) {
	s := newStaked(t)
	s.stake(s.user, 1000)
	s.request(s.user, 900)
	s.request(s.user, 100)
	s.slash(s.user, 100_000, 0) // reported, though nothing was staked
	s.holds(s.user, 0, 0, 810, 90)
	s.slash(s.operators[1], 100_000, 0) // who never staked
	s.ripen()
	s.slash(s.user, 500_000, 0) // ripe, and still here
	s.holds(s.user, 0, 0, 405, 45)
}

// TestReleaseAfterSlash: what the network releases counts as it was asked for, so
// that a slash does not make the release of one request reach into the next.
func TestReleaseAfterSlash(t *testing.T) {
	s := newStaked(t)
	s.stake(s.user, 1000)
	s.request(s.user, 300)
	s.request(s.user, 200)
	s.slash(s.user, 500_000, 250)
	s.ripen()
	s.release(s.user, 300)
	s.holds(s.user, 250, 150, 100)
	s.release(s.user, 67) // 33.5 are left of them
	s.holds(s.user, 250, 183, 67)
	s.release(s.user, 133)
	s.holds(s.user, 250, 250)
}

func TestOnlyTheBridgeIsObeyed(t *testing.T) {
	s := newStaked(t)
	s.stake(s.user, 1000)
	s.request(s.user, 500)
	s.ripen()
	for _, from := range []common.Address{s.user, s.Owner, s.relayer} {
		_, err := s.call(from, "slash", s.user, uint32(1))
		s.reverts(err, "OnlyBridge")
		_, err = s.call(from, "release", s.user, common.Big1)
		s.reverts(err, "OnlyBridge")
	}
	s.holds(s.user, 500, 0, 500)
}

// TestNotConnected: a staking contract takes nothing until the contract at its
// bridge's address says that it knows it.
func TestNotConnected(t *testing.T) {
	s := newStaked(t)
	deployer := s.Chain.Account()
	deploy := func(bridge common.Address) evmtest.Contract {
		c, err := s.Chain.NewContract(deployer, "Staking", s.token.Address, bridge, uint64(1), common.Big1)
		s.must(err)
		_, err = s.token.Send(s.user, "approve", c.Address, big.NewInt(1000))
		s.must(err)
		return c
	}
	refuses := func(c evmtest.Contract) {
		t.Helper()
		_, err := c.Send(s.user, "stake", big.NewInt(100), []byte{})
		s.reverts(err, "NotConnected")
	}
	refuses(deploy(s.Address)) // it knows another one
	early := deploy(crypto.CreateAddress(deployer, 2))
	refuses(early) // there is nothing yet
	late, err := s.Chain.NewContract(deployer, "Bridge", evmtest.NetworkID, s.Validators.Set.Pack(), early.Address)
	s.must(err)
	_, err = early.Send(s.user, "stake", big.NewInt(100), []byte{})
	s.must(err)
	n, err := late.Uint("inboxNonce")
	s.must(err)
	s.check(n == 2, "the bridge has %d events", n)
}

func TestStakingConstructor(t *testing.T) {
	s := newStaked(t)
	bridge := strangers(1)[0]
	for name, c := range map[string]struct {
		args []any
		want string
	}{
		"no token":            {[]any{strangers(2)[1], bridge, uint64(1), common.Big1}, "BadToken"},
		"no bridge":           {[]any{s.token.Address, common.Address{}, uint64(1), common.Big1}, "BadBridge"},
		"the token as bridge": {[]any{s.token.Address, s.token.Address, uint64(1), common.Big1}, "BadBridge"},
		"for ever":            {[]any{s.token.Address, bridge, uint64(365*24*3600 + 1), common.Big1}, "BadUnbonding"},
		"no minimum":          {[]any{s.token.Address, bridge, uint64(1), common.Big0}, "BadMinimum"},
	} {
		_, err := s.Chain.NewContract(s.relayer, "Staking", c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	_, err := s.Chain.NewContract(s.relayer, "Staking", s.token.Address, bridge, uint64(365*24*3600), common.Big1)
	s.must(err)
}
