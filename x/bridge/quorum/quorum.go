// Package quorum counts voting power. It knows ids and powers and nothing of
// what is voted on, and it imports nothing.
package quorum

// Reached says whether signed is more than 2/3 of total. A total of zero is
// never reached.
func Reached(signed, total uint64) bool {
	return total > 0 && signed > total/3*2+total%3*2/3
}

// Tally sums the power behind each of several values, each voter counting once
// for a value.
type Tally[ID, Value comparable] struct {
	power map[ID]uint64
	total uint64
	sums  map[Value]uint64
	seen  map[vote[ID, Value]]bool
}

type vote[ID, Value comparable] struct {
	id    ID
	value Value
}

// NewTally counts votes by the given powers. A voter that is not in power is
// ignored.
func NewTally[ID, Value comparable](power map[ID]uint64) *Tally[ID, Value] {
	t := &Tally[ID, Value]{power: power, sums: map[Value]uint64{}, seen: map[vote[ID, Value]]bool{}}
	for _, p := range power {
		t.total += p // a sum: the order of the map does not matter
	}
	return t
}

// Add counts id's vote for value; a second time changes nothing.
func (t *Tally[ID, Value]) Add(id ID, value Value) {
	v := vote[ID, Value]{id, value}
	if t.seen[v] {
		return
	}
	t.seen[v] = true
	t.sums[value] += t.power[id]
}

// Reached says whether more than 2/3 of the power is behind value.
func (t *Tally[ID, Value]) Reached(value Value) bool { return Reached(t.sums[value], t.total) }

// Power is the power behind value.
func (t *Tally[ID, Value]) Power(value Value) uint64 { return t.sums[value] }

// Total is the power of all voters.
func (t *Tally[ID, Value]) Total() uint64 { return t.total }

// GreatestReached returns the greatest number n such that voters with more than
// 2/3 of the power said n or more; 0 if there is none. said maps each voter to
// its number.
func GreatestReached[ID comparable](power, said map[ID]uint64) uint64 {
	var total uint64
	for _, p := range power {
		total += p
	}
	var best uint64
	for _, candidate := range said { // the maximum does not depend on the order
		if candidate <= best {
			continue
		}
		var sum uint64
		for id, n := range said {
			if n >= candidate {
				sum += power[id]
			}
		}
		if Reached(sum, total) {
			best = candidate
		}
	}
	return best
}
