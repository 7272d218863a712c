package cli

import (
	"fmt"
	"io"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/ops"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// relayers are how the home's relayers do, if any run; trouble with the file is
// the running process's to tell.
func (s *session) relayers() map[types.ChainID]*ops.RelayerReport {
	reports, err := ops.ReadRelayers(s.home().RelayersFile())
	if err != nil {
		return nil
	}
	all := map[types.ChainID]*ops.RelayerReport{}
	for i := range reports {
		all[reports[i].Chain] = &reports[i]
	}
	return all
}

// holdsThatMatter are the reasons to wait that somebody may have to end.
var holdsThatMatter = map[string]string{
	"fees_above_limit":             "gas costs more than max_fee_gwei",
	"spending_limit":               "the day's limit (spend_per_day) is reached",
	"unknown_transactions_pending": "transactions of its account are pending that it did not send",
	"pause_after_revert":           "the contract refused a command",
}

// printRelayer says what somebody should know of a relayer, if anything.
func printRelayer(w io.Writer, r ops.RelayerReport) {
	if why := holdsThatMatter[r.Hold]; why != "" {
		fmt.Fprintf(w, "The relayer sends nothing more to %s: %s (%s).\n", r.Label, why, r.Hold)
	}
	if r.Err != "" {
		fmt.Fprintf(w, "The relayer has trouble with %s: %s\n", r.Label, r.Err)
	}
	if r.LowBalance {
		fmt.Fprintf(w, "The relayer's account on %s is low: %s has %s coins.\n", r.Label, r.Account, config.CoinsOf(r.Balance))
	}
}
