package node

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	cmtlog "github.com/cometbft/cometbft/libs/log"
)

// A state sync that CometBFT has given up ends the node, which would otherwise
// wait for ever.
func TestFailedStateSyncEndsTheNode(t *testing.T) {
	n := &Node{stateSync: make(chan string, 1)}
	log := syncLogger{cmtlog.NewNopLogger(), n.stateSync}.With("module", "statesync")
	log.Info("State sync failed") // said in passing
	log.Error("Failed to fetch snapshots", "err", "x")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.watchStateSync(ended); err != nil {
		t.Errorf("nothing failed: %v", err)
	}
	for range 3 { // nobody waits for the logger
		log.Error("State sync failed", "err", "no witnesses")
	}
	err := n.watchStateSync(t.Context())
	if !errors.Is(err, ErrStateSync) || !strings.Contains(err.Error(), "no witnesses") {
		t.Errorf("got %v", err)
	}
}

// CometBFT says so in these very words.
func TestStateSyncFailsInTheseWords(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/cometbft/cometbft").Output()
	check(t, err)
	source, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "node", "setup.go"))
	check(t, err)
	for words := range syncFailures {
		if !strings.Contains(string(source), `logger.Error("`+words+`"`) {
			t.Errorf("%q is not said any more", words)
		}
	}
}
