// Package fleet lets a benchmark be several processes: the program starts itself
// again, once for each member, and calls the members' methods (net/rpc) over
// loopback. No member outlives the program.
package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/icrosschain/bridged/cmd/devnet/proc"
)

const (
	startWithin = time.Minute // until a member answers
	stopWithin  = 30 * time.Second
	tailLines   = 20
)

// Spec is one member to start.
type Spec struct {
	Name    string
	Address string // where it answers, host:port
	Config  any    // what its kind is told, as JSON
}

// Fleet is running members.
type Fleet struct {
	group   *proc.Group
	members []*member
}

type member struct {
	Spec
	log     string
	process *proc.Process
	client  *rpc.Client
}

// Start starts a member of a kind for each spec, with files below a directory,
// and waits until all of them answer.
func Start(ctx context.Context, kind, dir string, specs []Spec) (f *Fleet, err error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	f = &Fleet{group: proc.NewGroup()}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	for _, s := range specs {
		text, err := json.Marshal(s.Config)
		if err != nil {
			return f, fmt.Errorf("encoding the configuration of %s: %w", s.Name, err)
		}
		file := filepath.Join(dir, s.Name+".json")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return f, fmt.Errorf("starting %s: %w", s.Name, err)
		}
		m := &member{Spec: s, log: filepath.Join(dir, s.Name+".log")}
		f.members = append(f.members, m)
		m.process, err = f.group.Start(proc.Spec{
			Name: s.Name, Path: executable, Args: []string{memberArg, kind, file, s.Address}, Log: m.log,
		})
		if err != nil {
			return f, err
		}
	}
	for _, m := range f.members {
		if err := m.dial(ctx); err != nil {
			return f, err
		}
	}
	return f, nil
}

// dial waits until the member answers.
func (m *member) dial(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.Address)
		if err == nil {
			m.client = rpc.NewClient(conn)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", m.Name, err)
		case <-m.process.Exited():
			return m.ended()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// ended says how a member ended, with the end of its log.
func (m *member) ended() error {
	tail, err := proc.Tail(m.log, tailLines)
	return errors.Join(fmt.Errorf("%s ended: %w; the end of its log:\n%s", m.Name, m.process.Err(), tail), err)
}

// Call calls a method of one member.
func (f *Fleet) Call(i int, method string, arg, reply any) error {
	m := f.members[i]
	err := m.client.Call(service+"."+method, arg, reply)
	if err == nil {
		return nil
	}
	if answer := rpc.ServerError(""); !errors.As(err, &answer) { // the connection has broken: has the process?
		select {
		case <-m.process.Exited():
			return m.ended()
		case <-time.After(time.Second):
		}
	}
	return fmt.Errorf("%s of %s: %w", method, m.Name, err)
}

// Each calls a method of all members at once, and returns their replies.
func Each[Reply any](f *Fleet, method string, arg any) ([]Reply, error) {
	replies := make([]Reply, len(f.members))
	var group errgroup.Group
	for i := range f.members {
		group.Go(func() error { return f.Call(i, method, arg, &replies[i]) })
	}
	return replies, group.Wait()
}

// Close ends all members and waits for them.
func (f *Fleet) Close() error {
	for _, m := range f.members {
		if m.client != nil {
			_ = m.client.Close() // it is closed by a member that has ended
		}
	}
	return f.group.Close(stopWithin)
}
