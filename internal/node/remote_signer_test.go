package node

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// TestSignerProcess is the remote signer of the other tests, which start it as a
// process of its own: CometBFT's, with the key in a directory.
func TestSignerProcess(t *testing.T) {
	dir := os.Getenv("BRIDGED_TEST_SIGNER")
	if dir == "" {
		t.Skip("only as a process of other tests")
	}
	pv := privval.LoadOrGenFilePV(filepath.Join(dir, "key.json"), filepath.Join(dir, "state.json"))
	address := os.Getenv("BRIDGED_TEST_ADDRESS")
	dial := privval.DialTCPFn(address, 5*time.Second, ed25519.GenPrivKey())
	if path, isUnix := strings.CutPrefix(address, "unix://"); isUnix {
		dial = privval.DialUnixFn(path)
	}
	endpoint := privval.NewSignerDialerEndpoint(log.NewNopLogger(), dial,
		privval.SignerDialerEndpointConnRetries(1_000_000), privval.SignerDialerEndpointRetryWaitInterval(20*time.Millisecond))
	if err := privval.NewSignerServer(endpoint, os.Getenv("BRIDGED_TEST_CHAIN"), pv).Start(); err != nil {
		t.Fatal(err)
	}
	select {} // until it is killed
}

// signerDir takes the consensus key out of a home, for a remote signer at the
// address.
func signerDir(t *testing.T, home config.Home, address string) string {
	t.Helper()
	dir := t.TempDir()
	for from, to := range map[string]string{home.ValidatorKeyFile(): "key.json", home.ValidatorStateFile(): "state.json"} {
		if err := os.Rename(from, filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	comet, err := config.LoadComet(home)
	if err != nil {
		t.Fatal(err)
	}
	comet.PrivValidatorListenAddr = address
	if err := config.WriteComet(home, comet); err != nil {
		t.Fatal(err)
	}
	return dir
}

func startSigner(t *testing.T, dir, address, chainID string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestSignerProcess$")
	cmd.Env = append(os.Environ(), "BRIDGED_TEST_SIGNER="+dir, "BRIDGED_TEST_ADDRESS="+address, "BRIDGED_TEST_CHAIN="+chainID)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopSigner(cmd) })
	return cmd
}

func stopSigner(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// A validator makes blocks with a key that is in another process, and goes on
// after that process was killed and has come back. The home's own key is not
// there.
func TestRemoteSigner(t *testing.T) {
	for _, scheme := range []string{"tcp", "unix"} {
		t.Run(scheme, func(t *testing.T) {
			address := "tcp://" + ports.ForTest(t, 1).Address(0)
			if scheme == "unix" {
				address = "unix://" + filepath.Join(tempDir(t), "signer")
				leaveSocket(t, strings.TrimPrefix(address, "unix://"))
			}
			home := newHome(t)
			dir := signerDir(t, home, address)
			dialled := strings.TrimPrefix(address, "tcp://")
			process := startSigner(t, dir, dialled, "test-1")

			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var height atomic.Int64
			o := options(t, home, io.Discard)
			o.OnCommit = height.Store
			n, err := Open(ctx, o)
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- n.Run(ctx) }()
			await := func(what string, holds func() bool) {
				t.Helper()
				for !holds() {
					select {
					case err := <-done:
						t.Fatalf("the node ended before %s: %v", what, err)
					case <-time.After(5 * time.Millisecond):
					}
				}
			}
			await("height 5", func() bool { return height.Load() >= 5 })
			stopSigner(process)
			await("the signer is missed", func() bool { return n.validator.(*remoteSigner).check() != nil })
			at := height.Load()
			startSigner(t, dir, dialled, "test-1")
			await("ten more blocks", func() bool { return height.Load() >= at+10 })
			if err := n.validator.(*remoteSigner).check(); err != nil {
				t.Errorf("with a signer again: %v", err)
			}
			cancel()
			if err := <-done; err != nil {
				t.Errorf("run: %v", err)
			}
			if err := n.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			for _, file := range []string{home.ValidatorKeyFile(), home.ValidatorStateFile()} {
				if _, err := os.Stat(file); !os.IsNotExist(err) {
					t.Errorf("%s: %v", file, err)
				}
			}
		})
	}
}

// leaveSocket leaves a socket as a killed process does.
func leaveSocket(t *testing.T, path string) {
	t.Helper()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
}

// The largest extension that the protocol has, 4 KiB, passes both ways.
func TestRemoteSignerSignsLargeExtensions(t *testing.T) {
	address := ports.ForTest(t, 1).Address(0)
	remote, err := listenForSigner("tcp://"+address, "test-1", &p2p.NodeKey{PrivKey: ed25519.GenPrivKey()},
		options(t, newHome(t), io.Discard).Logger, log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = remote.Close() }()
	startSigner(t, t.TempDir(), address, "test-1")
	if err := remote.await(t.Context(), 30*time.Second); err != nil {
		t.Fatal(err)
	}
	for i, extension := range [][]byte{bytes.Repeat([]byte{7}, 4<<10), nil} {
		vote := &cmtproto.Vote{
			Type: cmtproto.PrecommitType, Height: int64(5 + i), Timestamp: time.Now(), ValidatorAddress: remote.key.Address(),
			BlockID:   cmtproto.BlockID{Hash: bytes.Repeat([]byte{1}, 32), PartSetHeader: cmtproto.PartSetHeader{Total: 1, Hash: bytes.Repeat([]byte{2}, 32)}},
			Extension: extension,
		}
		if err := remote.SignVote("test-1", vote); err != nil {
			t.Fatal(err)
		}
		signed, err := cmttypes.VoteFromProto(vote)
		if err != nil {
			t.Fatal(err)
		}
		if err := signed.VerifyVoteAndExtension("test-1", remote.key); err != nil {
			t.Errorf("extension of %d bytes: %v", len(extension), err)
		}
		// What the signer refuses is not asked for again.
		vote.BlockID.Hash[0]++
		if _, refused := errors.AsType[*privval.RemoteSignerError](remote.SignVote("test-1", vote)); !refused {
			t.Error("a second vote of one height is signed")
		}
	}
}

func TestStartWithoutRemoteSigner(t *testing.T) {
	address := ports.ForTest(t, 1).Address(0)
	home := newHome(t)
	dir := signerDir(t, home, "tcp://"+address)
	// CometBFT's listener may write a last line when it is over: not to a buffer.
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	o := options(t, home, file)
	o.SignerWait = 200 * time.Millisecond
	_, err = Open(t.Context(), o)
	if !errors.Is(err, errNoSigner) || !strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), "priv_validator_laddr") {
		t.Errorf("nobody connects: %v", err)
	}
	if text, err := os.ReadFile(file.Name()); err != nil || !strings.Contains(string(text), `msg="waiting for the remote signer"`) {
		t.Errorf("it does not say what it waits for: %s, %v", text, err)
	}
	startSigner(t, dir, address, "another-1")
	o.SignerWait = 30 * time.Second
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "does not serve this network") {
		t.Errorf("a signer of another network: %v", err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "priv_validator_laddr") {
		t.Errorf("an address in use: %v", err)
	}
}

// What is asked of a home whose key is elsewhere is not answered with the key that
// lies there.
func TestIdentityWithRemoteSigner(t *testing.T) {
	home := newHome(t)
	comet, err := config.LoadComet(home)
	if err != nil {
		t.Fatal(err)
	}
	comet.PrivValidatorListenAddr = "tcp://127.0.0.1:1"
	if err := config.WriteComet(home, comet); err != nil {
		t.Fatal(err)
	}
	identity, err := ReadIdentity(home)
	if err != nil || identity.NodeID == "" || identity.ConsensusKey != nil {
		t.Errorf("%+v, %v", identity, err)
	}
	if _, err := SignWithConsensusKey(home, types.Hash{1}); !errors.Is(err, ErrRemoteKey) {
		t.Errorf("a registration: %v", err)
	}
	if err := ResetData(home, config.Default().State, true); err != nil {
		t.Error(err)
	}
}
