package bridge

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// purse is money on its way: to whom the books owe it, and on which chain it is
// reserved.
type purse struct {
	amount, fee, payout uint64
	chain               int // 0 while it waits
}

// dumbBooks is the money of one asset as a child would keep it: what each chain
// has, and a list of purses for each kind of claim.
type dumbBooks struct {
	lock                  map[int]bool
	has                   map[int]uint64 // custody or supply
	waiting, committed    []purse
	owed, quarantined     []purse
	fees, claims, custody uint64
	supply, inFlight      uint64
}

func (d *dumbBooks) sum() (deficit int64) {
	d.claims, d.custody, d.supply, d.inFlight = d.fees, 0, 0, 0
	for chain, has := range d.has {
		if d.lock[chain] {
			d.custody += has
		} else {
			d.supply += has
		}
	}
	for _, p := range slices.Concat(d.waiting, d.committed) {
		d.inFlight += p.amount
	}
	for _, p := range slices.Concat(d.owed, d.quarantined) {
		d.claims += p.amount
	}
	return int64(d.claims+d.supply+d.inFlight) - int64(d.custody) //nolint:gosec // small
}

func (d *dumbBooks) reserved(chain int) (sum uint64) {
	for _, p := range d.committed {
		if p.chain == chain {
			sum += p.fee + p.payout
		}
	}
	for _, p := range d.owed {
		if p.chain == chain {
			sum += p.amount
		}
	}
	return sum
}

// leave pays out of a chain.
func (d *dumbBooks) leave(chain int, amount uint64) {
	if d.lock[chain] {
		d.has[chain] -= amount
	} else {
		d.has[chain] += amount
	}
}

func take(r *rapid.T, purses *[]purse) (purse, bool) {
	if len(*purses) == 0 {
		return purse{}, false
	}
	at := rapid.IntRange(0, len(*purses)-1).Draw(r, "which")
	p := (*purses)[at]
	*purses = slices.Delete(slices.Clone(*purses), at, at+1)
	return p, true
}

func total(purses []purse) (sum uint64) {
	for _, p := range purses {
		sum += p.amount
	}
	return sum
}

// Whatever happens to the money of an asset, the ledger has the totals that its
// purses sum to, and what is missing is the deficit (I1).
func TestLedgerIsWhatItsPursesSumTo(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		tokens := map[int]*pb.Token{}
		d := &dumbBooks{lock: map[int]bool{1: true, 2: true}, has: map[int]uint64{}}
		for chain := 1; chain <= 4; chain++ {
			tokens[chain] = &pb.Token{Chain: uint64(chain), Mode: uint32(types.ModeMint)} //nolint:gosec // small
			if d.lock[chain] {
				tokens[chain].Mode = uint32(types.ModeLock)
			}
		}
		l := &ledger{}
		must := func(err error) {
			if err != nil {
				r.Fatalf("%v: %+v", err, d)
			}
		}
		units := types.NewAmount
		actions := map[string]func(*rapid.T){
			"deposit": func(r *rapid.T) {
				chain, amount := rapid.IntRange(1, 4).Draw(r, "chain"), rapid.Uint64Range(1, 50).Draw(r, "amount")
				b := l.at(tokens[chain])
				if !d.lock[chain] && d.has[chain] < amount {
					if l.deposited(b, units(amount)) == nil {
						r.Fatal("more was burned than is there")
					}
					must(l.overBurned(b, units(amount)))
					d.has[chain] = 0
					d.quarantined = append(d.quarantined, purse{amount: amount})
					return
				}
				must(l.deposited(b, units(amount)))
				if d.lock[chain] {
					d.has[chain] += amount
				} else {
					d.has[chain] -= amount
				}
				d.waiting = append(d.waiting, purse{amount: amount})
			},
			"commit": func(r *rapid.T) {
				p, ok := take(r, &d.waiting)
				if !ok {
					return
				}
				p.chain = rapid.IntRange(1, 4).Draw(r, "chain")
				p.fee = rapid.Uint64Range(0, min(3, p.amount-1)).Draw(r, "fee")
				p.payout = p.amount - p.fee - rapid.Uint64Range(0, min(2, p.amount-p.fee-1)).Draw(r, "remainder")
				b := l.at(tokens[p.chain])
				covered := !d.lock[p.chain] || d.reserved(p.chain)+p.fee+p.payout <= d.has[p.chain]
				if b.covers(units(p.fee+p.payout)) != covered {
					r.Fatalf("covers %d on %d: want %v", p.fee+p.payout, p.chain, covered)
				}
				if !covered {
					d.waiting = append(d.waiting, purse{amount: p.amount})
					return
				}
				b.reserve(units(p.fee + p.payout))
				d.committed = append(d.committed, p)
			},
			"execute": func(r *rapid.T) {
				p, ok := take(r, &d.committed)
				if !ok {
					return
				}
				b, pay := l.at(tokens[p.chain]), payment{units(p.amount), units(p.fee), units(p.payout)}
				d.leave(p.chain, p.fee)
				switch rapid.SampledFrom([]string{"paid", "failed", "owed"}).Draw(r, "end") {
				case "paid":
					must(l.paid(b, pay))
					d.leave(p.chain, p.payout)
					d.fees += p.amount - p.fee - p.payout
				case "failed":
					must(l.notPaid(b, pay))
					d.waiting = append(d.waiting, purse{amount: p.amount - p.fee})
				case "owed":
					must(l.becameOwed(b, pay))
					d.fees += p.amount - p.fee - p.payout
					d.owed = append(d.owed, purse{amount: p.payout, chain: p.chain})
				}
			},
			"give up": func(r *rapid.T) {
				if p, ok := take(r, &d.committed); ok {
					must(l.at(tokens[p.chain]).free(units(p.fee + p.payout)))
					d.waiting = append(d.waiting, purse{amount: p.amount})
				}
			},
			"claim": func(r *rapid.T) {
				if p, ok := take(r, &d.owed); ok {
					must(l.claimed(l.at(tokens[p.chain]), units(p.amount)))
					d.leave(p.chain, p.amount)
				}
			},
			"become fee": func(r *rapid.T) {
				if p, ok := take(r, &d.waiting); ok {
					must(l.becameFee(units(p.amount)))
					d.fees += p.amount
				}
			},
			"strand": func(r *rapid.T) {
				if p, ok := take(r, &d.waiting); ok {
					must(l.stranded(units(p.amount)))
					d.quarantined = append(d.quarantined, p)
				}
			},
			"release": func(r *rapid.T) {
				if p, ok := take(r, &d.quarantined); ok {
					must(l.released(units(p.amount)))
					d.waiting = append(d.waiting, purse{amount: p.amount})
				}
			},
			"drop": func(r *rapid.T) {
				if p, ok := take(r, &d.quarantined); ok {
					before := d.sum() + int64(p.amount) //nolint:gosec // small
					must(l.dropped(units(p.amount)))
					if missing := uint64(max(0, before)); p.amount > missing { //nolint:gosec // not negative
						d.fees += p.amount - missing
					}
				}
			},
			"": func(r *rapid.T) {
				l = ledgerFromPB(l.toPB())
				sameBooks(r, l, d)
			},
		}
		r.Repeat(actions)
	})
}

// sameBooks compares all totals.
func sameBooks(r *rapid.T, l *ledger, d *dumbBooks) {
	deficit := d.sum()
	if deficit < 0 {
		r.Fatalf("the twin has more than is claimed: %+v", d)
	}
	for _, c := range []struct {
		name string
		got  types.Amount
		want uint64
	}{
		{"in flight", l.inFlight, d.inFlight},
		{"owed", l.owed, total(d.owed)},
		{"fees", l.fees, d.fees},
		{"quarantined", l.quarantined, total(d.quarantined)},
		{"deficit", l.deficit, uint64(deficit)}, //nolint:gosec // checked above
	} {
		if c.got != types.NewAmount(c.want) {
			r.Fatalf("%s %s, want %d: %+v", c.name, c.got, c.want, d)
		}
	}
	for _, b := range l.balances {
		chain := int(b.chain) //nolint:gosec // small
		if b.amount != types.NewAmount(d.has[chain]) {
			r.Fatalf("chain %d has %s, want %d", chain, b.amount, d.has[chain])
		}
		if b.mode == types.ModeLock && b.reserved != types.NewAmount(d.reserved(chain)) {
			r.Fatalf("chain %d reserves %s, want %d", chain, b.reserved, d.reserved(chain))
		}
	}
	if held, claims, err := l.conservation(); err != nil || held.Cmp(claims) != 0 {
		r.Fatalf("I1: %s and %s, %v", held, claims, err)
	}
}

// A booking that cannot be made changes nothing.
func TestRefusedBookingChangesNothing(t *testing.T) {
	one, two := types.NewAmount(1), types.NewAmount(2)
	token := &pb.Token{Chain: 1, Mode: uint32(types.ModeLock)}
	l := &ledger{}
	b := l.at(token)
	if err := l.deposited(b, one); err != nil {
		t.Fatal(err)
	}
	before := string(state.Encode(l.toPB()))
	for name, refused := range map[string]error{
		"deposit out of range": l.deposited(b, most(t)),
		"claim of nothing":     l.claimed(b, one),
		"fee of too much":      l.becameFee(two),
		"release of nothing":   l.released(one),
		"strand of too much":   l.stranded(two),
		"free of nothing":      b.free(one),
		"paid without":         l.paid(b, payment{amount: two, payout: two}),
	} {
		if refused == nil || string(state.Encode(l.toPB())) != before {
			t.Errorf("%s: %v, %+v", name, refused, l)
		}
	}
}

// most is the greatest amount.
func most(t *testing.T) types.Amount {
	t.Helper()
	a, err := types.AmountFromBytes(bytes.Repeat([]byte{255}, 16))
	if err != nil {
		t.Fatal(err)
	}
	return a
}
