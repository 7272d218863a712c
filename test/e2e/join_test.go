package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	rpchttp "github.com/cometbft/cometbft/rpc/client/http"

	"github.com/icrosschain/bridged/cmd/devnet/proc"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/test/cluster"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// page is a newcomer that does what docs/joining.md says.
type page struct {
	*network
	dir, rpc string
	env      []string
	process  *proc.Process
	genesis  string // hash
}

// TestJoiningPage runs the commands of docs/joining.md on a network that carries
// transfers: by state sync first, then by a file. It takes half a minute of
// waiting, so it runs with BRIDGED_LONG only.
func TestJoiningPage(t *testing.T) {
	if os.Getenv("BRIDGED_LONG") == "" {
		t.Skip("joins a network twice: BRIDGED_LONG=1")
	}
	t.Parallel()
	n := newNetwork(t, plan{users: 1, snapshot: 25})
	user := n.users[0]
	n.equip(n.gold, 1_000_000, user)
	ids, _ := n.deposit(deposit{from: n.alpha, asset: n.gold, sender: user, amount: 5000, recipient: word(user.Address)})
	n.reach(time.Minute, types.StatusReleased, ids...)
	cluster.Eventually(t, time.Minute, "a snapshot with the transfer", func(context.Context) error {
		if out, err := n.Run("snapshot", "list", "--home", n.Homes[0].Home); err != nil || bytes.Count(out, []byte("\n")) < 3 {
			return fmt.Errorf("%s, %w", out, err)
		}
		return nil
	})

	listen := ports.ForTest(t, 2)
	p := &page{network: n, dir: t.TempDir(), rpc: "http://" + listen.Address(1)}
	p.env = []string{
		"BRIDGED_HOME=" + filepath.Join(p.dir, "home"),
		"BRIDGED_COMET_P2P_LADDR=tcp://" + listen.Address(0), "BRIDGED_COMET_RPC_LADDR=tcp://" + listen.Address(1),
		"BRIDGED_COMET_P2P_ADDR_BOOK_STRICT=false", "BRIDGED_COMET_P2P_ALLOW_DUPLICATE_IP=true",
	}
	text, err := os.ReadFile("../../docs/joining.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			if fields := strings.Fields(line); fields[0] == "bridged" {
				commands++
				p.do(strings.HasPrefix(block[1], "# on a running node"), fields[1:])
			}
		}
	}
	if commands < 12 {
		t.Errorf("the page has %d commands", commands)
	}
	out, err := p.RunWith(p.env, "query", "transfer", ids[0])
	if err != nil || !strings.Contains(string(out), "released") {
		t.Errorf("the newcomer knows of the transfer: %s, %v", out, err)
	}
	loaded, err := config.Load(config.Home(filepath.Join(p.dir, "home")), nil)
	if err != nil || len(loaded.Chains) != 2 || loaded.Chains[0].Contract != n.alpha.bridge {
		t.Errorf("chains %+v, %v", loaded.Chains, err)
	}
}

// do runs a command of the page, on a validator or on the newcomer.
func (p *page) do(validator bool, args []string) {
	p.t.Helper()
	for i := range args {
		args[i] = strings.NewReplacer("http://one.example:26657", p.Homes[0].RPC, "http://two.example:26657", p.Homes[1].RPC,
			"$GENESIS_HASH", p.genesis, "bridge-1.snapshot", filepath.Join(p.dir, "file")).Replace(args[i])
	}
	switch {
	case validator:
		out := p.Must(append(args, "--home", p.Homes[0].Home)...)
		if args[0] == "genesis" {
			p.genesis = strings.TrimSpace(string(out))
		}
		return
	case args[0] == "start":
		p.begin()
		return
	case args[0] == "snapshot" && p.process != nil:
		if err := p.process.Stop(cluster.StopGrace); err != nil {
			p.t.Fatal(err)
		}
		p.process = nil
	}
	if out, err := p.RunWith(p.env, args...); err != nil {
		p.t.Fatalf("%s%v", out, err)
	}
}

// begin starts the newcomer and waits until it has the network's app hash, and
// no first block.
func (p *page) begin() {
	p.t.Helper()
	var err error
	p.process, err = p.Group.Start(proc.Spec{
		Name: "newcomer", Path: executable, Log: filepath.Join(p.dir, "node.log"), Env: p.env, Args: []string{"start"},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	client, err := rpchttp.New(p.rpc, "/websocket")
	if err != nil {
		p.t.Fatal(err)
	}
	tip, err := p.height(p.t.Context(), 0)
	if err != nil {
		p.t.Fatal(err)
	}
	cluster.Eventually(p.t, time.Minute, "the newcomer at the tip", func(ctx context.Context) error {
		status, err := client.Status(ctx)
		if err != nil {
			return err
		}
		height := status.SyncInfo.LatestBlockHeight
		if height <= tip { // a snapshot may be of the tip, and has no block
			return fmt.Errorf("height %d of %d", height, tip)
		}
		mine, err := client.Commit(ctx, &height)
		if err != nil {
			return err
		}
		theirs, err := p.node(0).Commit(ctx, &height)
		if err != nil {
			return err
		}
		if !bytes.Equal(mine.AppHash, theirs.AppHash) {
			p.t.Fatalf("app hash of height %d is %X, the network's %X", height, mine.AppHash, theirs.AppHash)
		}
		first := int64(1)
		if _, err := client.Block(ctx, &first); err == nil {
			return errors.New("it has the first block")
		}
		return nil
	})
}
