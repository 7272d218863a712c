package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const lockFile = "devnet.lock"

// workspace is the directory of one devnet: homes, logs and keys. One devnet at
// a time has it.
type workspace struct {
	dir  string
	lock *os.File
}

// openWorkspace takes the directory for this process and empties it. What an
// earlier devnet left there is gone: its chains were in memory, so its homes are
// of no use. A directory that holds anything else is refused.
func openWorkspace(dir string) (*workspace, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("devnet directory: %w", err)
	}
	if err := refuseForeign(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("devnet directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("devnet directory: %w", err)
	}
	// The kernel lets go of it when this process ends, however it ends.
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another devnet runs in %s", dir)
		}
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	w := &workspace{dir: dir, lock: lock}
	if err := w.empty(); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return w, nil
}

// refuseForeign keeps a mistyped --dir from costing somebody their files.
func refuseForeign(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) || (err == nil && len(entries) == 0) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("devnet directory: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, lockFile)); err != nil {
		return fmt.Errorf("%s is neither empty nor a devnet's directory", dir)
	}
	return nil
}

// empty removes all but the lock.
func (w *workspace) empty() error {
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return fmt.Errorf("empty devnet directory: %w", err)
	}
	for _, entry := range entries {
		if entry.Name() == lockFile {
			continue
		}
		if err := os.RemoveAll(filepath.Join(w.dir, entry.Name())); err != nil {
			return fmt.Errorf("empty devnet directory: %w", err)
		}
	}
	return nil
}

// path is a path inside the directory.
func (w *workspace) path(parts ...string) string {
	return filepath.Join(append([]string{w.dir}, parts...)...)
}

// close gives the directory up, and removes it unless it is to be kept.
func (w *workspace) close(keep bool) error {
	var err error
	if !keep {
		err = os.RemoveAll(w.dir)
	}
	return errors.Join(err, w.lock.Close())
}
