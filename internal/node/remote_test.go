package node

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/internal/relayer"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// remoteWorld is a network of four whose commands nodes tell of.
type remoteWorld struct {
	t      *testing.T
	served *served
	at     chain.OutboxPosition
}

const remoteChain = types.ChainID(7)

func newRemoteWorld(t *testing.T) *remoteWorld {
	t.Helper()
	w := &remoteWorld{t: t}
	w.served = &served{bridge: types.Address{9}, wake: func() {}, outdated: func() {}, position: func() chain.OutboxPosition { return w.at }}
	w.at.SetHash = w.set(0).Hash()
	w.at.Nonce = 4
	return w
}

// set is the validator set of an epoch; each has other keys.
func (w *remoteWorld) set(epoch int) types.ValidatorSet {
	w.t.Helper()
	var members []types.Member
	for i := range 4 {
		members = append(members, types.Member{Signer: w.signer(epoch, i), Power: 10})
	}
	set, err := types.NewValidatorSet(members)
	if err != nil {
		w.t.Fatal(err)
	}
	return set
}

func keySeed(epoch, i int) []byte { return crypto.Keccak256([]byte{byte(epoch), byte(i)}) }

func (w *remoteWorld) signer(epoch, i int) types.Address {
	key, err := crypto.ToECDSA(keySeed(epoch, i))
	if err != nil {
		w.t.Fatal(err)
	}
	return crypto.PubkeyToAddress(key.PublicKey)
}

// command is one that so many of an epoch's validators have sealed.
func (w *remoteWorld) command(nonce uint64, c types.Command, epoch, signers int) bridge.OutboxCommand {
	w.t.Helper()
	encoded := types.EncodeCommand(c)
	leaf := evmsig.CommandLeaf(remoteChain, w.served.bridge, nonce, encoded)
	leaves := []types.Hash{leaf, {1}}
	root := evmsig.MerkleRoot(leaves)
	digest := evmsig.SealDigest(types.Hash{5}, uint64(epoch), nonce, root)
	set := w.set(epoch)
	command := bridge.OutboxCommand{
		Nonce: nonce, Kind: c.Kind(), Bytes: encoded, Items: c.Items(), Proof: evmsig.MerklePath(leaves, 0), Set: set,
		Seal:       bridge.SealState{Epoch: uint64(epoch), Height: nonce, Root: root, Digest: digest},
		Signatures: map[int][types.SignatureBytes]byte{},
	}
	for i := range signers {
		key, err := crypto.ToECDSA(keySeed(epoch, i))
		if err != nil {
			w.t.Fatal(err)
		}
		signature, err := evmsig.Sign(key, digest)
		if err != nil {
			w.t.Fatal(err)
		}
		command.Signatures[set.Index(crypto.PubkeyToAddress(key.PublicKey))] = signature
	}
	return command
}

// TestNothingIsBelievedOfANode bends one thing each of what a node says, and
// wants no command to be relayed from there on.
func TestNothingIsBelievedOfANode(t *testing.T) {
	batch := types.Batch{Entries: []types.BatchEntry{{
		Kind: types.EntryRelease, Token: types.NativeToken, Recipient: types.Address{1}, Amount: types.NewAmount(5),
	}}}
	for _, c := range []struct {
		name  string
		bend  func(w *remoteWorld, said []bridge.OutboxCommand) []bridge.OutboxCommand
		reach uint64
	}{
		{"the truth", nil, 6},
		{"an executed command before", func(w *remoteWorld, said []bridge.OutboxCommand) []bridge.OutboxCommand {
			return append([]bridge.OutboxCommand{{Nonce: 4}}, said...)
		}, 6},
		{"nothing", func(*remoteWorld, []bridge.OutboxCommand) []bridge.OutboxCommand { return nil }, 4},
		{"the first is hidden", func(_ *remoteWorld, said []bridge.OutboxCommand) []bridge.OutboxCommand { return said[1:] }, 4},
		{"another amount", func(w *remoteWorld, said []bridge.OutboxCommand) []bridge.OutboxCommand {
			said[1].Bytes = slices.Clone(said[1].Bytes)
			said[1].Bytes[len(said[1].Bytes)-1]++
			return said
		}, 5},
		{"another number of items", func(_ *remoteWorld, said []bridge.OutboxCommand) []bridge.OutboxCommand {
			said[0].Items = 9
			return said
		}, 4},
		{"another network's seal", func(_ *remoteWorld, said []bridge.OutboxCommand) []bridge.OutboxCommand {
			said[0].Seal.Digest = evmsig.SealDigest(types.Hash{6}, 0, 5, said[0].Seal.Root)
			return said
		}, 4},
		{"too few signatures", func(w *remoteWorld, said []bridge.OutboxCommand) []bridge.OutboxCommand {
			said[1] = w.command(6, batch, 0, 2)
			return said
		}, 5},
		{"a signature out of the set", func(_ *remoteWorld, said []bridge.OutboxCommand) []bridge.OutboxCommand {
			said[0].Signatures[99] = said[0].Signatures[0]
			return said
		}, 6},
		{"a set of the node's own", func(w *remoteWorld, said []bridge.OutboxCommand) []bridge.OutboxCommand {
			said[0] = w.command(5, batch, 3, 4)
			return said
		}, 4},
		{"the next set, handed over to", func(w *remoteWorld, said []bridge.OutboxCommand) []bridge.OutboxCommand {
			return append(said, w.command(7, types.SetValidators{Epoch: 2, Set: w.set(1)}, 0, 3), w.command(8, batch, 1, 3))
		}, 8},
		{"the old set after the handover", func(w *remoteWorld, said []bridge.OutboxCommand) []bridge.OutboxCommand {
			return append(said, w.command(7, types.SetValidators{Epoch: 2, Set: w.set(1)}, 0, 3), w.command(8, batch, 0, 3))
		}, 7},
	} {
		w := newRemoteWorld(t)
		said := []bridge.OutboxCommand{w.command(5, batch, 0, 3), w.command(6, batch, 0, 4)}
		if c.bend != nil {
			said = c.bend(w, said)
		}
		kept, reach := w.served.verify(remoteChain, said)
		if reach != c.reach {
			t.Errorf("%s: relayed up to %d, want %d", c.name, reach, c.reach)
		}
		if len(kept) > 0 && kept[len(kept)-1].Nonce != reach {
			t.Errorf("%s: kept up to %d, want %d", c.name, kept[len(kept)-1].Nonce, reach)
		}
		for _, k := range kept {
			for i := range k.Signatures {
				if i >= len(k.Set) {
					t.Errorf("%s: a signature of nobody is kept", c.name)
				}
			}
		}
	}
}

// TestNodesThatAreNone has nodes that hang, break and talk nonsense: none holds
// anybody up, and trouble names them without what their URLs hide.
func TestNodesThatAreNone(t *testing.T) {
	release := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(hangs.Close)
	t.Cleanup(func() { close(release) })
	long := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":-1,"result":{"response":{"value":"`)
		for range 3 {
			_, _ = io.WriteString(w, strings.Repeat("A", 1<<20))
		}
	}))
	t.Cleanup(long.Close)
	r, err := newRemote([]string{hangs.URL + "/KEY", long.URL + "/KEY", "http://user:KEY@127.0.0.1:1/KEY"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Outbox(remoteChain, 1); err == nil {
		t.Error("an outbox of nobody")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for i := range r.nodes {
		if _, _, err := r.ask(ctx, r.nodes[i], nil); err == nil || strings.Contains(err.Error(), "KEY") {
			t.Errorf("node %d: %v", i, err)
		}
	}
	r.look(t.Context(), 2)
	if err := r.check(); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") || strings.Contains(err.Error(), "KEY") {
		t.Errorf("trouble: %v", err)
	}
	r.answers[0] = nodeAnswer{at: time.Now(), height: 30, says: map[types.ChainID]told{}}
	r.answers[1] = nodeAnswer{at: time.Now(), height: 1 << 60, says: map[types.ChainID]told{}}
	r.answers[2] = nodeAnswer{at: time.Now(), height: 31, says: map[types.ChainID]told{remoteChain: {reach: 3}}}
	if o, err := r.Outbox(remoteChain, 1); err != nil || o.Height != 31 || r.Height() != 31 || r.check() != nil {
		t.Errorf("outbox %+v, %v", o, err)
	}
}

// TestNodesAreAskedOnce has a node's word last while the outbox is the same and
// the contract did not go back behind what was checked.
func TestNodesAreAskedOnce(t *testing.T) {
	said := told{outbox: relayer.Outbox{Executed: 3}, from: 4, reach: 6}
	for _, c := range []struct {
		name             string
		executed, outbox uint64
		at               uint64
		want             bool
	}{
		{"nothing is new", 3, 6, 4, true},
		{"some was executed", 3, 6, 6, true},
		{"a new command", 3, 7, 6, false},
		{"an execution is agreed", 4, 6, 6, false},
		{"a reorg behind what was checked", 3, 6, 3, false},
	} {
		if got := said.lasts(bridge.ChainState{Executed: c.executed, Outbox: c.outbox}, c.at); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	incomplete := said
	incomplete.reach = 5
	if incomplete.lasts(bridge.ChainState{Executed: 3, Outbox: 6}, 4) || (told{}).lasts(bridge.ChainState{}, 0) {
		t.Error("what lacks signatures, or was never said, lasts")
	}
}
