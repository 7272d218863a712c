package evmnode

import "testing"

// A fork has the chain's blocks up to its making, and other ones after it.
func TestFork(t *testing.T) {
	n, err := New(Config{ChainID: 7})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := n.Mine(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	fork, err := n.Fork()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := fork.Close(); err != nil {
			t.Error(err)
		}
	})
	if n.Head().Hash() != fork.Head().Hash() || fork.Head().Number.Uint64() != 6 || n.Finalized().Hash() != fork.Finalized().Hash() {
		t.Errorf("heads %v and %v", n.Head(), fork.Head())
	}
	for _, one := range []*Node{n, fork} {
		if err := one.Mine(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	if n.Head().Hash() == fork.Head().Hash() || n.Head().ParentHash != fork.Head().ParentHash {
		t.Errorf("next blocks %v and %v", n.Head(), fork.Head())
	}
}
