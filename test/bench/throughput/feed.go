package throughput

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/test/bench/usage"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	// mostQueued is how many transfers may wait for a batch: a network that takes
	// more than it seals does not sustain it.
	mostQueued = 1 << 14
	// setupCommands are a chain's before its first batch: it is activated, takes
	// its parameters and registers the token.
	setupCommands = 3
	// openCommands is how many commands of a chain are looked at.
	openCommands = 64
	// keepHashes is how many heights' app hashes are known.
	keepHashes = 1000
)

// Counts are what a validator's state says, all of one height.
type Counts struct {
	Height    int64
	At        time.Time // when it was committed
	Finalised uint64    // transfers
	Sealed    uint64    // transfers in commands whose seal is complete
	Completed uint64    // transfers whose receipt is applied
	Queued    uint64
	Batches   uint64 // executed
	Last      uint64 // the last deposit that is final on the source
}

// Spent is the processor time of a feed.
type Spent struct {
	Reading time.Duration // commands in the state, as relayers do
	Making  time.Duration // deposits and receipts
}

// feed stands in for chains, observers and relayers of one validator: at each
// commit it executes what has become complete, and keeps the mailbox full of
// deposits. It has a thread of its own, whose processor time is known.
type feed struct {
	app      *app.App
	box      *mailbox.Box
	deposits Deposits
	ahead    uint64
	chains   map[types.ChainID]*model
	order    []types.ChainID
	next     uint64 // the deposit that is made next
	wake     chan struct{}

	mu      sync.Mutex
	commit  map[int64]time.Time
	hashes  map[int64][]byte
	counts  Counts
	spent   Spent
	last    uint64 // no deposit after this one
	samples samplesOf
}

// samplesOf are commands kept for the contract: an even sample of the batches.
type samplesOf struct {
	most, seen int
	before     map[types.ChainID][]bridge.OutboxCommand
	batches    []sample
}

type sample struct {
	chain   types.ChainID
	command bridge.OutboxCommand
}

func newFeed(s Shared, samples int) *feed {
	f := &feed{
		deposits: s.Deposits, ahead: s.Ahead, chains: map[types.ChainID]*model{}, wake: make(chan struct{}, 1),
		commit: map[int64]time.Time{}, hashes: map[int64][]byte{}, last: s.Deposits.last(), next: s.Deposits.After.Nonce + 1,
		samples: samplesOf{most: samples, before: map[types.ChainID][]bridge.OutboxCommand{}},
	}
	for _, c := range s.Chains {
		f.chains[c.ID] = newModel(c, evmtest.NetworkID, s.SetHash)
		f.order = append(f.order, c.ID)
	}
	return f
}

// join takes the node, before it runs.
func (f *feed) join(n *node.Node) { f.app, f.box = n.Application(), n.Mailbox() }

// committed notes a height and its app hash. It does not wait.
func (f *feed) committed(height int64) {
	info, err := f.app.Info(context.Background(), nil)
	f.mu.Lock()
	f.commit[height] = time.Now()
	if err == nil && info.LastBlockHeight == height {
		f.hashes[height] = info.LastBlockAppHash
	}
	delete(f.commit, height-keepHashes)
	delete(f.hashes, height-keepHashes)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// run works until ctx ends.
func (f *feed) run(ctx context.Context) error {
	runtime.LockOSThread() // never unlocked: the time is this goroutine's alone
	if err := f.tell(); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.wake:
		}
		if err := f.app.View(f.step); err != nil && !errors.Is(err, app.ErrNoBlock) {
			return err
		}
		f.mu.Lock()
		f.spent.Making = usage.ThisThread() - f.spent.Reading
		f.mu.Unlock()
	}
}

// step lets the chains go on from a committed state.
func (f *feed) step(state bridge.Reader, height int64) error {
	machine := f.app.Machine()
	chains, err := machine.Chains(state)
	if err != nil {
		return err
	}
	counts, ready, cursor, reading := Counts{Height: height}, true, uint64(0), time.Duration(0)
	for _, c := range chains {
		begun := usage.ThisThread()
		commands, err := machine.OpenCommandsAfter(state, c.ID, f.chains[c.ID].done, openCommands)
		if err != nil {
			return err
		}
		reading += usage.ThisThread() - begun
		if err := f.execute(c.ID, commands); err != nil {
			return err
		}
		ready = ready && c.Active && c.Executed >= setupCommands
		counts.Queued += c.Queued
		if c.ID == source {
			counts.Finalised, counts.Completed, cursor = c.Transfers, c.Ended, c.Cursor
		}
	}
	if ready && counts.Queued < mostQueued {
		if err := f.deposit(cursor + f.ahead); err != nil {
			return err
		}
	}
	f.count(counts, reading)
	return f.tell()
}

// execute lets a chain consume the commands whose seals are complete.
func (f *feed) execute(id types.ChainID, commands []bridge.OutboxCommand) error {
	m := f.chains[id]
	for _, c := range commands {
		if c.Nonce <= m.done {
			continue
		}
		if c.Seal.Complete == 0 {
			return nil
		}
		released, err := m.execute(c)
		if err != nil {
			return err
		}
		f.mu.Lock()
		f.counts.Sealed += released
		if released > 0 {
			f.counts.Batches++
		}
		f.samples.add(id, c)
		f.mu.Unlock()
	}
	return nil
}

// deposit makes deposits up to a nonce, and ends at a mark.
func (f *feed) deposit(upTo uint64) error {
	m, d := f.chains[source], f.deposits
	if f.next == d.After.Nonce+1 && (m.mark.Nonce != d.After.Nonce || m.mark.Hash != d.After.Hash) {
		return fmt.Errorf("the source has %d events before the first deposit, and other ones than foreseen", m.mark.Nonce)
	}
	f.mu.Lock()
	last := f.last
	f.mu.Unlock()
	if upTo > last && last == d.last() {
		return errors.New("there are no deposits left: the network is faster than was foreseen")
	}
	for f.next+d.Stride <= upTo && f.next < last || f.next <= upTo && f.next%d.Stride != 1 {
		m.fresh.Events = append(m.fresh.Events, types.InboxEvent{Nonce: f.next, Block: d.block(f.next), Event: deposit(f.next)})
		if f.next%d.Stride == 0 {
			m.fresh.Marks = append(m.fresh.Marks, d.mark(f.next))
			m.fresh.Head = d.block(f.next)
		}
		f.next++
	}
	return nil
}

// tell gives the mailbox what is new.
func (f *feed) tell() error {
	for _, id := range f.order {
		news := f.chains[id].take()
		if len(news.Events) == 0 {
			continue
		}
		if err := f.box.Add(id, news); err != nil {
			return fmt.Errorf("chain %d: %w", id, err)
		}
	}
	return nil
}

// count takes over what a state says.
func (f *feed) count(c Counts, reading time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spent.Reading += reading
	c.At, c.Sealed, c.Batches, c.Last = f.commit[c.Height], f.counts.Sealed, f.counts.Batches, f.next-1
	f.counts = c
}

func (f *feed) now() (Counts, Spent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts, f.spent
}

func (f *feed) finish(last uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = last
}

func (f *feed) hash(height int64) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if hash, known := f.hashes[height]; known {
		return hash, nil
	}
	return nil, fmt.Errorf("the app hash of height %d is not known", height)
}

// add keeps what comes before the first batch of a chain, and each batch with the
// same probability.
func (s *samplesOf) add(chain types.ChainID, c bridge.OutboxCommand) {
	switch {
	case s.most == 0:
	case c.Kind != types.CommandBatch:
		s.before[chain] = append(s.before[chain], c)
	case len(s.batches) < s.most:
		s.batches = append(s.batches, sample{chain, c})
		s.seen++
	default:
		s.seen++
		if i := rand.IntN(s.seen); i < s.most { //nolint:gosec // a sample
			s.batches[i] = sample{chain, c}
		}
	}
}

func (f *feed) sampled() Sampled {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := Sampled{Commands: map[types.ChainID][]bridge.OutboxCommand{}}
	for chain, commands := range f.samples.before {
		all.Commands[chain] = slices.Clone(commands)
	}
	slices.SortFunc(f.samples.batches, func(a, b sample) int { return cmp.Compare(a.command.Nonce, b.command.Nonce) })
	for _, s := range f.samples.batches {
		all.Commands[s.chain] = append(all.Commands[s.chain], s.command)
	}
	return all
}
