package cli

import (
	"fmt"

	"github.com/ethereum/go-ethereum/crypto"
	"google.golang.org/protobuf/proto"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// typedData is a transaction as wallets take it: EIP-712's JSON, with EIP-712's
// names.
type typedData struct {
	Types       map[string][]typedField `json:"types"`
	PrimaryType string                  `json:"primaryType"`
	Domain      typedDomain             `json:"domain"`
	Message     typedMessage            `json:"message"`
}

type typedField struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

type typedDomain struct {
	Name    string     `json:"name"`
	Version string     `json:"version"`
	Salt    types.Hash `json:"salt"`
}

type typedMessage struct {
	Network  string        `json:"network"`
	Operator types.Address `json:"operator"`
	Sequence uint64        `json:"sequence,string"`
	Expiry   uint64        `json:"expiry,string"`
	Action   string        `json:"action"`
	Body     types.Hash    `json:"body"`
}

func typedDataOf(tx types.Tx) (typedData, error) {
	encoded, err := bridge.EncodeTx(tx, [types.SignatureBytes]byte{})
	if err != nil {
		return typedData{}, err
	}
	var message bridgepb.OperatorTx
	if err := proto.Unmarshal(encoded[1:], &message); err != nil { // behind the version
		return typedData{}, fmt.Errorf("read the transaction's body: %w", err)
	}
	return typedData{
		Types: map[string][]typedField{
			"EIP712Domain": {{"name", "string"}, {"version", "string"}, {"salt", "bytes32"}},
			"Transaction": {
				{"network", "string"},
				{"operator", "address"},
				{"sequence", "uint64"},
				{"expiry", "uint64"},
				{"action", "string"},
				{"body", "bytes32"},
			},
		},
		PrimaryType: "Transaction",
		Domain:      typedDomain{"bridged", "1", evmsig.NetworkID(tx.ChainID)},
		Message: typedMessage{
			Network: tx.ChainID, Operator: tx.Operator, Sequence: tx.Sequence, Expiry: tx.Expiry,
			Action: tx.Action(), Body: crypto.Keccak256Hash(message.Body),
		},
	}, nil
}
