// Package app is the replicated half of a node: the state machine of x/bridge
// on CometBFT, one file for each ABCI phase.
//
//	info.go      Info: where the state is
//	genesis.go   InitChain: the first state
//	vote.go      ExtendVote, VerifyVoteExtension
//	proposal.go  PrepareProposal, ProcessProposal
//	finalize.go  FinalizeBlock: writes the state of a block
//	commit.go    Commit: saves it, and logs its seal
//	query.go     Query: answers, with proofs
//	mempool.go   CheckTx
//	snapshot.go  snapshots for peers that join, and this node's own restore
//
// It reads memory and the store, never a network or a clock, and starts no
// goroutine. Its invariants:
//
//   - An ABCI error or panic halts a validator, so what others send never leads
//     to one: it is refused, left out or ignored.
//   - FinalizeBlock and Commit do stop the node, when the store or the process
//     is broken: no other state may come of it.
//   - Before a block is committed nothing of it is on disk, and FinalizeBlock may
//     be repeated.
//
// Only package node imports it.
package app

import (
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/icrosschain/bridged/app/seallog"
	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Mailbox joins consensus with the workers beside it. Its methods answer from
// memory and never wait, for consensus waits for them.
type Mailbox interface {
	// Pending is what this validator wants to say in its next vote.
	Pending() bridge.Pending
	// Inbox gives this proposer's own verified events.
	bridge.Inbox
	// Observe tells of each vote whose extension was found good, this
	// validator's own too. A vote may be told of more than once, and its block
	// may never come to be.
	Observe(height int64, validator types.ValidatorID, vote bridge.Vote)
}

// Options are what an App needs of its host.
type Options struct {
	Store   *store.Store
	Mailbox Mailbox
	Self    types.ValidatorID // zero on a node that is no validator
	Logger  *slog.Logger      // silent if nil
	Version string            // of the program, for Info

	// RetainBlocks is how many blocks CometBFT is asked to keep; 0 keeps all.
	RetainBlocks int64
	// Checks replaces the checks of signatures where it is set: a simulation of
	// many nodes remembers what one of them has checked.
	Checks bridge.Options
	// ChainID is of the network whose snapshots this node restores.
	ChainID string
	// Snapshots are offered to peers; nil offers none.
	Snapshots Snapshots
	// OnCommit, if not nil, is called after each commit and must not wait: it
	// wakes the workers.
	OnCommit func(height int64)
}

// App is the ABCI application. CometBFT calls its consensus methods one at a
// time, and Query and CheckTx beside them.
type App struct {
	abci.BaseApplication // what this application has no use for

	machine   *bridge.Machine
	store     *store.Store
	seals     *seallog.Log
	mailbox   Mailbox
	self      types.ValidatorID
	log       *slog.Logger
	version   string
	retain    int64
	network   string // whose snapshots are restored
	snapshots Snapshots
	onCommit  func(height int64)
	chainID   atomic.Pointer[string] // nil before InitChain of a new network, or its restore
	waiting   waiting

	// For the consensus methods only.
	genesis *genesis        // until the first commit
	applied int64           // height whose block is in the working state; 0 if none is
	reading *bridge.Reading // of the system transaction that was read last

	restore *store.Restore // of the accepted snapshot; CometBFT has no block meanwhile
}

var _ abci.Application = (*App)(nil)

// New makes the application over what the store holds.
func New(o Options) (*App, error) {
	if o.Store == nil || o.Mailbox == nil {
		return nil, errors.New("app: Options wants Store and Mailbox")
	}
	if o.RetainBlocks < 0 {
		return nil, fmt.Errorf("app: retain %d blocks: want 0 (all) or more", o.RetainBlocks)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a := &App{
		store: o.Store, seals: seallog.New(o.Store.Beside()), mailbox: o.Mailbox, self: o.Self, version: o.Version,
		log: o.Logger.With("component", "app"), retain: o.RetainBlocks, onCommit: o.OnCommit,
		network: o.ChainID, snapshots: o.Snapshots,
	}
	if o.Checks.VerifyExtension == nil {
		o.Checks.VerifyExtension = a.verifyExtension
	}
	machine, err := bridge.New(o.Checks)
	if err != nil {
		return nil, fmt.Errorf("app: %w", err)
	}
	a.machine = machine
	return a, a.load()
}

// load takes from the state what was in memory before a restart.
func (a *App) load() error {
	latest := a.store.Latest()
	if latest == nil {
		return nil
	}
	defer latest.Release()
	network, err := a.machine.Network(latest)
	if err != nil {
		return fmt.Errorf("app: load the network at height %d: %w", latest.Version(), err)
	}
	a.chainID.Store(&network.ChainID)
	history, err := a.machine.SealHistory(latest)
	if err != nil {
		return fmt.Errorf("app: load the seal history at height %d: %w", latest.Version(), err)
	}
	if err := a.seals.Begin(history); err != nil {
		a.log.Error("this node cannot witness old seals", "height", latest.Version(), "err", err)
	}
	return nil
}

// Machine is the protocol's rules, for those who read the state.
func (a *App) Machine() *bridge.Machine { return a.machine }

// ErrNoBlock says that nothing is committed yet.
var ErrNoBlock = errors.New("there is no block yet")

// Height is that of the newest committed state, 0 before the first block.
func (a *App) Height() int64 { return a.store.Version() }

// View calls read with the newest committed state and its height, which stay
// readable until it returns; read keeps nothing of the state. Before the first
// block it is ErrNoBlock.
func (a *App) View(read func(state bridge.Reader, height int64) error) error {
	latest := a.store.Latest()
	if latest == nil {
		return ErrNoBlock
	}
	defer latest.Release()
	return read(latest, latest.Version())
}

var errNoState = errors.New("there is no state before InitChain")

// base is the state that the next block builds on: the newest version or,
// before the first block, what InitChain wrote. done is called after use.
func (a *App) base() (r bridge.Reader, done func(), err error) {
	if latest := a.store.Latest(); latest != nil {
		return latest, latest.Release, nil
	}
	if a.genesis == nil {
		return nil, nil, errNoState
	}
	if a.applied != 0 {
		if err := a.discard(); err != nil {
			return nil, nil, err
		}
	}
	return a.store.Working(), func() {}, nil
}

// read gives the reading of a system transaction that the calls about one block
// share.
func (a *App) read(tx []byte) *bridge.Reading {
	if !a.reading.Of(tx) {
		a.reading = bridge.Read(tx)
	}
	return a.reading
}

// discard takes back a block that was applied and not committed.
func (a *App) discard() error {
	a.store.Rollback()
	a.applied = 0
	if a.store.Version() == 0 && a.genesis != nil {
		_, err := a.genesis.write(a.machine, a.store.Working())
		return err
	}
	return nil
}

// survive is deferred by the methods that may give up on a request, but must
// not take the node down with it: they return what they had set before.
func (a *App) survive(method string, height int64) {
	if cause := recover(); cause != nil {
		a.log.Error("recovered from a panic; please report it", "method", method, "height", height, "panic", fmt.Sprint(cause), "stack", stack())
	}
}
