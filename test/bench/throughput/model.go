package throughput

import (
	"fmt"

	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// The chains. Deposits are made on the first.
const (
	source = types.ChainID(31_001)
	second = types.ChainID(31_002)
	third  = types.ChainID(31_003)
)

// setupBlock is the block of a chain's first events.
const setupBlock = 1

var (
	asset = types.AssetID{1}
	token = types.Address{0xa1}
	payer = types.Address{0xaa}
	// relayer is who executes on the models.
	relayer = types.Address{9}
)

// model is a chain that executes at once what the state calls complete, and
// whose blocks are final at once. Every process has its own, and all have the
// same events, for these follow from the commands.
type model struct {
	id    types.ChainID
	token types.Address // of the asset
	mark  types.Mark    // of the last event
	done  uint64        // last outbox nonce executed
	fresh mailbox.News  // what the mailbox has not been told
}

// newModel is a chain with its contract.
func newModel(c Chain, networkID, setHash types.Hash) *model {
	m := &model{id: c.ID, token: c.Token, mark: types.Mark{Hash: evmsig.InboxSeed(networkID, c.ID, c.Bridge), Block: setupBlock}}
	m.log(types.Initialized{SetHash: setHash})
	m.seal()
	return m
}

// log appends an event to the block that is being made.
func (m *model) log(e types.Event) {
	m.mark.Nonce++
	m.mark.Hash = evmsig.Accumulate(m.mark.Hash, evmsig.InboxLeaf(m.mark.Nonce, e))
	m.fresh.Events = append(m.fresh.Events, types.InboxEvent{Nonce: m.mark.Nonce, Block: m.mark.Block, Event: e})
}

// seal ends the block.
func (m *model) seal() {
	m.fresh.Marks, m.fresh.Head = append(m.fresh.Marks, m.mark), m.mark.Block
	m.mark.Block++
}

// take returns what is new since it was called last.
func (m *model) take() mailbox.News {
	news := m.fresh
	m.fresh = mailbox.News{}
	return news
}

// execute consumes a command that has a quorum, as a relayer and a contract
// would, and returns how many releases were in it.
func (m *model) execute(c bridge.OutboxCommand) (released uint64, err error) {
	switch {
	case c.Nonce != m.done+1:
		return 0, fmt.Errorf("chain %d: command %d after %d", m.id, c.Nonce, m.done)
	case c.Kind == types.CommandRegisterToken:
		command, err := types.DecodeCommand(c.Bytes)
		if err != nil {
			return 0, fmt.Errorf("chain %d: command %d: %w", m.id, c.Nonce, err)
		}
		r, ok := command.(types.RegisterToken)
		if !ok {
			return 0, fmt.Errorf("chain %d: command %d is a %T", m.id, c.Nonce, command)
		}
		m.log(types.TokenRegistered{Asset: r.Asset, Token: m.token, Mode: r.Mode, Decimals: r.Decimals})
	case c.Kind == types.CommandBatch && m.id == source:
		return 0, fmt.Errorf("command %d is a refund", c.Nonce)
	case c.Kind == types.CommandBatch:
		released = uint64(c.Items)
	}
	m.log(types.Executed{OutboxNonce: c.Nonce, Count: c.Items, Relayer: relayer})
	m.seal()
	m.done = c.Nonce
	return released, nil
}
