package doctor

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/p2p"
	p2pconn "github.com/cometbft/cometbft/p2p/conn"
)

func (p *patient) peers() []string {
	return strings.FieldsFunc(p.comet.P2P.PersistentPeers+","+p.comet.P2P.Seeds, func(r rune) bool { return r == ',' || r == ' ' })
}

func (p *patient) peersConfigured(context.Context) verdict {
	switch n := len(p.peers()); {
	case p.cometErr != nil || p.genErr != nil:
		return skip("config.toml or genesis.json is not valid")
	case n == 0 && len(p.genesis.State.Validators) > 1:
		return fail("neither persistent_peers nor seeds has any")
	default:
		return ok("%d", n)
	}
}

func (p *patient) peersReachable(ctx context.Context) verdict {
	peers := p.peers()
	if len(peers) == 0 {
		return skip("none is configured")
	}
	results := make(chan error, len(peers))
	for _, peer := range peers {
		go func() { results <- reach(ctx, peer) }()
	}
	var away []string
	for range peers {
		if err := <-results; err != nil {
			away = append(away, err.Error())
		}
	}
	switch {
	case len(away) == len(peers):
		return fail("%s", strings.Join(away, "; "))
	case len(away) > 0:
		return warn("%s", strings.Join(away, "; "))
	}
	return ok("%d", len(peers))
}

// reach connects to a peer, ID@HOST:PORT, and compares its id.
func reach(ctx context.Context, peer string) error {
	want, address, ok := strings.Cut(peer, "@")
	if !ok {
		return fmt.Errorf("%s: want ID@HOST:PORT", peer)
	}
	id, err := peerID(ctx, address)
	if err == nil && string(id) != want {
		err = fmt.Errorf("it has the id %s", id)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", peer, err)
	}
	return nil
}

// peerID shakes hands with a node, as a stranger, and learns who it is.
func peerID(ctx context.Context, address string) (p2p.ID, error) {
	conn, err := (&net.Dialer{Timeout: dialLimit}).DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(dialLimit)); err != nil {
		return "", err
	}
	secret, err := p2pconn.MakeSecretConnection(conn, ed25519.GenPrivKey())
	if err != nil {
		return "", fmt.Errorf("it is no node: %w", err)
	}
	return p2p.PubKeyToID(secret.RemotePubKey()), nil
}
