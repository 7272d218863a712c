package main

import (
	"bytes"
	"context"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// fastChains are chains that do not keep a test waiting.
func fastChains() *chainOptions {
	options := defaultChainOptions()
	options.blockTime = 20 * time.Millisecond
	return options
}

func testChains(t *testing.T, people *cast) chains {
	t.Helper()
	cs, err := startChains(t.Context(), fastChains(), people.all())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cs.close(); err != nil {
			t.Error(err)
		}
	})
	return cs
}

func TestTokensAndBurst(t *testing.T) {
	people := newCast()
	cs := testChains(t, people)
	tokens, err := deployTokens(t.Context(), cs, people.deployer)
	if err != nil {
		t.Fatal(err)
	}
	// The deployer has just used its account; a new wallet goes on from there.
	gold := tokens[0]
	w, err := newWallet(t.Context(), gold.home, people.deployer)
	if err != nil {
		t.Fatal(err)
	}
	var last call
	for i, user := range people.users {
		last = gold.mint(user.Address, gold.unit(int64(i+1)))
		tx, err := w.send(t.Context(), last)
		if err != nil {
			t.Fatal(err)
		}
		if i == len(people.users)-1 {
			if _, err := gold.home.await(t.Context(), tx); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, user := range people.users {
		have, err := gold.home.reader.Token(t.Context(), gold.address, user.Address)
		if err != nil || have.Cmp(gold.unit(int64(i+1))) != 0 {
			t.Errorf("user %d has %s, %v", i, have, err)
		}
	}
	supply, err := gold.home.reader.Supply(t.Context(), gold.address)
	if err != nil || supply.Cmp(gold.unit(20*21/2)) != 0 {
		t.Errorf("supply %s, %v", supply, err)
	}
	coins, err := gold.home.reader.Native(t.Context(), people.users[0].Address)
	if err != nil || coins.Cmp(startBalance) != 0 {
		t.Errorf("user 0 has %s wei, %v", coins, err)
	}
}

func TestFailedTransactionIsAnError(t *testing.T) {
	people := newCast()
	cs := testChains(t, people)
	w, err := newWallet(t.Context(), cs[0], people.users[0])
	if err != nil {
		t.Fatal(err)
	}
	revert := call{data: common.FromHex("5f5ffd")} // PUSH0 PUSH0 REVERT
	if _, err := w.do(t.Context(), revert); err == nil || !strings.Contains(err.Error(), "on alpha failed") {
		t.Errorf("got %v", err)
	}
	if _, err := w.do(t.Context(), call{to: &common.Address{1}, value: new(big.Int).Mul(startBalance, big.NewInt(2))}); err == nil {
		t.Error("spent more than there is")
	}
	// A refused transaction must not leave a gap in the nonces.
	if _, err := w.do(t.Context(), call{to: &common.Address{1}, value: big.NewInt(1)}); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.do(ctx, call{to: &common.Address{1}}); err == nil {
		t.Error("went on without a context")
	}
}

func TestBadChainOptions(t *testing.T) {
	for name, bend := range map[string]func(*chainOptions){
		"rules":      func(o *chainOptions) { o.rules = "frontier" },
		"port count": func(o *chainOptions) { o.ports = []int{0} },
		"port":       func(o *chainOptions) { o.ports = []int{0, -1} },
		"block time": func(o *chainOptions) { o.blockTime = -1 },
	} {
		options := fastChains()
		bend(options)
		if cs, err := startChains(t.Context(), options, nil); err == nil {
			t.Errorf("%s: taken", name)
			_ = cs.close()
		}
	}
}

// output is a buffer that a running command writes and a test reads.
type output struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.String()
}

func TestChainsCommand(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cmd, out, done := command(), new(output), make(chan error, 1)
	cmd.SetArgs([]string{"chains", "--block-time", "20ms", "--rules", "amsterdam"})
	cmd.SetOut(out)
	go func() { done <- cmd.ExecuteContext(ctx) }()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(out.String(), "Ctrl-C"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("said only:\n%s", out)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, want := range []string{"alpha", "31001", "beta", "31002", "ws://127.0.0.1:", "SILVER", "user 19"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
}
