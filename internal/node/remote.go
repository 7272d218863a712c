package node

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/internal/relayer"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	// remoteEvery is how often nodes are asked for what is to be relayed.
	remoteEvery = 500 * time.Millisecond
	// remoteTimeout is how long one of them may take: each command that it has not
	// told of before is a few requests, one after the other.
	remoteTimeout = 2 * time.Minute
	// remoteStale is how old the newest answer may be before it is trouble.
	remoteStale = time.Minute
	// remoteForget is how old a record may be that is not read again.
	remoteForget = 10 * time.Minute
)

// remote is the state that a relayer without a node of its own works on: what
// nodes of others say. None of them is believed. A command counts if more than
// 2/3 of the power of the set that the contract itself names have signed the
// seal that holds it, which is what the contract will check; what a node hides,
// another one tells.
type remote struct {
	nodes  []server
	served map[types.ChainID]*served
	log    *slog.Logger

	mu      sync.Mutex
	answers []nodeAnswer // of each node the last
}

// nodeAnswer is what a node said last.
type nodeAnswer struct {
	at     time.Time // zero: it never answered
	height uint64
	says   map[types.ChainID]told
	err    error // since then
}

// served is one chain, and what is to be relayed to it.
type served struct {
	bridge   types.Address
	position func() chain.OutboxPosition // of the contract, as it was last seen; zero before
	wake     func()
	outdated func() // the contract is further than position says
}

// told is what one node says of one chain.
type told struct {
	outbox relayer.Outbox
	from   uint64 // where the contract stood when it was checked
	reach  uint64 // last command up to which the contract would take all
	known  known
}

// known is what was read for commands that all held. It does not change, so that
// it is not read again: many commands may be open for long.
type known struct {
	records map[string]record
	since   time.Time // of the oldest
}

// fresh is nothing when it is old, so that even a node that had said something
// else then is believed again.
func (k known) fresh() known {
	if time.Since(k.since) > remoteForget {
		return known{since: time.Now()}
	}
	return k
}

// lasts says that a node needs not be asked again for a chain's commands: all of
// them were there, and the contract did not go back since.
func (t told) lasts(state bridge.ChainState, at uint64) bool {
	return t.outbox.Executed == state.Executed && t.reach == state.Outbox && t.reach > state.Executed && at >= t.from
}

func newRemote(addresses []string, log *slog.Logger) (*remote, error) {
	r := &remote{served: map[types.ChainID]*served{}, log: log}
	for _, address := range addresses {
		node, err := dialServer(address)
		if err != nil {
			return nil, err
		}
		r.nodes = append(r.nodes, node)
	}
	r.answers = make([]nodeAnswer, len(r.nodes))
	return r, nil
}

// fresh are the answers of nodes that are there.
func (r *remote) fresh() (answers []nodeAnswer) {
	for _, a := range r.answers {
		if !a.at.IsZero() && time.Since(a.at) < remoteStale {
			answers = append(answers, a)
		}
	}
	return answers
}

// Height implements relayer.State: the middle one of what the nodes say.
func (r *remote) Height() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return middle(r.fresh())
}

func middle(answers []nodeAnswer) uint64 {
	if len(answers) == 0 {
		return 0
	}
	slices.SortFunc(answers, func(a, b nodeAnswer) int { return cmp.Compare(a.height, b.height) })
	return answers[(len(answers)-1)/2].height
}

// Outbox implements relayer.State: what leads furthest.
func (r *remote) Outbox(id types.ChainID, most int) (relayer.Outbox, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	answers := r.fresh()
	if len(answers) == 0 {
		return relayer.Outbox{}, r.trouble()
	}
	var best told
	for _, a := range answers {
		if t := a.says[id]; t.reach > best.reach {
			best = t
		}
	}
	o := best.outbox
	o.Height = middle(answers)
	o.Commands = slices.Clone(o.Commands[:min(len(o.Commands), most)])
	return o, nil
}

// Signatures implements relayer.Signatures: those that count come with their
// commands, from the state.
func (r *remote) Signatures(uint64) [][types.SignatureBytes]byte { return nil }

// check is the readiness of the nodes.
func (r *remote) check() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.fresh()) > 0 {
		return nil
	}
	return r.trouble()
}

// trouble is why there is no answer.
func (r *remote) trouble() error {
	errs := make([]error, len(r.answers))
	for i, a := range r.answers {
		errs[i] = a.err
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("none of %d nodes answers: %w", len(r.nodes), err)
	}
	return errors.New("no node has answered yet")
}

// follow asks one node until ctx ends. Each has a loop of its own, so that one
// that hangs keeps nobody waiting.
func (r *remote) follow(i int) func(context.Context) error {
	return func(ctx context.Context) error {
		ticker := time.NewTicker(remoteEvery)
		defer ticker.Stop()
		for {
			r.look(ctx, i)
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
			}
		}
	}
}

// look asks a node once, and tells the relayers.
func (r *remote) look(ctx context.Context, i int) {
	asking, cancel := context.WithTimeout(ctx, remoteTimeout)
	defer cancel()
	r.mu.Lock()
	last := r.answers[i].says
	r.mu.Unlock()
	height, says, err := r.ask(asking, r.nodes[i], last)
	if ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	before := r.answers[i].err
	if err == nil {
		r.answers[i] = nodeAnswer{at: time.Now(), height: height, says: says}
	}
	r.answers[i].err = err
	r.mu.Unlock()
	switch {
	case err != nil && before == nil:
		r.log.Warn("a node cannot be asked (will retry)", "err", err)
	case err == nil && before != nil:
		r.log.Info("a node can be asked again", "node", r.nodes[i].host())
	}
	for _, s := range r.served {
		s.wake()
	}
}

// ask reads one node, which said something before.
func (r *remote) ask(ctx context.Context, node server, last map[types.ChainID]told) (height uint64, says map[types.ChainID]told, err error) {
	defer func() {
		if cause := recover(); cause != nil { // a record that no honest node has
			err = fmt.Errorf("%s: what it says cannot be read: %v", node.host(), cause)
		}
	}()
	answer, err := node.rpc.ABCIQuery(ctx, app.BridgePath+"chains", []byte("{}"))
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %s: %w", ErrUnreachable, node.host(), withoutURL(err))
	}
	if a := answer.Response; a.Code != 0 || a.Height < 1 {
		return 0, nil, fmt.Errorf("%s: ask for the chains: height %d, %s", node.host(), a.Height, a.Log)
	}
	var states []bridge.ChainState
	if err := json.Unmarshal(answer.Response.Value, &states); err != nil {
		return 0, nil, fmt.Errorf("%s: ask for the chains: %w", node.host(), err)
	}
	says = map[types.ChainID]told{}
	for _, state := range states {
		s := r.served[state.ID]
		if s == nil {
			continue
		}
		at := s.position().Nonce
		if state.Executed > at { // validators relay too
			s.outdated()
		}
		t := told{outbox: relayer.Outbox{Executed: state.Executed}, reach: at}
		switch {
		case last[state.ID].lasts(state, at):
			t = last[state.ID]
		case state.Outbox > state.Executed:
			if t, err = s.read(openTold(ctx, node.rpc, answer.Response.Height), state, last[state.ID].known.fresh()); err != nil {
				return 0, nil, fmt.Errorf("%s: chain %s: %w", node.host(), state.ID, withoutURL(err))
			}
		}
		says[state.ID] = t
	}
	return uint64(answer.Response.Height), says, nil //nolint:gosec // positive
}

// host names a node without the secrets that a URL may hold.
func (s server) host() string {
	u, err := url.Parse(s.url)
	if err != nil {
		return "a node"
	}
	return u.Host
}

// withoutURL takes the address out of an error.
func withoutURL(err error) error {
	if inner, ok := errors.AsType[*url.Error](err); ok {
		return inner.Err
	}
	return err
}

// read reads the open commands of one chain, and keeps those that hold.
func (s *served) read(reader *ProvenState, state bridge.ChainState, before known) (told, error) {
	machine, err := newReader()
	if err != nil {
		return told{}, err
	}
	if _, err := machine.OpenCommands(reader, state.ID, 0); err != nil { // what changes is read anew: network and chain
		return told{}, err
	}
	reader.recall(before.records)
	commands, err := machine.OpenCommands(reader, state.ID, relayer.MaxOpen)
	if err != nil {
		return told{}, err
	}
	from := s.position().Nonce
	kept, reach := s.verify(state.ID, commands)
	if len(kept) > 0 && len(kept) == len(commands) && reach == kept[len(kept)-1].Nonce {
		before.records = reader.lasting()
	}
	return told{relayer.Outbox{Executed: state.Executed, Commands: kept}, from, reach, before}, nil
}

// verify keeps the commands up to the first that the contract would not take, and
// says how far that is. Those that it has executed already, and which only a
// reorg of its chain brings back, are checked when it does.
func (s *served) verify(id types.ChainID, commands []bridge.OutboxCommand) (kept []bridge.OutboxCommand, reach uint64) {
	at := s.position()
	set, reach := at.SetHash, at.Nonce
	for i := range commands {
		c := &commands[i]
		if c.Nonce <= reach {
			continue
		}
		if c.Nonce != reach+1 || !holds(id, s.bridge, c, set) {
			return commands[:i], reach
		}
		if later := setAfter(*c); later != (types.Hash{}) {
			set = later
		}
		reach++
	}
	return commands, reach
}

// holds says that a quorum of the set has signed the seal that holds the
// command, and drops signatures that are not of it.
func holds(id types.ChainID, contract types.Address, c *bridge.OutboxCommand, set types.Hash) bool {
	if len(c.Set) == 0 || c.Set.Hash() != set {
		return false
	}
	leaf := evmsig.CommandLeaf(id, contract, c.Nonce, c.Bytes)
	if !evmsig.VerifyPath(c.Seal.Root, leaf, c.Proof) {
		return false
	}
	command, err := types.DecodeCommand(c.Bytes)
	if err != nil || command.Items() != c.Items {
		return false
	}
	signatures := map[int][types.SignatureBytes]byte{}
	for i, signature := range c.Signatures {
		if i < 0 || i >= len(c.Set) {
			continue
		}
		if signer, err := evmsig.Recover(c.Seal.Digest, signature); err == nil && signer == c.Set[i].Signer {
			signatures[i] = signature
		}
	}
	c.Signatures = signatures
	_, err = evmsig.PackQuorum(c.Set, signatures)
	return err == nil
}

// setAfter is the set in force behind a command; zero if it is the same.
func setAfter(c bridge.OutboxCommand) types.Hash {
	command, err := types.DecodeCommand(c.Bytes)
	if next, changes := command.(types.SetValidators); err == nil && changes {
		return next.Set.Hash()
	}
	return types.Hash{}
}
