package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/cmd/devnet/proc"
	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/internal/ops"
	"github.com/icrosschain/bridged/test/cluster"
)

// loneRelayer is a relayer of no validator, with a home of its own.
type loneRelayer struct {
	home    string
	address common.Address
	process *proc.Process
}

// relayAlone makes and starts one, as its operator does: beside two nodes of the
// network it is told of one that is down and one that talks nonsense.
func (n *network) relayAlone() *loneRelayer {
	n.t.Helper()
	r := &loneRelayer{home: filepath.Join(n.dir, fmt.Sprintf("relayer%d", len(n.relayers)))}
	init := []string{"relayer", "init", "--home", r.home, "--one-endpoint"}
	for _, home := range n.Homes[:2] {
		init = append(init, "--rpc", home.RPC)
	}
	for _, c := range n.chains() {
		init = append(init, "--chain", c.name+"="+c.node.HTTPURL())
	}
	cluster.Eventually(n.t, startLimit, "the first block", func(context.Context) error {
		_, err := n.Run(init...)
		return err
	})
	passphrase := filepath.Join(r.home, "passphrase")
	if err := os.WriteFile(passphrase, []byte("secret\n"), 0o600); err != nil {
		n.t.Fatal(err)
	}
	var key struct {
		Address common.Address `json:"address"`
	}
	n.Decode(&key, "keys", "add", "relayer", "--home", r.home, "--passphrase-file", passphrase, "--light")
	r.address = key.Address
	for _, c := range n.chains() {
		c.send(n.deployer, call{to: &r.address, value: evmnode.Ether(100)})
	}
	n.relayers = append(n.relayers, r)
	n.startAlone(r)
	return r
}

func (n *network) startAlone(r *loneRelayer) {
	n.t.Helper()
	nonsense := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":-1,"result":{"response":{"height":"9","value":"W3siaWQiOjQxMDAxfV0="}}}`))
	}))
	n.t.Cleanup(nonsense.Close)
	p, err := n.Group.Start(proc.Spec{
		Name: filepath.Base(r.home), Path: executable, Log: filepath.Join(r.home, "relayer.log"),
		Args: []string{"relayer", "run", "--home", r.home, "--log-format", "json"},
		Env: []string{
			"BRIDGED_RELAYER_PASSPHRASE=secret", "BRIDGED_CHAINS_ALPHA_POLL_INTERVAL=50ms", "BRIDGED_CHAINS_BETA_POLL_INTERVAL=50ms",
			"BRIDGED_CHAINS_BETA_SPEND_PER_DAY=50",
			"BRIDGED_RELAYER_NODES=http://127.0.0.1:1," + nonsense.URL + "," + n.Homes[0].RPC + "," + n.Homes[1].RPC,
		},
	})
	if err != nil {
		n.t.Fatal(err)
	}
	r.process = p
}

// claimable are the relay fees of a relayer in a token.
func (c *chain) claimable(relayer, token common.Address) int64 {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), askTimeout)
	defer cancel()
	answer, err := c.client.CallContract(ctx, ethereum.CallMsg{To: &c.bridge, Data: bindings.NewBridge().PackClaimable(relayer, token)}, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return new(big.Int).SetBytes(answer).Int64()
}

// TestRelayersAlone has no validator relay. One relayer of a stranger brings
// everything, and is paid for it; two at once pay nobody twice; and what the one
// that is killed leaves behind the other brings.
func TestRelayersAlone(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, plan{users: 4, alone: 1})
	first := n.relayers[0]
	everybody := n.newCrowd()
	everybody.send(func() {})
	for what, c := range map[string]struct {
		on    *chain
		token common.Address
		want  int64
	}{
		"coins on beta":  {n.beta, n.coin.wrapped, n.coin.fee * int64(len(n.users))},
		"gold on beta":   {n.beta, n.gold.wrapped, n.gold.fee * int64(len(n.users))},
		"coins on alpha": {n.alpha, native, n.coin.fee * int64(len(n.users))},
	} {
		if got := c.on.claimable(first.address, c.token); got != c.want {
			t.Errorf("the relayer has earned %d %s, want %d", got, what, c.want)
		}
	}
	n.reports(first, "50")

	second := n.relayAlone()
	everybody.send(func() {
		if err := first.process.Kill(); err != nil {
			t.Error(err)
		}
		n.startAlone(first)
	})
	if err := second.process.Stop(cluster.StopGrace); err != nil {
		t.Errorf("a relayer that is interrupted: %v", err)
	}
	everybody.send(func() {})
	everybody.paidOnce()
	earned := n.beta.claimable(first.address, n.gold.wrapped) + n.beta.claimable(second.address, n.gold.wrapped)
	if want := n.gold.fee * int64(len(everybody.paid)); earned != want {
		t.Errorf("two relayers have earned %d, want %d", earned, want)
	}
	n.audit()
}

// reports wants what a relayer says of itself to be so.
func (n *network) reports(r *loneRelayer, limit string) {
	n.t.Helper()
	cluster.Eventually(n.t, time.Minute, "the relayer's costs to be known", func(context.Context) error {
		var reports []ops.RelayerReport
		if err := json.Unmarshal(n.Must("relayer", "status", "--home", r.home, "--output", "json"), &reports); err != nil {
			return err
		}
		if len(reports) != len(n.chains()) {
			return fmt.Errorf("%d reports", len(reports))
		}
		for _, report := range reports {
			if report.Account != r.address || report.SpentDay.IsZero() || !report.Claimed.IsZero() || report.Balance.IsZero() || report.LowBalance {
				return fmt.Errorf("%+v", report)
			}
			if (report.Label == "beta") != (report.LimitDay.String() == limit+"000000000000000000") {
				return errors.New("the limit is another")
			}
		}
		return nil
	})
}
