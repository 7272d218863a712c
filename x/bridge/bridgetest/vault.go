package bridgetest

import (
	"bytes"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// The model of contracts/src/Vault.sol: what comes in, what goes out, and what
// is owed.

// Token is what the contract knows of a token. Amounts are in its units.
type Token struct {
	Mode     types.TokenMode
	Decimals uint8
	Limited  bool // whether payouts are limited
	types.TokenLimit
	Updated uint64       // seconds: when the bucket held Level
	Level   types.Amount // what the bucket held then
	Fees    types.Amount // relay fees of all accounts that were not withdrawn
}

// mostAmount is 2^128-1.
var mostAmount, _ = types.AmountFromBytes(bytes.Repeat([]byte{255}, 16)) // 16 bytes are in range

// Available is what the bucket holds at a time; without a limit it is 2^128-1.
func (t Token) Available(now uint64) types.Amount {
	if !t.Limited {
		return mostAmount
	}
	// What is out of range is above any capacity.
	back, err := t.Rate.Mul(types.NewAmount(now - t.Updated))
	if err != nil {
		return t.Capacity
	}
	level, err := t.Level.Add(back)
	if err != nil || level.Cmp(t.Capacity) > 0 {
		return t.Capacity
	}
	return level
}

func (t *Token) setLevel(level types.Amount, now uint64) { t.Level, t.Updated = level, now }

// setLimit: a new limit starts full, a changed one keeps what the old one had
// let flow back.
func (t *Token) setLimit(limit types.TokenLimit, now uint64) {
	t.setLevel(least(t.Available(now), limit.Capacity), now)
	t.Limited, t.TokenLimit = !limit.Capacity.IsZero(), limit
}

// Deposit is the contract's deposit(), or depositNative() of the native token:
// it takes the tokens and logs the event. What the contract reverts is an error
// that wraps its Revert.
func (c *Chain) Deposit(d types.Deposited) (uint64, error) {
	token := c.tokens[d.Token]
	if token.Mode == 0 {
		return 0, c.reverts("deposit", "UnknownToken")
	}
	if name := c.badDeposit(d); name != "" {
		return 0, c.reverts("deposit", name)
	}
	if d.RefundTo == (types.Address{}) {
		d.RefundTo = d.Sender
	}
	if c.Balance(d.Token, d.Sender).Cmp(d.Amount) < 0 {
		return 0, c.reverts("deposit", "ERC20InsufficientBalance")
	}
	if d.Amount.IsZero() || d.Amount.Cmp(token.Minimum) < 0 {
		return 0, c.reverts("deposit", "BadAmount")
	}
	c.move(account{d.Token, d.Sender}, d.Amount, false)
	if token.Mode == types.ModeLock {
		c.move(account{d.Token, c.Bridge}, d.Amount, true)
	} else {
		c.minted[d.Token], _ = c.minted[d.Token].Sub(d.Amount) // 0 where a test has given more than was minted
	}
	return c.log(d), nil
}

// badDeposit names what is wrong with a deposit, whatever it brings.
func (c *Chain) badDeposit(d types.Deposited) Revert {
	switch {
	case !c.deposits:
		return "DepositsOff"
	case len(d.Data) > types.MaxDataBytes:
		return "DataTooLong"
	case c.Lax:
		return ""
	case d.Destination == 0 || d.Destination == c.ID:
		return "BadDestination"
	case d.Recipient == (types.Hash{}):
		return "BadRecipient"
	case d.RefundTo == c.Bridge || d.RefundTo == d.Token:
		return "BadRefundAddress"
	}
	return ""
}

// Claim is the contract's claim(), by the owner of the refund. It counts against
// the token's limit; a debt above the capacity takes a full bucket.
func (c *Chain) Claim(nonce uint64, index uint32, to types.Address) error {
	key := owedKey{nonce, index}
	claim, ok := c.owed[key]
	if !ok {
		return c.reverts("claim", "NotOwed")
	}
	token := c.tokens[claim.Token]
	available := token.Available(c.Time)
	if token.Limited {
		if claim.Amount.Cmp(available) > 0 && available.Cmp(token.Capacity) < 0 {
			return c.reverts("claim", "LimitExceeded")
		}
		rest, err := available.Sub(claim.Amount)
		if err != nil {
			rest = types.Amount{}
		}
		token.setLevel(rest, c.Time)
	}
	if token.Mode == 0 {
		return c.reverts("claim", "UnknownToken")
	}
	if !c.pay(claim.Token, to, claim.Amount) {
		return c.reverts("claim", "PaymentFailed")
	}
	c.tokens[claim.Token] = token
	delete(c.owed, key)
	claim.To = to
	c.log(claim)
	return nil
}

// WithdrawFees is the contract's withdrawFees(), called by a relayer: it pays
// the relayer's fees as far as the token's limit allows, and returns how much.
// It is no inbox event.
func (c *Chain) WithdrawFees(relayer, token, to types.Address) (types.Amount, error) {
	t, mine := c.tokens[token], c.Claimable(relayer, token)
	amount := mine
	if t.Limited {
		available := t.Available(c.Time)
		amount = least(mine, available)
		rest, _ := available.Sub(amount) // amount is the lesser
		t.setLevel(rest, c.Time)
	}
	if amount.IsZero() {
		return types.Amount{}, c.reverts("withdrawFees", "NothingToWithdraw")
	}
	if !c.pay(token, to, amount) {
		return types.Amount{}, c.reverts("withdrawFees", "PaymentFailed")
	}
	t.Fees, _ = t.Fees.Sub(amount) // the sum of all claimable
	c.tokens[token] = t
	c.claimable[account{token, relayer}], _ = mine.Sub(amount) // as above
	c.touched = true
	return amount, nil
}

// credit books relay fees. What no deposit can have brought is not booked.
func (c *Chain) credit(token, relayer types.Address, fee types.Amount, items uint32) {
	t := c.tokens[token]
	amount, err := fee.Mul(types.NewAmount(uint64(items)))
	if err != nil {
		return
	}
	fees, err := t.Fees.Add(amount)
	if err != nil {
		return
	}
	t.Fees = fees
	c.tokens[token] = t
	at := account{token, relayer}
	c.claimable[at], _ = c.claimable[at].Add(amount) // a part of fees
}

// pay moves a payout, unless its payee or its token fail it.
func (c *Chain) pay(token, to types.Address, amount types.Amount) bool {
	if to == (types.Address{}) || to == c.Bridge || to == token || c.Refuses[to] || c.Rejects != nil && c.Rejects(token, to) {
		return false
	}
	if c.tokens[token].Mode == types.ModeLock {
		if c.Balance(token, c.Bridge).Cmp(amount) < 0 {
			return false
		}
		c.move(account{token, c.Bridge}, amount, false)
	} else {
		minted, err := c.minted[token].Add(amount)
		if err != nil { // a real token counts on, far above what the network can order
			return false
		}
		c.minted[token] = minted
	}
	c.move(account{token, to}, amount, true)
	return true
}

func least(a, b types.Amount) types.Amount {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}
