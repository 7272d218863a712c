package types

import "fmt"

// SignatureBytes is the length of a seal signature: EIP-2098, r ‖ yParityAndS.
const SignatureBytes = 64

// Mark says: this chain's inbox up to and including Nonce has the accumulator
// Hash. Marks are compared by nonce and hash; Block is a hint where to read.
type Mark struct {
	Nonce uint64 `json:"nonce"`
	Hash  Hash   `json:"hash"`
	Block uint64 `json:"block"` // the chain's own block number
}

// ChainVote is what one validator says of one chain.
type ChainVote struct {
	Chain ChainID
	Head  uint64 // finalised head, a block number; 0 says nothing
	Marks []Mark // ascending by nonce
	// Reset says that the validator no longer stands by any mark of this chain
	// that it named in earlier votes: it has come to see another history.
	Reset bool
}

// Validate checks the form of a vote: what any honest validator sends.
func (v ChainVote) Validate() error {
	var last uint64
	for _, m := range v.Marks {
		if m.Nonce <= last {
			return fmt.Errorf("chain %d: marks do not ascend at nonce %d", v.Chain, m.Nonce)
		}
		if m.Hash == (Hash{}) {
			return fmt.Errorf("chain %d: zero hash at nonce %d", v.Chain, m.Nonce)
		}
		last = m.Nonce
	}
	if v.Reset && len(v.Marks) == 0 {
		return fmt.Errorf("chain %d: takes all marks back and names none", v.Chain)
	}
	if v.Head == 0 && len(v.Marks) == 0 {
		return fmt.Errorf("chain %d: says nothing", v.Chain)
	}
	return nil
}

// SealSignature is a validator's signature over the seal of a height.
type SealSignature struct {
	Height    uint64
	Signature [SignatureBytes]byte
}
