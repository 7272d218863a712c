package types

// Reason is the stable code of why a transfer stands where it stands. Codes are
// part of the state and of every answer; they never change their meaning.
type Reason string

// Why a transfer is invalid and goes to its refund.
const (
	ReasonNone               Reason = ""
	ReasonUnknownDestination Reason = "unknown_destination"
	ReasonUnmappedAsset      Reason = "unmapped_asset"
	ReasonBadRecipient       Reason = "bad_recipient"
	ReasonFeeAboveMaximum    Reason = "fee_above_maximum"
	ReasonTooSmall           Reason = "too_small"
	ReasonAmountTooLarge     Reason = "amount_too_large"
)

// Why a valid transfer took another way than a release.
const (
	// ReasonReleaseFailed is a release that the destination contract reported
	// as failed.
	ReasonReleaseFailed Reason = "release_failed"
	// ReasonRefundFailed is a refund that could not be paid and is owed.
	ReasonRefundFailed Reason = "refund_failed"
	// ReasonBelowRefundFee is a refund that is not worth its fee and became fee.
	ReasonBelowRefundFee Reason = "below_refund_fee"
	ReasonExpired        Reason = "expired"
	ReasonQueueFull      Reason = "queue_full"
	ReasonChainRetired   Reason = "chain_retired"
	ReasonQuarantined    Reason = "quarantined"
)

// Why a transfer waits.
const (
	ReasonBatchGap         Reason = "waits_for_batch_gap"
	ReasonOpenBatches      Reason = "waits_for_open_batches"
	ReasonOpenSeals        Reason = "waits_for_open_seals"
	ReasonBacklog          Reason = "waits_for_commands"
	ReasonHandover         Reason = "waits_for_handover"
	ReasonMissingLiquidity Reason = "missing_liquidity"
	ReasonFlowLimit        Reason = "flow_limit"
	ReasonLargeAmount      Reason = "large_amount"
	ReasonChainPaused      Reason = "chain_paused"
	ReasonAssetStopped     Reason = "asset_stopped"
)

// Why an event of a chain was put into quarantine.
const (
	ReasonUnknownToken Reason = "unknown_token"
	ReasonOverBurn     Reason = "burned_more_than_minted"
	// ReasonUnknownCommand is a receipt for something that was not ordered, or
	// not in that order; ReasonUnknownClaim a claim of something not owed.
	ReasonUnknownCommand Reason = "unknown_command"
	ReasonUnknownClaim   Reason = "unknown_claim"
	ReasonBreach         Reason = "ledger_breach"
	ReasonReinitialized  Reason = "initialized_twice"
	// ReasonForeignStake is stake on a chain that is not the home chain.
	ReasonForeignStake Reason = "foreign_stake"
	// ReasonSurplus is what a re-anchored chain has beyond the books.
	ReasonSurplus Reason = "surplus"
)

// reasons is what each code means and what happens next, as parts of sentences.
var reasons = []struct {
	code       Reason
	kind       string // where it stands
	text, next string
}{
	{ReasonUnknownDestination, "invalid", "the destination chain is not connected to this network", "it is refunded"},
	{ReasonUnmappedAsset, "invalid", "the asset has no token on the destination chain", "it is refunded"},
	{ReasonBadRecipient, "invalid", "the recipient is not an address that the destination chain can pay", "it is refunded"},
	{ReasonFeeAboveMaximum, "invalid", "the release fee is above the highest fee that the deposit accepts", "it is refunded"},
	{ReasonTooSmall, "invalid", "after the release fee nothing is left to pay out", "it is refunded"},
	{ReasonQueueFull, "invalid", "as many transfers wait for the destination chain as may (max_held)", "it is refunded"},

	{ReasonReleaseFailed, "refunding", "the destination contract could not pay the recipient", "its refund is ordered on the source chain"},
	{ReasonExpired, "refunding", "it was held longer than its source chain's expiry", "its refund is ordered on the source chain"},
	{ReasonChainRetired, "refunding", "the chain that was to pay it is retired", "it is refunded, or in quarantine where its source chain is the retired one"},
	{ReasonQuarantined, "refunding", "the validators decided that it is refunded from quarantine", "its refund is ordered on the source chain"},
	{ReasonRefundFailed, "owed", "the refund could not be paid; its owner claims it from the source contract", "the refund address calls claim() there"},
	{ReasonBelowRefundFee, "refunded", "the amount did not exceed the refund fee", "nothing: the amount became fee"},

	{ReasonBatchGap, "queued", "the destination chain's last batch is too recent", "the next batch takes it"},
	{ReasonOpenBatches, "queued", "the destination chain has as many unexecuted batches as are allowed", "it goes on when one of them is executed"},
	{ReasonOpenSeals, "queued", "as many seals as are allowed wait for signatures", "it goes on when one of them is complete"},
	{ReasonBacklog, "queued", "commands that control the destination chain go first", "a batch of the next blocks takes it"},

	{ReasonHandover, "queued", "the validator set is being handed over", "it goes on when the present set has signed all its seals and the next epoch has begun"},

	{ReasonMissingLiquidity, "held", "the destination contract holds too little of the asset", "it is released when enough has been deposited there"},
	{ReasonFlowLimit, "held", "the asset's flow limit on the destination chain is used up", "it is released in its order as the limit flows back"},
	{ReasonLargeAmount, "held", "its amount is large enough to be delayed", "it is released when large_delay_blocks and large_delay_ms are over"},
	{ReasonChainPaused, "held", "its source or destination chain is paused", "it is released when the validators have unpaused the chain by a proposal"},
	{ReasonAssetStopped, "held", "the asset is stopped on its source or destination chain, for something of it is in quarantine", "it is released when the validators have resolved what is in quarantine by a proposal"},

	{ReasonAmountTooLarge, "quarantined", "the amount does not fit the asset's unit", "it is counted, and nothing else: no token of that kind can exist"},
	{ReasonUnknownToken, "quarantined", "the token is not registered for any asset", "it is counted, and nothing else"},
	{ReasonOverBurn, "quarantined", "more was burned than had ever been minted", "the asset stands still on that chain until the validators credit, refund or drop it by a proposal"},
	{ReasonUnknownCommand, "quarantined", "the receipt fits no command that was ordered", "it is counted, and nothing else"},
	{ReasonUnknownClaim, "quarantined", "the claim fits nothing that is owed", "it is counted, and nothing else"},
	{ReasonBreach, "quarantined", "the totals of the asset do not allow it", "it is counted, and nothing is booked"},
	{ReasonReinitialized, "quarantined", "the contract said twice that it was deployed", "it is counted, and nothing else"},
	{ReasonForeignStake, "quarantined", "stake was reported by a chain that is not the home chain, or more was taken than there is", "it is counted, and nothing else"},
	{ReasonSurplus, "quarantined", "a re-anchored chain holds more than the books say", "the validators drop it by a proposal when they know whose it is"},
}

// Reasons is every code, in the order of the documentation.
func Reasons() []Reason {
	codes := make([]Reason, len(reasons))
	for i, r := range reasons {
		codes[i] = r.code
	}
	return codes
}

// Text is why, as a part of a sentence.
func (r Reason) Text() string {
	for _, known := range reasons {
		if known.code == r {
			return known.text
		}
	}
	return string(r)
}

// Next is what happens next, as a part of a sentence.
func (r Reason) Next() string {
	for _, known := range reasons {
		if known.code == r {
			return known.next
		}
	}
	return ""
}

// Station is where in its life a transfer is, or an event, that has this reason.
func (r Reason) Station() string {
	for _, known := range reasons {
		if known.code == r {
			return known.kind
		}
	}
	return ""
}

// Holds says whether a waiting transfer with this reason is held: it does not
// merely wait for the next batch.
func (r Reason) Holds() bool { return r.Station() == string(StatusHeld) }

// Status is a transfer's place in its life, the words of the protocol.
type Status string

// The stations of a transfer.
const (
	StatusQueued    Status = "queued"
	StatusHeld      Status = "held"
	StatusCommitted Status = "committed"
	StatusSealed    Status = "sealed"
	StatusReleased  Status = "released"
	StatusFailed    Status = "failed"
	StatusInvalid   Status = "invalid"
	StatusRefunding Status = "refunding"
	StatusRefunded  Status = "refunded"
	StatusOwed      Status = "owed"
	StatusClaimed   Status = "claimed"
	// StatusQuarantined is a deposit that the books have no room for: governance
	// decides about it.
	StatusQuarantined Status = "quarantined"
	// StatusFinished is a transfer that has ended and left the state; an index
	// of history knows how.
	StatusFinished Status = "finished"
)
