package signer

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeNode is the state and the mailbox.
type fakeNode struct {
	mu    sync.Mutex
	seals []bridge.SealState
	err   error
	asked int
	got   []types.SealSignature
}

func (f *fakeNode) SealsToSign(types.Address) ([]bridge.SealState, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	return f.seals, f.err
}

func (f *fakeNode) AddSignature(s types.SealSignature) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = append(f.got, s)
}

func (f *fakeNode) set(err error, seals ...bridge.SealState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seals, f.err, f.got = seals, err, nil
}

func (f *fakeNode) taken() []types.SealSignature {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.got
}

func seal(height uint64, root byte) bridge.SealState {
	r := types.Hash{root}
	return bridge.SealState{Epoch: 1, Height: height, Root: r, Digest: evmsig.SealDigest(types.Hash{9}, 1, height, r)}
}

func startWorker(t *testing.T, f *fakeNode) (w *Worker, done chan error) {
	t.Helper()
	key, err := ParseHex(testDigits)
	if err != nil {
		t.Fatal(err)
	}
	w, err = NewWorker(WorkerConfig{Keys: []Key{key}, Seals: f, Mailbox: f, Guard: newTestGuard(t), Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done = make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() { cancel(); synctest.Wait() })
	return w, done
}

func TestWorkerSignsWhatTheStateWants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeNode{seals: []bridge.SealState{seal(7, 1), seal(9, 2)}}
		w, _ := startWorker(t, f)
		synctest.Wait()
		check := func(want ...bridge.SealState) {
			t.Helper()
			got := f.taken()
			if len(got) != len(want) {
				t.Fatalf("%d signatures, want %d", len(got), len(want))
			}
			for i, s := range want {
				signer, err := evmsig.Recover(s.Digest, got[i].Signature)
				if err != nil || signer.Hex() != testAddress || got[i].Height != s.Height {
					t.Fatalf("signature %d: height %d, signer %s, %v", i, got[i].Height, signer, err)
				}
			}
		}
		check(seal(7, 1), seal(9, 2)) // at start, without a commit

		f.set(nil, seal(9, 2), seal(12, 3))
		w.Committed()
		synctest.Wait()
		check(seal(9, 2), seal(12, 3)) // what the state still lacks is handed in again

		f.set(errors.New("store is busy"))
		w.Committed()
		synctest.Wait()
		check()
		f.set(nil, seal(13, 3))
		time.Sleep(time.Second)
		synctest.Wait()
		check(seal(13, 3)) // after an error it does not need another commit
	})
}

func TestWorkerCoalescesWakeUps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeNode{}
		w, _ := startWorker(t, f)
		synctest.Wait()
		f.mu.Lock() // the worker is slow
		for range 100 {
			w.Committed() // and nobody waits for it
		}
		f.mu.Unlock()
		synctest.Wait()
		if f.asked > 3 {
			t.Fatalf("asked %d times", f.asked)
		}
	})
}

func TestWorkerStopsBeforeADoubleSignature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeNode{seals: []bridge.SealState{seal(7, 1)}}
		w, done := startWorker(t, f)
		synctest.Wait()
		f.set(nil, seal(7, 2))
		w.Committed()
		synctest.Wait()
		if err := <-done; !errors.Is(err, ErrDoubleSign) {
			t.Fatalf("Run returned %v", err)
		}
		if len(f.taken()) != 0 {
			t.Fatal("a second signature left the worker")
		}
	})
}

func TestWorkerSignsNoZeroRoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeNode{seals: []bridge.SealState{{Epoch: 1, Height: 3, Digest: types.Hash{1}}}}
		startWorker(t, f)
		synctest.Wait()
		if len(f.taken()) != 0 {
			t.Fatal("signed the zero root")
		}
	})
}
