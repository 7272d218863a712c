package evmsig

import (
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge/types"
)

var transactionType = crypto.Keccak256Hash([]byte(
	"Transaction(string network,address operator,uint64 sequence,uint64 expiry,string action,bytes32 body)"))

// TransactionDigest is what an operator signs for a transaction whose encoded
// body these bytes are: EIP-712 in the network's own domain, with fields that a
// wallet shows.
func TransactionDigest(tx types.Tx, body []byte) types.Hash {
	var w words
	w.word(transactionType)
	w.digest([]byte(tx.ChainID))
	w.address(tx.Operator)
	w.uint(tx.Sequence)
	w.uint(tx.Expiry)
	w.digest([]byte(tx.Action()))
	w.digest(body)
	return typedDigest(NetworkID(tx.ChainID), w.hash())
}

// typedDigest is the EIP-712 digest of a struct in the domain of a network.
func typedDigest(networkID, structHash types.Hash) types.Hash {
	var domain words
	domain.word(domainType)
	domain.word(domainName)
	domain.word(domainVersion)
	domain.word(networkID)
	domainHash := domain.hash()
	return crypto.Keccak256Hash([]byte{0x19, 0x01}, domainHash[:], structHash[:])
}
