package app

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"

	"github.com/icrosschain/bridged/x/bridge/types"
)

var update = flag.Bool("update", false, "write the golden files anew")

// history is a scripted run: what was decided, and the app hashes it gave.
type history struct {
	init   *abci.RequestInitChain
	blocks []*abci.RequestFinalizeBlock
	hashes []string
}

// writeHistory runs a network through busy blocks, refunds, absent and silent
// validators, proposers without payloads, and restarts.
func writeHistory(t *testing.T) history {
	t.Helper()
	n := newNetwork(t, 4)
	h := history{init: n.init}
	for height := 1; height <= 60; height++ {
		switch {
		case height%9 == 0:
			for i := range 30 {
				n.world.deposit(uint64(1_000 + i))
			}
		case height%7 == 0:
			n.world.deposit(uint64(height))
		case height%11 == 0: // to a chain that is not there: it comes back
			n.world.emit(alpha, types.Deposited{
				Token: alphaToken, Sender: someone, Destination: 9, RefundTo: someone, Amount: types.NewAmount(77),
			})
		}
		if height > 20 && height%3 == 0 {
			n.last.Votes[height%4] = abci.ExtendedVoteInfo{
				Validator: n.last.Votes[height%4].Validator, BlockIdFlag: cmtproto.BlockIDFlagAbsent,
			}
		}
		n.nodes[height%4].mailbox.blind = height%5 == 0
		if height%13 == 0 {
			n.restart(height % 4)
		}
		h.blocks = append(h.blocks, finalizeRequest(n.block()))
	}
	n.checkInvariants()
	h.hashes = n.hashes
	return h
}

// replay gives the blocks to a new node, as CometBFT does when it syncs, and
// restarts it on the way.
func (h history) replay(t *testing.T, restartAt int64) []string {
	t.Helper()
	n := newNetwork(t, 4)
	var hashes []string
	for _, block := range h.blocks {
		if block.Height == restartAt {
			n.restart(0)
		}
		resp, err := n.nodes[0].FinalizeBlock(ctx, block)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.nodes[0].Commit(ctx, &abci.RequestCommit{}); err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, hex(resp.AppHash))
	}
	return hashes
}

func TestSameHistorySameAppHash(t *testing.T) {
	want := writeHistory(t)
	for _, procs := range []int{1, 2} {
		previous := runtime.GOMAXPROCS(procs)
		again := writeHistory(t)
		runtime.GOMAXPROCS(previous)
		sameHashes(t, want.hashes, again.hashes)
		sameHashes(t, want.hashes, want.replay(t, int64(procs*20)))
	}
	golden := filepath.Join("testdata", "apphash.golden")
	text := strings.Join(want.hashes, "\n") + "\n"
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	recorded, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(recorded) != text {
		t.Errorf("the replicated rules or the form of the state changed: a running network would fork.\n" +
			"If that is meant, run: go test ./app -run SameAppHash -update")
	}
}

func sameHashes(t *testing.T, want, got []string) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%d blocks, then %d", len(want), len(got))
	}
	for i := range want {
		if want[i] != got[i] {
			t.Fatalf("height %d: app hash %s, then %s", i+1, want[i], got[i])
		}
	}
}
