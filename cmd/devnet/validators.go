package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/icrosschain/bridged/cmd/devnet/proc"
)

const (
	// stopGrace is how long a validator may take to end in order.
	stopGrace = 15 * time.Second

	// askInterval is how often until asks.
	askInterval = 100 * time.Millisecond

	// tailLines is how much of its log is shown of a validator that died.
	tailLines = 20
)

// validators are the processes of the network, node0 first.
type validators struct {
	group *proc.Group
	nodes []*validator
}

// validator is one process, or the place of one that was stopped.
type validator struct {
	spec    proc.Spec
	process *proc.Process
	down    bool // stopped or killed on purpose
}

// newValidators prepares the processes of all homes, and starts none.
func newValidators(b *bridged, homes []string, args ...string) *validators {
	vs := &validators{group: proc.NewGroup()}
	for i, home := range homes {
		vs.nodes = append(vs.nodes, &validator{down: true, spec: proc.Spec{
			Name: fmt.Sprintf("node%d", i),
			Path: b.path,
			Args: append([]string{"start", "--home", home}, args...),
			Log:  logPath(home),
		}})
	}
	return vs
}

// add prepares the process of one more home, and returns its place.
func (vs *validators) add(b *bridged, home string, env []string, args ...string) int {
	vs.nodes = append(vs.nodes, &validator{down: true, spec: proc.Spec{
		Name: filepath.Base(home), Path: b.path, Args: append([]string{"start", "--home", home}, args...), Env: env, Log: logPath(home),
	}})
	return len(vs.nodes) - 1
}

// stop ends validator i in order.
func (vs *validators) stop(i int) error {
	vs.nodes[i].down = true
	return vs.nodes[i].process.Stop(stopGrace)
}

func logPath(home string) string { return home + "/node.log" }

// start starts validator i, which must be down.
func (vs *validators) start(i int) error {
	v := vs.nodes[i]
	process, err := vs.group.Start(v.spec)
	if err != nil {
		return err
	}
	v.process, v.down = process, false
	return nil
}

// startAll starts those that are down.
func (vs *validators) startAll() error {
	for i, v := range vs.nodes {
		if !v.down {
			continue
		}
		if err := vs.start(i); err != nil {
			return err
		}
	}
	return nil
}

// kill ends validator i as a power cut would (kill -9).
func (vs *validators) kill(i int) error {
	vs.nodes[i].down = true
	return vs.nodes[i].process.Kill()
}

// check is an error if a validator is down that should not be, with the end of
// its log.
func (vs *validators) check() error {
	var errs []error
	for _, v := range vs.nodes {
		if v.down || v.process.Running() {
			continue
		}
		errs = append(errs, fmt.Errorf("%s ended (%s); its last words:\n%s", v.spec.Name, exitText(v.process.Err()), v.tail()))
	}
	return errors.Join(errs...)
}

// tail is the end of a validator's log.
func (v *validator) tail() string {
	text, err := proc.Tail(v.spec.Log, tailLines)
	if err != nil {
		text = err.Error()
	}
	return indent(text)
}

// tails are the ends of all logs.
func (vs *validators) tails() string {
	var all strings.Builder
	for _, v := range vs.nodes {
		fmt.Fprintf(&all, "end of the log of %s:\n%s\n", v.spec.Name, v.tail())
	}
	return all.String()
}

func exitText(err error) string {
	if err == nil {
		return "exit code 0"
	}
	return err.Error()
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }

// until asks again and again whether something holds, and fails when ctx ends, a
// validator dies, or asking fails.
func (vs *validators) until(ctx context.Context, what string, holds func(context.Context) (bool, error)) error {
	ticker := time.NewTicker(askInterval)
	defer ticker.Stop()
	for {
		if err := vs.check(); err != nil {
			return err
		}
		ok, err := holds(ctx)
		if err != nil {
			return fmt.Errorf("wait for %s: %w", what, err)
		}
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		case <-ticker.C:
		}
	}
}

// close stops all, and returns when none is left.
func (vs *validators) close() error { return vs.group.Close(stopGrace) }
