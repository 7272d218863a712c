package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/config"
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
	Epoch       uint64        `json:"epoch"`
	IsValidator bool          `json:"is_validator"`
	Chains      []statusChain `json:"chains"`
}

type statusChain struct {
	Label    string        `json:"label"`
	ID       types.ChainID `json:"id"`
	Active   bool          `json:"active"`
	Refused  string        `json:"refused"`
	Cursor   uint64        `json:"cursor"`
	Head     uint64        `json:"head"`      // agreed
	OwnHead  uint64        `json:"own_head"`  // this validator's vote
	Lag      uint64        `json:"lag"`       // blocks that the own vote is behind the agreed head
	OpenCmds uint64        `json:"open"`      // commands assigned and not executed
	Queued   uint64        `json:"queued"`    // entries that wait for a batch
	MinAgree uint64        `json:"min_agree"` // of this home; 0 where it does not serve the chain
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
		result.Bridge, err = c.bridgeStatus(ctx, types.ValidatorID(status.ValidatorInfo.Address))
	}
	return result, height, catchingUp, err
}

func (c *client) bridgeStatus(ctx context.Context, self types.ValidatorID) (*statusBridge, error) {
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
	result := &statusBridge{Epoch: network.Epoch, Chains: []statusChain{}}
	for _, m := range members {
		result.IsValidator = result.IsValidator || m.ID == self
	}
	configured := c.session.configuredChains()
	for _, chain := range chains {
		var inbox bridge.InboxView
		if _, err := ask("inbox", bridge.QueryArgs{Chain: chain.Label}, &inbox); err != nil {
			return nil, err
		}
		line := statusChain{
			Label: chain.Label, ID: chain.ID, Active: chain.Active, Refused: chain.Refused, Cursor: chain.Cursor, Head: chain.Head,
			OpenCmds: chain.Outbox - chain.Executed, Queued: chain.Queued, MinAgree: configured[chain.Label].MinAgree,
		}
		for _, vote := range inbox.Votes {
			if vote.Validator == self {
				line.OwnHead = vote.Head
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
	pairs(w, "epoch", number(r.Bridge.Epoch), "validator", strconv.FormatBool(r.Bridge.IsValidator))
	rows := make([][]string, len(r.Bridge.Chains))
	for i, c := range r.Bridge.Chains {
		agree := number(c.MinAgree)
		switch c.MinAgree {
		case 0:
			agree = "not served"
		case 1:
			agree = "1 (one endpoint is believed)"
		}
		rows[i] = []string{c.Label, number(c.Cursor), number(c.Head), number(c.OwnHead), number(c.Lag), number(c.OpenCmds), number(c.Queued), agree}
	}
	table(w, []string{"CHAIN", "INBOX", "HEAD", "OWN HEAD", "LAG", "OPEN", "QUEUED", "MIN AGREE"}, rows)
}
