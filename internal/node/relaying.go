package node

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/chain/evm"
	"github.com/icrosschain/bridged/internal/ops"
	"github.com/icrosschain/bridged/internal/relayer"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// reportEvery is how often it is written down how relayers do.
const reportEvery = 2 * time.Second

// relaying is the relayer of one chain, in a node or by itself.
type relaying struct {
	config  config.Chain
	worker  *relayer.Worker
	private *evm.Client // nil: transactions go to all endpoints
}

// relayingSpec is what a relayer needs.
type relayingSpec struct {
	home       config.Home
	chain      config.Chain
	client     *evm.Client // of the chain's endpoints
	key        signer.Key
	limits     config.Relayer // of all chains
	worker     relayer.Config // what is not of the chain
	state      relayer.State
	signatures relayer.Signatures
	log        *slog.Logger
}

func newRelaying(ctx context.Context, s relayingSpec) (*relaying, error) {
	c := s.chain
	spending, err := relayer.OpenSpending(s.home.SpendingFile(c.Name), s.key.Address(), c.SpendPerDay.Wei())
	if err != nil {
		return nil, err
	}
	r := &relaying{config: c}
	if len(c.PrivateEndpoints) > 0 {
		if r.private, err = evm.Dial(ctx, PrivateConfig(c)); err != nil {
			return nil, err
		}
	}
	if r.worker, err = s.newWorker(r.private, spending); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (s relayingSpec) newWorker(private *evm.Client, spending *relayer.Spending) (*relayer.Worker, error) {
	sink, err := evm.NewSink(evm.SinkConfig{Client: s.client, Private: private, Key: s.key})
	if err != nil {
		return nil, err
	}
	return relayer.New(s.workerConfig(), relayer.Deps{
		State: s.state, Signatures: s.signatures, Sink: sink, Spending: spending, Logger: s.log,
	})
}

// workerConfig is how the relayer serves its chain.
func (s relayingSpec) workerConfig() relayer.Config {
	c, w := s.chain, s.worker
	w.Chain, w.Label, w.Poll, w.LowBalance = types.ChainID(c.ID), c.Name, c.PollInterval, c.LowBalance.Wei()
	w.MaxFee = s.limits.MaxFee(c)
	return w
}

func (r *relaying) close() {
	if r.private != nil {
		r.private.Close()
	}
}

// PrivateConfig is how the servers are reached that take transactions only.
func PrivateConfig(c config.Chain) evm.Config {
	private := c
	private.Name, private.Endpoints, private.MinAgree = c.Name+" (private)", c.PrivateEndpoints, 1
	return ChainConfig(private)
}

func (r *relaying) report() ops.RelayerReport {
	s := r.worker.Status()
	return ops.RelayerReport{
		Chain: types.ChainID(r.config.ID), Label: r.config.Name, Account: s.Position.Account.Address,
		Pending: s.Pending, Hold: s.Hold, Err: s.Err, Balance: s.Position.Account.Balance, LowBalance: s.Low,
		SpentDay: s.Spent.Paid, Claimed: s.Spent.Claimed, LimitDay: s.Spent.Limit,
	}
}

// reporter writes down how the relayers do whenever it changes.
func reporter(home config.Home, relayers []*relaying, log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		ticker := time.NewTicker(reportEvery)
		defer ticker.Stop()
		var written []ops.RelayerReport
		for {
			reports := make([]ops.RelayerReport, len(relayers))
			for i, r := range relayers {
				reports[i] = r.report()
			}
			if !slices.Equal(reports, written) {
				if err := ops.WriteRelayers(home.RelayersFile(), reports); err != nil {
					log.Warn("how the relayers do is not written down (will retry)", "err", err)
				} else {
					written = reports
				}
			}
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
			}
		}
	}
}
