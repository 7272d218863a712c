package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"slices"
	"strings"
	"time"

	rpchttp "github.com/cometbft/cometbft/rpc/client/http"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/test/cluster"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func keyOf(a evmnode.Account) []byte { return crypto.FromECDSA(a.Key) }

// node is the RPC client of a validator.
func (n *network) node(i int) *rpchttp.HTTP {
	n.t.Helper()
	client, err := rpchttp.NewWithTimeout(n.Homes[i].RPC, "/websocket", uint(askTimeout/time.Second))
	if err != nil {
		n.t.Fatal(err)
	}
	return client
}

// ask puts a query to a validator. It is for what is asked often: what a test
// concludes comes from bridged's own commands.
func (n *network) ask(ctx context.Context, i int, path string, args bridge.QueryArgs, result any) error {
	data, err := json.Marshal(args)
	if err != nil {
		return err
	}
	answer, err := n.node(i).ABCIQuery(ctx, "/bridge/"+path, data)
	if err != nil {
		return fmt.Errorf("ask node%d for %s: %w", i, path, err)
	}
	if r := answer.Response; r.Code != 0 {
		return &refusal{r.Code, r.Log}
	}
	return json.Unmarshal(answer.Response.Value, result)
}

// refusal is a query that was answered by an error.
type refusal struct {
	code uint32
	log  string
}

func (r *refusal) Error() string { return fmt.Sprintf("code %d: %s", r.code, r.log) }

// height is a validator's newest block.
func (n *network) height(ctx context.Context, i int) (int64, error) {
	status, err := n.node(i).Status(ctx)
	if err != nil {
		return 0, err
	}
	return status.SyncInfo.LatestBlockHeight, nil
}

// caughtUp waits until a validator is in step with node0.
func (n *network) caughtUp(i int) {
	n.t.Helper()
	var goal int64
	cluster.Eventually(n.t, time.Minute, fmt.Sprintf("node%d to catch up", i), func(ctx context.Context) (err error) {
		if goal == 0 {
			if goal, err = n.height(ctx, 0); err != nil {
				return err
			}
		}
		status, err := n.node(i).Status(ctx)
		if err != nil {
			return err
		}
		if height := status.SyncInfo.LatestBlockHeight; status.SyncInfo.CatchingUp || height <= goal {
			return fmt.Errorf("height %d of %d", height, goal)
		}
		return nil
	})
}

// stands is where a transfer stands, by `bridged query transfer`.
func (n *network) stands(ctx context.Context, id string) (bridge.TransferView, error) {
	var view bridge.TransferView
	return view, n.ask(ctx, 0, "transfer", bridge.QueryArgs{ID: id}, &view)
}

// reach waits until transfers have a status.
func (n *network) reach(limit time.Duration, status types.Status, ids ...string) []bridge.TransferView {
	n.t.Helper()
	views := make([]bridge.TransferView, len(ids))
	for i, id := range ids {
		cluster.Eventually(n.t, limit, fmt.Sprintf("%s to be %s", id, status), func(ctx context.Context) (err error) {
			if err := n.Alive(); err != nil {
				n.t.Fatal(err)
			}
			if views[i], err = n.stands(ctx, id); err != nil {
				return err
			}
			if views[i].Status != status {
				return fmt.Errorf("it is %s: %s", views[i].Status, views[i].Why)
			}
			return nil
		})
	}
	return views
}

// why is what `bridged query why` says.
func (n *network) why(id string) (view bridge.WhyView) {
	n.t.Helper()
	n.Decode(&view, "query", "why", id, "--home", n.Homes[0].Home)
	return view
}

// explains wants `query why` to name station and reason, the reason in words too.
func (n *network) explains(name, id string, status types.Status, reason types.Reason) {
	n.t.Helper()
	why := n.why(id)
	words := reason.Text()
	if reason == types.ReasonRefundFailed {
		words = "could not be paid" // the rest depends on the claim
	}
	if why.Status != status || why.Reason != reason || !strings.Contains(why.Text, words) {
		n.t.Errorf("%s: %+v; want %s for %q", name, why, status, reason)
	}
}

// inbox is what a validator says is voted of a chain.
func (n *network) inbox(c *chain) (view bridge.InboxView) {
	n.t.Helper()
	n.Decode(&view, "query", "inbox", c.name, "--home", n.Homes[0].Home)
	return view
}

// said are the lines of a validator's log that a test chooses. A line that is no
// JSON, as the last one of a killed process may be, says nothing.
func (n *network) said(i int, chosen func(line logLine) bool) (found []logLine) {
	n.t.Helper()
	file, err := os.Open(n.Homes[i].LogFile())
	if err != nil {
		n.t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewReader(file); ; {
		raw, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			n.t.Fatal(err)
		}
		var line logLine
		if json.Unmarshal(raw, &line) == nil && chosen(line) {
			found = append(found, line)
		}
	}
}

type logLine struct {
	Msg       string `json:"msg"`
	Component string `json:"component"`
	Chain     string `json:"chain"`
	Check     string `json:"check"`
	Err       string `json:"err"`
	Nonce     uint64 `json:"nonce"`
}

// audit ends each test: the invariants hold for every validator that runs, all
// have one app hash, nothing is in flight or owed, and the chains hold what the
// ledger says.
func (n *network) audit() {
	n.t.Helper()
	if err := n.Alive(); err != nil {
		n.t.Error(err)
	}
	cluster.Eventually(n.t, time.Minute, "the ledger to come to rest", func(ctx context.Context) error { return n.atRest(ctx) })
	var running []int
	for i, p := range n.Running {
		if p == nil {
			continue
		}
		running = append(running, i)
		var verdict bridge.InvariantsView
		n.Decode(&verdict, "query", "invariants", "--home", n.Homes[i].Home, "--node", n.Homes[i].RPC)
		if !verdict.OK {
			n.t.Errorf("node%d: %v", i, verdict.Violations)
		}
	}
	n.compareHashes(running)
	for _, c := range n.chains() {
		if c.dead {
			continue
		}
		for at, times := range c.executed() {
			if times != 1 {
				n.t.Errorf("%s has executed item %d of command %d %d times", c.name, at.index, at.nonce, times)
			}
		}
	}
}

// atRest compares the ledger with the chains. A relay fee has left the ledger's
// custody, or is in its supply, before the relayer fetches it.
func (n *network) atRest(ctx context.Context) error {
	var supply []bridge.SupplyView
	if err := n.ask(ctx, 0, "supply", bridge.QueryArgs{}, &supply); err != nil {
		return err
	}
	for _, a := range n.assets {
		at := slices.IndexFunc(supply, func(s bridge.SupplyView) bool { return s.Symbol == a.symbol })
		if at < 0 {
			return fmt.Errorf("the ledger has no %s", a.symbol)
		}
		s := supply[at]
		if !s.InFlight.IsZero() || !s.Owed.IsZero() || !s.Quarantined.IsZero() || s.Deficit.String() != fmt.Sprint(a.deficit) {
			return fmt.Errorf("%s: %s in flight, %s owed, %s quarantined, deficit %s instead of %d", a.symbol, s.InFlight, s.Owed, s.Quarantined, s.Deficit, a.deficit)
		}
		for _, b := range s.Chains {
			if err := n.weigh(ctx, a, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// weigh compares one side of the ledger with its chain.
//
//	balance of the contract = custody + claimable
//	total supply of the token + claimable = supply
func (n *network) weigh(ctx context.Context, a *asset, b bridge.BalanceView) error {
	at := slices.IndexFunc(n.chains(), func(c *chain) bool { return types.ChainID(c.id()) == b.Chain })
	c := n.chains()[at]
	if c.dead {
		return nil // nothing is left to compare with
	}
	claimable, err := c.reader.Claimable(ctx, c.bridge, a.token(c))
	if err != nil {
		return err
	}
	if b.Mode == types.ModeMint {
		have, err := c.reader.Supply(ctx, a.token(c))
		if err != nil {
			return err
		}
		return equal(fmt.Sprintf("supply of %s on %s", a.symbol, c.name), have.Add(have, claimable), b.Supply)
	}
	have := c.balance(a.token(c), c.bridge)
	return equal(fmt.Sprintf("custody of %s on %s", a.symbol, c.name), have.Sub(have, claimable), b.Custody)
}

func equal(what string, have *big.Int, want types.Amount) error {
	if have.String() != want.String() {
		return fmt.Errorf("%s is %s, the ledger says %s", what, have, want)
	}
	return nil
}

// compareHashes asks each validator what its application computed at one height.
func (n *network) compareHashes(running []int) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), askTimeout)
	defer cancel()
	var least int64
	for _, i := range running {
		height, err := n.height(ctx, i)
		if err != nil {
			n.t.Fatal(err)
		}
		if least == 0 || height-1 < least {
			least = height - 1
		}
	}
	var first string
	for _, i := range running {
		results, err := n.node(i).BlockResults(ctx, &least)
		if err != nil {
			n.t.Fatal(err)
		}
		hash := fmt.Sprintf("%X", results.AppHash)
		if first == "" {
			first = hash
		}
		if hash != first {
			n.t.Errorf("app hash of height %d at node%d: %s, at node%d: %s", least, running[0], first, i, hash)
		}
	}
}
