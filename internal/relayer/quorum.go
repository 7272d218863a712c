package relayer

import (
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// quorums gathers the signatures of open commands, from the state and from
// precommits, and packs them once they are enough.
type quorums struct {
	source Signatures
	packed map[uint64][]byte          // by command, only those that are a quorum
	owners map[uint64]map[bytes64]int // by seal height: position of who signed, -1 for nobody of the set
	digest map[uint64]types.Hash      // by seal height: what owners were recovered for
}

type bytes64 = [types.SignatureBytes]byte

func newQuorums(source Signatures) *quorums {
	return &quorums{
		source: source, packed: make(map[uint64][]byte),
		owners: make(map[uint64]map[bytes64]int), digest: make(map[uint64]types.Hash),
	}
}

// update looks for signatures that open commands lack, and forgets all others.
// It says which commands have a quorum.
func (q *quorums) update(commands []bridge.OutboxCommand) map[uint64]bool {
	packed, complete := make(map[uint64][]byte, len(commands)), make(map[uint64]bool, len(commands))
	seals := make(map[uint64]bool, len(commands))
	gathered := make(map[uint64]map[int]bytes64)
	for _, c := range commands {
		seals[c.Seal.Height] = true
		quorum := q.packed[c.Nonce]
		if quorum == nil {
			signatures, done := gathered[c.Seal.Height]
			if !done {
				signatures = q.gather(c)
				gathered[c.Seal.Height] = signatures
			}
			quorum, _ = evmsig.PackQuorum(c.Set, signatures) // too little power: later
		}
		if quorum != nil {
			packed[c.Nonce], complete[c.Nonce] = quorum, true
		}
	}
	q.packed = packed
	for height := range q.owners {
		if !seals[height] {
			delete(q.owners, height)
			delete(q.digest, height)
		}
	}
	return complete
}

// drop forgets a quorum that the contract did not take.
func (q *quorums) drop(nonce uint64) { delete(q.packed, nonce) }

// gather joins what the state has with what precommits brought. The state's
// signatures were checked when they were stored.
func (q *quorums) gather(c bridge.OutboxCommand) map[int]bytes64 {
	signatures := make(map[int]bytes64, len(c.Set))
	for position, signature := range c.Signatures {
		signatures[position] = signature
	}
	height := c.Seal.Height
	if q.owners[height] == nil || q.digest[height] != c.Seal.Digest {
		q.owners[height], q.digest[height] = make(map[bytes64]int), c.Seal.Digest
	}
	known := q.owners[height]
	for _, signature := range q.source.Signatures(height) {
		position, recovered := known[signature]
		if !recovered {
			position = -1
			if signer, err := evmsig.Recover(c.Seal.Digest, signature); err == nil {
				position = c.Set.Index(signer)
			}
			known[signature] = position
		}
		if _, has := signatures[position]; position >= 0 && !has {
			signatures[position] = signature
		}
	}
	return signatures
}
