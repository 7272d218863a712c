// Package proc runs child processes and leaves none behind.
//
// Each process leads a process group of its own, so that a Ctrl-C on the
// terminal reaches only the program that started it, which then stops its
// children in order; and so that whatever a child has started goes with it. On
// Linux the kernel kills the children as well when the program itself is killed.
package proc

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// ErrClosed is returned by Start after the group was closed.
var ErrClosed = errors.New("process group is closed")

// Spec says what to run.
type Spec struct {
	Name string   // for messages
	Path string   // the program
	Args []string // without the program itself
	Env  []string // added to the environment of this process
	Dir  string   // working directory; empty for this process's own
	Log  string   // file that output and errors are appended to; empty for none
}

// Group starts processes and ends them together.
type Group struct {
	spawn chan func()

	mu        sync.Mutex
	processes []*Process
	closed    bool
}

// NewGroup returns an empty group. The caller must Close it.
func NewGroup() *Group {
	g := &Group{spawn: make(chan func())}
	go g.spawner()
	return g
}

// spawner starts all processes on one thread, which lives as long as they do:
// the kernel's notice of a parent's death is about the thread that forked.
func (g *Group) spawner() {
	runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
	for start := range g.spawn {
		start()
	}
}

// Start runs a process. A process of the same Spec may be started again once it
// has ended.
func (g *Group) Start(spec Spec) (*Process, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, ErrClosed
	}
	p := &Process{spec: spec, exited: make(chan struct{})}
	p.cmd = exec.Command(spec.Path, spec.Args...)
	p.cmd.Dir = spec.Dir
	p.cmd.Env = append(os.Environ(), spec.Env...)
	p.cmd.SysProcAttr = ownGroup()
	if spec.Log != "" {
		log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", spec.Name, err)
		}
		defer func() { _ = log.Close() }() // the child has its own handle
		p.cmd.Stdout, p.cmd.Stderr = log, log
	}
	result := make(chan error)
	g.spawn <- func() { result <- p.cmd.Start() }
	if err := <-result; err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	go p.reap()
	g.processes = append(g.processes, p)
	return p, nil
}

// Close stops all processes at once, as Process.Stop does, and returns when the
// last has ended. The error names those that had to be killed.
func (g *Group) Close(grace time.Duration) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	var (
		wg   sync.WaitGroup
		errs = make([]error, len(g.processes))
	)
	for i, p := range g.processes {
		wg.Go(func() { errs[i] = p.Stop(grace) })
	}
	wg.Wait()
	close(g.spawn)
	return errors.Join(errs...)
}

// Process is a child of this process. Its methods may be called from any
// goroutine, also after it has ended.
type Process struct {
	spec   Spec
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // set before exited is closed
}

func (p *Process) reap() {
	p.err = p.cmd.Wait()
	// What the process started and did not wait for. Its id cannot have been
	// given away while such a member of its group lives.
	_ = p.signal(syscall.SIGKILL)
	close(p.exited)
}

// signal reaches the whole group.
func (p *Process) signal(signal syscall.Signal) error {
	err := syscall.Kill(-p.PID(), signal)
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

// Name is the Spec's.
func (p *Process) Name() string { return p.spec.Name }

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Running says whether the process has not ended yet.
func (p *Process) Running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// Err is how the process ended, nil for exit code 0 and while it runs.
func (p *Process) Err() error {
	if p.Running() {
		return nil
	}
	return p.err
}

// Stop asks the process to end (SIGTERM) and, after the grace time, kills it;
// then the error says so. It returns when the process has ended.
func (p *Process) Stop(grace time.Duration) error {
	if !p.Running() {
		return nil
	}
	if err := p.signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s: %w", p.Name(), err)
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.exited:
		return nil
	case <-timer.C:
	}
	if err := p.Kill(); err != nil {
		return err
	}
	return fmt.Errorf("%s did not end within %s and was killed", p.Name(), grace)
}

// Kill ends the process at once (SIGKILL), and returns when it has ended.
func (p *Process) Kill() error {
	if !p.Running() {
		return nil
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill %s: %w", p.Name(), err)
	}
	<-p.exited
	return nil
}
