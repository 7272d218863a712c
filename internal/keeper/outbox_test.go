package keeper

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/x/bridge"
)

// What is known of an outbox is always what the state says of the same commands,
// however they are completed, executed and, by a re-anchoring, open again.
func TestKnownIsTheState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ordered []bridge.OutboxCommand
		var known []bridge.OutboxCommand
		executed := uint64(0)
		for range rapid.IntRange(1, 60).Draw(t, "blocks") {
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0, 1:
				ordered = append(ordered, bridge.OutboxCommand{Nonce: uint64(len(ordered)) + 1, Bytes: []byte{byte(len(ordered))}})
			case 2:
				if i := slices.IndexFunc(ordered, func(c bridge.OutboxCommand) bool { return c.Seal.Complete == 0 }); i >= 0 {
					ordered[i+rapid.IntRange(0, len(ordered)-1-i).Draw(t, "completed")].Seal.Complete = 7
				}
			case 3, 4:
				executed = rapid.Uint64Range(executed, uint64(len(ordered))).Draw(t, "executed")
			default:
				executed = rapid.Uint64Range(0, executed).Draw(t, "executed again")
			}
			known = stillOpen(known, executed)
			after := executed
			if len(known) > 0 {
				after = known[len(known)-1].Nonce
			}
			all := slices.Concat(known, ordered[after:])
			if !slices.EqualFunc(all, ordered[executed:], func(a, b bridge.OutboxCommand) bool {
				return a.Nonce == b.Nonce && a.Seal == b.Seal
			}) {
				t.Fatalf("executed up to %d: %+v, want %+v", executed, all, ordered[executed:])
			}
			known = complete(all, len(known))
		}
	})
}
