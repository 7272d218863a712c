package bridge

import (
	"fmt"
	"slices"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// ledger is the totals of one asset, in its units. Invariant I1, always:
//
//	custody + deficit = supply + in flight + owed + fees + quarantined
//
// where custody is the sum over locking chains and supply the sum over minting
// ones. A fee that is credited to a relayer counts as paid out: it has left the
// custody, or entered the supply, whether or not the relayer has withdrawn it.
type ledger struct {
	inFlight, owed, fees, quarantined, deficit types.Amount
	balances                                   []*balance // ascending by chain
}

// balance is what one chain holds: custody where it locks, supply where it
// mints. Reserved is the part of a custody that committed entries will take, or
// that is owed.
type balance struct {
	chain            types.ChainID
	mode             types.TokenMode
	amount, reserved types.Amount
}

// amountOf reads an amount out of the state.
func amountOf(b []byte) types.Amount {
	a, err := types.AmountFromBytes(b)
	if err != nil {
		state.Failf("amount in the state: %w", err)
	}
	return a
}

func ledgerFromPB(m *pb.Ledger) *ledger {
	l := &ledger{
		inFlight: amountOf(m.InFlight), owed: amountOf(m.Owed), fees: amountOf(m.Fees),
		quarantined: amountOf(m.Quarantined), deficit: amountOf(m.Deficit),
	}
	for _, b := range m.Balances {
		l.balances = append(l.balances, &balance{
			chain: types.ChainID(b.Chain), mode: types.TokenMode(b.Mode), //nolint:gosec // written from a TokenMode
			amount: amountOf(b.Amount), reserved: amountOf(b.Reserved),
		})
	}
	return l
}

func (l *ledger) toPB() *pb.Ledger {
	m := &pb.Ledger{
		InFlight: l.inFlight.Bytes(), Owed: l.owed.Bytes(), Fees: l.fees.Bytes(),
		Quarantined: l.quarantined.Bytes(), Deficit: l.deficit.Bytes(),
	}
	for _, b := range l.balances {
		m.Balances = append(m.Balances, &pb.Balance{
			Chain: uint64(b.chain), Mode: uint32(b.mode), Amount: b.amount.Bytes(), Reserved: b.reserved.Bytes(),
		})
	}
	return m
}

// on is a chain's balance, made when the asset is first there.
func (l *ledger) on(chain types.ChainID, mode types.TokenMode) *balance {
	at, found := slices.BinarySearchFunc(l.balances, chain, func(b *balance, c types.ChainID) int {
		switch {
		case b.chain < c:
			return -1
		case b.chain > c:
			return 1
		}
		return 0
	})
	if !found {
		l.balances = slices.Insert(l.balances, at, &balance{chain: chain, mode: mode})
	}
	return l.balances[at]
}

// booking is one change of one total.
type booking struct {
	total *types.Amount
	by    types.Amount
	minus bool
}

func plus(total *types.Amount, by types.Amount) booking  { return booking{total, by, false} }
func minus(total *types.Amount, by types.Amount) booking { return booking{total, by, true} }

// book makes all changes or, where one would leave the range, none.
func book(bookings ...booking) error {
	before := make([]types.Amount, 0, len(bookings))
	for i, b := range bookings {
		change := b.total.Add
		if b.minus {
			change = b.total.Sub
		}
		after, err := change(b.by)
		if err != nil {
			for j := i - 1; j >= 0; j-- {
				*bookings[j].total = before[j]
			}
			return fmt.Errorf("booking %d: %w", i, err)
		}
		before = append(before, *b.total)
		*b.total = after
	}
	return nil
}

// deposited books an arrival: into custody, or out of the supply.
func (l *ledger) deposited(b *balance, amount types.Amount) error {
	if b.mode == types.ModeLock {
		return book(plus(&b.amount, amount), plus(&l.inFlight, amount))
	}
	return book(minus(&b.amount, amount), plus(&l.inFlight, amount))
}

// overBurned books a burn of more than was ever minted: all of it is
// quarantined, and what the supply lacks is a deficit.
func (l *ledger) overBurned(b *balance, amount types.Amount) error {
	missing, err := amount.Sub(b.amount)
	if err != nil {
		return err
	}
	return book(minus(&b.amount, b.amount), plus(&l.deficit, missing), plus(&l.quarantined, amount))
}

// reserve promises custody to an entry; false if there is too little.
func (b *balance) reserve(payout, fee types.Amount) bool {
	if b.mode != types.ModeLock {
		return true
	}
	need, err := payout.Add(fee)
	if err != nil {
		return false
	}
	reserved, err := b.reserved.Add(need)
	if err != nil || reserved.Cmp(b.amount) > 0 {
		return false
	}
	b.reserved = reserved
	return true
}

// payment is the parts of an executed entry.
type payment struct{ amount, fee, payout types.Amount }

func paymentOf(e *pb.Entry) payment {
	return payment{amount: amountOf(e.Amount), fee: amountOf(e.Fee), payout: amountOf(e.Payout)}
}

// remainder is what the token's unit could not express.
func (p payment) remainder() (types.Amount, error) {
	rest, err := p.amount.Sub(p.fee)
	if err != nil {
		return rest, err
	}
	return rest.Sub(p.payout)
}

// paid books an entry whose payee got the payout and whose relayer the fee.
func (l *ledger) paid(b *balance, p payment) error {
	remainder, err := p.remainder()
	if err != nil {
		return err
	}
	bookings := append(b.leaves(p.payout), b.leaves(p.fee)...)
	bookings = append(bookings, b.unreserve(p.payout, p.fee)...)
	return book(append(bookings, minus(&l.inFlight, p.amount), plus(&l.fees, remainder))...)
}

// notPaid books an entry that failed: only the fee has left.
func (l *ledger) notPaid(b *balance, p payment) error {
	bookings := append(b.leaves(p.fee), b.unreserve(p.payout, p.fee)...)
	return book(append(bookings, minus(&l.inFlight, p.fee))...)
}

// becameOwed books a failed refund: besides the fee, its payout is owed and its
// remainder is fee. The payout stays reserved until its owner has fetched it.
func (l *ledger) becameOwed(b *balance, p payment) error {
	remainder, err := p.remainder()
	if err != nil {
		return err
	}
	bookings := append(b.leaves(p.fee), b.unreserve(p.fee)...)
	return book(append(bookings, minus(&l.inFlight, p.amount), plus(&l.owed, p.payout), plus(&l.fees, remainder))...)
}

// claimed books the payment of something owed.
func (l *ledger) claimed(b *balance, amount types.Amount) error {
	bookings := append(b.leaves(amount), b.unreserve(amount)...)
	return book(append(bookings, minus(&l.owed, amount))...)
}

// becameFee books an amount that is not worth its refund.
func (l *ledger) becameFee(amount types.Amount) error {
	return book(minus(&l.inFlight, amount), plus(&l.fees, amount))
}

// leaves is how a payment by this chain's contract changes its balance.
func (b *balance) leaves(amount types.Amount) []booking {
	if b.mode == types.ModeLock {
		return []booking{minus(&b.amount, amount)}
	}
	return []booking{plus(&b.amount, amount)}
}

func (b *balance) unreserve(parts ...types.Amount) []booking {
	if b.mode != types.ModeLock {
		return nil
	}
	bookings := make([]booking, len(parts))
	for i, part := range parts {
		bookings[i] = minus(&b.reserved, part)
	}
	return bookings
}

// conservation is the two sides of I1; it fails where a sum leaves the range.
func (l *ledger) conservation() (held, claims types.Amount, err error) {
	sum := func(total *types.Amount, parts ...types.Amount) {
		for _, part := range parts {
			if err == nil {
				*total, err = total.Add(part)
			}
		}
	}
	sum(&held, l.deficit)
	sum(&claims, l.inFlight, l.owed, l.fees, l.quarantined)
	for _, b := range l.balances {
		if b.mode == types.ModeLock {
			sum(&held, b.amount)
		} else {
			sum(&claims, b.amount)
		}
	}
	return held, claims, err
}
