package evm

import (
	"slices"
	"strings"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// look is what one endpoint says at one look.
type look struct {
	group    string
	position chain.OutboxPosition // without fees
	offer    offer
}

// standing is what two endpoints at the same block, or with nothing of interest
// between their blocks, say alike.
type standing struct {
	nonce, sealHeight, epoch, mined uint64
	item, releaseGas                uint32
	set                             types.Hash
}

func (a look) standing() standing {
	p := a.position
	return standing{
		nonce: p.Nonce, sealHeight: p.SealHeight, epoch: p.Epoch, mined: p.Account.Mined,
		item: p.NextItem, releaseGas: p.ReleaseGas, set: p.SetHash,
	}
}

// agreeing are the answers, one a group, that say the same as another group's;
// none if no two do.
func agreeing(answers []look) []look {
	for i, a := range answers {
		same, groups := []look{a}, []string{a.group}
		for _, b := range answers[i+1:] {
			if b.standing() == a.standing() && !slices.Contains(groups, b.group) {
				same, groups = append(same, b), append(groups, b.group)
			}
		}
		if len(same) > 1 {
			return same
		}
	}
	return nil
}

// agreeOn makes one position of at least one answer. Where two groups agree,
// whoever else lies or is behind has no say; else, and in what nobody has to
// agree on, another endpoint is believed at each turn. A block is never taken to
// be later than half of them say: waiting for blocks must come to an end.
func agreeOn(answers []look, turn uint64) chain.OutboxPosition {
	if same := agreeing(answers); same != nil {
		answers = same
	}
	slices.SortFunc(answers, func(a, b look) int { return strings.Compare(a.group, b.group) })
	position := answers[turn%uint64(len(answers))].position
	blocks := make([]uint64, len(answers))
	for i, a := range answers {
		blocks[i] = a.position.Block
	}
	position.Block = lowerMedian(blocks)
	return position
}

func lowerMedian(numbers []uint64) uint64 {
	slices.Sort(numbers)
	return numbers[(len(numbers)-1)/2]
}

func upperMedian(numbers []uint64) uint64 {
	slices.Sort(numbers)
	return numbers[len(numbers)/2]
}
