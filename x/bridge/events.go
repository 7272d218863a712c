package bridge

// The events of a block, with their attributes in order. Chains and nonces are
// decimal numbers, transfer_id is `chain id/nonce`, addresses and hashes are 0x
// and hexadecimal, amounts are decimal in the asset's unit, reasons and kinds
// are stable codes, transfers is a list as types.ParseTransferList reads it.
// Names and attributes only ever grow.
//
// What happens to every transfer is told in lists, for an event of its own would
// cost each validator more than the transfer does. Of a deposit that became a
// transfer the block's system transaction says all (ProposalInboxes).
const (
	EventInboxApplied     = "inbox_applied"     // chain, first, last, hash, transfers (the deposits among the events)
	EventQuarantined      = "quarantined"       // chain, nonce, reason; of a deposit also id, asset, amount
	EventResolved         = "resolved"          // id, chain, nonce, action
	EventChainRefused     = "chain_refused"     // chain, reason
	EventChainPaused      = "chain_paused"      // chain, pause
	EventChainUnpaused    = "chain_unpaused"    // chain
	EventChainReanchored  = "chain_reanchored"  // chain, nonce, hash, outbox_nonce
	EventChainRetired     = "chain_retired"     // chain
	EventTokenRegistered  = "token_registered"  // chain, asset, token
	EventStaked           = "staked"            // chain, nonce, operator, amount (of the staked token)
	EventUnstaked         = "unstaked"          // as staked
	EventTransferInvalid  = "transfer_invalid"  // transfer_id, reason
	EventTransferFailed   = "transfer_failed"   // transfer_id, chain, outbox_nonce, index, payout, fee, reason
	EventTransferOwed     = "transfer_owed"     // as transfer_failed
	EventTransferVanished = "transfer_vanished" // transfer_id, amount: its deposit is not in the chain's history any more
	EventTransferClaimed  = "transfer_claimed"  // transfer_id, chain, amount, to

	// As transfer_failed; or transfer_id, payout (0), fee, reason, where the
	// refund was not worth its fee.
	EventTransferRefunded = "transfer_refunded"

	EventCommandOrdered  = "command_ordered"  // chain, outbox_nonce, kind, items, transfers (of a batch, in its order)
	EventCommandExecuted = "command_executed" // chain, outbox_nonce, kind, first, count, relayer, transfers (that were released)
	EventSealed          = "sealed"           // height, epoch, root, commands
	EventSealComplete    = "seal_complete"    // height

	EventProposalSubmitted = "proposal_submitted" // proposal, proposer, kind, deadline (height)
	EventProposalVoted     = "proposal_voted"     // proposal, operator, vote (yes, no)
	EventProposalEnded     = "proposal_ended"     // proposal, status, result (why it failed)
	EventChainAdded        = "chain_added"        // chain, label, bridge

	EventHandoverBegun      = "handover_begun"      // epoch (the next one), validators
	EventEpochBegun         = "epoch_begun"         // epoch, validators, power, set (its hash in contracts)
	EventValidatorEntered   = "validator_entered"   // validator, epoch, power
	EventValidatorLeft      = "validator_left"      // validator, epoch (the first one without it)
	EventValidatorStatus    = "validator_status"    // validator, status, reason
	EventValidatorForgotten = "validator_forgotten" // validator: it is accountable no more
	EventSignerRotated      = "signer_rotated"      // validator, signer: from the next epoch on
	EventOperatorChanged    = "operator_changed"    // validator, from, to
	EventRegistrationBad    = "registration_bad"    // chain, nonce, operator: of a stake; the stake is kept all the same
	EventStrike             = "strike"              // validator, chain, nonce: a mark that is not what happened
)

// Event is something that happened in a block, for indexes and followers.
type Event struct {
	Type       string
	Attributes []Attribute
}

// Attribute is one property of an Event.
type Attribute struct{ Key, Value string }
