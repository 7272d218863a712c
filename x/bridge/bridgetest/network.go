package bridgetest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// ChainID is the chain-id string of every test network.
const ChainID = "bridged-test"

// BlockTime is how far the block time moves with each block.
const BlockTime = 300 * time.Millisecond

// Validator is one member with its keys and its replica of the state.
type Validator struct {
	types.Validator
	ConsensusPrivate ed25519.PrivateKey
	SignerPrivate    *ecdsa.PrivateKey
	NextSigner       *ecdsa.PrivateKey // it signs too, where it is the registered one
	OperatorPrivate  *ecdsa.PrivateKey
	Store            *Store
	sequence         uint64 // of the operator's last transaction
	Down             bool   // neither votes nor proposes; its replica still follows

	// Alarms is what the validator raises against chains, as an operator or its
	// observer does.
	Alarms map[types.ChainID]types.Alarm

	// Mute signs no seals.
	Mute bool

	// Vote, if set, replaces the extension that an honest validator sends.
	Vote func(honest []byte) []byte
}

// Network is N validators over model chains.
type Network struct {
	Machine    *bridge.Machine
	Genesis    types.Genesis
	Validators []*Validator
	Chains     map[types.ChainID]*Chain
	Height     int64 // last block applied
	Time       time.Time
	Events     []bridge.Event    // of all blocks
	Results    []bridge.TxResult // of the last block
	Waiting    [][]byte          // operators' transactions, in the order of the mempool

	// Propose, if set, replaces the transactions that an honest proposer makes.
	Propose func(honest [][]byte) [][]byte

	// SkipAudit leaves the invariants unchecked, for tests that cook the books.
	SkipAudit bool

	// Misbehavior is who is reported to have voted twice, in the next block.
	Misbehavior []types.ValidatorID

	t         testing.TB
	votes     []bridge.ExtendedVote // of the last height
	consensus consensus
}

// NewValidators makes validators with keys that follow from their numbers.
func NewValidators(powers ...uint32) []*Validator {
	var validators []*Validator
	for i, power := range powers {
		validators = append(validators, newValidator(i, power))
	}
	return validators
}

func newValidator(i int, power uint32) *Validator {
	seed := sha256.Sum256([]byte(fmt.Sprintf("bridged test validator %d", i)))
	consensus := ed25519.NewKeyFromSeed(seed[:])
	signer, operator := keyOf(seed, "signer"), keyOf(seed, "operator")
	return &Validator{
		Validator: types.Validator{
			ConsensusKey: types.ConsensusKey(consensus.Public().(ed25519.PublicKey)), //nolint:forcetypeassert // what Public gives
			Signer:       crypto.PubkeyToAddress(signer.PublicKey), Operator: crypto.PubkeyToAddress(operator.PublicKey),
			Power: power, Moniker: fmt.Sprintf("validator-%d", i),
		},
		ConsensusPrivate: consensus, SignerPrivate: signer, OperatorPrivate: operator, Store: &Store{},
	}
}

func keyOf(seed [32]byte, purpose string) *ecdsa.PrivateKey {
	key, err := crypto.ToECDSA(crypto.Keccak256(seed[:], []byte(purpose)))
	if err != nil {
		panic(err) // a hash is a valid key but for one in 2^128
	}
	return key
}

// New starts a network with the chains and assets of g; its validators come
// from the powers.
func New(t testing.TB, g types.Genesis, powers ...uint32) *Network {
	t.Helper()
	machine, err := bridge.New(bridge.Options{VerifyExtension: remember(VerifyExtension)})
	if err != nil {
		t.Fatal(err)
	}
	n := &Network{
		Machine: machine, Genesis: g, Validators: NewValidators(powers...), Chains: map[types.ChainID]*Chain{},
		Time: time.Unix(1_800_000_000, 0).UTC(), t: t,
	}
	n.Genesis.Validators = nil
	for _, v := range n.Validators {
		n.Genesis.Validators = append(n.Genesis.Validators, v.Validator)
	}
	set, err := types.SignerSet(n.Genesis.Validators)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range g.Chains {
		n.Chains[c.ID] = NewChain(evmsig.NetworkID(ChainID), c, set)
	}
	for _, v := range n.Validators {
		validators, err := machine.InitGenesis(v.Store, ChainID, 1, n.Genesis)
		if err != nil {
			t.Fatal(err)
		}
		n.consensus = newConsensus(validators)
	}
	return n
}

// remember spares a network's replicas from repeating each other's signature
// checks, which are pure.
func remember(verify bridge.ExtensionVerifier) bridge.ExtensionVerifier {
	known := map[[32]byte]bool{}
	return func(key types.ConsensusKey, height int64, round int32, extension, signature []byte) bool {
		id := sha256.Sum256(slices.Concat(key, signBytes(height, round, extension), []byte{byte(len(signature))}, signature))
		valid, ok := known[id]
		if !ok {
			valid = verify(key, height, round, extension, signature)
			known[id] = valid
		}
		return valid
	}
}

// VerifyExtension is the consensus signature check of test networks.
func VerifyExtension(key types.ConsensusKey, height int64, round int32, extension, signature []byte) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(ed25519.PublicKey(key), signBytes(height, round, extension), signature)
}

func signBytes(height int64, round int32, extension []byte) []byte {
	b := binary.BigEndian.AppendUint64([]byte(ChainID), uint64(height))          //nolint:gosec // a test's height
	return append(binary.BigEndian.AppendUint32(b, uint32(round)), extension...) //nolint:gosec // a test's round
}

// State is the first replica.
func (n *Network) State() *Store { return n.Validators[0].Store }

// Step makes one block: a proposal out of the last votes, its check by every
// validator, the votes on it by the state of the height before, its execution on
// every replica, and the comparison of the replicas.
func (n *Network) Step() {
	n.t.Helper()
	n.Height++
	n.Time = n.Time.Add(BlockTime)
	block := n.Block()
	txs := n.proposal(block)
	reading := n.reading(txs)
	for i, v := range n.Validators {
		block.Reading = reading[i%2]
		if err := n.Machine.VerifyProposal(v.Store, block, txs); err != nil && n.Propose == nil {
			n.t.Fatalf("height %d: validator %d refuses an honest proposal: %v", n.Height, i, err)
		}
	}
	n.vote(block, txs)
	for i, v := range n.Validators {
		block.Reading = reading[i%2]
		result, err := n.Machine.Apply(v.Store, block, txs)
		if err != nil {
			n.t.Fatalf("height %d: apply: %v", n.Height, err)
		}
		if i == 0 {
			if err := n.consensus.update(n.Height, result.Validators); err != nil {
				n.t.Fatalf("height %d: %v", n.Height, err)
			}
			n.Events = append(n.Events, result.Events...)
			n.Results = result.Txs
		}
	}
	n.Misbehavior = nil
	n.compare()
	for _, c := range n.Chains {
		c.Mine()
		c.Time = uint64(n.Time.Unix()) //nolint:gosec // after 1970
	}
}

// reading is what every second validator keeps of a proposal: the others read it
// anew each time, and all come to the same.
func (n *Network) reading(txs [][]byte) [2]*bridge.Reading {
	if len(txs) == 0 {
		return [2]*bridge.Reading{}
	}
	return [2]*bridge.Reading{nil, bridge.Read(txs[0])}
}

// Run makes blocks.
func (n *Network) Run(blocks int) {
	n.t.Helper()
	for range blocks {
		n.Step()
	}
}

// Block is the block being decided, or the last one between steps.
func (n *Network) Block() bridge.Block {
	block := bridge.Block{Height: n.Height, Time: n.Time, Misbehavior: n.Misbehavior}
	for _, v := range n.votes {
		block.Commit = append(block.Commit, bridge.CommitVote{Validator: v.Validator, Committed: v.Committed})
	}
	return block
}

func (n *Network) proposal(block bridge.Block) [][]byte {
	n.t.Helper()
	members := n.consensus.at(n.Height)
	proposer := n.validator(members[int(n.Height)%len(members)].ID())
	tx, err := n.Machine.BuildProposal(proposer.Store, block, n.votes, inboxOf{n}, 4<<20)
	if err != nil {
		n.t.Fatalf("height %d: proposal: %v", n.Height, err)
	}
	operators, err := n.Machine.SelectTxs(proposer.Store, block, n.Waiting)
	if err != nil {
		n.t.Fatalf("height %d: operators' transactions: %v", n.Height, err)
	}
	txs := append([][]byte{tx}, operators...)
	if n.Propose != nil {
		txs = n.Propose(txs)
	}
	return txs
}

// inboxOf makes every proposer see what is final.
type inboxOf struct{ *Network }

// Events implements bridge.Inbox.
func (n inboxOf) Events(chain types.ChainID, after, last uint64) []types.Event {
	c := n.Chains[chain]
	var events []types.Event
	for _, l := range c.inbox {
		if l.Nonce > after && l.Nonce <= last && l.Block <= c.final() {
			events = append(events, l.Event)
		}
	}
	return events
}

// auditEvery is how often the invariants are checked in full: it verifies every
// kept signature again. Settle checks them at its end too.
const auditEvery = 4

// compare holds I5 in every block, and the invariants in every fourth.
func (n *Network) compare() {
	n.t.Helper()
	want := n.State().Digest()
	for i, v := range n.Validators {
		if v.Store.Digest() != want {
			n.t.Fatalf("height %d: I5: replica %d differs", n.Height, i)
		}
	}
	if n.Height%auditEvery == 0 {
		n.Audit()
	}
}

// Audit fails the test if an invariant does not hold.
func (n *Network) Audit() {
	n.t.Helper()
	if n.SkipAudit {
		return
	}
	violations, err := n.Machine.CheckInvariants(n.State())
	if err != nil || len(violations) > 0 {
		n.t.Fatalf("height %d: invariants: %v %v", n.Height, violations, err)
	}
}

// vote makes every validator's extension for the block being decided.
func (n *Network) vote(block bridge.Block, txs [][]byte) {
	n.t.Helper()
	n.votes = nil
	for _, member := range n.consensus.at(n.Height) {
		v := n.validator(member.ID())
		vote := bridge.ExtendedVote{Validator: v.ID(), Committed: !v.Down}
		if !v.Down {
			vote.Extension = n.extension(v, block, txs)
			vote.Signature = ed25519.Sign(v.ConsensusPrivate, signBytes(n.Height, 0, vote.Extension))
		}
		n.votes = append(n.votes, vote)
	}
}

func (n *Network) extension(v *Validator, block bridge.Block, txs [][]byte) []byte {
	n.t.Helper()
	var tx []byte
	if len(txs) > 0 {
		tx = txs[0]
	}
	honest, err := n.Machine.BuildVote(v.Store, block, tx, v.ID(), n.pending(v), types.SoftVoteBytes)
	if err != nil {
		n.t.Fatalf("height %d: vote: %v", n.Height, err)
	}
	if _, err := n.Machine.VerifyVote(v.Store, n.Height, v.ID(), honest); err != nil {
		n.t.Fatalf("height %d: an honest vote is refused: %v", n.Height, err)
	}
	if v.Vote != nil {
		return v.Vote(honest)
	}
	return honest
}

// pending is what an honest validator wants to say.
func (n *Network) pending(v *Validator) bridge.Pending {
	var p bridge.Pending
	chains, err := n.Machine.Chains(v.Store)
	if err != nil {
		n.t.Fatal(err)
	}
	for _, c := range chains {
		said := n.Chains[c.ID].view(c.Cursor, n.Genesis.Params.MarkStride)
		said.Alarm = v.Alarms[c.ID]
		p.Chains = append(p.Chains, said)
	}
	for _, key := range []*ecdsa.PrivateKey{v.SignerPrivate, v.NextSigner} {
		if key != nil && !v.Mute {
			p.Signatures = append(p.Signatures, n.signatures(v, key)...)
		}
	}
	return p
}

func (n *Network) signatures(v *Validator, key *ecdsa.PrivateKey) []types.SealSignature {
	n.t.Helper()
	seals, err := n.Machine.SealsToSign(v.Store, n.Height, crypto.PubkeyToAddress(key.PublicKey), 16)
	if err != nil {
		n.t.Fatal(err)
	}
	var signatures []types.SealSignature
	for _, s := range seals {
		signature, err := evmsig.Sign(key, s.Digest)
		if err != nil {
			n.t.Fatal(err)
		}
		signatures = append(signatures, types.SealSignature{Height: s.Height, Signature: signature})
	}
	return signatures
}

// Relayer is who executes commands in Relay.
var Relayer = types.Address{0xee}

// Relay executes every complete command on every chain, in slices of at most
// items.
func (n *Network) Relay(items uint32) {
	n.t.Helper()
	for _, c := range n.Genesis.Chains {
		commands, err := n.Machine.OpenCommands(n.State(), c.ID, 16)
		if err != nil {
			n.t.Fatal(err)
		}
		chain := n.Chains[c.ID]
		for _, command := range commands {
			for command.Seal.Complete != 0 && chain.executed < command.Nonce {
				if err := chain.Execute(command, Relayer, items); err != nil {
					n.t.Fatal(err)
				}
			}
		}
	}
}

// Settle makes blocks and relays until nothing moves any more: no open command,
// no queue, no event that is not applied. It gives up after most blocks.
func (n *Network) Settle(most int) {
	n.t.Helper()
	for range most {
		n.Step()
		n.Relay(types.MaxBatchItems)
		if n.idle() {
			n.Audit()
			return
		}
	}
	n.t.Fatalf("not settled after %d blocks", most)
}

func (n *Network) idle() bool {
	chains, err := n.Machine.Chains(n.State())
	if err != nil {
		n.t.Fatal(err)
	}
	for _, c := range chains {
		if c.Executed != c.Outbox || c.Queued > 0 || c.Cursor != uint64(len(n.Chains[c.ID].inbox)) {
			return false
		}
	}
	return true
}
