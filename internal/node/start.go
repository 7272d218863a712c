package node

import (
	"context"
	"fmt"
	"time"
)

// watchStart keeps the start-up report true until this node is in step with the
// network, and then checks what can only be checked there.
func (n *Node) watchStart(ctx context.Context) error {
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	for {
		syncing, peers := n.comet.ConsensusReactor().WaitSync(), n.comet.Switch().Peers().Size()
		switch {
		case syncing && n.store.Version() == 0 && n.Comet.StateSync.Enable:
			n.progress.step(fmt.Sprintf("a snapshot of the state from %d peer(s)", peers))
		case syncing && peers == 0:
			n.progress.step("peers: none is connected; see p2p.persistent_peers in config.toml")
		case syncing:
			n.progress.step(fmt.Sprintf("blocks from %d peer(s); at height %d", peers, n.store.Version()))
		case !n.committed.Load():
			n.progress.step(fmt.Sprintf("validators with more than 2/3 of the power; %d peer(s) connected", peers))
		default:
			n.progress.done()
			n.log.Info("in step with the network", "height", n.store.Version(), "peers", peers)
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
