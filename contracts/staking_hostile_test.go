package contracts_test

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// hostileStaked stakes a token that misbehaves.
func hostileStaked(t *testing.T, token string) *staked {
	t.Helper()
	return buildStaked(evmtest.Osaka, token).fork(t)
}

// TestStakeOfHostileTokens: whatever a token does with payments, what the network
// orders is done, and who cannot be paid keeps his claim.
func TestStakeOfHostileTokens(t *testing.T) {
	for token, paid := range map[string]uint64{
		"SilentToken": 500, "FeeToken": 495, "FalseToken": 0, "OddToken": 0, "BombToken": 0, "HogToken": 0,
	} {
		t.Run(token, func(t *testing.T) {
			s := hostileStaked(t, token)
			amount := int64(1000)
			if token == "FeeToken" {
				amount = 1010 // of which 1,000 arrive
			}
			s.stake(s.user, amount)
			s.check(s.last().(types.Staked).Amount == types.NewAmount(1000), "staked %+v", s.last())
			s.request(s.user, 1000)
			s.slash(s.user, 500_000, 0)
			s.ripen()
			s.release(s.user, 1000)
			s.holds(s.user, 0, 500)
			payee := strangers(1)[0]
			_, err := s.call(s.user, "withdraw", payee)
			s.check((err == nil) == (paid > 0), "withdraw: %v", err)
			s.check(s.balance(s.token, payee) == paid, "paid %d", s.balance(s.token, payee))
			if err != nil {
				s.holds(s.user, 0, 500)
			} else {
				s.holds(s.user, 0, 0)
			}
		})
	}
}

// TestStakeOfVanishedToken: neither command needs the token.
func TestStakeOfVanishedToken(t *testing.T) {
	s := newStaked(t)
	s.stake(s.user, 1000)
	s.request(s.user, 800)
	s.ripen()
	s.Chain.SetCode(s.token.Address, nil)
	s.slash(s.user, 250_000, 50)
	s.release(s.user, 800)
	s.holds(s.user, 150, 600)
	for method, args := range map[string][]any{"withdraw": {s.user}, "stake": {big.NewInt(100), []byte{}}} {
		if _, err := s.call(s.user, method, args...); err == nil {
			t.Errorf("%s without a token", method)
		}
	}
	s.holds(s.user, 150, 600)
}

// TestAbsurdStake: amounts that no honest token has do not make a slash fail.
func TestAbsurdStake(t *testing.T) {
	s := newStaked(t)
	most := new(big.Int).Sub(new(big.Int).Lsh(common.Big1, 128), common.Big1)
	s.endow(s.user, new(big.Int).Lsh(common.Big1, 140))
	_, err := s.call(s.user, "stake", new(big.Int).Add(most, common.Big1), []byte{})
	s.reverts(err, "BadAmount")
	for range 3 {
		s.follow(s.call(s.user, "stake", most, []byte{}))
		_, err = s.call(s.user, "stake", common.Big1, []byte{})
		s.reverts(err, "BadAmount")
		s.follow(s.call(s.user, "requestUnstake", most))
	}
	s.slash(s.user, 1_000_000, 0)
	slashed := s.Chain.Storage(s.staking.Address, 2).Big()
	s.check(slashed.Cmp(new(big.Int).Mul(most, big.NewInt(3))) == 0, "slashed %s", slashed)
	for _, request := range s.Chain.StakeOf(s.staking.Address, s.user).Requests {
		s.check(request.Left.IsZero() && number(request.Asked).Cmp(most) == 0, "%+v", request)
	}
}

// reentrant is a world whose token is an operator itself, and makes a call of the
// test's choice whenever it is moved.
type reentrant struct{ *staked }

func newReentrant(t *testing.T) reentrant {
	t.Helper()
	s := hostileStaked(t, "ReentrantToken")
	s.operators = append(s.operators, s.token.Address)
	r := reentrant{s}
	_, err := s.token.Send(s.Owner, "mint", s.token.Address, big.NewInt(10_000))
	s.must(err)
	r.does(s.token.Address, pack(s, s.token, "approve", s.staking.Address, big.NewInt(10_000)))
	r.does(s.staking.Address, pack(s, s.staking, "stake", big.NewInt(5000), []byte{}))
	r.does(s.staking.Address, pack(s, s.staking, "requestUnstake", big.NewInt(1000)))
	s.ripen()
	s.release(s.token.Address, 500)
	s.holds(s.token.Address, 4000, 500, 500)
	return r
}

func pack(s *staked, c evmtest.Contract, method string, args ...any) []byte {
	input, err := c.ABI.Pack(method, args...)
	s.must(err)
	return input
}

// hook sets the call that the token makes from now on.
func (r reentrant) hook(target common.Address, input []byte) {
	_, err := r.token.Send(r.user, "setHook", target, input)
	r.must(err)
}

func (r reentrant) successes() uint64 {
	n, err := r.token.Uint("successes")
	r.must(err)
	return n
}

// does makes the token make a call, outside of any other, that has to succeed.
func (r reentrant) does(target common.Address, input []byte) {
	r.t.Helper()
	before := r.successes()
	r.hook(target, input)
	r.follow(r.token.Send(r.user, "transfer", r.user, common.Big0))
	r.check(r.successes() > before, "the token's call fails")
	r.hook(common.Address{}, nil)
}

// TestStakingIsLocked: what the token may do by itself it may not do in the
// middle of another's call.
func TestStakingIsLocked(t *testing.T) {
	base := newReentrant(t)
	for name, input := range map[string][]byte{
		"stake":          pack(base.staked, base.staking, "stake", big.NewInt(200), []byte{}),
		"requestUnstake": pack(base.staked, base.staking, "requestUnstake", big.NewInt(200)),
		"withdraw":       pack(base.staked, base.staking, "withdraw", base.relayer),
	} {
		t.Run(name, func(t *testing.T) {
			r := reentrant{base.fork(t)}
			r.stake(r.user, 1000)
			r.request(r.user, 500)
			r.ripen()
			r.release(r.user, 500)
			r.hook(r.staking.Address, input)
			before := r.successes()
			r.stake(r.user, 1000)
			_, err := r.call(r.user, "withdraw", r.user)
			r.must(err)
			r.check(r.successes() == before, "got through")
			r.holds(r.token.Address, 4000, 500, 500)
			r.hook(common.Address{}, nil)
			r.does(r.staking.Address, input)
		})
	}
}

// TestSlashInTheMiddle: nobody escapes a slash by executing it where it would
// meet the lock. Staking, what it cut is cut; withdrawing, what is released is
// paid.
func TestSlashInTheMiddle(t *testing.T) {
	r := newReentrant(t)
	r.stake(r.user, 1000)
	execute := func(c types.Command) {
		input, err := r.Pack(r.seal(c))
		r.must(err)
		r.hook(r.Address, input)
	}
	done := func(result evmtest.Result, err error) {
		t.Helper()
		r.follow(result, err)
		receipts, err := r.Receipts(result)
		r.must(err)
		r.check(len(receipts) == 1 && len(receipts[0].Failures) == 0, "receipts %+v", receipts)
		r.hook(common.Address{}, nil)
	}
	execute(types.Slash{Operator: r.user, Fraction: 500_000})
	done(r.call(r.user, "stake", big.NewInt(300), []byte{}))
	r.holds(r.user, 800, 0)
	r.check(r.last().(types.Staked).Amount == types.NewAmount(300), "%+v", r.last())

	r.request(r.user, 400)
	r.ripen()
	r.release(r.user, 100)
	execute(types.Slash{Operator: r.user, Fraction: 500_000})
	done(r.call(r.user, "withdraw", r.relayer))
	r.holds(r.user, 200, 0, 150)
	r.check(r.balance(r.token, r.relayer) == 100, "paid %d", r.balance(r.token, r.relayer))

	r.release(r.user, 100)
	execute(types.ReleaseStake{Operator: r.user, Amount: types.NewAmount(200)})
	done(r.call(r.user, "withdraw", r.relayer))
	r.holds(r.user, 200, 100)
	r.check(r.balance(r.token, r.relayer) == 150, "paid %d", r.balance(r.token, r.relayer))
}

// TestStakingGas: with the most requests that an operator can have, the gas that
// the bridge insists on is enough to slash and to release them all.
func TestStakingGas(t *testing.T) {
	for rules, world := range stakedWorlds {
		t.Run(string(rules), func(t *testing.T) {
			s := world().fork(t)
			s.stake(s.user, 1000)
			for range 16 {
				s.request(s.user, 1)
			}
			s.ripen()
			for _, c := range []types.Command{
				types.Slash{Operator: s.user, Fraction: 1},
				types.ReleaseStake{Operator: s.user, Amount: types.NewAmount(16)},
			} {
				s := s.fork(t)
				order := s.seal(c)
				least, most := uint64(500_000), uint64(2_000_000) // relayers give more
				for least+1 < most {
					middle := (least + most) / 2
					if _, err := s.fork(t).Execute(s.relayer, order, middle); err != nil {
						s.reverts(err, "TooLittleGas")
						least = middle
					} else {
						most = middle
					}
				}
				r, err := s.Execute(s.relayer, order, most)
				s.follow(r, err)
				receipts, err := s.Receipts(r)
				s.must(err)
				s.check(len(receipts[0].Failures) == 0, "%s fails with %d gas", c.Kind(), most)
				s.check(r.Gas < 800_000, "%s takes %d gas", c.Kind(), r.Gas)
				t.Logf("%s: %d gas used, limit at least %d", c.Kind(), r.Gas, most)
			}
		})
	}
}

// TestStakingBindings: what programs send is what the contract takes.
func TestStakingBindings(t *testing.T) {
	s := newStaked(t)
	b := bindings.NewStaking()
	for _, input := range [][]byte{b.PackStake(big.NewInt(1000), []byte("data")), b.PackRequestUnstake(big.NewInt(300))} {
		s.follow(s.Chain.Send(evmtest.Tx{From: s.user, To: &s.staking.Address, Data: input}))
	}
	output, err := s.Chain.View(s.staking.Address, b.PackAccounts(s.user))
	s.must(err)
	account, err := b.UnpackAccounts(output)
	s.must(err)
	s.check(account.Staked.Int64() == 700 && account.Withdrawable.Sign() == 0 && account.First == 0 && account.Open == 1, "%+v", account)
}
