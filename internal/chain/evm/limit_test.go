package evm

import (
	"testing"

	"pgregory.net/rapid"
)

// TestLimitModel asks a server with a cap that moves: it is never asked for more
// than is configured, always gets an answer in a few steps, and comes near the
// cap, with few refusals, while that stands.
func TestLimitModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.Uint64Range(1, 1_000_000).Draw(t, "most")
		l := newLimit(most)
		for range rapid.IntRange(1, 4).Draw(t, "caps") {
			blocks := rapid.Uint64Range(1, 2_000_000).Draw(t, "cap")
			refusals := 0
			for range 400 {
				n := l.blocks()
				if n < 1 || n > most {
					t.Fatalf("asks for %d blocks, at most %d", n, most)
				}
				if n > blocks {
					refusals++
					l.refuse(n)
				} else {
					l.serve(n, 0)
				}
			}
			if best := min(blocks, most); l.blocks() < best/3 {
				t.Errorf("comes to %d of %d blocks", l.blocks(), best)
			}
			if refusals > 22+3*400/forgetAfter {
				t.Errorf("%d refusals for a cap of %d", refusals, blocks)
			}
		}
	})
}

// Many logs make the ranges small before the server has to.
func TestLimitOfLogs(t *testing.T) {
	l := newLimit(1000)
	l.serve(1000, 10*manyLogs)
	if l.blocks() != 100 {
		t.Errorf("%d blocks", l.blocks())
	}
	l.serve(100, 3*manyLogs/4)
	if l.blocks() != 100 {
		t.Errorf("it grows to %d blocks with nearly enough logs", l.blocks())
	}
	l.serve(10, 0)
	if l.blocks() != 100 {
		t.Error("a short range says nothing")
	}
	for range 20 {
		l.serve(l.blocks(), 1)
	}
	if l.blocks() != 1000 {
		t.Errorf("%d blocks after quiet ones", l.blocks())
	}
}
