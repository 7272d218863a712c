package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// commandGrace is how long an interrupted command of bridged may take to end.
const commandGrace = 2 * time.Second

// bridged is the program under demonstration. Everything the devnet does to the
// network it does as an operator would: by bridged's own commands.
type bridged struct {
	path string
}

// findBridged returns the program named by a flag, or else the one that stands
// beside this program, in ./bin or on the PATH, in this order.
func findBridged(flag string) (*bridged, error) {
	const name = "bridged"
	candidates := []string{flag}
	if flag == "" {
		candidates = []string{filepath.Join("bin", name)}
		if self, err := os.Executable(); err == nil {
			candidates = append([]string{filepath.Join(filepath.Dir(self), name)}, candidates...)
		}
		if found, err := exec.LookPath(name); err == nil {
			candidates = append(candidates, found)
		}
	}
	for _, candidate := range candidates {
		info, err := os.Stat(candidate)
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			continue
		}
		path, err := filepath.Abs(candidate)
		if err != nil {
			return nil, fmt.Errorf("find bridged: %w", err)
		}
		return &bridged{path: path}, nil
	}
	return nil, fmt.Errorf("no program at %s; `make build` makes one", strings.Join(candidates, " or "))
}

// run runs a command to its end and returns its result. The error of one that
// fails is what it said, and matches exitError; its result is returned as well.
func (b *bridged) run(ctx context.Context, args ...string) ([]byte, error) {
	return b.runWith(ctx, nil, args...)
}

// runWith adds to the command's environment.
func (b *bridged) runWith(ctx context.Context, env []string, args ...string) ([]byte, error) {
	var result, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, b.path, args...)
	cmd.Stdout, cmd.Stderr = &result, &complaint
	cmd.Env = append(os.Environ(), env...)
	// A Ctrl-C is for this program, which ends its commands by ctx.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = commandGrace
	err := cmd.Run()
	if err == nil {
		return result.Bytes(), nil
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("bridged %s: %w", strings.Join(args, " "), ctx.Err())
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return result.Bytes(), &exitError{args: args, code: exit.ExitCode(), said: strings.TrimSpace(complaint.String())}
	}
	return nil, fmt.Errorf("bridged %s: %w", strings.Join(args, " "), err)
}

// query runs a command with JSON output and decodes its result. A command that
// fails may have one too: what it has found.
func (b *bridged) query(ctx context.Context, result any, args ...string) error {
	raw, err := b.run(ctx, append(args, "--output", "json")...)
	if len(raw) > 0 {
		if broken := json.Unmarshal(raw, result); broken != nil && err == nil {
			return fmt.Errorf("bridged %s: decode the result: %w", strings.Join(args, " "), broken)
		}
	}
	return err
}

// exitError is a command that ended with another exit code than 0.
type exitError struct {
	args []string
	code int
	said string
}

// Error says which command failed, how, and what it said.
func (e *exitError) Error() string {
	return fmt.Sprintf("bridged %s: exit code %d: %s", strings.Join(e.args, " "), e.code, e.said)
}
