package contracts_test

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// TestLockStopsWhatIsDue lets a token that has earned fees and is owed a refund
// fetch them: in the middle of a payout in vain, and outside of it successfully,
// so that it is the lock that stops it.
func TestLockStopsWhatIsDue(t *testing.T) {
	w := newWorld(t)
	token := w.hostile("ReentrantToken")
	call := func() { // makes the token run its hook
		w.follow(token.Send(w.user, "transfer", w.user, common.Big0))
	}
	hook := func(input []byte, err error) {
		w.must(err)
		_, err = token.Send(w.user, "setHook", w.Address, input)
		w.must(err)
	}
	// It relays a refund to itself that exceeds the limit.
	w.limit(50, 0)
	order := w.seal(w.refunds(w.token.Address, token.Address))
	hook(w.Pack(order))
	call()
	receipt := w.last().(types.Executed)
	w.check(receipt.Relayer == token.Address && receipt.Failed(0), "receipt %+v", receipt)
	w.limit(0, 0)

	successes := func() uint64 {
		n, err := token.Uint("successes")
		w.must(err)
		return n
	}
	fees, err := w.ABI.Pack("withdrawFees", w.token.Address, strangers(1)[0])
	w.must(err)
	claim, err := w.ABI.Pack("claim", receipt.OutboxNonce, uint32(0), w.token.Address, big.NewInt(100), strangers(1)[0])
	w.must(err)
	for name, input := range map[string][]byte{"withdrawFees": fees, "claim": claim} {
		hook(input, nil)
		before := successes()
		w.ok(w.releases(token.Address, w.user))
		w.check(successes() == before, "%s got through in the middle of a payout", name)
		call()
		w.check(successes() == before+1, "%s is not due, so this tests nothing", name)
	}
	w.check(w.balance(w.token, strangers(1)[0]) == 103, "paid")
}
