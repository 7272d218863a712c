package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/spf13/cobra"
)

const (
	// startTokens is what each user has of each test token.
	startTokens = 1000

	// catchUpTimeout is how long the validator that was down may take.
	catchUpTimeout = 60 * time.Second
)

// errDemo says that the demo has run and found something wrong; the report says
// what.
var errDemo = errors.New("the demo failed")

func demoCommand() *cobra.Command {
	options := defaultNetworkOptions()
	jsonFile := ""
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a network, send transfers, kill a validator and a chain, and check what became of it all",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), options, jsonFile, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	options.bind(cmd.Flags())
	cmd.Flags().StringVar(&jsonFile, "json", "", "also write the report to this file, as JSON")
	return cmd
}

// runDemo is `devnet demo`.
func runDemo(ctx context.Context, options *networkOptions, jsonFile string, out, said io.Writer) (err error) {
	options.chains.third = true
	n, err := startNetwork(ctx, options, newProgress(said))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	d := &demo{network: n}
	r, err := d.run(ctx)
	if err != nil {
		return n.explain(ctx, err)
	}
	if err := r.writeText(out); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if jsonFile != "" {
		if err := r.writeJSON(jsonFile); err != nil {
			return err
		}
	}
	if !r.OK {
		return n.explain(ctx, errDemo)
	}
	return nil
}

// demo is the history that is shown.
type demo struct {
	*network
	transfers []*transfer
	troubles  []trouble
	strangers uint64
}

func (d *demo) run(ctx context.Context) (*report, error) {
	d.progress.say("tokens for %d users", len(d.people.users))
	if err := d.equip(ctx, startTokens); err != nil {
		return nil, err
	}
	for _, act := range []func(context.Context) error{d.there, d.back, d.burst, d.withThree, d.whole, d.worstDay} {
		if err := act(ctx); err != nil {
			return nil, err
		}
	}
	d.progress.say("checking")
	return d.judge(ctx, d.transfers, d.troubles)
}

// round sends transfers and waits for their end.
func (d *demo) round(ctx context.Context, transfers []*transfer) error {
	d.transfers = append(d.transfers, transfers...)
	if err := d.send(ctx, transfers); err != nil {
		return err
	}
	return d.follow(ctx, transfers)
}

// there takes each asset from its home to the other chain, where the sender
// gets it in a wrapped form. The first deposit is made by bridged's own command.
func (d *demo) there(ctx context.Context) error {
	d.progress.say("each asset to the other chain, where it is minted")
	transfers := d.outwards(12_500)
	if err := d.depositByCommand(ctx, transfers[0]); err != nil {
		return err
	}
	return d.round(ctx, transfers)
}

func (d *demo) outwards(milli int64) []*transfer {
	var transfers []*transfer
	for i, a := range d.assets {
		user := d.people.users[i]
		transfers = append(transfers, &transfer{
			asset: a, from: a.home, to: a.away, amount: a.milli(milli), sender: user, recipient: user.Address,
		})
	}
	return transfers
}

// back returns a part of that.
func (d *demo) back(ctx context.Context) error {
	d.progress.say("a part of it back, where it is burned and unlocked")
	var transfers []*transfer
	for i, a := range d.assets {
		transfers = append(transfers, &transfer{
			asset: a, from: a.away, to: a.home, amount: a.milli(5_250), sender: d.people.users[i], recipient: d.stranger(),
		})
	}
	return d.round(ctx, transfers)
}

// burst has all users deposit at the same time on both chains, and kills a
// validator as soon as the first of those transfers is paid.
func (d *demo) burst(ctx context.Context) error {
	d.progress.say("%d transfers at once from each side", len(d.people.users))
	var transfers []*transfer
	for i, user := range d.people.users {
		for _, c := range d.chains[:2] {
			own := d.native(c)
			a := own[i%len(own)]
			transfers = append(transfers, &transfer{
				asset: a, from: c, to: a.away, amount: a.milli(1_000 + 7*int64(i)), sender: user, recipient: d.stranger(),
			})
		}
	}
	d.transfers = append(d.transfers, transfers...)
	if err := d.send(ctx, transfers); err != nil {
		return err
	}
	err := d.until(ctx, transferTimeout, "the first of many releases", func(ctx context.Context) (bool, error) {
		have, err := transfers[0].to.balance(ctx, transfers[0].asset.token(transfers[0].to), transfers[0].recipient)
		return err == nil && have.Sign() > 0, err
	})
	if err != nil {
		return err
	}
	if err := d.killLast(); err != nil {
		return err
	}
	return d.follow(ctx, transfers)
}

// native are the assets whose home a chain is.
func (d *demo) native(c *chain) []*asset {
	return slices.DeleteFunc(slices.Clone(d.assets), func(a *asset) bool { return a.home != c })
}

func (d *demo) stranger() common.Address {
	d.strangers++
	return stranger(d.strangers)
}

// withThree shows that the bridge goes on with one validator down.
func (d *demo) withThree(ctx context.Context) error {
	d.progress.say("each asset once more, with three validators")
	return d.round(ctx, d.outwards(3_125))
}

// whole starts the validator again and waits until it has caught up.
func (d *demo) whole(ctx context.Context) error {
	last := len(d.homes) - 1
	goal, _, err := d.height(ctx, 0)
	if err != nil {
		return err
	}
	d.progress.say("start %s again; it is to catch up with height %d", d.homes[last].Moniker, goal)
	if err := d.validators.start(last); err != nil {
		return err
	}
	return d.until(ctx, catchUpTimeout, d.homes[last].Moniker+" to catch up", func(ctx context.Context) (bool, error) {
		height, caughtUp, err := d.height(ctx, last)
		return caughtUp && height > goal, err
	})
}

func (d *demo) killLast() error {
	last := len(d.homes) - 1
	d.progress.say("kill -9 %s", d.homes[last].Moniker)
	return d.validators.kill(last)
}
