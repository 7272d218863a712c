package app

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"sync"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// The network of these tests: two chains, and one asset that alpha locks and
// beta mints.
const (
	testChainID               = "bridged-test"
	alpha       types.ChainID = 101
	beta        types.ChainID = 202
)

var (
	testAsset  = types.AssetID{0xA5}
	alphaToken = common.HexToAddress("0xaaaa000000000000000000000000000000000001")
	betaToken  = common.HexToAddress("0xbbbb000000000000000000000000000000000001")
	someone    = common.HexToAddress("0x5000000000000000000000000000000000000001")
	relayer    = common.HexToAddress("0x6000000000000000000000000000000000000001")
)

// testValidator has keys that depend on its number alone.
type testValidator struct {
	consensus ed25519.PrivKey
	signer    *ecdsa.PrivateKey
	operator  *ecdsa.PrivateKey
	types.Validator
}

func newValidator(i int) testValidator {
	signer, operator := testKey(1000+i), testKey(9000+i)
	consensus := ed25519.GenPrivKeyFromSecret(fmt.Appendf(nil, "validator %d", i))
	return testValidator{consensus: consensus, signer: signer, operator: operator, Validator: types.Validator{
		ConsensusKey: types.ConsensusKey(consensus.PubKey().Bytes()), Power: 10, Moniker: fmt.Sprint("validator ", i),
		Signer: crypto.PubkeyToAddress(signer.PublicKey), Operator: crypto.PubkeyToAddress(operator.PublicKey),
	}}
}

func testKey(number int) *ecdsa.PrivateKey {
	key, err := crypto.ToECDSA(common.LeftPadBytes(big.NewInt(int64(number)).Bytes(), 32))
	if err != nil {
		panic(err)
	}
	return key
}

func testGenesis(validators []testValidator) types.Genesis {
	g := types.Genesis{Params: types.DefaultParams()}
	for _, v := range validators {
		g.Validators = append(g.Validators, v.Validator)
	}
	for i, id := range []types.ChainID{alpha, beta} {
		g.Chains = append(g.Chains, types.Chain{
			ID: id, Label: []string{"alpha", "beta"}[i], Bridge: common.BigToAddress(big.NewInt(int64(7000 + i))),
			BatchGapMS: 1000, BatchGas: types.DefaultBatchGas, ReleaseGas: types.DefaultReleaseGas, ExpiryBlocks: types.DefaultExpiry,
		})
	}
	g.Assets = []types.Asset{{ID: testAsset, Name: "Test", Symbol: "TST", Decimals: 18, Tokens: []types.Token{
		{Chain: alpha, Mode: types.ModeLock, Token: alphaToken, Decimals: 18},
		{Chain: beta, Mode: types.ModeMint, Decimals: 18},
	}}}
	return g
}

// world is the connected chains, as every honest validator sees them.
type world struct {
	mu     sync.Mutex
	chains map[types.ChainID]*testChain
}

type testChain struct {
	head     uint64
	events   []types.Event
	hashes   []types.Hash // accumulator after each event
	blocks   []uint64
	seed     types.Hash
	executed uint64 // last outbox nonce
}

func newWorld(g types.Genesis) *world {
	w := &world{chains: map[types.ChainID]*testChain{}}
	set, err := types.SignerSet(g.Validators)
	if err != nil {
		panic(err)
	}
	for _, c := range g.Chains {
		w.chains[c.ID] = &testChain{seed: evmsig.InboxSeed(evmsig.NetworkID(testChainID), c.ID, c.Bridge)}
		w.emit(c.ID, types.Initialized{SetHash: set.Hash()})
	}
	return w
}

// emit puts events into one finalised block of a chain.
func (w *world) emit(id types.ChainID, events ...types.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.chains[id]
	c.head++
	for _, e := range events {
		hash := c.seed
		if n := len(c.hashes); n > 0 {
			hash = c.hashes[n-1]
		}
		c.events = append(c.events, e)
		c.hashes = append(c.hashes, evmsig.Accumulate(hash, evmsig.InboxLeaf(uint64(len(c.events)), e)))
		c.blocks = append(c.blocks, c.head)
	}
}

func (w *world) deposit(amount uint64) {
	w.emit(alpha, types.Deposited{
		Token: alphaToken, Sender: someone, Destination: beta, Recipient: types.RecipientFromAddress(someone),
		RefundTo: someone, Amount: types.NewAmount(amount), MaxFee: types.NewAmount(amount),
	})
}

// size is how many events a chain's inbox has.
func (w *world) size(id types.ChainID) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return uint64(len(w.chains[id].events))
}

// relay executes every command whose seal is complete, as contracts would.
func (w *world) relay(m *bridge.Machine, state bridge.Reader) error {
	for _, id := range []types.ChainID{alpha, beta} {
		commands, err := m.OpenCommands(state, id, 100)
		if err != nil {
			return err
		}
		for _, c := range commands {
			if c.Seal.Complete != 0 && c.Nonce > w.chains[id].executed {
				w.execute(id, c)
			}
		}
	}
	return nil
}

func (w *world) execute(id types.ChainID, c bridge.OutboxCommand) {
	command, err := types.DecodeCommand(c.Bytes)
	if err != nil {
		panic(err)
	}
	var events []types.Event
	if r, ok := command.(types.RegisterToken); ok {
		token := r.Token
		if r.Mode == types.ModeMint {
			token = betaToken
		}
		events = append(events, types.TokenRegistered{Asset: r.Asset, Token: token, Mode: r.Mode, Decimals: r.Decimals})
	}
	w.chains[id].executed = c.Nonce
	w.emit(id, append(events, types.Executed{OutboxNonce: c.Nonce, Count: c.Items, Relayer: relayer})...)
}

// testMailbox is what an observer and a signer would have put there.
type testMailbox struct {
	world *world
	self  testValidator
	app   *App // for the seals to sign

	mu       sync.Mutex
	observed map[types.ValidatorID]int
	blind    bool // sees no events of its own
}

var _ Mailbox = (*testMailbox)(nil)

func (m *testMailbox) Pending() bridge.Pending {
	return bridge.Pending{Signatures: m.signatures(), Chains: m.world.votes()}
}

func (m *testMailbox) signatures() []types.SealSignature {
	var seals []bridge.SealState
	err := m.app.View(func(state bridge.Reader, height int64) (err error) {
		seals, err = m.app.Machine().SealsToSign(state, height+1, m.self.Signer, 4)
		return err
	})
	if err != nil && !errors.Is(err, ErrNoBlock) {
		panic(err)
	}
	var signatures []types.SealSignature
	for _, s := range seals {
		signature, err := evmsig.Sign(m.self.signer, s.Digest)
		if err != nil {
			panic(err)
		}
		signatures = append(signatures, types.SealSignature{Height: s.Height, Signature: signature})
	}
	return signatures
}

func (w *world) votes() []types.ChainVote {
	w.mu.Lock()
	defer w.mu.Unlock()
	var votes []types.ChainVote
	for _, id := range []types.ChainID{alpha, beta} {
		c := w.chains[id]
		vote := types.ChainVote{Chain: id, Head: c.head}
		for i := range c.events {
			if i+1 == len(c.events) || c.blocks[i] != c.blocks[i+1] {
				vote.Marks = append(vote.Marks, types.Mark{Nonce: uint64(i + 1), Hash: c.hashes[i], Block: c.blocks[i]})
			}
		}
		votes = append(votes, vote)
	}
	return votes
}

func (m *testMailbox) Events(id types.ChainID, after, last uint64) []types.Event {
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	events := m.world.chains[id].events
	if m.blind || after >= uint64(len(events)) {
		return nil
	}
	return events[after:min(last, uint64(len(events)))]
}

func (m *testMailbox) Observe(_ int64, validator types.ValidatorID, _ bridge.Vote) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.observed[validator]++
}
