package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/config"
)

// sealLimit is how soon a newcomer has to have signed its first seal, from the
// epoch on that admits it.
const sealLimit = 60 * time.Second

// Parameters with which everything happens while one watches.
var quick = []string{
	"epoch_blocks=10", "duty_blocks=5", "sig_grace=5", "head_interval=2", "lag_blocks=12", "miss_window=200", "max_misses=3",
	"jail_blocks=5", "jail_ms=1000", "max_strikes=1", "voting_period=1000",
}

func setDemoCommand() *cobra.Command {
	options := defaultNetworkOptions()
	cmd := &cobra.Command{
		Use:   "demo-validators",
		Short: "Run a network whose validators come, go, fail and cheat, and check what the network makes of it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runSetDemo(cmd.Context(), options, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	options.bind(cmd.Flags())
	return cmd
}

// runSetDemo is `devnet demo-validators`.
func runSetDemo(ctx context.Context, options *networkOptions, out, said io.Writer) (err error) {
	options.params = quick
	options.env = []string{"BRIDGED_SNAPSHOT_INTERVAL=20", "BRIDGED_COMET_CONSENSUS_TIMEOUT_PROPOSE=1s"}
	d := &setDemo{out: table{header: []string{"what happened", "answer of the network", "epoch", "seconds", ""}}, lie: newDetour()}
	defer d.lie.Close()
	options.detours = map[string]string{"node3 " + alphaName: d.lie.URL}
	options.started = func(cs chains) error { return d.lie.leadTo(cs[0].node.HTTPURL()) }
	if d.network, err = startNetwork(ctx, options, newProgress(said)); err != nil {
		return err
	}
	defer func() {
		if d.forged != nil {
			err = errors.Join(err, d.forged.Close())
		}
		err = errors.Join(err, d.close())
	}()
	if err := d.run(ctx); err != nil {
		return d.explain(ctx, err)
	}
	if err := d.out.write(out); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if d.failed {
		return d.explain(ctx, errDemo)
	}
	_, err = fmt.Fprintln(out, "\nok")
	return err
}

// setDemo is the history of a validator set.
type setDemo struct {
	*network
	out       table
	failed    bool
	lie       *detour // where node3 asks for alpha
	forged    closer
	transfers []*transfer
	strangers uint64
}

type closer interface{ Close() error }

func (d *setDemo) run(ctx context.Context) error {
	d.progress.say("tokens for %d users", len(d.people.users))
	if err := d.equip(ctx, startTokens); err != nil {
		return err
	}
	for _, act := range []struct {
		what string
		do   func(context.Context) (answer string, err error)
	}{
		{"anna joins by three commands and a vote", d.join},
		{"a transfer in flight during that handover", d.inFlight},
		{"node1 rotates its signer", d.rotate},
		{"node2 is away", d.away},
		{"node2 comes back by unjail", d.back},
		{"node3's endpoint serves a forged alpha", d.deceive},
		{"anna signs two precommits of a round", d.cheat},
		{"node2 leaves", d.leave},
		{"a transfer with those who are left", d.last},
		{"the same set everywhere", d.compare},
	} {
		d.progress.say("%s", act.what)
		start := time.Now()
		answer, err := act.do(ctx)
		verdict := "ok"
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			answer, verdict, d.failed = err.Error(), "FAILED", true
		}
		state, _ := d.state(ctx) // its epoch is shown, and no more
		d.out.add(act.what, answer, fmt.Sprint(state.Epoch), fmt.Sprintf("%.1f", time.Since(start).Seconds()), verdict)
		d.progress.say("  %s: %s", verdict, answer)
		if d.failed {
			break // what follows rests on it
		}
	}
	return nil
}

// operatorOf are the flags of a home's operator.
func (d *setDemo) operatorOf(i int) []string {
	return []string{"--home", d.homes[i].Home, "--node", d.homes[0].RPC, "--yes", "--passphrase-file", config.Home(d.homes[i].Home).Keys() + "/passphrase"}
}

// say sends a transaction of a validator's operator about its own validator.
func (d *setDemo) say(ctx context.Context, i int, args ...string) error {
	_, err := d.bridged.run(ctx, append(append([]string{"tx", "validator"}, args...), d.operatorOf(i)...)...)
	return err
}

// sent starts a transfer from each chain to the other.
func (d *setDemo) sent(ctx context.Context) error {
	var transfers []*transfer
	for i, a := range []*asset{d.asset("GOLD"), d.asset("ALPHA")} {
		d.strangers++
		transfers = append(transfers, &transfer{
			asset: a, from: a.home, to: a.away, amount: a.milli(2_000), sender: d.people.users[i], recipient: stranger(d.strangers),
		})
	}
	d.transfers = append(d.transfers, transfers...)
	return d.send(ctx, transfers)
}

// arrived waits for all transfers, and looks whether each was paid once.
func (d *setDemo) arrived(ctx context.Context) error {
	if err := d.follow(ctx, d.transfers); err != nil {
		return err
	}
	for _, t := range d.transfers {
		have, err := t.to.balance(ctx, t.asset.token(t.to), t.recipient)
		if err != nil {
			return err
		}
		if have.Cmp(t.payout()) != 0 {
			return fmt.Errorf("%s: the recipient has %s, not %s", t.id(), have, t.payout())
		}
	}
	return nil
}

// member is what the network says of a validator.
type member struct {
	ID      string         `json:"id"`
	Moniker string         `json:"moniker"`
	Status  string         `json:"status"`
	Reason  string         `json:"reason"`
	InSet   bool           `json:"in_set"`
	Signer  common.Address `json:"signer"`
	Power   uint32         `json:"power"`

	ConsensusKey string `json:"consensus_key"`
}

func (d *setDemo) member(ctx context.Context, moniker string) (m member, err error) {
	var all []member
	if err := d.ask(ctx, "validators", queryArgs{}, &all); err != nil {
		return m, err
	}
	for _, m := range all {
		if m.Moniker == moniker {
			return m, nil
		}
	}
	return m, fmt.Errorf("the network does not know %s", moniker)
}

// becomes waits until a validator stands as wanted.
func (d *setDemo) becomes(ctx context.Context, moniker, status string, inSet bool) error {
	return d.until(ctx, 90*time.Second, fmt.Sprintf("%s to be %s", moniker, status), func(ctx context.Context) (bool, error) {
		m, err := d.member(ctx, moniker)
		return m.Status == status && m.InSet == inSet, err
	})
}

// networkState is what the network says of its epoch.
type networkState struct {
	Epoch uint64 `json:"epoch"`
}

func (d *setDemo) state(ctx context.Context) (s networkState, err error) {
	err = d.ask(ctx, "network", queryArgs{}, &s)
	return s, err
}
