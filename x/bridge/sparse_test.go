package bridge

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// history is marks as observers make them: at the ends of blocks of random
// sizes, and at the stride.
func history(rt *rapid.T, cursor, stride uint64) []types.Mark {
	var marks []types.Mark
	for nonce := cursor; len(marks) < rapid.IntRange(0, 400).Draw(rt, "marks"); {
		end := nonce + rapid.Uint64Range(1, 4*stride).Draw(rt, "events")
		for nonce < end {
			nonce = min(end, (nonce/stride+1)*stride)
			marks = append(marks, types.Mark{Nonce: nonce, Hash: types.Hash{1}})
		}
	}
	return marks
}

func TestSparse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cursor, stride := rapid.Uint64Range(0, 1<<40).Draw(rt, "cursor"), rapid.SampledFrom([]uint64{16, 128}).Draw(rt, "stride")
		all := history(rt, cursor, stride)
		said := sparse(all, cursor, stride)
		if len(all) > 0 && (said[0] != all[0] || said[len(said)-1] != all[len(all)-1]) {
			rt.Fatal("the first or the newest mark is left out")
		}
		doublings := 1
		for apart := stride; len(all) > 0 && apart < all[len(all)-1].Nonce-cursor; apart *= 2 {
			doublings++
		}
		if most := nearMarks + farMarks + 4 + 2*doublings; len(said) > most {
			rt.Fatalf("%d marks of %d, want at most %d", len(said), len(all), most)
		}
		// Whoever sees less says the same, but for the ends.
		shorter := all[:rapid.IntRange(0, len(all)).Draw(rt, "seen")]
		for _, m := range sparse(shorter, cursor, stride) {
			if slices.Index(shorter, m) < len(shorter)-farMarks && !slices.Contains(said, m) {
				rt.Fatalf("mark %d is said by one who sees %d marks, not by one who sees %d", m.Nonce, len(shorter), len(all))
			}
		}
	})
}
