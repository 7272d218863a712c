package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// followPoll is how often a transfer is looked at.
const followPoll = 500 * time.Millisecond

// follow waits until a transfer has ended. On a terminal a line on stderr says
// where it is; elsewhere each station has a line of its own.
func (s *session) follow(ctx context.Context, c *client, id string) (*bridge.TransferView, error) {
	line := newProgressLine(s)
	defer line.end()
	var last *bridge.TransferView
	ticker := time.NewTicker(followPoll)
	defer ticker.Stop()
	for {
		t, text, err := c.look(ctx, s.timeout, id)
		if err != nil {
			return last, err
		}
		line.show(text)
		if t != nil {
			last = t
			if ended(t.Status) {
				return t, nil
			}
		}
		select {
		case <-ctx.Done():
			return last, fmt.Errorf("%w: stopped following %s, which goes on by itself; see \"bridged query why %s\"", errNotReady, id, id)
		case <-ticker.C:
		}
	}
}

// look asks once. A transfer that is not agreed yet is none.
func (c *client) look(ctx context.Context, timeout time.Duration, id string) (*bridge.TransferView, string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var t bridge.TransferView
	err := c.ask(ctx, "transfer", bridge.QueryArgs{ID: id}, 0, &t)
	switch {
	case isCode(err, bridge.ErrNotFound):
		return nil, "waits until the deposit is final and the validators agree on it", nil
	case isCode(err, bridge.ErrFinished):
		return &bridge.TransferView{ID: id, Status: types.StatusFinished, Why: "It has ended and left the state; ask the index."}, "finished", nil
	case err != nil && ctx.Err() == nil:
		return nil, fmt.Sprintf("the node does not answer (will retry): %v", err), nil
	case err != nil:
		return nil, "the node does not answer in time (will retry)", nil
	}
	return &t, fmt.Sprintf("%s. %s", t.Status, t.Why), nil
}

// ended says whether a status is a last one.
func ended(status types.Status) bool {
	switch status {
	case types.StatusReleased, types.StatusRefunded, types.StatusOwed, types.StatusClaimed, types.StatusFinished:
		return true
	}
	return false
}

// progressLine is one line that is written over, on a terminal.
type progressLine struct {
	s        *session
	terminal bool
	start    time.Time
	last     string
}

func newProgressLine(s *session) *progressLine {
	file, ok := s.stderr.(*os.File)
	return &progressLine{s: s, terminal: ok && term.IsTerminal(int(file.Fd())), start: time.Now()}
}

func (p *progressLine) show(text string) {
	if p.terminal {
		fmt.Fprintf(p.s.stderr, "\r\x1b[K%4.0fs  %s", time.Since(p.start).Seconds(), text)
		p.last = text
		return
	}
	if text != p.last {
		p.last = text
		p.s.note("%4.0fs  %s", time.Since(p.start).Seconds(), text)
	}
}

func (p *progressLine) end() {
	if p.terminal && p.last != "" {
		fmt.Fprintln(p.s.stderr)
	}
}
