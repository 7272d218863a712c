package ops

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// OperatorAlarm is a chain that this validator's operator wants paused. Whoever
// may write the file of them is the operator.
type OperatorAlarm struct {
	Chain  types.ChainID `json:"chain"`
	Label  string        `json:"label"`
	Reason string        `json:"reason"`
	Since  time.Time     `json:"since"`
}

// ObserverAlarm is a chain that this node has seen contradict itself, as the
// running node writes it down for `bridged status`.
type ObserverAlarm struct {
	Chain    types.ChainID `json:"chain"`
	Label    string        `json:"label"`
	Since    time.Time     `json:"since"`
	Found    string        `json:"found"`
	Evidence string        `json:"evidence"` // path of a file
}

// ReadAlarms reads a file of alarms; one that is not there holds none. A file
// that others than its owner may write is an error.
func ReadAlarms[T OperatorAlarm | ObserverAlarm](path string) ([]T, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return []T{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the alarms: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return nil, fmt.Errorf("%s has mode %#o and others may raise alarms: chmod 600 %s", path, mode, path)
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return []T{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the alarms: %w", err)
	}
	alarms := []T{}
	if err := json.Unmarshal(content, &alarms); err != nil {
		return nil, fmt.Errorf("%s is no list of alarms (%w): mend it, or delete it to have none", path, err)
	}
	return alarms, nil
}

// WriteAlarms replaces a file of alarms, as a whole or not at all; nobody but
// its owner may read or write it.
func WriteAlarms[T OperatorAlarm | ObserverAlarm](path string, alarms []T) error {
	content, err := json.MarshalIndent(append([]T{}, alarms...), "", "  ")
	if err != nil {
		return fmt.Errorf("encode the alarms: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".alarms-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write the alarms: %w", err)
	}
	_, err = file.Write(append(content, '\n'))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(fmt.Errorf("write the alarms: %w", err), os.Remove(file.Name()))
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("write the alarms: %w", err)
	}
	return nil
}
