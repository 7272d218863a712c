// Package votes measures what agreement costs in bytes: of vote extensions, for
// each event and for each height without any, and of blocks. Nothing of it
// depends on the machine: the validators are driven block by block, with their
// real applications and mailboxes and without CometBFT, whose part of a block is
// added by its own types.
package votes

import (
	"context"
	"errors"
	"fmt"

	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/test/bench/figure"
	"github.com/icrosschain/bridged/test/bench/model"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const validators = 4

// Heights between two blocks of a source chain, and of a destination: 12 and 2
// seconds at three heights a second.
const (
	slow = 36
	fast = 6
)

// plan is how much is measured.
type plan struct {
	events []int // of a source block
	blocks int   // source blocks for each of events
	idle   int   // heights
}

var (
	short = plan{events: []int{1, 10, 100, 1000}, blocks: 10, idle: 64 * slow}
	long  = plan{events: []int{1, 10, 100, 1000}, blocks: 100, idle: 640 * slow}
)

// Run measures.
func Run(ctx context.Context, o figure.Options) ([]figure.Figure, error) {
	if err := o.NoFlags(); err != nil {
		return nil, err
	}
	p := long
	if o.Short {
		p = short
	}
	return measure(ctx, p, o)
}

func measure(ctx context.Context, p plan, o figure.Options) ([]figure.Figure, error) {
	var figures []figure.Figure
	rest, err := idle(ctx, p.idle, slow, fast)
	if err != nil {
		return nil, err
	}
	for _, events := range p.events {
		o.Printf("%d events a source block\n", events)
		sum, err := busy(ctx, events, p.blocks)
		if err != nil {
			return figures, fmt.Errorf("%d events a source block: %w", events, err)
		}
		figures = append(figures, sum.figures(events, rest)...)
	}
	hectic, err := idle(ctx, p.idle, 1, 1)
	if err != nil {
		return figures, err
	}
	perHeight := func(s sums) float64 { return float64(s.extension) / float64(s.heights) / validators }
	return append(figures,
		figure.Figure{Name: "idle block", Value: float64(rest.block) / float64(rest.heights), Unit: "B", Note: "4 validators; header, commit and system transaction"},
		figure.Figure{
			Name: "votes of an idle validator, a height", Value: perHeight(rest), Unit: "B", Aim: 1, AtMost: true,
			Note: "2 chains, a final block every 12 s and every 2 s",
		},
		figure.Figure{
			Name: "the same, chains that make a final block for each height", Value: perHeight(hectic), Unit: "B", Aim: 1, AtMost: true,
			Note: "2 chains, a final block every 0.33 s",
		},
	), nil
}

// sums are bytes and counts of some heights.
type sums struct {
	heights    int
	events     uint64 // of all inboxes
	transfers  uint64
	extension  int // all vote extensions, of all validators
	source     int // of it: what is said of the source chain
	signatures int // of it: seal signatures
	block      int
}

func start() (*model.Lockstep, error) {
	n, err := model.New(model.Options{Validators: validators, BatchGas: 1 << 30, ReleaseGas: types.MinReleaseGas})
	if err != nil {
		return nil, err
	}
	l, err := model.NewLockstep(n, store.Config{Backend: store.Memory, Keep: 10})
	if err != nil {
		return nil, err
	}
	return l, l.Setup()
}

// busy makes source blocks with so many deposits each, and lets each be finished.
// The destinations' contracts write receipts, which are voted as well.
func busy(ctx context.Context, events, blocks int) (s sums, err error) {
	l, err := start()
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := s.run(ctx, l, slow, nil); err != nil { // the tail of the setup
		return s, err
	}
	s = sums{}
	before, made := inboxed(l), l.Made()
	err = s.run(ctx, l, blocks*slow, func(height int) error {
		if height%slow == 0 {
			return l.Final(model.Source, l.Deposits(events)...)
		}
		if height%fast == 0 {
			return errors.Join(l.Final(model.Second), l.Final(model.Third))
		}
		return nil
	})
	if err != nil {
		return s, err
	}
	s.events, s.transfers = inboxed(l)-before, l.Made()-made
	return s, finished(l)
}

// idle makes blocks without events on two chains.
func idle(ctx context.Context, heights, every, other int) (s sums, err error) {
	l, err := start()
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	move := func(height int) error {
		if height%every == 0 {
			if err := l.Final(model.Source); err != nil {
				return err
			}
		}
		if height%other == 0 {
			return l.Final(model.Second)
		}
		return nil
	}
	if err := s.run(ctx, l, slow, move); err != nil {
		return s, err
	}
	s = sums{}
	return s, s.run(ctx, l, heights, move)
}

// inboxed is how many events there are in all inboxes.
func inboxed(l *model.Lockstep) (sum uint64) {
	for _, c := range l.Chains {
		sum += c.Nonce()
	}
	return sum
}

// finished says whether what was measured was all of it.
func finished(l *model.Lockstep) error {
	chains, err := l.Views[0].Chains()
	if err != nil {
		return err
	}
	if ended := chains[model.Source].Ended; ended != l.Made() {
		return fmt.Errorf("%d of %d transfers are finished", ended, l.Made())
	}
	for id, c := range chains {
		if c.Cursor != l.Chains[id].Nonce() {
			return fmt.Errorf("chain %d: %d events of %d are applied", id, c.Cursor, l.Chains[id].Nonce())
		}
	}
	return l.Check()
}

// run makes heights, with move before each, and adds up.
func (s *sums) run(ctx context.Context, l *model.Lockstep, heights int, move func(height int) error) error {
	for height := range heights {
		if err := ctx.Err(); err != nil {
			return err
		}
		if move != nil {
			if err := move(height); err != nil {
				return err
			}
		}
		b, err := l.Step()
		if err != nil {
			return err
		}
		if err := s.add(b); err != nil {
			return fmt.Errorf("height %d: %w", b.Height, err)
		}
	}
	return nil
}

func (s sums) figures(events int, rest sums) []figure.Figure {
	more := float64(s.block) - float64(s.heights)*float64(rest.block)/float64(rest.heights)
	each := func(what string, bytes float64, note string) figure.Figure {
		return figure.Figure{Name: fmt.Sprintf("%d events a source block: %s", events, what), Value: bytes, Unit: "B", Note: note}
	}
	own := each("marks and heads for it, an event and validator", float64(s.source)/float64(s.transfers)/validators, "")
	all := each("marks and heads of all chains, an event and validator", float64(s.extension-s.signatures)/float64(s.events)/validators,
		"with receipts, one event in a block, and heads of chains at rest")
	if events == 100 {
		own.Aim, own.AtMost = 1, true
	}
	perTransfer := float64(s.transfers) * validators
	return []figure.Figure{
		own, all,
		each("seal signatures, a transfer and validator", float64(s.signatures)/perTransfer, ""),
		each("all votes, a transfer and validator", float64(s.extension)/perTransfer, "marks, heads and seal signatures"),
		each("block bytes, a transfer", more/float64(s.transfers), "beyond those of idle blocks"),
	}
}
