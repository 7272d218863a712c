package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	rpchttp "github.com/cometbft/cometbft/rpc/client/http"

	"github.com/icrosschain/bridged/cmd/devnet/proc"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/test/bench/usage"
	"github.com/icrosschain/bridged/test/bench/wait"
	"github.com/icrosschain/bridged/test/cluster"
	"github.com/icrosschain/bridged/test/modelchain"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	chainID     = "bridged-rest"
	portsEach   = 10
	profilePort = portsEach - 1 // which no validator uses
	endpoints   = 3
	lag         = 2 // blocks that finality trails behind
	readyWithin = 2 * time.Minute
	askEvery    = 200 * time.Millisecond
	lookEvery   = time.Second
)

// network is validators as processes between two model chains.
type network struct {
	ports     *ports.Range
	homes     []cluster.Home
	chains    []*modelchain.Chain
	group     *proc.Group
	processes []*proc.Process
}

// start makes homes and chains, and runs the validators. The caller closes the
// network, on failure too.
func start(ctx context.Context, p plan, dir string) (n *network, err error) {
	n = &network{group: proc.NewGroup()}
	if n.ports, err = ports.Reserve(validators * portsEach); err != nil {
		return n, err
	}
	if n.homes, err = cluster.Testnet(ctx, p.executable, dir, chainID, validators, n.ports.First); err != nil {
		return n, err
	}
	if err := n.configure(p.block); err != nil {
		return n, err
	}
	for i, h := range n.homes {
		process, err := n.group.Start(h.Process(p.executable, fmt.Sprintf("validator %d", i), n.environment(i, p)))
		if err != nil {
			return n, err
		}
		n.processes = append(n.processes, process)
	}
	return n, nil
}

// environment lets the first validator serve profiles, if they are wanted.
func (n *network) environment(i int, p plan) []string {
	if i > 0 || p.profile == "" {
		return nil
	}
	return []string{"BRIDGED_COMET_RPC_PPROF_LADDR=" + n.ports.Address(profilePort)}
}

// configure makes the chains, and tells all homes of them.
func (n *network) configure(block time.Duration) error {
	genesis, err := node.ReadGenesis(config.Home(n.homes[0].Home).GenesisFile())
	if err != nil {
		return err
	}
	set, err := types.SignerSet(genesis.State.Validators)
	if err != nil {
		return err
	}
	var told []config.Chain
	for i := range 2 {
		c := modelchain.Numbered(i, block)
		model, err := modelchain.New(modelchain.Config{
			Chain: c, NetworkID: evmsig.NetworkID(chainID), Set: set, FinalityLag: lag, Endpoints: endpoints,
		})
		if err != nil {
			return err
		}
		n.chains = append(n.chains, model)
		genesis.State.Chains = append(genesis.State.Chains, c)
		told = append(told, model.Told())
	}
	genesis.State.Assets = []types.Asset{{ID: types.AssetID{1}, Name: "Asset", Symbol: "ASSET", Decimals: 18, Tokens: []types.Token{
		{Chain: genesis.State.Chains[0].ID, Mode: types.ModeLock, Token: types.Address{0xa1}, Decimals: 18},
		{Chain: genesis.State.Chains[1].ID, Mode: types.ModeMint, Decimals: 18},
	}}}
	if err := genesis.Write(config.Home(n.homes[0].Home).GenesisFile()); err != nil {
		return err
	}
	return cluster.Configure(n.homes, func(_ int, c *config.Config) { c.Chains = told })
}

// with makes the chains' blocks until main has returned.
func (n *network) with(ctx context.Context, block time.Duration, main func(context.Context) error) error {
	var others []func(context.Context) error
	for i, c := range n.chains {
		others = append(others, func(ctx context.Context) error { return modelchain.Pace(ctx, block, i, len(n.chains), c.Mine) })
	}
	return wait.While(ctx, main, others...)
}

// ready waits until deposits are taken and nothing is left to do.
func (n *network) ready(ctx context.Context) error {
	var last error
	err := wait.Until(ctx, readyWithin, askEvery, "the network to be ready", func(ctx context.Context) (bool, error) {
		last = n.settled(ctx)
		return last == nil, n.alive()
	})
	if err != nil {
		return errors.Join(err, last)
	}
	return nil
}

func (n *network) settled(ctx context.Context) error {
	client, err := n.client()
	if err != nil {
		return err
	}
	answer, err := client.ABCIQuery(ctx, "/bridge/chains", nil)
	if err != nil {
		return err
	}
	var chains []bridge.ChainState
	if err := json.Unmarshal(answer.Response.Value, &chains); err != nil {
		return errors.New(answer.Response.Log)
	}
	for _, c := range chains {
		if !c.Active || c.Executed < 3 || c.Executed != c.Outbox {
			return fmt.Errorf("%s has executed %d of %d commands", c.Label, c.Executed, c.Outbox)
		}
	}
	return nil
}

func (n *network) client() (*rpchttp.HTTP, error) {
	return rpchttp.New(n.homes[0].RPC, "/websocket")
}

func (n *network) height(ctx context.Context) (int64, error) {
	client, err := n.client()
	if err != nil {
		return 0, err
	}
	status, err := client.Status(ctx)
	if err != nil {
		return 0, fmt.Errorf("asking for the height: %w", err)
	}
	return status.SyncInfo.LatestBlockHeight, nil
}

// alive is an error if a validator has ended.
func (n *network) alive() error {
	for i, p := range n.processes {
		if !p.Running() {
			tail, err := proc.Tail(n.homes[i].LogFile(), 20)
			return errors.Join(fmt.Errorf("%s has ended: %w; the end of its log:\n%s", p.Name(), p.Err(), tail), err)
		}
	}
	return nil
}

// watch looks at the processes for a while.
func (n *network) watch(ctx context.Context, length time.Duration) (u used, err error) {
	u.share, u.resident = make([]float64, validators), make([]float64, validators)
	before := make([]time.Duration, validators)
	for i, p := range n.processes {
		if before[i], err = usage.Processor(p.PID()); err != nil {
			return u, err
		}
	}
	height, err := n.height(ctx)
	if err != nil {
		return u, err
	}
	begin := time.Now()
	for time.Since(begin) < length {
		if err := wait.For(ctx, min(lookEvery, length)); err != nil {
			return u, err
		}
		for i, p := range n.processes {
			bytes, err := usage.Resident(p.PID())
			if err != nil {
				return u, errors.Join(err, n.alive())
			}
			u.resident[i] = max(u.resident[i], float64(bytes))
		}
	}
	u.length = time.Since(begin)
	for i, p := range n.processes {
		after, err := usage.Processor(p.PID())
		if err != nil {
			return u, err
		}
		u.share[i] = float64(after-before[i]) / float64(u.length)
	}
	after, err := n.height(ctx)
	u.heights = after - height
	return u, err
}

// close ends the validators first: they would complain about chains that are gone.
func (n *network) close() error {
	errs := []error{n.group.Close(cluster.StopGrace)}
	for _, c := range n.chains {
		errs = append(errs, c.Close())
	}
	if n.ports != nil {
		errs = append(errs, n.ports.Close())
	}
	return errors.Join(errs...)
}
