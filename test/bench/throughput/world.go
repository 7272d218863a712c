package throughput

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	source  = types.ChainID(1)
	second  = types.ChainID(2)
	third   = types.ChainID(3)
	chainID = "bridged-throughput"
	stride  = 128
	// ahead is how many deposits are final on the source before they are voted:
	// enough that consensus is never short of work.
	ahead = 64 * stride
)

var (
	asset = types.AssetID{1}
	token = types.Address{0xa1}
	payer = types.Address{0xaa}
)

// world is the model chains, shared by all validators' mailboxes.
type world struct {
	mu     sync.Mutex
	chains map[types.ChainID]*inbox
}

// inbox is one chain's log. Its events below forgotten are gone.
type inbox struct {
	first  uint64 // nonce of events[0]
	events []types.Event
	hashes []types.Hash
	hash   types.Hash
	marks  []types.Mark
	done   uint64 // last outbox nonce executed
}

func newWorld(chains []types.Chain, set types.ValidatorSet) *world {
	w := &world{chains: map[types.ChainID]*inbox{}}
	for _, c := range chains {
		in := &inbox{first: 1, hash: evmsig.InboxSeed(evmsig.NetworkID(chainID), c.ID, c.Bridge)}
		in.log(types.Initialized{SetHash: set.Hash()}, true)
		w.chains[c.ID] = in
	}
	return w
}

// log appends an event; last says that its source block ends with it.
func (in *inbox) log(e types.Event, last bool) {
	nonce := in.next()
	in.hash = evmsig.Accumulate(in.hash, evmsig.InboxLeaf(nonce, e))
	in.events = append(in.events, e)
	in.hashes = append(in.hashes, in.hash)
	if last || nonce%stride == 0 {
		in.marks = append(in.marks, types.Mark{Nonce: nonce, Hash: in.hash, Block: nonce / stride})
	}
}

func (in *inbox) next() uint64 { return in.first + uint64(len(in.events)) }

// forget drops what is applied everywhere.
func (in *inbox) forget(cursor uint64) {
	if cursor < in.first {
		return
	}
	n := cursor - in.first + 1
	in.events, in.hashes, in.first = in.events[n:], in.hashes[n:], cursor+1
	for len(in.marks) > 0 && in.marks[0].Nonce <= cursor {
		in.marks = in.marks[1:]
	}
}

// fill keeps the source ahead of its cursor.
func (w *world) fill(cursor uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	in := w.chains[source]
	for in.next() <= cursor+ahead {
		in.log(deposit(in.next()), in.next()%stride == 0)
	}
}

// deposit makes the nth deposit: its recipient and amount are its own.
func deposit(n uint64) types.Deposited {
	var recipient types.Address
	binary.BigEndian.PutUint64(recipient[12:], n)
	copy(recipient[:12], crypto.Keccak256(recipient[12:]))
	destination := second
	if n%2 == 1 {
		destination = third
	}
	return types.Deposited{
		Token: token, Sender: payer, Destination: destination, Recipient: types.RecipientFromAddress(recipient),
		RefundTo: payer, Amount: types.NewAmount(1_000_000 + n), MaxFee: types.NewAmount(1_000_000),
	}
}

// execute consumes complete commands of a chain, as a relayer and a contract
// would, and returns how many payouts there were.
func (w *world) execute(id types.ChainID, commands []bridge.OutboxCommand) (payouts uint64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	in := w.chains[id]
	for _, c := range commands {
		if c.Nonce <= in.done || c.Seal.Complete == 0 {
			continue
		}
		command, err := types.DecodeCommand(c.Bytes)
		if err != nil {
			return payouts, fmt.Errorf("command %d of chain %d: %w", c.Nonce, id, err)
		}
		switch command := command.(type) {
		case types.RegisterToken:
			if command.Mode == types.ModeMint {
				command.Token = types.Address{0xee, byte(id)}
			}
			in.log(types.TokenRegistered{Asset: command.Asset, Token: command.Token, Mode: command.Mode, Decimals: command.Decimals}, false)
		case types.Batch:
			payouts += uint64(len(command.Entries))
		}
		in.log(types.Executed{OutboxNonce: c.Nonce, Count: c.Items, Relayer: types.Address{9}}, true)
		in.done = c.Nonce
	}
	return payouts, nil
}

// mailbox is one validator's view of the world: it sees everything at once.
type mailbox struct {
	world  *world
	key    func(types.Hash) ([types.SignatureBytes]byte, error)
	mu     sync.Mutex
	signed map[uint64]types.SealSignature
}

// Pending implements app.Mailbox.
func (m *mailbox) Pending() bridge.Pending {
	var p bridge.Pending
	m.world.mu.Lock()
	for id, in := range m.world.chains {
		p.Chains = append(p.Chains, types.ChainVote{
			Chain: id, Head: in.next() / stride, Marks: slices.Clone(in.marks),
		})
	}
	m.world.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.signed {
		p.Signatures = append(p.Signatures, s)
	}
	return p
}

// Events implements bridge.Inbox.
func (m *mailbox) Events(chain types.ChainID, after, last uint64) []types.Event {
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	in := m.world.chains[chain]
	if in == nil || after+1 < in.first || last >= in.next() {
		return nil
	}
	return in.events[after+1-in.first : last+1-in.first]
}

// Observe implements app.Mailbox.
func (m *mailbox) Observe(int64, types.ValidatorID, bridge.Vote) {}

// sign signs what the committed state wants signed, and forgets the rest.
func (m *mailbox) sign(seals []bridge.SealState) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	open := map[uint64]types.SealSignature{}
	for _, s := range seals {
		signature, known := m.signed[s.Height]
		if !known {
			raw, err := m.key(s.Digest)
			if err != nil {
				return fmt.Errorf("signing the seal of height %d: %w", s.Height, err)
			}
			signature = types.SealSignature{Height: s.Height, Signature: raw}
		}
		open[s.Height] = signature
	}
	m.signed = open
	return nil
}
