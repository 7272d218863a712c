package doctor

import (
	"context"
	"fmt"
	"math/big"
	"time"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/chain/evm"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/internal/relayer"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	// A relayer is short of funds when it cannot pay so many executions of so
	// much gas, at what it would offer now.
	fundedExecutions = 100
	executionGas     = 1_000_000
	// mostSpent is how much of a day's limit, in percent, is no reason to look.
	mostSpent = 80
)

// relays runs a check of the relayer's account, for a home that has one.
func (c *chainPatient) relays(check func(context.Context, types.Address) verdict) func(context.Context) verdict {
	return func(ctx context.Context) verdict {
		info, err := signer.NewStore(c.Home.String()).Show(signer.RoleRelayer, c.app.Relayer.Key)
		if !c.app.Relayer.Enabled || err != nil {
			return skip("this node does not relay")
		}
		return check(ctx, info.Address)
	}
}

func (c *chainPatient) readFunds(ctx context.Context, account types.Address) (funds evm.Funds, err error) {
	err = c.first(func(e *endpointPatient) (err error) {
		funds, err = e.probe.Funds(ctx, account)
		return err
	})
	return funds, err
}

func (c *chainPatient) maxFee() uint64 { return c.app.Relayer.MaxFee(c.config) }

func (c *chainPatient) funds(ctx context.Context, account types.Address) verdict {
	funds, err := c.readFunds(ctx, account)
	if err != nil {
		return skip("%v", err)
	}
	cost := c.execution(funds)
	if funds.Balance.Sign() == 0 {
		return fail("%s has nothing", account)
	}
	lasts := "any number of"
	if cost.Sign() > 0 {
		lasts = new(big.Int).Div(funds.Balance, cost).String()
	}
	found := fmt.Sprintf("%s has %s wei, for %s executions", account, funds.Balance, lasts)
	low := funds.Balance.Cmp(wei(c.config.LowBalance.Wei())) < 0
	if low || funds.Balance.Cmp(new(big.Int).Mul(cost, big.NewInt(fundedExecutions))) < 0 {
		return warn("%s", found)
	}
	return ok("%s", found)
}

// execution is what one may cost at what the relayer would offer now, in wei.
func (c *chainPatient) execution(funds evm.Funds) *big.Int {
	price := new(big.Int).SetUint64(min(funds.Gas, c.maxFee()))
	return price.Mul(price, big.NewInt(executionGas))
}

func (c *chainPatient) fees(ctx context.Context, account types.Address) verdict {
	funds, err := c.readFunds(ctx, account)
	if err != nil {
		return skip("%v", err)
	}
	if funds.Price > c.maxFee() {
		return warn("a unit of gas costs %d wei, the relayer pays at most %d: it waits", funds.Price, c.maxFee())
	}
	return ok("a unit of gas costs %d wei, the relayer pays at most %d", funds.Price, c.maxFee())
}

func (c *chainPatient) spending(ctx context.Context, account types.Address) verdict {
	limit := c.config.SpendPerDay
	if limit == (config.Coins{}) {
		return ok("there is no limit (spend_per_day)")
	}
	record, err := relayer.OpenSpending(c.Home.SpendingFile(c.config.Name), account, limit.Wei())
	if err != nil {
		return fail("%v", err)
	}
	spent := record.Status(time.Now())
	found := fmt.Sprintf("%s of %s coins in 24 hours, and %s for what is pending",
		config.CoinsOf(spent.Paid), limit, config.CoinsOf(spent.Claimed))
	used := new(big.Int).Add(wei(spent.Paid), wei(spent.Claimed))
	left := new(big.Int).Sub(wei(limit.Wei()), used)
	if funds, err := c.readFunds(ctx, account); err == nil && left.Cmp(c.execution(funds)) < 0 {
		return warn("%s: the rest may not pay for an execution", found)
	}
	if used.Mul(used, big.NewInt(100)).Cmp(new(big.Int).Mul(wei(limit.Wei()), big.NewInt(mostSpent))) > 0 {
		return warn("%s", found)
	}
	return ok("%s", found)
}

func wei(a types.Amount) *big.Int { return new(big.Int).SetBytes(a.Bytes()) }

// private asks where transactions go instead of the public pool.
func (c *chainPatient) private(ctx context.Context, _ types.Address) verdict {
	if len(c.config.PrivateEndpoints) == 0 {
		return skip("there are none: transactions go to all endpoints")
	}
	client, err := evm.Dial(ctx, node.PrivateConfig(c.config))
	if err != nil {
		return fail("%v", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, c.Limit/2)
	defer cancel()
	return unless(client.Probe(ctx), "%d of them", len(c.config.PrivateEndpoints))
}
