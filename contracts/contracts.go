// Package contracts holds the compiled Solidity of the bridge. Programs use the
// bindings below it; this package is for whoever wants the code itself: tests,
// gas measurements, and the check of a deployed contract.
package contracts

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

//go:embed artifacts/*.json
var artifacts embed.FS

// Artifact is one compiled contract.
type Artifact struct {
	Name     string
	ABI      abi.ABI
	Bytecode []byte // what a deployment runs, without constructor arguments
	Deployed []byte // what then lies at the address, with immutables as zeros
	Layout   []Slot
}

// Slot says where a contract keeps a variable.
type Slot struct {
	Label  string `json:"label"`
	Slot   uint64 `json:"slot"`
	Offset uint64 `json:"offset"` // bytes from the least significant one
	Type   string `json:"type"`
}

// Load reads the artifact of a contract, for example "Bridge".
func Load(name string) (Artifact, error) {
	raw, err := artifacts.ReadFile("artifacts/" + name + ".json")
	if err != nil {
		return Artifact{}, fmt.Errorf("contract %q: %w", name, err)
	}
	var file struct {
		ABI           json.RawMessage `json:"abi"`
		Bytecode      hexutil.Bytes   `json:"bytecode"`
		Deployed      hexutil.Bytes   `json:"deployedBytecode"`
		StorageLayout []Slot          `json:"storageLayout"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return Artifact{}, fmt.Errorf("contract %q: %w", name, err)
	}
	parsed, err := abi.JSON(strings.NewReader(string(file.ABI)))
	if err != nil {
		return Artifact{}, fmt.Errorf("contract %q: %w", name, err)
	}
	return Artifact{
		Name: name, ABI: parsed, Bytecode: file.Bytecode, Deployed: file.Deployed, Layout: file.StorageLayout,
	}, nil
}
