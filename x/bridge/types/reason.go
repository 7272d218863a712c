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
)

// Why a transfer waits.
const (
	ReasonBatchGap         Reason = "waits_for_batch_gap"
	ReasonOpenBatches      Reason = "waits_for_open_batches"
	ReasonMissingLiquidity Reason = "missing_liquidity"
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
)

// Text is one sentence for people.
func (r Reason) Text() string {
	switch r {
	case ReasonUnknownDestination:
		return "the destination chain is not connected to this network"
	case ReasonUnmappedAsset:
		return "the asset has no token on the destination chain"
	case ReasonBadRecipient:
		return "the recipient is not an address that the destination chain can pay"
	case ReasonFeeAboveMaximum:
		return "the release fee is above the highest fee that the deposit accepts"
	case ReasonTooSmall:
		return "after the release fee nothing is left to pay out"
	case ReasonAmountTooLarge:
		return "the amount does not fit the asset's unit"
	case ReasonReleaseFailed:
		return "the destination contract could not pay the recipient"
	case ReasonRefundFailed:
		return "the refund could not be paid; its owner claims it from the source contract"
	case ReasonBelowRefundFee:
		return "the amount did not exceed the refund fee"
	case ReasonBatchGap:
		return "the destination chain's last batch is too recent"
	case ReasonOpenBatches:
		return "the destination chain has as many unexecuted batches as are allowed"
	case ReasonMissingLiquidity:
		return "the destination contract holds too little of the asset"
	case ReasonUnknownToken:
		return "the token is not registered for any asset"
	case ReasonOverBurn:
		return "more was burned than had ever been minted"
	case ReasonUnknownCommand:
		return "the receipt fits no command that was ordered"
	case ReasonUnknownClaim:
		return "the claim fits nothing that is owed"
	case ReasonBreach:
		return "the totals of the asset do not allow it"
	case ReasonReinitialized:
		return "the contract said twice that it was deployed"
	}
	return string(r)
}

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
	// StatusFinished is a transfer that has ended and left the state; an index
	// of history knows how.
	StatusFinished Status = "finished"
)
