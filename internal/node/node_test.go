package node

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cmtconfig "github.com/cometbft/cometbft/config"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/ops"
	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// newHome is a home of the only validator of a network.
func newHome(t *testing.T) config.Home {
	t.Helper()
	home := config.Home(filepath.Join(tempDir(t), "home"))
	genesis, err := NewGenesis("test-1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	app := config.Default()
	app.Signer.PassphraseFile = "passphrase"
	identity, err := CreateHome(home, HomeSpec{Moniker: "anna", App: app, Genesis: genesis, Comet: func(c *cmtconfig.Config) {
		c.P2P.ListenAddress, c.RPC.ListenAddress = "tcp://127.0.0.1:0", "tcp://"+ports.ForTest(t, 1).Address(0)
		c.Consensus.TimeoutCommit = 10 * time.Millisecond
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home.String(), "passphrase"), []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := signer.NewStore(home.String(), signer.LightScrypt()).Create(signer.RoleSigner, "default", signer.NewPassphrase("secret"))
	if err != nil {
		t.Fatal(err)
	}
	genesis.State.Validators = []types.Validator{{
		ConsensusKey: identity.ConsensusKey, Signer: key.Address, Operator: types.Address{9}, Power: 10, Moniker: "anna",
	}}
	if err := genesis.Write(home.GenesisFile()); err != nil {
		t.Fatal(err)
	}
	return home
}

// tempDir is t.TempDir for nodes: CometBFT writes its address book once more
// when it has stopped.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "node")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 20 {
			if err = os.RemoveAll(dir); err == nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Error(err)
	})
	return dir
}

func options(t *testing.T, home config.Home, log io.Writer) Options {
	t.Helper()
	comet, err := config.LoadComet(home)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := config.Load(home, nil)
	if err != nil {
		t.Fatal(err)
	}
	return Options{Home: home, App: loaded.Config, Comet: comet, Logger: slog.New(slog.NewTextHandler(log, nil))}
}

// runTo runs a node until it has committed a height, and returns the app hash
// of that height.
func runTo(t *testing.T, home config.Home, height int64) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	reached := make(chan struct{}, 1)
	o := options(t, home, io.Discard)
	o.OnCommit = func(h int64) {
		if h >= height {
			select {
			case reached <- struct{}{}:
			default:
			}
		}
	}
	n, err := Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	select {
	case <-reached:
	case err := <-done:
		t.Fatalf("the node ended before height %d: %v", height, err)
	}
	snapshot, err := n.store.At(height)
	if err != nil {
		t.Fatal(err)
	}
	hash := bytes.Clone(snapshot.Hash())
	snapshot.Release()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
	if err := n.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	return hash
}

func TestSingleValidatorRestarts(t *testing.T) {
	home := newHome(t)
	first := runTo(t, home, 5)
	runTo(t, home, 12)
	again := options(t, home, io.Discard)
	n, err := Open(t.Context(), again)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}()
	if n.store.Version() < 12 {
		t.Errorf("height %d after a restart, want 12 or more", n.store.Version())
	}
	snapshot, err := n.store.At(5)
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Release()
	if !bytes.Equal(snapshot.Hash(), first) {
		t.Errorf("app hash of height 5 is %X, was %X", snapshot.Hash(), first)
	}

	// One process a home; and nobody deletes the data under it.
	if err := ResetData(home, again.App.State, false); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("reset of a running node: %v", err)
	}
	if _, err := Open(t.Context(), again); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second process on the same home: %v", err)
	}
}

// A node makes snapshots by itself, and keeps as many as it is told to.
func TestSnapshotsAreMade(t *testing.T) {
	home := newHome(t)
	o := options(t, home, io.Discard)
	o.App.Snapshot = config.Snapshot{Interval: 2, Keep: 2}
	n := running(t, o)
	await(t, "two snapshots after others", func() bool {
		list := n.archive.List()
		return len(list) == 2 && list[1].Height > 4
	})
	for _, m := range n.archive.List() {
		if m.Height%2 != 0 || m.ChainID != "test-1" {
			t.Errorf("a snapshot of height %d of %s", m.Height, m.ChainID)
		}
	}
}

func TestMissingDatabasesAreMade(t *testing.T) {
	home := newHome(t)
	if err := os.RemoveAll(home.Data()); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(home.String(), ".new-left"), 0o700); err != nil {
		t.Fatal(err)
	}
	runTo(t, home, 2)
	if _, err := os.Stat(filepath.Join(home.String(), ".new-left")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("leftovers of an interrupted start stay")
	}
}

// A validator that has blocks and has lost what it signed last does not start:
// it could sign twice.
func TestSigningSafety(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"missing": os.Remove,
		"broken":  func(path string) error { return os.WriteFile(path, []byte("{"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			home := newHome(t)
			runTo(t, home, 2)
			if err := spoil(home.ValidatorStateFile()); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(t.Context(), options(t, home, io.Discard)); !errors.Is(err, ErrSigningSafety) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWrongPassphraseStopsTheStart(t *testing.T) {
	home := newHome(t)
	if err := os.WriteFile(filepath.Join(home.String(), "passphrase"), []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), options(t, home, io.Discard)); !errors.Is(err, signer.ErrPassphrase) {
		t.Errorf("got %v", err)
	}
}

func TestWithoutSignerKeyItFollows(t *testing.T) {
	home := newHome(t)
	if err := os.RemoveAll(home.Keys()); err != nil {
		t.Fatal(err)
	}
	runTo(t, home, 3)
}

func TestSlowStartSaysWhatItWaitsFor(t *testing.T) {
	var log bytes.Buffer
	p := newProgress(slog.New(slog.NewTextHandler(&log, nil)))
	p.step("peers")
	if !p.say() || !strings.Contains(log.String(), `msg="still starting" waits_for=peers`) {
		t.Errorf("log %q", log.String())
	}
	p.done()
	if p.say() {
		t.Error("it reports after the start is over")
	}
}

// A consensus that fails ends the process with an error of its own, instead of
// leaving one that only looks alive.
func TestConsensusFailureEndsTheNode(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	reached := make(chan struct{}, 1)
	o := options(t, newHome(t), io.Discard)
	o.OnCommit = func(height int64) {
		if height == 3 {
			reached <- struct{}{}
		}
	}
	n, err := Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	<-reached
	if err := n.store.Close(); err != nil { // the disk goes away
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ops.ErrConsensusFailure) {
		t.Errorf("got %v", err)
	}
	n.store = nil
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

func TestKeyFilesOfOthersAreRefused(t *testing.T) {
	home := newHome(t)
	if err := os.Chmod(home.ValidatorKeyFile(), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), options(t, home, io.Discard)); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("got %v", err)
	}
}

// A validator with another signer key than the network expects says so.
func TestWrongSignerKeyIsTold(t *testing.T) {
	home := newHome(t)
	n, err := Open(t.Context(), options(t, home, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, _, err := newView(n.app, nil).validator(n.self); !isUnknown(err) {
		t.Errorf("before the first block: %v", err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	runTo(t, home, 2)
	o := options(t, home, io.Discard)
	if n, err = Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	right := n.keys.signerAddresses()
	for name, one := range map[string]struct {
		keys []types.Address
		want string
	}{
		"the right key": {right, ""},
		"no key":        {nil, "no signer key"},
		"another key":   {[]types.Address{{1}}, right[0].Hex()},
		"a second key":  {append(right, types.Address{1}), ""},
	} {
		var said bytes.Buffer
		c := newSignerCheck(newView(n.app, one.keys), n.self, slog.New(slog.NewTextHandler(&said, nil)))
		c.look()
		err := c.check()
		if (err == nil) != (one.want == "") || err != nil && (!strings.Contains(err.Error(), one.want) || !strings.Contains(said.String(), "do not count")) {
			t.Errorf("%s: %v\n%s", name, err, said.String())
		}
	}
}

// While the signer is rotated the node has to have both keys.
func TestSignerTrouble(t *testing.T) {
	present, next := types.Address{1}, types.Address{2}
	in := bridge.ValidatorView{Status: types.ValidatorActive, InSet: true, NextSigner: next}
	in.Signer = present
	candidate := in
	candidate.InSet, candidate.NextSigner = false, types.Address{}
	jailed := candidate
	jailed.Status = types.ValidatorJailed
	for name, one := range map[string]struct {
		v          bridge.ValidatorView
		keys       []types.Address
		now, later string
	}{
		"both":                 {in, []types.Address{present, next}, "", ""},
		"in the other order":   {in, []types.Address{next, present}, "", ""},
		"without the next":     {in, []types.Address{present}, "", "from epoch 8 on"},
		"without the present":  {in, []types.Address{next}, "removed too early", ""},
		"with neither":         {in, []types.Address{{3}}, "expects " + present.Hex(), "from epoch 8 on"},
		"not in the set yet":   {candidate, nil, "", "no signer key"},
		"jailed, nobody waits": {jailed, nil, "", ""},
	} {
		now, later := SignerTrouble(one.v, 7, one.keys)
		for _, pair := range []struct {
			err  error
			want string
		}{{now, one.now}, {later, one.later}} {
			if (pair.err == nil) != (pair.want == "") || pair.err != nil && !strings.Contains(pair.err.Error(), pair.want) {
				t.Errorf("%s: now %v, later %v", name, now, later)
			}
		}
	}
}

// A reset home begins from genesis again.
func TestResetBeginsAnew(t *testing.T) {
	home := newHome(t)
	first := runTo(t, home, 2)
	if err := os.Mkdir(home.EvidenceDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := ResetData(home, config.Default().State, true); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(home.EvidenceDir()); err != nil {
		t.Errorf("evidence against chains: %v", err)
	}
	if height, err := SignedHeight(home); err != nil || height != 0 {
		t.Errorf("signed height %d after forgetting: %v", height, err)
	}
	if again := runTo(t, home, 2); !bytes.Equal(first, again) {
		t.Errorf("app hash of height 2 is %X, was %X", again, first)
	}
}
