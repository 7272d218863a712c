package bridge

import (
	"cmp"
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
	spent            types.Amount // of the flow limit
	spentAt          int64        // Unix seconds up to which it has flowed back
	held             uint32       // releases that wait
	quarantines      uint32       // unresolved records: the asset is stopped here while there are any
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
			spent: amountOf(b.Spent), spentAt: b.SpentAt, quarantines: b.Quarantines, held: b.Held,
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
			Spent: b.spent.Bytes(), SpentAt: b.spentAt, Quarantines: b.quarantines, Held: b.held,
		})
	}
	return m
}

// at is the balance of a token's chain, made when the asset is first there.
func (l *ledger) at(token *pb.Token) *balance {
	chain := types.ChainID(token.Chain)
	at, found := l.find(chain)
	if !found {
		l.balances = slices.Insert(l.balances, at, &balance{chain: chain, mode: types.TokenMode(token.Mode)}) //nolint:gosec // written from a TokenMode
	}
	return l.balances[at]
}

func (l *ledger) find(chain types.ChainID) (at int, found bool) {
	return slices.BinarySearchFunc(l.balances, chain, func(b *balance, c types.ChainID) int { return cmp.Compare(b.chain, c) })
}

// stopped says whether the asset is stopped on a chain.
func (l *ledger) stopped(chain types.ChainID) bool {
	at, found := l.find(chain)
	return found && l.balances[at].quarantines > 0
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

// covers says whether the custody that is not reserved suffices for a payment; a
// minting chain's always does.
func (b *balance) covers(need types.Amount) bool {
	if b.mode != types.ModeLock {
		return true
	}
	reserved, err := b.reserved.Add(need)
	return err == nil && reserved.Cmp(b.amount) <= 0
}

// reserve promises custody that covers a payment.
func (b *balance) reserve(need types.Amount) {
	if b.mode == types.ModeLock {
		b.reserved, _ = b.reserved.Add(need) // in range: covers was asked
	}
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
	bookings := append(l.leaves(b, p.payout, p.fee), b.unreserve(p.payout, p.fee)...)
	return book(append(bookings, minus(&l.inFlight, p.amount), plus(&l.fees, remainder))...)
}

// notPaid books an entry that failed: only the fee has left.
func (l *ledger) notPaid(b *balance, p payment) error {
	bookings := append(l.leaves(b, p.fee), b.unreserve(p.payout, p.fee)...)
	return book(append(bookings, minus(&l.inFlight, p.fee))...)
}

// becameOwed books a failed refund: besides the fee, its payout is owed and its
// remainder is fee. The payout stays reserved until its owner has fetched it.
func (l *ledger) becameOwed(b *balance, p payment) error {
	remainder, err := p.remainder()
	if err != nil {
		return err
	}
	bookings := append(l.leaves(b, p.fee), b.unreserve(p.fee)...)
	return book(append(bookings, minus(&l.inFlight, p.amount), plus(&l.owed, p.payout), plus(&l.fees, remainder))...)
}

// claimed books the payment of something owed.
func (l *ledger) claimed(b *balance, amount types.Amount) error {
	bookings := append(l.leaves(b, amount), b.unreserve(amount)...)
	return book(append(bookings, minus(&l.owed, amount))...)
}

// becameFee books an amount that is not worth its refund.
func (l *ledger) becameFee(amount types.Amount) error {
	return book(minus(&l.inFlight, amount), plus(&l.fees, amount))
}

// stranded books an amount in flight that nobody can be paid.
func (l *ledger) stranded(amount types.Amount) error {
	return book(minus(&l.inFlight, amount), plus(&l.quarantined, amount))
}

// released books an amount that leaves quarantine and is in flight again.
func (l *ledger) released(amount types.Amount) error {
	return book(minus(&l.quarantined, amount), plus(&l.inFlight, amount))
}

// dropped books an amount that leaves quarantine for nobody: it makes a deficit
// smaller, and is fee as far as there is none.
func (l *ledger) dropped(amount types.Amount) error {
	covered := minOf(l.deficit, amount)
	rest, _ := amount.Sub(covered) // covered is not more
	return book(minus(&l.quarantined, amount), minus(&l.deficit, covered), plus(&l.fees, rest))
}

// lost books the custody of a chain that is gone.
func (l *ledger) lost(b *balance) error {
	if b.mode != types.ModeLock {
		return nil
	}
	return book(plus(&l.deficit, b.amount), minus(&b.amount, b.amount), minus(&b.reserved, b.reserved))
}

// lose books an amount in flight that nothing is behind.
func (l *ledger) lose(amount types.Amount) (surplus types.Amount, err error) {
	if err := book(minus(&l.inFlight, amount)); err != nil {
		return surplus, err
	}
	return l.absorb(amount)
}

// absorb books that the chains have an amount more than is claimed: it makes a
// deficit smaller, and what is left of it is quarantined and returned.
func (l *ledger) absorb(amount types.Amount) (surplus types.Amount, err error) {
	covered := minOf(l.deficit, amount)
	surplus, _ = amount.Sub(covered) // covered is not more
	return surplus, book(minus(&l.deficit, covered), plus(&l.quarantined, surplus))
}

// corrected makes a balance what a chain really has. What is missing becomes
// deficit, what is too much is absorbed.
func (l *ledger) corrected(b *balance, real types.Amount) (surplus types.Amount, err error) {
	before := b.amount
	b.amount = real
	lower, higher := minOf(real, before), maxOf(real, before)
	difference, _ := higher.Sub(lower) // in order
	if (real.Cmp(before) > 0) == (b.mode == types.ModeLock) {
		return l.absorb(difference)
	}
	return surplus, book(plus(&l.deficit, difference))
}

// paidForNothing books a payment that nothing was owed for.
func (l *ledger) paidForNothing(b *balance, amount types.Amount) error {
	return book(append([]booking{plus(&l.deficit, amount)}, l.leaves(b, amount)...)...)
}

// unpaid takes back what paid, or becameOwed and claimed, has booked.
func (l *ledger) unpaid(b *balance, p payment) error {
	remainder, err := p.remainder()
	if err != nil {
		return err
	}
	bookings := append(l.returns(b, p.payout, p.fee), plus(&l.inFlight, p.amount), minus(&l.fees, remainder))
	return book(append(bookings, b.reserves(p.payout, p.fee)...)...)
}

// reopened takes back what notPaid has booked. The rest of the amount is on its
// way back already, and now promised a second time: a deficit.
func (l *ledger) reopened(b *balance, p payment) error {
	rest, err := p.amount.Sub(p.fee)
	if err != nil {
		return err
	}
	bookings := append(l.returns(b, p.fee), plus(&l.inFlight, p.amount), plus(&l.deficit, rest))
	return book(append(bookings, b.reserves(p.payout, p.fee)...)...)
}

// notOwed takes back what becameOwed has booked; the payout is reserved already.
func (l *ledger) notOwed(b *balance, p payment) error {
	remainder, err := p.remainder()
	if err != nil {
		return err
	}
	bookings := append(l.returns(b, p.fee), plus(&l.inFlight, p.amount), minus(&l.owed, p.payout), minus(&l.fees, remainder))
	return book(append(bookings, b.reserves(p.fee)...)...)
}

// returns is leaves taken back: how much a chain has again. A supply that is
// smaller than what was minted is a deficit.
func (l *ledger) returns(b *balance, parts ...types.Amount) []booking {
	var bookings []booking
	left := b.amount
	for _, part := range parts {
		if b.mode == types.ModeLock {
			bookings = append(bookings, plus(&b.amount, part))
			continue
		}
		there := minOf(left, part)
		left, _ = left.Sub(there)     // not more
		lacking, _ := part.Sub(there) // not more
		bookings = append(bookings, minus(&b.amount, there), plus(&l.deficit, lacking))
	}
	return bookings
}

// reserves is unreserve taken back.
func (b *balance) reserves(parts ...types.Amount) []booking {
	var bookings []booking
	for _, part := range parts {
		if b.mode == types.ModeLock {
			bookings = append(bookings, plus(&b.reserved, part))
		}
	}
	return bookings
}

func minOf(a, b types.Amount) types.Amount {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}

func maxOf(a, b types.Amount) types.Amount {
	if a.Cmp(b) > 0 {
		return a
	}
	return b
}

// free takes a reservation back.
func (b *balance) free(need types.Amount) error { return book(b.unreserve(need)...) }

// leaves is how payments by a chain's contract change its balance. Where the
// custody is less, for a chain has lost some of it, the contract has paid with
// what is booked as deficit.
func (l *ledger) leaves(b *balance, parts ...types.Amount) []booking {
	var bookings []booking
	left := b.amount
	for _, part := range parts {
		if b.mode != types.ModeLock {
			bookings = append(bookings, plus(&b.amount, part))
			continue
		}
		there := minOf(left, part)
		left, _ = left.Sub(there)     // not more
		lacking, _ := part.Sub(there) // not more
		bookings = append(bookings, minus(&b.amount, there), minus(&l.deficit, lacking))
	}
	return bookings
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
