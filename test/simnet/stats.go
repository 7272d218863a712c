package simnet

import (
	"slices"
	"strconv"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// Stats are what a run, or many, did.
type Stats struct {
	Seeds     int
	Blocks    int64
	Replayed  int64 // blocks applied again by processes that were down
	Transfers int64
	Checks    int64 // single comparisons with the world
	Audits    int64 // whole states that CheckInvariants looked at
	Faults    map[Fault]int64
	Rare      map[string]int64
}

// Add adds the figures of another run.
func (s *Stats) Add(o Stats) {
	s.Seeds += o.Seeds
	s.Blocks += o.Blocks
	s.Replayed += o.Replayed
	s.Transfers += o.Transfers
	s.Checks += o.Checks
	s.Audits += o.Audits
	if s.Faults == nil {
		s.Faults, s.Rare = map[Fault]int64{}, map[string]int64{}
	}
	for k, n := range o.Faults {
		s.Faults[k] += n
	}
	for k, n := range o.Rare {
		s.Rare[k] += n
	}
}

// RareStates is what runs should come to. One that no run reaches makes its
// checks worth nothing, so a report names it.
var RareStates = []string{
	"a crash between FinalizeBlock and Commit", "a crash after Commit", "a crash after PrepareProposal",
	"a crash after ProcessProposal", "a crash after ExtendVote", "a crash after VerifyVoteExtension",
	"a crash while catching up",
	"all processes die at once", "a block that nobody applied at once", "a round fails after its precommits",
	"a late extension in a proposal", "a late extension that is garbage", "equivocating marks", "a wrong seal signature",
	"different extensions to different peers", "a bent proposal is refused", "a bent proposal is accepted", "a forged payload", "forged extensions in others' names",
	"a proposer censors extensions", "a forged chain", "an observer abstains", "an observer contradicts the cursor",
	"a false alarm of 1/3 or less", "a chain stalls", "a reorg before finality", "a reorg past finality",
	"a chain re-anchored", "paused", "contradicted", "unpaused", "paused until the end",
	"a relay without a quorum", "a forged relay", "a seal forged by all liars", "a double relay", "a batch executed in slices", "a relayer withdraws its fees",
	"a deposit reverts", "an invalid deposit", "a release that fails", "a refund", "a refund that fails", "a claim",
	"a claim that has to wait for the contract's limit",
	"waits: flow_limit", "waits: large_amount", "waits: chain_paused", "waits: missing_liquidity", "waits: asset_stopped",
	"waits: waits_for_batch_gap", "waits: waits_for_open_batches", "waits: waits_for_open_seals", "waits: waits_for_commands",
	"refunded: expired", "refunded: queue_full", "refunded: release_failed", "refunded: unknown_destination",
	"refunded: unmapped_asset", "refunded: bad_recipient", "refunded: fee_above_maximum", "refunded: too_small",
	"refunded: below_refund_fee", "refunded: quarantined",
	"quarantined: burned_more_than_minted", "quarantined: surplus", "quarantine resolved",
	"proposal applied", "proposal failed", "proposal rejected", "proposal expired", "a bad transaction",
	"a chain added", "a chain retired", "an asset short of custody",
	"a contract is deployed anew", "a chain refused for its set", "an epoch", "a handover", "a handover while a batch waits", "a handover while a chain stalls", "a handover while a chain is paused",
	"a handover while nobody signs", "a handover with a member that signs nothing",
	"all processes die before the next set is ordered", "all processes die before the next set is signed",
	"all processes die before consensus has the next set", "all processes die before a contract has the next set",
	"a validator joins", "a validator leaves", "a validator is forgotten", "a validator that had left is back",
	"a validator returns after its jail", "a signer rotates", "an operator changes", "a wish that takes several epochs",
	"a wish that no epoch can grant", "a state is copied", "a state is copied during a handover",
	"all first members but less than 1/3 replaced", "a liar reforms",
	"a strike", "jailed: conflicting", "jailed: absent", "evidence of two votes", "banned: double_sign", "banned: forged_seal",
	"a ban during a handover", "a true seal is reported",
	"a ban by a witness", "a false witness", "a witness is outdated", "a stranger's vote is refused", "waits: waits_for_handover",
}

var knownStates = func() map[string]bool {
	known := map[string]bool{}
	for _, s := range RareStates {
		known[s] = true
	}
	return known
}()

func (r *run) count(f Fault) { r.stats.Faults[f]++ }

// rare notes that a state was reached.
func (r *run) rare(state string) {
	if !knownStates[state] {
		r.broken("simnet", "state %q is not in the list", state)
	}
	r.stats.Rare[state]++
	r.trace("%s", state)
}

// tell notes the states that a block's events speak of.
func (r *run) tell(events []abci.Event) {
	for _, e := range events {
		attributes := map[string]string{}
		for _, a := range e.Attributes {
			attributes[a.Key] = a.Value
		}
		var state string
		switch e.Type {
		case "transfer_invalid", "transfer_refunded":
			state = "refunded: " + attributes["reason"]
		case "quarantined":
			state = "quarantined: " + attributes["reason"]
		case "resolved":
			state = "quarantine resolved"
			r.resolved(attributes)
		case "proposal_ended":
			state, r.decided = "proposal "+attributes["status"], r.height
		case "chain_paused":
			state = attributes["pause"]
		case "chain_unpaused":
			state = "unpaused"
		case "chain_reanchored":
			state = "a chain re-anchored"
			id, _ := strconv.ParseUint(attributes["chain"], 10, 64)
			nonce, _ := strconv.ParseUint(attributes["nonce"], 10, 64)
			r.reanchored(r.world.chain(types.ChainID(id)), nonce)
		case "chain_retired":
			state = "a chain retired"
			id, _ := strconv.ParseUint(attributes["chain"], 10, 64)
			r.retired(r.world.chain(types.ChainID(id)))
		case "chain_added":
			state = "a chain added"
		case "proposal_submitted":
			r.submitted(attributes)
			continue
		}
		if slices.Contains(RareStates, state) {
			r.rare(state)
		} else if state != "" {
			r.trace("%s %v", e.Type, attributes)
		}
		if e.Type == "quarantined" {
			r.quarantined(attributes)
		}
	}
}
