package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/ops"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// statusResult is what "status" shows. sync_info and validator_info are
// CometBFT's own, in its own JSON.
type statusResult struct {
	NodeInfo      statusNode      `json:"node_info"`
	SyncInfo      json.RawMessage `json:"sync_info"`
	ValidatorInfo json.RawMessage `json:"validator_info"`
	Bridge        *statusBridge   `json:"bridge"` // null before the first block
}

type statusNode struct {
	ID      string `json:"id"`
	Moniker string `json:"moniker"`
	Network string `json:"network"`
	Peers   int    `json:"peers"`
}

type statusBridge struct {
	Epoch       uint64           `json:"epoch"`
	EpochHeight uint64           `json:"epoch_height"` // block that began it
	NextEpoch   uint64           `json:"next_epoch"`   // block at which a handover to the next may begin, if there is something to change
	Handover    uint64           `json:"handover"`     // block in which the one that goes on began; 0: none does
	IsValidator bool             `json:"is_validator"` // of the epoch
	Validator   *statusValidator `json:"validator"`    // this node's, as the network knows it; null where it knows none
	Chains      []statusChain    `json:"chains"`
}

type statusChain struct {
	Label    string        `json:"label"`
	ID       types.ChainID `json:"id"`
	Active   bool          `json:"active"`
	Refused  string        `json:"refused"`
	Cursor   uint64        `json:"cursor"`
	Head     uint64        `json:"head"`        // agreed
	OwnHead  uint64        `json:"own_head"`    // this validator's vote
	Lag      uint64        `json:"lag"`         // blocks that the own vote is behind the agreed head
	OpenCmds uint64        `json:"open"`        // commands assigned and not executed
	Queued   uint64        `json:"queued"`      // entries that wait for a batch
	MinAgree uint64        `json:"min_agree"`   // of this home; 0 where it does not serve the chain
	Verified string        `json:"verified_by"` // proof, receipts or agreement, as this home has it; empty where it does not serve the chain

	Paused       bridge.Pause `json:"paused"`        // by the network: paused or contradicted; empty where it is not
	PausedHeight uint64       `json:"paused_height"` // since when
	Alarm        statusAlarm  `json:"alarm"`

	Relayer *ops.RelayerReport `json:"relayer"` // of this home; null where none runs

	// How the node that runs in this home sees it; null where none does.
	Seen *ops.ChainReport `json:"seen"`
}

// statusAlarm is what this home raises against a chain, of observer and operator
// the greater.
type statusAlarm struct {
	Kind     string `json:"kind"`  // off, pause (the operator) or contradiction (the observer)
	Since    string `json:"since"` // RFC 3339; empty where it is off
	Why      string `json:"why"`
	Evidence string `json:"evidence"` // path of a file
	Voted    string `json:"voted"`    // what the state holds of this validator: off, pause or contradiction
}

func statusCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show how a node does; exit code 4 if it cannot be reached", Args: args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), s.timeout)
			defer cancel()
			client, err := s.dial()
			if err != nil {
				return err
			}
			result, height, catchingUp, err := client.status(ctx)
			if err != nil {
				return err
			}
			return s.print(result, func(w io.Writer) { printStatus(w, result, height, catchingUp) })
		},
	}
}

func (c *client) status(ctx context.Context) (result statusResult, height int64, catchingUp bool, err error) {
	status, err := c.rpc.Status(ctx)
	if err != nil {
		return result, 0, false, c.unreachable(err)
	}
	peers, err := c.rpc.NetInfo(ctx)
	if err != nil {
		return result, 0, false, c.unreachable(err)
	}
	result.NodeInfo = statusNode{
		ID: string(status.NodeInfo.ID()), Moniker: status.NodeInfo.Moniker, Network: status.NodeInfo.Network, Peers: peers.NPeers,
	}
	if result.SyncInfo, err = cmtjson.Marshal(status.SyncInfo); err != nil {
		return result, 0, false, fmt.Errorf("show sync_info: %w", err)
	}
	if result.ValidatorInfo, err = cmtjson.Marshal(status.ValidatorInfo); err != nil {
		return result, 0, false, fmt.Errorf("show validator_info: %w", err)
	}
	height, catchingUp = status.SyncInfo.LatestBlockHeight, status.SyncInfo.CatchingUp
	if height > 0 {
		result.Bridge, err = c.bridgeStatus(ctx, types.ValidatorID(status.ValidatorInfo.Address), height)
	}
	return result, height, catchingUp, err
}

func (c *client) bridgeStatus(ctx context.Context, self types.ValidatorID, height int64) (*statusBridge, error) {
	ask, err := c.asker(ctx, queryFlags{})
	if err != nil {
		return nil, err
	}
	var (
		network bridge.NetworkState
		members []bridge.ValidatorView
		chains  []bridge.ChainState
	)
	if _, err := ask("network", bridge.QueryArgs{}, &network); err != nil {
		return nil, err
	}
	if _, err := ask("validators", bridge.QueryArgs{}, &members); err != nil {
		return nil, err
	}
	if _, err := ask("chains", bridge.QueryArgs{}, &chains); err != nil {
		return nil, err
	}
	result := &statusBridge{
		Epoch: network.Epoch, EpochHeight: network.EpochHeight, Handover: network.Handover,
		NextEpoch: network.EpochHeight + network.Params.EpochBlocks, Chains: []statusChain{},
	}
	for _, m := range members {
		if m.ID == self {
			result.IsValidator, result.Validator = m.InSet, c.validatorStatus(ctx, network, m, height)
		}
	}
	configured := c.session.configuredChains()
	raised, relayers, seen := c.session.raisedAlarms(), c.session.relayers(), c.session.reported()
	for _, chain := range chains {
		var inbox bridge.InboxView
		if _, err := ask("inbox", bridge.QueryArgs{Chain: chain.Label}, &inbox); err != nil {
			return nil, err
		}
		line := statusChain{
			Label: chain.Label, ID: chain.ID, Active: chain.Active, Refused: chain.Refused, Cursor: chain.Cursor, Head: chain.Head,
			OpenCmds: chain.Outbox - chain.Executed, Queued: chain.Queued,
			MinAgree: configured[chain.Label].MinAgree, Verified: configured[chain.Label].Verification,
			Paused: chain.Paused, PausedHeight: chain.PausedHeight, Alarm: raised[chain.ID], Relayer: relayers[chain.ID], Seen: seen[chain.ID],
		}
		line.Alarm.Kind = cmp.Or(line.Alarm.Kind, types.AlarmOff.String())
		for _, vote := range inbox.Votes {
			if vote.Validator == self {
				line.OwnHead, line.Alarm.Voted = vote.Head, vote.Alarm
			}
		}
		if result.IsValidator && line.OwnHead < line.Head {
			line.Lag = line.Head - line.OwnHead
		}
		result.Chains = append(result.Chains, line)
	}
	return result, nil
}

// configuredChains are those of the home, if there is one.
func (s *session) configuredChains() map[string]config.Chain {
	chains := map[string]config.Chain{}
	if loaded, err := config.Load(s.home(), s.flags); err == nil {
		for _, c := range loaded.Chains {
			chains[c.Name] = c
		}
	}
	return chains
}

// raisedAlarms are those of the home, if there is one; a file that cannot be
// read raises none here, and the node says what is wrong with it.
func (s *session) raisedAlarms() map[types.ChainID]statusAlarm {
	raised := map[types.ChainID]statusAlarm{}
	if alarms, err := ops.ReadAlarms[ops.OperatorAlarm](s.home().AlarmsFile()); err == nil {
		for _, a := range alarms {
			raised[a.Chain] = statusAlarm{Kind: types.AlarmPause.String(), Since: a.Since.Format(time.RFC3339), Why: a.Reason}
		}
	}
	if alarms, err := ops.ReadAlarms[ops.ObserverAlarm](s.home().ContradictionsFile()); err == nil {
		for _, a := range alarms {
			raised[a.Chain] = statusAlarm{
				Kind: types.AlarmContradiction.String(), Since: a.Since.UTC().Format(time.RFC3339), Why: a.Found, Evidence: a.Evidence,
			}
		}
	}
	return raised
}

func printStatus(w io.Writer, r statusResult, height int64, catchingUp bool) {
	state := "in step with the network"
	if catchingUp {
		state = "catching up"
	}
	pairs(w, "network", r.NodeInfo.Network, "node", r.NodeInfo.Moniker+" "+r.NodeInfo.ID,
		"height", strconv.FormatInt(height, 10), "state", state, "peers", strconv.Itoa(r.NodeInfo.Peers))
	if r.Bridge == nil {
		fmt.Fprintln(w, "There is no block yet.")
		return
	}
	printStanding(w, *r.Bridge)
	rows := make([][]string, len(r.Bridge.Chains))
	for i, c := range r.Bridge.Chains {
		agree := number(c.MinAgree)
		switch c.MinAgree {
		case 0:
			agree = "not served"
		case 1:
			agree = "1 (one endpoint is believed)"
		}
		if c.MinAgree > 0 && c.Verified != "proof" {
			agree += ", by " + c.Verified
		}
		rows[i] = []string{c.Label, number(c.Cursor), number(c.Head), number(c.OwnHead), number(c.Lag), number(c.OpenCmds), number(c.Queued), agree}
	}
	table(w, []string{"CHAIN", "INBOX", "HEAD", "OWN HEAD", "LAG", "OPEN", "QUEUED", "MIN AGREE"}, rows)
	for _, c := range r.Bridge.Chains {
		printStops(w, c)
		if c.Relayer != nil {
			printRelayer(w, *c.Relayer)
		}
	}
	printEndpoints(w, r.Bridge.Chains)
}

// printStops says what keeps a chain from being served, if anything does.
func printStops(w io.Writer, c statusChain) {
	if c.Paused != bridge.PauseNone {
		fmt.Fprintf(w, "%s is %s since height %d; only governance starts it again.\n", c.Label, c.Paused, c.PausedHeight)
	}
	switch a := c.Alarm; a.Kind {
	case types.AlarmOff.String():
		if a.Voted != "" && a.Voted != a.Kind {
			fmt.Fprintf(w, "The network still holds this validator's alarm for %s: %s.\n", c.Label, a.Voted)
		}
	case types.AlarmPause.String():
		fmt.Fprintf(w, "This validator's operator raises the alarm for %s since %s: %s\n", c.Label, a.Since, a.Why)
	default:
		fmt.Fprintf(w, "ALARM: this node sees %s contradict itself since %s: %s\nEvidence: %s\n", c.Label, a.Since, a.Why, cmp.Or(a.Evidence, "only in the log"))
	}
}
