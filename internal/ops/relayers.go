package ops

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// RelayerReport is how the relayer of one chain does, as the running process
// writes it down for `bridged status`. Amounts are in wei.
type RelayerReport struct {
	Chain   types.ChainID `json:"chain"`
	Label   string        `json:"label"`
	Account types.Address `json:"account"`
	Pending int           `json:"pending"` // its transactions that no block holds
	Hold    string        `json:"hold"`    // why nothing more is sent
	Err     string        `json:"err"`     // trouble with the chain's endpoints

	Balance    types.Amount `json:"balance"`
	LowBalance bool         `json:"low_balance"`
	SpentDay   types.Amount `json:"spent_day"`
	Claimed    types.Amount `json:"claimed"`   // what pending transactions may cost
	LimitDay   types.Amount `json:"limit_day"` // 0: none
}

// ReadRelayers reads the reports; a file that is not there holds none.
func ReadRelayers(path string) ([]RelayerReport, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read how the relayers do: %w", err)
	}
	var reports []RelayerReport
	if err := json.Unmarshal(content, &reports); err != nil {
		return nil, fmt.Errorf("read how the relayers do: %s: %w", path, err)
	}
	return reports, nil
}

// WriteRelayers replaces the reports, as a whole or not at all. It does not wait
// for the disk: they are of no use after a crash.
func WriteRelayers(path string, reports []RelayerReport) error {
	content, err := json.MarshalIndent(reports, "", "  ")
	if err != nil {
		return fmt.Errorf("encode how the relayers do: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".relayers-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write how the relayers do: %w", err)
	}
	_, err = file.Write(append(content, '\n'))
	if err := errors.Join(err, file.Close()); err != nil {
		return errors.Join(fmt.Errorf("write how the relayers do: %w", err), os.Remove(file.Name()))
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("write how the relayers do: %w", err)
	}
	return nil
}
