package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	cmtconfig "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/p2p"

	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/internal/snapshot"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// liveNetwork is validators that run in this process.
type liveNetwork struct {
	t     *testing.T
	nodes []*Node
	urls  []string
}

const (
	liveChainID = "live-1"
	joinHeight  = 6 // of the snapshot that is joined by
)

// newLiveNetwork starts validators that make no snapshots by themselves.
func newLiveNetwork(t *testing.T, size int) *liveNetwork {
	t.Helper()
	genesis, err := NewGenesis(liveChainID, time.Now())
	check(t, err)
	listen := ports.ForTest(t, 2*size)
	n := &liveNetwork{t: t}
	var homes []config.Home
	var peers []string
	for i := range size {
		home := config.Home(filepath.Join(tempDir(t), fmt.Sprint("home", i)))
		app := config.Default()
		app.Signer.PassphraseFile, app.Snapshot.Interval = "passphrase", 0
		identity, err := CreateHome(home, HomeSpec{Moniker: fmt.Sprint("node", i), App: app, Genesis: genesis, Comet: func(c *cmtconfig.Config) {
			c.P2P.ListenAddress, c.RPC.ListenAddress = "tcp://"+listen.Address(2*i), "tcp://"+listen.Address(2*i+1)
			c.P2P.AddrBookStrict, c.P2P.AllowDuplicateIP, c.P2P.PexReactor = false, true, false
			c.P2P.PersistentPeers = strings.Join(peers, ",")
			c.Consensus.TimeoutCommit, c.Consensus.TimeoutPropose = 50*time.Millisecond, 300*time.Millisecond
		}})
		check(t, err)
		check(t, os.WriteFile(filepath.Join(home.String(), "passphrase"), []byte("secret\n"), 0o600))
		key, err := signer.NewStore(home.String(), signer.LightScrypt()).Create(signer.RoleSigner, "default", signer.NewPassphrase("secret"))
		check(t, err)
		genesis.State.Validators = append(genesis.State.Validators, types.Validator{
			ConsensusKey: identity.ConsensusKey, Signer: key.Address, Operator: types.Address{9, byte(i)}, Power: 10, Moniker: identity.Moniker,
		})
		homes, peers = append(homes, home), append(peers, identity.NodeID+"@"+listen.Address(2*i))
		n.urls = append(n.urls, "http://"+listen.Address(2*i+1))
	}
	for _, home := range homes {
		check(t, genesis.Write(home.GenesisFile()))
		n.nodes = append(n.nodes, running(t, options(t, home, io.Discard)))
	}
	return n
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// running opens and runs a node until the test ends.
func running(t *testing.T, o Options) *Node {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	n, err := Open(ctx, o)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, n.Close()); err != nil {
			t.Errorf("%s: %v", o.Home, err)
		}
	})
	return n
}

// await polls until a condition holds.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func (n *liveNetwork) await(node int, height int64) {
	n.t.Helper()
	await(n.t, fmt.Sprintf("height %d", height), func() bool { return n.nodes[node].store.Version() >= height })
}

// shelve makes a snapshot of a height in a node's archive.
func (n *liveNetwork) shelve(node int, height int64, chainID string) store.Manifest {
	n.t.Helper()
	state, err := n.nodes[node].store.At(height)
	check(n.t, err)
	defer state.Release()
	m, err := n.nodes[node].archive.Make(n.t.Context(), state, chainID)
	check(n.t, err)
	return m
}

// spoil flips a byte of a node's only chunk of a height.
func (n *liveNetwork) spoil(node int, height int64) {
	n.t.Helper()
	path := filepath.Join(n.nodes[node].Home.SnapshotsDir(), fmt.Sprintf("%d-%d", height, store.SnapshotFormat), "00000")
	content, err := os.ReadFile(path)
	check(n.t, err)
	content[len(content)/2] ^= 1
	check(n.t, os.WriteFile(path, content, 0o600))
}

// join makes a home that joins by the first two validators.
func (n *liveNetwork) join(bend func(*JoinSpec)) (config.Home, Joined, error) {
	n.t.Helper()
	home := config.Home(filepath.Join(tempDir(n.t), "joiner"))
	spec := JoinSpec{Moniker: "dora", RPC: n.urls[:2]}
	if bend != nil {
		bend(&spec)
	}
	joined, err := Join(n.t.Context(), home, spec)
	return home, joined, err
}

// joinerOptions lets a joined home run beside the others on this machine.
func joinerOptions(t *testing.T, home config.Home, log io.Writer) Options {
	t.Helper()
	o := options(t, home, log)
	o.Comet.P2P.ListenAddress, o.Comet.RPC.ListenAddress = "tcp://127.0.0.1:0", ""
	o.Comet.P2P.AddrBookStrict, o.Comet.P2P.AllowDuplicateIP = false, true
	return o
}

// follows checks that a node came by a snapshot and follows the network.
func (n *liveNetwork) follows(joined *Node, from int64) {
	n.t.Helper()
	tip := n.nodes[0].store.Version() + 3
	await(n.t, "the joined node at the tip", func() bool { return joined.store.Version() >= tip })
	n.await(0, tip)
	if base := joined.comet.BlockStore().Base(); base != from+1 || joined.store.First() != from {
		n.t.Errorf("it has blocks from %d and states from %d on, want %d and %d", base, joined.store.First(), from+1, from)
	}
	mine, err := joined.store.At(tip)
	check(n.t, err)
	defer mine.Release()
	theirs, err := n.nodes[0].store.At(tip)
	check(n.t, err)
	defer theirs.Release()
	if !bytes.Equal(mine.Hash(), theirs.Hash()) {
		n.t.Errorf("app hash of height %d is %X, the network's %X", tip, mine.Hash(), theirs.Hash())
	}
}

// What servers say of peers goes into config.toml only if it can be dialled, and
// is nothing else.
func TestPeersOfServers(t *testing.T) {
	id, other := strings.Repeat("a1", 20), strings.Repeat("b2", 20)
	for _, c := range []struct{ id, listen, seen, want string }{
		{id, "tcp://0.0.0.0:26656", "one.example", id + "@one.example:26656"},
		{id, "[::]:26656", "2001:db8::7", id + "@[2001:db8::7]:26656"},
		{id, "tcp://192.0.2.7:26656", "one.example", id + "@192.0.2.7:26656"},
		{id, "tcp://127.0.0.1:26656", "localhost", id + "@127.0.0.1:26656"},
		{id, "tcp://127.0.0.1:26656", "one.example", ""},
		{other, "tcp://192.0.2.7:26656", "", ""}, // is there already
		{id, "tcp://0.0.0.0:26656", "", ""},
		{id, "192.0.2.7", "", ""},
		{id, "tcp://x\"\n[p2p]\nladdr = \"y:1", "", ""},
		{id, "tcp://a,b:1", "", ""},
		{id, "tcp://a:123456", "", ""},
		{id, "tcp://a:0", "", ""}, // any port: nobody knows which
		{"a1", "tcp://192.0.2.7:26656", "", ""},
		{strings.Repeat("zz", 20), "tcp://192.0.2.7:26656", "", ""},
	} {
		known := []string{other + "@known.example:1"}
		got := appendPeer(known, p2p.DefaultNodeInfo{DefaultNodeID: p2p.ID(c.id), ListenAddr: c.listen}, c.seen)[1:]
		if c.want == "" && len(got) != 0 || c.want != "" && (len(got) != 1 || got[0] != c.want) {
			t.Errorf("%s at %q, seen at %q: %q", c.id, c.listen, c.seen, got)
		}
	}
}

// syncBuffer is a log that is read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// Nodes join a network that runs: by state sync, amid a restore that was
// interrupted, by a file, or not at all.
func TestJoinARunningNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("runs validators")
	}
	n := newLiveNetwork(t, 4)
	for i := range 3 {
		n.await(i, 9)
		n.shelve(i, joinHeight, liveChainID)
	}
	n.await(3, 9)
	n.shelve(3, joinHeight+1, "another-1")
	n.spoil(1, joinHeight)
	n.spoil(2, joinHeight)

	for name, join := range map[string]func(*liveNetwork){
		"by state sync": (*liveNetwork).byStateSync, "interrupted": (*liveNetwork).resume,
		"by a file": (*liveNetwork).byFile, "refused": (*liveNetwork).refuses,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			twin := *n
			twin.t = t
			join(&twin)
		})
	}
}

// byStateSync joins although the best snapshot that is offered is a foreign
// network's, and two of three copies of the next are damaged.
func (n *liveNetwork) byStateSync() {
	t := n.t
	home, joined, err := n.join(nil)
	check(t, err)
	hash, err := HashGenesis(n.nodes[0].Home.GenesisFile())
	check(t, err)
	if joined.GenesisHash != hash || joined.ChainID != liveChainID || joined.Sources != 2 || joined.TrustHeight != 1 || len(joined.Peers) != 4 {
		t.Errorf("joined %+v, the genesis hash is %s", joined, hash)
	}
	log := &syncBuffer{}
	o := joinerOptions(t, home, log)
	o.Comet.P2P.PersistentPeers = strings.Join([]string{n.peer(1), n.peer(2), n.peer(3)}, ",")
	o.Comet.P2P.PexReactor = false
	o.Comet.StateSync.ChunkRequestTimeout = 500 * time.Millisecond
	synced := running(t, o)
	await(t, "both damaged copies refused", func() bool { return strings.Count(log.String(), "refused a chunk") == 2 })
	check(t, synced.comet.Switch().DialPeersAsync([]string{n.peer(0)}))
	n.follows(synced, joinHeight)
	if !strings.Contains(log.String(), `of network \"another-1\"`) {
		t.Errorf("the foreign snapshot was not refused:\n%s", log)
	}
	members, err := newView(synced.app, nil).validators()
	if err != nil || len(members) != 4 {
		t.Errorf("%d validators, %v", len(members), err)
	}
}

// resume lets a node end between the two halves of a restore.
func (n *liveNetwork) resume() {
	t := n.t
	home, _, err := n.join(func(s *JoinSpec) { s.GenesisHash, s.Peers = "", []string{n.peer(0)} })
	check(t, err)
	o := joinerOptions(t, home, io.Discard)
	adopt(t, home, o, n.file(0))
	joined := running(t, o)
	n.follows(joined, joinHeight)

	// Without servers there is nothing to finish it by.
	other, _, err := n.join(nil)
	check(t, err)
	o = joinerOptions(t, other, io.Discard)
	adopt(t, other, o, n.file(0))
	o.Comet.StateSync = cmtconfig.DefaultStateSyncConfig()
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "names no servers") {
		t.Errorf("without servers: %v", err)
	}
}

func (n *liveNetwork) peer(i int) string {
	return fmt.Sprintf("%s@%s", n.nodes[i].comet.NodeInfo().ID(), strings.TrimPrefix(n.nodes[i].Comet.P2P.ListenAddress, "tcp://"))
}

// file is the newest snapshot of a node as a file.
func (n *liveNetwork) file(i int) string {
	n.t.Helper()
	path := filepath.Join(n.t.TempDir(), "snapshot")
	check(n.t, n.nodes[i].archive.WriteFile(path, n.nodes[i].archive.List()[0]))
	return path
}

// adopt gives the application its half of a restore, and consensus nothing.
func adopt(t *testing.T, home config.Home, o Options, file string) {
	t.Helper()
	restore, err := snapshot.RestoreFile(file, func(store.Manifest) error { return nil })
	check(t, err)
	defer restore.Close()
	s, err := store.Open(store.Config{Dir: appDir(home), Backend: o.App.State.Backend})
	check(t, err)
	check(t, errors.Join(s.Adopt(restore), s.Close()))
}

// byFile restores a file, after everything that must not work.
func (n *liveNetwork) byFile() {
	t := n.t
	home, _, err := n.join(func(s *JoinSpec) { s.RPC, s.TrustOne = n.urls[2:3], true })
	check(t, err)
	file := n.file(0)
	restore := func(bend func(*RestoreSpec)) (Restored, error) {
		spec := RestoreSpec{File: file}
		bend(&spec)
		return RestoreSnapshot(t.Context(), home, spec)
	}
	for name, c := range map[string]struct {
		bend func(*RestoreSpec)
		want error
	}{
		"another app hash":  {func(s *RestoreSpec) { s.AppHash = make([]byte, 32) }, ErrUnproven},
		"a damaged file":    {func(s *RestoreSpec) { s.File = n.file(1) }, store.ErrChunk},
		"no file":           {func(s *RestoreSpec) { s.File += "no" }, os.ErrNotExist},
		"one server":        {func(s *RestoreSpec) { s.RPC = n.urls[:1] }, ErrOneSource},
		"another hash":      {func(s *RestoreSpec) { s.RPC, s.TrustHeight, s.TrustHash = n.urls[:2], 2, make([]byte, 32) }, ErrDisagree},
		"a foreign network": {func(s *RestoreSpec) { s.File = n.file(3) }, nil},
	} {
		_, err := restore(c.bend)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r, err := restore(func(s *RestoreSpec) { s.RPC = n.urls[:2] })
	if err != nil || r.Height != joinHeight || !r.Complete || r.ChainID != liveChainID {
		t.Errorf("restored %+v, %v", r, err)
	}
	if _, err := restore(func(*RestoreSpec) {}); !errors.Is(err, ErrHasBlocks) {
		t.Errorf("again: %v", err)
	}
	n.follows(running(t, joinerOptions(t, home, io.Discard)), joinHeight)
}

// refuses tries to join in ways that must not work, and leave no home.
func (n *liveNetwork) refuses() {
	t := n.t
	alone := running(t, options(t, newHome(t), io.Discard))
	await(t, "another network's first block", func() bool { return alone.store.Version() > 0 })
	stranger := strings.Replace(alone.Comet.RPC.ListenAddress, "tcp", "http", 1)
	for name, c := range map[string]struct {
		bend func(*JoinSpec)
		want error
	}{
		"one server":       {func(s *JoinSpec) { s.RPC = s.RPC[:1] }, ErrOneSource},
		"the same twice":   {func(s *JoinSpec) { s.RPC = []string{s.RPC[0], s.RPC[0]} }, ErrOneSource},
		"no server":        {func(s *JoinSpec) { s.RPC = nil }, nil},
		"out of reach":     {func(s *JoinSpec) { s.RPC = append(s.RPC[:1:1], "http://127.0.0.1:1") }, ErrUnreachable},
		"another network":  {func(s *JoinSpec) { s.RPC = append(s.RPC[:1:1], stranger) }, ErrDisagree},
		"another chain id": {func(s *JoinSpec) { s.ChainID = "other-1" }, ErrDisagree},
		"another genesis":  {func(s *JoinSpec) { s.GenesisHash = strings.Repeat("0", 64) }, ErrDisagree},
		"another block":    {func(s *JoinSpec) { s.TrustHeight, s.TrustHash = 2, make([]byte, 32) }, ErrDisagree},
		"no such block":    {func(s *JoinSpec) { s.TrustHeight, s.TrustHash = 1<<40, make([]byte, 32) }, ErrUnreachable},
		"a bad peer":       {func(s *JoinSpec) { s.Peers = []string{"somebody"} }, nil},
		"a bad URL":        {func(s *JoinSpec) { s.RPC = append(s.RPC[:1:1], "ftp://x") }, nil},
		"an unknown chain": {func(s *JoinSpec) {
			s.Endpoints = map[string][]config.Endpoint{"alpha": {{URL: "http://x", Group: "x"}}}
		}, nil},
	} {
		home, _, err := n.join(c.bend)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if home.Exists() {
			t.Errorf("%s: a home was made", name)
		}
	}
	home, _, err := n.join(nil)
	check(t, err)
	if _, err := Join(t.Context(), home, JoinSpec{Moniker: "dora", RPC: n.urls}); !errors.Is(err, ErrInitialised) {
		t.Errorf("into a home that exists: %v", err)
	}
}
