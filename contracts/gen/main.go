// Command gen writes contracts/bindings from contracts/artifacts. It is the
// second half of contracts/build.sh and runs in the folder contracts.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi/abigen"
)

// bound are the contracts that programs talk to; tests take the others from
// their artifacts.
var bound = []string{"Bridge", "WrappedToken", "TestToken", "DepositMany", "Staking", "MockStaking"}

func main() {
	for _, name := range bound {
		if err := bind(name); err != nil {
			fmt.Fprintln(os.Stderr, "gen:", err)
			os.Exit(1)
		}
	}
}

func bind(name string) error {
	raw, err := os.ReadFile(filepath.Join("artifacts", name+".json"))
	if err != nil {
		return fmt.Errorf("read artifact: %w", err)
	}
	var artifact struct {
		ABI      json.RawMessage `json:"abi"`
		Bytecode string          `json:"bytecode"`
	}
	if err := json.Unmarshal(raw, &artifact); err != nil {
		return fmt.Errorf("artifact of %s: %w", name, err)
	}
	code, err := abigen.BindV2([]string{name}, []string{string(artifact.ABI)}, []string{artifact.Bytecode},
		"bindings", nil, nil)
	if err != nil {
		return fmt.Errorf("bind %s: %w", name, err)
	}
	if err := os.MkdirAll("bindings", 0o755); err != nil {
		return err
	}
	file := filepath.Join("bindings", strings.ToLower(name)+".go")
	return os.WriteFile(file, []byte(code), 0o644)
}
