package bridgetest

import (
	"math/big"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// The model of contracts/src/Staking.sol: the validators' stake, on the home
// chain.

// MaxUnstakeRequests is how many open requests an operator can have.
const MaxUnstakeRequests = 16

// Staking is what a staking contract was deployed with. Its token is an ordinary
// one, of which it takes what it was given leave to.
type Staking struct {
	Address   types.Address
	Token     types.Address
	Unbonding uint64 // seconds from a request to its release, at least
	Minimum   types.Amount
}

// Stake is what an operator has in the staking contract. Nobody writes to its
// list in place.
type Stake struct {
	Staked       types.Amount
	Withdrawable types.Amount
	Requests     []UnstakeRequest // open ones, the oldest first
}

// UnstakeRequest is stake that was asked back and not released.
type UnstakeRequest struct {
	Left  types.Amount // what slashes left of it
	Asked types.Amount // what was asked for, less what was released
	Ripe  uint64       // not released before, in seconds
}

// StakeOf is what an operator has staked, and asked back.
func (c *Chain) StakeOf(operator types.Address) Stake { return c.stakes[operator] }

// Slashed is what slashes took of everybody. It stays in the staking contract.
func (c *Chain) Slashed() types.Amount { return c.slashed }

// Stake is the contract's stake(), called by the operator.
func (c *Chain) Stake(operator types.Address, amount types.Amount, data []byte) error {
	if c.Staking == nil {
		return c.reverts("stake", "NotConnected")
	}
	stake := c.stakes[operator]
	if c.Balance(c.Staking.Token, operator).Cmp(amount) < 0 {
		return c.reverts("stake", "ERC20InsufficientBalance")
	}
	staked, err := stake.Staked.Add(amount)
	switch {
	case err != nil || amount.IsZero():
		return c.reverts("stake", "BadAmount")
	case staked.Cmp(c.Staking.Minimum) < 0:
		return c.reverts("stake", "BelowMinimum")
	case len(data) > types.MaxDataBytes:
		return c.reverts("stake", "DataTooLong")
	}
	c.move(account{c.Staking.Token, operator}, amount, false)
	c.move(account{c.Staking.Token, c.Staking.Address}, amount, true)
	stake.Staked = staked
	c.stakes[operator] = stake
	c.log(types.Staked{Operator: operator, Amount: amount, Data: data})
	return nil
}

// RequestUnstake is the contract's requestUnstake(), called by the operator.
func (c *Chain) RequestUnstake(operator types.Address, amount types.Amount) error {
	stake := c.stakes[operator]
	rest, err := stake.Staked.Sub(amount)
	switch {
	case err != nil || amount.IsZero():
		return c.reverts("requestUnstake", "BadAmount")
	case !rest.IsZero() && rest.Cmp(c.Staking.Minimum) < 0:
		return c.reverts("requestUnstake", "BelowMinimum")
	case len(stake.Requests) == MaxUnstakeRequests:
		return c.reverts("requestUnstake", "TooManyRequests")
	}
	request := UnstakeRequest{Left: amount, Asked: amount, Ripe: c.Time + c.Staking.Unbonding}
	stake.Staked = rest
	stake.Requests = append(stake.Requests[:len(stake.Requests):len(stake.Requests)], request)
	c.stakes[operator] = stake
	c.log(types.Unstaked{Operator: operator, Amount: amount})
	return nil
}

// WithdrawStake is the contract's withdraw(), called by the operator: it pays
// what was released, and returns how much. It is no inbox event.
func (c *Chain) WithdrawStake(operator, to types.Address) (types.Amount, error) {
	stake := c.stakes[operator]
	amount := stake.Withdrawable
	if to == (types.Address{}) || c.Staking != nil && to == c.Staking.Address {
		return types.Amount{}, c.reverts("withdraw", "BadRecipient")
	}
	if amount.IsZero() {
		return types.Amount{}, c.reverts("withdraw", "NothingToWithdraw")
	}
	stake.Withdrawable = types.Amount{}
	c.stakes[operator] = stake
	c.move(account{c.Staking.Token, c.Staking.Address}, amount, false)
	c.move(account{c.Staking.Token, to}, amount, true)
	c.touched = true
	return amount, nil
}

func (c *Chain) releaseStake(r types.ReleaseStake) bool {
	if c.Staking == nil || r.Operator == (types.Address{}) || r.Amount.IsZero() {
		return false
	}
	stake, amount := c.stakes[r.Operator], r.Amount
	var still []UnstakeRequest
	for _, request := range stake.Requests {
		if amount.IsZero() {
			still = append(still, request)
			continue
		}
		if c.Time < request.Ripe {
			return false
		}
		asked := least(amount, request.Asked)
		part := share(request.Left, asked, request.Asked, false)
		stake.Withdrawable = plus(stake.Withdrawable, part)
		request.Left, request.Asked, amount = minus(request.Left, part), minus(request.Asked, asked), minus(amount, asked)
		if !request.Asked.IsZero() {
			still = append(still, request)
		}
	}
	stake.Requests = still
	c.stakes[r.Operator] = stake
	return true
}

func (c *Chain) slash(s types.Slash) bool {
	if c.Staking == nil || s.Operator == (types.Address{}) || s.Fraction == 0 || s.Fraction > types.FractionUnit {
		return false
	}
	cut := func(of types.Amount) (part, rest types.Amount) {
		part = share(of, types.NewAmount(uint64(s.Fraction)), types.NewAmount(types.FractionUnit), true)
		c.slashed = plus(c.slashed, part)
		return part, minus(of, part)
	}
	stake := c.stakes[s.Operator]
	var requests []UnstakeRequest
	for _, request := range stake.Requests {
		_, request.Left = cut(request.Left)
		requests = append(requests, request)
	}
	part, rest := cut(stake.Staked)
	stake.Staked, stake.Requests = rest, requests
	c.stakes[s.Operator] = stake
	c.log(types.Unstaked{Operator: s.Operator, Amount: part})
	return true
}

// share is of * part / whole, which is not above of.
func share(of, part, whole types.Amount, up bool) types.Amount {
	integer := func(a types.Amount) *big.Int { return new(big.Int).SetBytes(a.Bytes()) }
	product := new(big.Int).Mul(integer(of), integer(part))
	if up {
		product.Add(product, integer(whole)).Sub(product, big.NewInt(1))
	}
	amount, err := types.AmountFromBytes(product.Div(product, integer(whole)).Bytes())
	if err != nil {
		panic("a share is more than the whole: " + err.Error())
	}
	return amount
}

// plus and minus are of amounts that the staking contract holds.

func plus(a, b types.Amount) types.Amount {
	sum, err := a.Add(b)
	if err != nil {
		panic("the staking contract holds more than can be: " + err.Error())
	}
	return sum
}

func minus(a, b types.Amount) types.Amount {
	rest, err := a.Sub(b)
	if err != nil {
		panic("the staking contract holds less than nothing: " + err.Error())
	}
	return rest
}
