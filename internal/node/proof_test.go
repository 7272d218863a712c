package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	cmtbytes "github.com/cometbft/cometbft/libs/bytes"
	"github.com/cometbft/cometbft/proto/tendermint/crypto"
	rpcclient "github.com/cometbft/cometbft/rpc/client"
	ctypes "github.com/cometbft/cometbft/rpc/core/types"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/app/store"
)

// storeNode answers like a node over a store, and lies if told to.
type storeNode struct {
	snapshot *store.Snapshot
	lie      func(key []byte, answer *ctypes.ResultABCIQuery)
}

func (n storeNode) ABCIQueryWithOptions(_ context.Context, path string, key cmtbytes.HexBytes, o rpcclient.ABCIQueryOptions) (*ctypes.ResultABCIQuery, error) {
	if path != app.StorePath || !o.Prove {
		return nil, fmt.Errorf("unexpected query %s %+v", path, o)
	}
	value, err := n.snapshot.Get(key)
	if err != nil {
		return nil, err
	}
	proof, err := n.snapshot.Prove(key)
	if err != nil {
		return nil, err
	}
	encoded, err := proof.Marshal()
	if err != nil {
		return nil, err
	}
	answer := &ctypes.ResultABCIQuery{}
	answer.Response.Value = value
	answer.Response.ProofOps = &crypto.ProofOps{Ops: []crypto.ProofOp{{Type: app.ProofType, Key: key, Data: encoded}}}
	if n.lie != nil {
		n.lie(key, answer)
	}
	return answer, nil
}

// randomState is a store of one version with keys that share prefixes.
func randomState(t *testing.T, random *rand.Rand, keys int) *store.Snapshot {
	t.Helper()
	return storeOf(t, func(set func(key, value []byte)) {
		for range keys {
			key := make([]byte, 1+random.IntN(4))
			for i := range key {
				key[i] = byte(random.IntN(4))
			}
			set(key, []byte(fmt.Sprint(random.Uint32())))
		}
	})
}

// storeOf is a store of one version.
func storeOf(t *testing.T, fill func(set func(key, value []byte))) *store.Snapshot {
	t.Helper()
	s, err := store.Open(store.Config{Backend: store.Memory})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	fill(func(key, value []byte) {
		if err := s.Working().Set(key, value); err != nil {
			t.Fatal(err)
		}
	})
	s.WorkingHash()
	if _, _, err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	return s.Latest()
}

func proven(snapshot *store.Snapshot, lie func([]byte, *ctypes.ResultABCIQuery)) *ProvenState {
	return &ProvenState{
		ctx: context.Background(), rpc: storeNode{snapshot, lie}, height: 1, root: snapshot.Hash(), proven: map[string]record{},
	}
}

func collect(t *testing.T, iterate func(start, end []byte, visit func(k, v []byte) bool) error, start, end []byte, most int) []string {
	t.Helper()
	var found []string
	err := iterate(start, end, func(k, v []byte) bool {
		found = append(found, fmt.Sprintf("%x=%s", k, v))
		return len(found) < most
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A proven state reads as the state itself, whatever the keys and bounds.
func TestProvenStateIsTheState(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{1, 2, 7, 60} {
		snapshot := randomState(t, random, size)
		state := proven(snapshot, nil)
		for range 60 {
			bound := func() []byte {
				b := make([]byte, 1+random.IntN(3))
				for i := range b {
					b[i] = byte(random.IntN(5))
				}
				return b
			}
			start, end, most := bound(), bound(), 1+random.IntN(10)
			if bytes.Compare(start, end) > 0 {
				start, end = end, start
			}
			want, got := collect(t, snapshot.Iterate, start, end, most), collect(t, state.Iterate, start, end, most)
			if !slices.Equal(want, got) {
				t.Fatalf("%x to %x: got %v, want %v", start, end, got, want)
			}
			value, err := state.Get(start)
			direct, directErr := snapshot.Get(start)
			if err != nil || directErr != nil || !bytes.Equal(value, direct) {
				t.Fatalf("get %x: %q %v, want %q %v", start, value, err, direct, directErr)
			}
		}
		whole := collect(t, snapshot.Iterate, []byte{0}, []byte{0xff}, 1<<30)
		if got := collect(t, state.Iterate, nil, nil, 1<<30); !slices.Equal(got, whole) {
			t.Errorf("without bounds: %v, want %v", got, whole)
		}
	}
}

// Whatever a node tells that is not in the state is found out.
func TestLyingNodeIsFoundOut(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	snapshot, other := randomState(t, random, 40), randomState(t, random, 40)
	first := collect(t, snapshot.Iterate, []byte{0}, []byte{0xff}, 1)
	var key []byte
	if _, err := fmt.Sscanf(first[0], "%x=", &key); err != nil {
		t.Fatal(err)
	}
	lies := map[string]func([]byte, *ctypes.ResultABCIQuery){
		"another value": func(_ []byte, a *ctypes.ResultABCIQuery) { a.Response.Value = []byte("much") },
		"hidden":        func(_ []byte, a *ctypes.ResultABCIQuery) { a.Response.Value = nil },
		"no proof":      func(_ []byte, a *ctypes.ResultABCIQuery) { a.Response.ProofOps = nil },
		"empty proof":   func(_ []byte, a *ctypes.ResultABCIQuery) { a.Response.ProofOps.Ops[0].Data = nil },
		"garbage":       func(_ []byte, a *ctypes.ResultABCIQuery) { a.Response.ProofOps.Ops[0].Data = []byte{1, 2, 3} },
		"two proofs": func(_ []byte, a *ctypes.ResultABCIQuery) {
			a.Response.ProofOps.Ops = append(a.Response.ProofOps.Ops, crypto.ProofOp{})
		},
		"another proof":     func(_ []byte, a *ctypes.ResultABCIQuery) { a.Response.ProofOps.Ops[0].Type = "ics23:simple" },
		"another key":       func(_ []byte, a *ctypes.ResultABCIQuery) { swap(t, a, snapshot, append(bytes.Clone(key), 0xff)) },
		"another state":     func(k []byte, a *ctypes.ResultABCIQuery) { swap(t, a, other, k) },
		"absence elsewhere": func(_ []byte, a *ctypes.ResultABCIQuery) { swap(t, a, snapshot, []byte{0xff}) },
	}
	for name, lie := range lies {
		t.Run(name, func(t *testing.T) {
			if _, err := proven(snapshot, lie).Get(key); !errors.Is(err, ErrUnproven) {
				t.Errorf("got %v", err)
			}
			visited := 0
			err := proven(snapshot, lie).Iterate(key, nil, func([]byte, []byte) bool { visited++; return true })
			if !errors.Is(err, ErrUnproven) || visited > 0 {
				t.Errorf("iterate: %d visited, %v", visited, err)
			}
		})
	}
}

// swap puts the proof and value of another key or state into an answer.
func swap(t *testing.T, a *ctypes.ResultABCIQuery, snapshot *store.Snapshot, key []byte) {
	t.Helper()
	honest, err := storeNode{snapshot: snapshot}.ABCIQueryWithOptions(t.Context(), app.StorePath, key, rpcclient.ABCIQueryOptions{Prove: true})
	if err != nil {
		t.Error(err)
		return
	}
	*a = *honest
}
