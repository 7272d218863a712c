package evm

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func nonces(marks []types.Mark) (n []uint64) {
	for _, m := range marks {
		n = append(n, m.Nonce)
	}
	return n
}

func TestReadsARealBridge(t *testing.T) {
	w := newWorld(t)
	w.deposit(5000, []byte("hello"))
	w.deposits(2, 0, 20, 1)
	w.finalize()
	s := w.source(w.config(1, w.node.HTTPURL()))
	position, batch, err := readAll(t.Context(), s, w.seed())
	w.must(err)

	inbox, err := w.eth.StorageAt(t.Context(), w.bridge, common.Hash{31: 1}, nil)
	w.must(err)
	if position.Inbox.Nonce != 28 || position.Inbox.Hash != common.Hash(inbox) || position.Block != w.node.Finalized().Number.Uint64() {
		t.Errorf("position %+v; the contract holds %x", position, inbox)
	}
	if len(batch.Events) != 28 || len(batch.Ahead) != 0 || batch.Last.Nonce != 28 || batch.Last.Hash != common.Hash(inbox) {
		t.Fatalf("%d events up to %+v", len(batch.Events), batch.Last)
	}
	if got, want := nonces(batch.Marks), []uint64{1, 2, 4, 7, 16, 27, 28}; !slices.Equal(got, want) {
		t.Errorf("marks at %v, want %v", got, want)
	}
	kinds := []types.EventKind{types.EventInitialized, types.EventExecuted, types.EventTokenRegistered, types.EventExecuted, types.EventDeposited}
	for i, kind := range kinds {
		if got := batch.Events[i].Event.Kind(); got != kind {
			t.Errorf("event %d is of kind %d, want %d", i+1, got, kind)
		}
	}
	first := batch.Events[0].Event.(types.Initialized)
	deposit := batch.Events[4].Event.(types.Deposited)
	if first.SetHash != w.validators.Set.Hash() || deposit.Amount != types.NewAmount(5000) || !bytes.Equal(deposit.Data, []byte("hello")) ||
		deposit.Token != types.NativeToken || deposit.Sender != w.account.Address || deposit.RefundTo != w.account.Address {
		t.Errorf("events %+v and %+v", first, deposit)
	}
	for _, m := range batch.Marks {
		if event := batch.Events[m.Nonce-1]; event.Block != m.Block {
			t.Errorf("mark %d names block %d, its event is in %d", m.Nonce, m.Block, event.Block)
		}
	}
}

func TestReadsOn(t *testing.T) {
	w := newWorld(t)
	w.deposits(3, 3)
	w.finalize()
	s := w.source(w.config(1, w.node.HTTPURL()))
	position, batch, err := readAll(t.Context(), s, w.seed())
	w.must(err)
	again, err := s.Finalized(t.Context())
	w.must(err)
	if again != position {
		t.Errorf("an unchanged chain stands at %+v and at %+v", position, again)
	}
	w.deposits(2)
	w.finalize()
	next, err := s.Finalized(t.Context())
	w.must(err)
	for name, from := range map[string]types.Mark{
		"beyond what is proven": {Nonce: batch.Last.Nonce, Hash: batch.Last.Hash, Block: position.Block + 1},
		"in the last block":     batch.Last,
		"with a low hint":       {Nonce: batch.Last.Nonce, Hash: batch.Last.Hash},
		"in a block":            batch.Marks[1],
	} {
		t.Run(name, func(t *testing.T) {
			got, err := s.Read(t.Context(), from, next.Inbox, keepAll)
			if err != nil || uint64(len(got.Events)) != next.Inbox.Nonce-from.Nonce || got.Last.Nonce != next.Inbox.Nonce {
				t.Errorf("%d events up to %+v, %v", len(got.Events), got.Last, err)
			}
		})
	}
	if got, err := s.Read(t.Context(), next.Inbox, next.Inbox, keepAll); err != nil || len(got.Events) != 0 || len(got.Marks) != 0 {
		t.Errorf("nothing to read gives %+v, %v", got, err)
	}
}

func TestReadsPartByPart(t *testing.T) {
	w := newWorld(t)
	w.deposits(5, 5, 5)
	w.finalize()
	s := w.source(w.config(1, w.node.HTTPURL()))
	position, whole, err := readAll(t.Context(), s, w.seed())
	w.must(err)
	var marks []types.Mark
	var events []types.InboxEvent
	at := w.seed()
	for rounds := 0; at.Nonce < position.Inbox.Nonce; rounds++ {
		batch, err := s.Read(t.Context(), at, position.Inbox, chain.ReadOptions{MarkStride: 16, MaxEvents: 4})
		w.must(err)
		if len(batch.Events) > 4 || rounds > 10 {
			t.Fatalf("round %d read %d events", rounds, len(batch.Events))
		}
		events, marks, at = append(events, batch.Events...), append(marks, batch.Marks...), batch.Last
	}
	if !slices.Equal(marks, whole.Marks) || len(events) != len(whole.Events) {
		t.Errorf("in parts: marks %v, at once: %v", marks, whole.Marks)
	}
}

func TestFinalityRules(t *testing.T) {
	w := newWorld(t)
	w.deposits(1, 0, 0, 0)
	head := w.node.Head().Number.Uint64()
	for want, f := range map[uint64]Finality{
		w.node.Finalized().Number.Uint64(): {Tag: "finalized"},
		w.node.Safe().Number.Uint64():      {Tag: "safe"},
		head - 3:                           {Confirmations: 3},
		0:                                  {Confirmations: 1000},
	} {
		cfg := w.config(1, w.node.HTTPURL())
		cfg.Finality = f
		position, err := w.source(cfg).Finalized(t.Context())
		if want == 0 {
			if chain.CheckOf(err) != chain.CheckContract {
				t.Errorf("before the contract was there: %v", err)
			}
			continue
		}
		if err != nil || position.Block != want {
			t.Errorf("%s: block %d, %v; want %d", f, position.Block, err, want)
		}
	}
}

func TestReorgPastFinality(t *testing.T) {
	w := newWorld(t)
	w.deposits(1)
	w.finalize()
	s := w.source(w.config(1, w.node.HTTPURL()))
	_, _, err := readAll(t.Context(), s, w.seed())
	w.must(err)
	w.must(w.node.Reorg(3, true))
	_, err = s.Finalized(t.Context())
	if chain.CheckOf(err) != chain.CheckFinality || chain.SeverityOf(err) != chain.Halt {
		t.Errorf("a replaced final block: %v", err)
	}
	w.mine(1) // now a block above the old one, with a shorter inbox
	_, err = s.Finalized(t.Context())
	if chain.CheckOf(err) != chain.CheckFinality || chain.SeverityOf(err) != chain.Halt {
		t.Errorf("an inbox that went back: %v", err)
	}
}

func TestCursorOfAnotherInbox(t *testing.T) {
	w := newWorld(t)
	w.deposits(2)
	w.finalize()
	s := w.source(w.config(1, w.node.HTTPURL()))
	position, err := s.Finalized(t.Context())
	w.must(err)
	for _, c := range []struct {
		from     types.Mark
		check    chain.Check
		severity chain.Severity
	}{
		{types.Mark{Nonce: 3, Hash: types.Hash{1}}, chain.CheckAccumulator, chain.Rewind},
		{types.Mark{Nonce: position.Inbox.Nonce, Hash: types.Hash{1}}, chain.CheckCursor, chain.Halt},
		{types.Mark{Nonce: position.Inbox.Nonce + 1, Hash: types.Hash{1}}, chain.CheckStale, chain.Retry},
	} {
		_, err := s.Read(t.Context(), c.from, position.Inbox, keepAll)
		if chain.CheckOf(err) != c.check || chain.SeverityOf(err) != c.severity {
			t.Errorf("from nonce %d: %v (%s)", c.from.Nonce, err, chain.SeverityOf(err))
		}
	}
}

func TestNoBridgeThere(t *testing.T) {
	w := newWorld(t)
	w.finalize()
	for name, address := range map[string]common.Address{"nothing": {1}, "an account": w.account.Address} {
		cfg := w.config(1, w.node.HTTPURL())
		cfg.Bridge = address
		if _, err := w.source(cfg).Finalized(t.Context()); chain.CheckOf(err) != chain.CheckContract {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDialChecksTheConfiguration(t *testing.T) {
	good := Config{
		ChainID: 1, Bridge: types.Address{1}, MinAgree: 2,
		Endpoints: []Endpoint{{URL: "https://one.example/key"}, {URL: "https://two.example"}, {URL: "https://two.example:1"}},
	}
	for name, bend := range map[string]func(*Config){
		"no chain id":        func(c *Config) { c.ChainID = 0 },
		"no bridge":          func(c *Config) { c.Bridge = types.Address{} },
		"no min_agree":       func(c *Config) { c.MinAgree = 0 },
		"too few groups":     func(c *Config) { c.MinAgree = 3 },
		"no host":            func(c *Config) { c.Endpoints[0].URL = "nonsense" },
		"tag":                func(c *Config) { c.Finality.Tag = "latest" },
		"tag and number":     func(c *Config) { c.Finality = Finality{Tag: "safe", Confirmations: 2} },
		"endpoints in group": func(c *Config) { c.Endpoints[0].Group = "two.example" },
	} {
		cfg := good
		cfg.Endpoints = slices.Clone(good.Endpoints)
		bend(&cfg)
		if _, err := Dial(t.Context(), cfg); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	client, err := Dial(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if client.Name() != "1" || client.cfg.Finality.String() != "finalized" || client.cfg.MaxRange == 0 {
		t.Errorf("defaults: %+v", client.cfg)
	}
}

func TestErrorsHideKeys(t *testing.T) {
	w := newWorld(t)
	cfg := w.config(1, "http://127.0.0.1:1/v3/secret-key")
	client, err := Dial(t.Context(), cfg)
	w.must(err)
	defer client.Close()
	err = client.Probe(t.Context())
	if err == nil || bytes.Contains([]byte(err.Error()), []byte("secret")) || !errors.As(err, new(*chain.Error)) {
		t.Errorf("an endpoint out of reach: %v", err)
	}
}
