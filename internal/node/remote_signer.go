package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cometbft/cometbft/crypto"
	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtlog "github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"
)

const (
	// signerWait is how long a start waits for a remote signer.
	signerWait = time.Minute
	// signerRetry is how soon one that does not answer is asked again.
	signerRetry = 100 * time.Millisecond
)

// errNoSigner says that no remote signer has connected in time.
var errNoSigner = errors.New("no remote signer has connected")

// remoteSigner is a consensus key in another process, which dials this one and
// decides by itself what it signs. While it is away, consensus of this node waits
// for it: there is nothing else that a validator could do.
type remoteSigner struct {
	endpoint *privval.SignerListenerEndpoint
	client   *privval.SignerClient
	key      crypto.PubKey
	log      *slog.Logger

	quit chan struct{} // closed when nobody is to be waited for any more
	once sync.Once

	mu      sync.Mutex
	trouble error // with the last request
}

var _ cmttypes.PrivValidator = (*remoteSigner)(nil)

// listenForSigner opens the address of priv_validator_laddr.
func listenForSigner(address, chainID string, node *p2p.NodeKey, log *slog.Logger, comet cmtlog.Logger) (*remoteSigner, error) {
	if err := removeStaleSocket(address); err != nil {
		return nil, fmt.Errorf("listen for a remote signer at %s: %w", address, err)
	}
	endpoint, err := privval.NewSignerListenerFromAddr(address, node.PrivKey, comet)
	if err != nil {
		return nil, fmt.Errorf("listen for a remote signer at %s (priv_validator_laddr): %w", address, err)
	}
	client, err := privval.NewSignerClient(endpoint, chainID)
	if err != nil {
		return nil, fmt.Errorf("listen for a remote signer at %s: %w", address, err)
	}
	return &remoteSigner{endpoint: endpoint, client: client, log: log.With("component", "remote signer"), quit: make(chan struct{})}, nil
}

// removeStaleSocket removes a unix socket that a killed node has left, on which
// nobody listens.
func removeStaleSocket(address string) error {
	path, isUnix := strings.CutPrefix(address, "unix://")
	if !isUnix {
		return nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode()&fs.ModeSocket == 0 {
		return nil // listening says what is wrong
	}
	if err != nil {
		return err
	}
	if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
		return errors.Join(errors.New("another process listens there"), conn.Close())
	}
	return os.Remove(path)
}

// await waits until a signer has connected and told its public key.
func (s *remoteSigner) await(ctx context.Context, limit time.Duration) error {
	end := time.Now().Add(limit)
	for {
		left := time.Until(end)
		if left <= 0 {
			return fmt.Errorf("%w within %s: start it with this node's address, or empty priv_validator_laddr in config.toml to use the home's own key", errNoSigner, limit)
		}
		err := s.client.WaitForConnection(min(left, time.Second))
		if err == nil {
			err = s.readKey()
		}
		if err == nil {
			return nil
		}
		if _, refused := errors.AsType[*privval.RemoteSignerError](err); refused {
			return fmt.Errorf("the remote signer does not serve this network: %w", err)
		}
		s.endpoint.DropConnection()
		if !s.pause(ctx) {
			return fmt.Errorf("wait for the remote signer: %w", context.Cause(ctx))
		}
	}
}

func (s *remoteSigner) readKey() error {
	key, err := s.client.GetPubKey()
	if err != nil {
		return err
	}
	if key.Type() != ed25519.KeyType {
		return &privval.RemoteSignerError{Description: fmt.Sprintf("its key is of type %s, want %s", key.Type(), ed25519.KeyType)}
	}
	s.key = key
	return nil
}

// pause says whether to try again.
func (s *remoteSigner) pause(ctx context.Context) bool {
	timer := time.NewTimer(signerRetry)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.quit:
	case <-ctx.Done():
	}
	return false
}

// Close ends the waiting for a signer that is away; consensus cannot stop before.
func (s *remoteSigner) Close() error {
	s.once.Do(func() {
		close(s.quit)
		_ = s.endpoint.Stop() // only ever says that it is stopped
	})
	return nil
}

// GetPubKey implements types.PrivValidator, with the key of the start.
func (s *remoteSigner) GetPubKey() (crypto.PubKey, error) { return s.key, nil }

// SignVote implements types.PrivValidator.
func (s *remoteSigner) SignVote(chainID string, vote *cmtproto.Vote) error {
	return s.ask(func() error { return s.client.SignVote(chainID, vote) })
}

// SignProposal implements types.PrivValidator.
func (s *remoteSigner) SignProposal(chainID string, proposal *cmtproto.Proposal) error {
	return s.ask(func() error { return s.client.SignProposal(chainID, proposal) })
}

// ask asks until the signer signs or refuses. The same request again is safe: a
// signer that has answered it gives the same signature.
func (s *remoteSigner) ask(request func() error) error {
	for {
		err := request()
		if _, refused := errors.AsType[*privval.RemoteSignerError](err); refused {
			s.note(nil)
			return err
		}
		s.note(err)
		if err == nil {
			return nil
		}
		s.endpoint.DropConnection() // CometBFT keeps one whose other side is gone
		if !s.pause(context.Background()) {
			return fmt.Errorf("stopped waiting for the remote signer: %w", err)
		}
	}
}

// note keeps what check says, and logs when trouble begins and ends.
func (s *remoteSigner) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil && s.trouble == nil:
		s.log.Error("the remote signer does not answer, and this validator does not vote (will retry)", "err", err)
	case err == nil && s.trouble != nil:
		s.log.Info("the remote signer answers again")
	}
	s.trouble = err
}

// check is the readiness of the signer.
func (s *remoteSigner) check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trouble
}
