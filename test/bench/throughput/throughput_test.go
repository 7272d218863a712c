package throughput

import (
	"os"
	"testing"
	"time"

	"github.com/icrosschain/bridged/test/bench/fleet"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func TestMain(m *testing.M) {
	fleet.Serve(map[string]fleet.Kind{Kind: NewValidator})
	os.Exit(m.Run())
}

// A short run with few deposits: measure fails if a transfer is not completed, if
// app hashes differ, or if the contract does not pay what was deposited.
func TestThroughput(t *testing.T) {
	m, err := Measure(t.Context(), Config{
		Dir: t.TempDir(), Validators: 2, Length: 500 * time.Millisecond, Ahead: 1 << 10,
		CommitTimeout: 50 * time.Millisecond, say: t.Logf,
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := m.span(); s.finalised == 0 || s.completed == 0 || s.blocks == 0 || m.voteBytes == 0 || m.batches == 0 || m.releases == 0 {
		t.Errorf("%+v, %d vote bytes, %d batches, %d releases", s, m.voteBytes, m.batches, m.releases)
	}
	for _, f := range m.figures() {
		if !(f.Value > 0) {
			t.Errorf("%+v", f)
		}
	}
}

// The marks that are computed beforehand are those of a model that logs the
// deposits one by one.
func TestDeposits(t *testing.T) {
	m := newModel(Chain{ID: source}, evmsig.NetworkID("network"), types.Hash{1})
	for range 4 {
		m.log(types.Executed{OutboxNonce: 1, Count: 1})
	}
	d := newDeposits(m.mark, 16, 100)
	if d.last() < 105 || d.last()%16 != 0 || d.first() != 16 {
		t.Fatalf("from %d to %d", d.first(), d.last())
	}
	for n := m.mark.Nonce + 1; n <= d.last(); n++ {
		m.log(deposit(n))
		if n%16 == 0 && (d.mark(n).Hash != m.mark.Hash || d.mark(n).Nonce != n) {
			t.Errorf("mark %d is %+v, want %s", n, d.mark(n), m.mark.Hash)
		}
	}
	if n, ok := nonceOf(recipient(77)); n != 77 || !ok {
		t.Error(n, ok)
	}
	if _, ok := nonceOf(types.Address{19: 77}); ok {
		t.Error("a stranger is taken for a recipient")
	}
}
