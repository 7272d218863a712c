// Package state measures what finished transfers leave behind: live keys and bytes
// of the newest version, bytes on disk, and how long commits, snapshots and a start
// after a crash take. One validator's application and store do the work of a
// network that is driven block by block, without CometBFT, with the parameters
// and the configuration of a new network and a new home.
package state

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/test/bench/figure"
	"github.com/icrosschain/bridged/test/bench/model"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// plan is how much is measured, and with which parameters.
type plan struct {
	transfers []uint64 // after so many finished ones it is looked at; ascending
	params    types.Params
	keep      int64 // versions
}

// waiting is how many transfers are under way: more than a block can order.
const waiting = 2_000

// Run measures.
func Run(ctx context.Context, o figure.Options) ([]figure.Figure, error) {
	if err := o.NoFlags(); err != nil {
		return nil, err
	}
	p := plan{transfers: []uint64{10_000, 100_000, 1_000_000}, params: types.DefaultParams(), keep: int64(config.Default().State.KeepVersions)} //nolint:gosec // a default
	if o.Short {
		p.transfers = p.transfers[:2]
	}
	return measure(ctx, p, o)
}

func measure(ctx context.Context, p plan, o figure.Options) (figures []figure.Figure, err error) {
	n, err := model.New(model.Options{Validators: 4})
	if err != nil {
		return nil, err
	}
	n.Genesis.Params = p.params
	c := store.Config{Dir: filepath.Join(o.Dir, "state"), Backend: config.Default().State.Backend, Keep: p.keep}
	l, err := model.NewLockstep(n, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := l.Setup(); err != nil {
		return nil, err
	}
	r := run{Lockstep: l, plan: p, options: o, config: c}
	for _, transfers := range p.transfers {
		o.Printf("%s transfers\n", figure.Number(float64(transfers)))
		if err := r.finish(ctx, transfers); err != nil {
			return r.figures(), err
		}
		look, err := r.look(ctx, transfers)
		if err != nil {
			return r.figures(), err
		}
		r.looks = append(r.looks, look)
	}
	return r.figures(), l.Check()
}

// run is a network at work.
type run struct {
	*model.Lockstep
	plan    plan
	options figure.Options
	config  store.Config
	looks   []look

	finalize, commit []time.Duration // of blocks with transfers, since the last look
	full             kinds           // when the last transfer was finished
}

// finish makes blocks until so many transfers have ever been finished, and then
// so many without any that all which is kept for a while is gone.
func (r *run) finish(ctx context.Context, transfers uint64) (err error) {
	r.finalize, r.commit = nil, nil
	for {
		chains, err := r.Views[0].Chains()
		if err != nil {
			return err
		}
		ended := chains[model.Source].Ended
		if ended == transfers {
			break
		}
		more := min(transfers-r.Made(), waiting-min(waiting, r.Made()-ended))
		if more > 0 {
			if err := r.Final(model.Source, r.Deposits(int(more))...); err != nil { //nolint:gosec // at most waiting
				return err
			}
		}
		if err := r.step(ctx, true); err != nil {
			return err
		}
	}
	if r.full, err = r.live(); err != nil {
		return err
	}
	return r.rest(ctx)
}

// rest lets keep_blocks pass, and as many versions as are kept.
func (r *run) rest(ctx context.Context) error {
	for range max(r.plan.params.KeepBlocks, uint64(r.config.Keep)) + settle { //nolint:gosec // not negative
		if err := r.step(ctx, false); err != nil {
			return err
		}
	}
	return nil
}

// settle is in how many blocks a receipt is applied, and signatures are complete.
const settle = 20

func (r *run) step(ctx context.Context, counts bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b, err := r.Step()
	if counts {
		r.finalize, r.commit = append(r.finalize, b.Finalize), append(r.commit, b.Commit)
	}
	return err
}

// percentile of durations, in milliseconds; 0 if there are none.
func percentile(all []time.Duration, percent int) float64 {
	if len(all) == 0 {
		return 0
	}
	all = slices.Sorted(slices.Values(all))
	return all[(len(all)-1)*percent/100].Seconds() * 1000
}

func (r *run) figures() (figures []figure.Figure) {
	for _, l := range r.looks {
		of := func(what string) string {
			return fmt.Sprintf("%s transfers: %s", figure.Number(float64(l.transfers)), what)
		}
		figures = append(figures,
			figure.Figure{Name: of("live keys"), Value: float64(l.kinds.sum().keys), Unit: "keys", Note: l.kinds.String()},
			figure.Figure{Name: of("live bytes"), Value: float64(l.kinds.sum().bytes), Unit: "B"},
			figure.Figure{
				Name: of("live bytes as the last is finished"), Value: float64(l.full.sum().bytes), Unit: "B",
				Note: fmt.Sprintf("keep_blocks %d", r.plan.params.KeepBlocks),
			},
			figure.Figure{Name: of("on disk"), Value: float64(l.disk), Unit: "B", Note: fmt.Sprintf("%d versions kept", r.config.Keep)},
			figure.Figure{Name: of("FinalizeBlock, p50"), Value: percentile(l.finalize, 50), Unit: "ms", Note: fmt.Sprintf("%d blocks", len(l.finalize))},
			figure.Figure{Name: of("Commit, p50"), Value: percentile(l.commit, 50), Unit: "ms"},
			figure.Figure{Name: of("Commit, p99"), Value: percentile(l.commit, 99), Unit: "ms"},
			figure.Figure{Name: of("snapshot"), Value: float64(l.snapshot), Unit: "B"},
			figure.Figure{Name: of("making a snapshot"), Value: l.snapping.Seconds() * 1000, Unit: "ms"},
			figure.Figure{Name: of("opening the state after a kill"), Value: l.start.Seconds() * 1000, Unit: "ms", Note: "without what CometBFT replays"},
		)
	}
	if len(r.looks) < 2 {
		return figures
	}
	first, last := r.looks[0], r.looks[len(r.looks)-1]
	against := fmt.Sprintf("after %s ÷ after %s", figure.Number(float64(last.transfers)), figure.Number(float64(first.transfers)))
	ratio := func(what string, a, b int) figure.Figure {
		return figure.Figure{Name: what + " " + against, Value: float64(a) / float64(b), Unit: figure.Ratio, Aim: 1.05, AtMost: true}
	}
	return append(figures,
		ratio("live keys", last.kinds.sum().keys, first.kinds.sum().keys),
		ratio("live bytes", last.kinds.sum().bytes, first.kinds.sum().bytes),
	)
}
