package cli

import (
	"encoding/base64"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/node"
)

func cometCommand(s *session) *cobra.Command {
	return group("comet", "Identities of consensus, and its data",
		identityCommand(s, "show-node-id", "Show the peer-to-peer id", func(i node.Identity) (any, string) {
			return map[string]string{"node_id": i.NodeID}, i.NodeID
		}),
		identityCommand(s, "show-validator", "Show the consensus public key", func(i node.Identity) (any, string) {
			key := base64.StdEncoding.EncodeToString(i.ConsensusKey)
			return map[string]string{"@type": "ed25519", "key": key}, key
		}),
		identityCommand(s, "show-address", "Show the consensus address", func(i node.Identity) (any, string) {
			return map[string]string{"address": i.Validator.String()}, i.Validator.String()
		}),
		cometResetCommand(s), forgetSealsCommand(s))
}

func identityCommand(s *session, use, short string, pick func(node.Identity) (any, string)) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: args(0, 0),
		RunE: func(*cobra.Command, []string) error {
			identity, err := node.ReadIdentity(s.home())
			if err != nil {
				return err
			}
			if identity.ConsensusKey == nil && use != "show-node-id" {
				return node.ErrRemoteKey
			}
			value, text := pick(identity)
			return s.print(value, func(w io.Writer) { fmt.Fprintln(w, text) })
		},
	}
}

func cometResetCommand(s *session) *cobra.Command {
	var yes, forget bool
	c := &cobra.Command{
		Use: "reset", Short: "Delete blocks, state and peers; keep keys and configuration",
		Long: `Deletes blocks, state and the address book, and makes empty databases again. The
node has to be stopped. What the validator signed last is kept, unless
--forget-signatures: a validator that forgets it may sign twice and be banned,
so that is only for a network that itself begins anew.`,
		Args: args(0, 0),
		RunE: func(*cobra.Command, []string) error {
			loaded, err := config.Load(s.home(), s.flags)
			if err != nil {
				return err
			}
			if !yes {
				ok, err := s.confirm(fmt.Sprintf("Delete all blocks and state under %s?", s.home().Data()))
				if err != nil {
					return err
				}
				if !ok {
					s.note("Nothing was deleted.")
					return nil
				}
			}
			if err := node.ResetData(s.home(), loaded.State, forget); err != nil {
				return err
			}
			s.note("Reset %s.", s.home().Data())
			return nil
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&forget, "forget-signatures", false, "also forget what was signed last (dangerous)")
	return c
}

func forgetSealsCommand(s *session) *cobra.Command {
	yes := false
	c := &cobra.Command{
		Use: "forget-seals", Short: "Begin a new record of signed seals, trusting this home's state",
		Long: `A node keeps a record of the seals that it signed and stops rather than sign a
second one of a height. If the record is lost or damaged the node does not start,
and this begins a new one; what is there is put aside. The node has to be stopped.

The state is the authority for what was agreed, and a node signs nothing else. So
the new record is as good as the old one if this home's state is the network's:
compare the app hash that "bridged status" shows with another node's, or run
"bridged comet reset" and sync again before. If the state was made by hand, is of a
fork, or another process signs with the same key, the validator may be banned.`,
		Args: args(0, 0),
		RunE: func(*cobra.Command, []string) error {
			if !yes {
				ok, err := s.confirm("Forget which seals this node signed?")
				if err != nil {
					return err
				}
				if !ok {
					s.note("Nothing was changed.")
					return nil
				}
			}
			old, err := node.ForgetSeals(s.home())
			if err != nil {
				return err
			}
			if old != "" {
				s.note("The old record is now %s.", old)
			}
			s.note("Began %s.", s.home().SignedSealsFile())
			return nil
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}
