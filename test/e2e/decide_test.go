package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/icrosschain/bridged/test/cluster"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// decide has one operator propose, and as many others vote for it as it takes.
// What is not to be proposed yet is proposed again.
func (n *network) decide(what ...string) {
	n.t.Helper()
	var proposal bridge.ProposalView
	cluster.Eventually(n.t, time.Minute, fmt.Sprintf("a proposal to %v", what), func(context.Context) (err error) {
		proposal, err = n.operate(0, append([]string{"propose"}, what...)...)
		return err
	})
	for i := 1; proposal.Tally.Yes < proposal.Tally.Needed; i++ {
		var err error
		if proposal, err = n.operate(i, "vote", fmt.Sprint(proposal.ID), "yes"); err != nil {
			n.t.Fatal(err)
		}
	}
	if proposal.Status != types.ProposalApplied {
		n.t.Fatalf("proposal %d (%s) is %s: %s", proposal.ID, proposal.Action, proposal.Status, proposal.Result)
	}
}

// operate sends a transaction of a validator's operator, and returns how the
// proposal stands after its block.
func (n *network) operate(i int, args ...string) (bridge.ProposalView, error) {
	n.t.Helper()
	home := n.Homes[i].Home
	args = append(append([]string{"tx", "gov"}, args...), "--home", home, "--yes", "--output", "json",
		"--passphrase-file", passphraseFile(home), "--node", n.Homes[i].RPC)
	raw, err := n.RunWith(nil, args...)
	if err != nil {
		return bridge.ProposalView{}, err
	}
	var outcome struct {
		Proposal bridge.ProposalView `json:"proposal"`
	}
	if err := json.Unmarshal(raw, &outcome); err != nil {
		return bridge.ProposalView{}, fmt.Errorf("%s: %w", raw, err)
	}
	return outcome.Proposal, nil
}

// alarm lets operators say that a chain is to be paused, or say it no more, and
// waits until that is what their validators' votes say.
func (n *network) alarm(c *chain, raise bool, operators ...int) {
	n.t.Helper()
	says := types.AlarmOff
	for _, i := range operators {
		args := []string{"alarm", "clear", c.name, "--home", n.Homes[i].Home}
		if raise {
			args = []string{"alarm", "raise", c.name, "--home", n.Homes[i].Home, "--reason", "a drill"}
			says = types.AlarmPause
		}
		n.Must(args...)
	}
	cluster.Eventually(n.t, time.Minute, fmt.Sprintf("votes to say %s of %s", says, c.name), func(ctx context.Context) error {
		var view bridge.InboxView
		if err := n.ask(ctx, 0, "inbox", bridge.QueryArgs{Chain: c.name}, &view); err != nil {
			return err
		}
		for _, i := range operators {
			at := slices.IndexFunc(view.Votes, func(v bridge.InboxVoteView) bool { return v.Validator == n.Homes[i].Validator })
			if at < 0 || view.Votes[at].Alarm != says.String() {
				return fmt.Errorf("node%d does not", i)
			}
		}
		return nil
	})
}
