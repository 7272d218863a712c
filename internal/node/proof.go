package node

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	cmtdb "github.com/cometbft/cometbft-db"
	cmted25519 "github.com/cometbft/cometbft/crypto/ed25519"
	cmtbytes "github.com/cometbft/cometbft/libs/bytes"
	"github.com/cometbft/cometbft/light"
	"github.com/cometbft/cometbft/light/provider"
	lighthttp "github.com/cometbft/cometbft/light/provider/http"
	lightstore "github.com/cometbft/cometbft/light/store/db"
	rpcclient "github.com/cometbft/cometbft/rpc/client"
	ctypes "github.com/cometbft/cometbft/rpc/core/types"
	cmttypes "github.com/cometbft/cometbft/types"
	ics23 "github.com/cosmos/ics23/go"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// ErrUnproven says that what a node answered does not follow from what is
// trusted: the node lies, or follows another network.
var ErrUnproven = errors.New("the answer is not proven")

// Trust is where proofs begin. The node that is asked is never trusted.
type Trust struct {
	Genesis *Genesis // its validators signed the first block; used where Height is 0
	Height  int64    // of a block whose Hash is known from elsewhere
	Hash    []byte
	Period  time.Duration // how long validators are held to what they signed
}

// ProveOptions say what to ask, and whom.
type ProveOptions struct {
	ChainID   string
	RPC       rpcclient.Client
	Address   string   // of the same node, for its light blocks
	Witnesses []string // other nodes to compare with; none: the same node
	Trust     Trust
	Height    int64 // of the state; 0: the newest that can be proven
}

// ProvenState is the state of one height, read from a node that is not trusted.
// Every record that it gives, and every absence, is proven against the app hash
// in a header that more than 2/3 of the validators signed. The protocol's own
// queries run on it, so that what they answer is proven as a whole.
type ProvenState struct {
	ctx    context.Context // of the one query that is read for: bridge.Reader takes none
	rpc    querier
	height int64
	root   []byte // nil: whatever the node's own proofs lead to, so that nothing is proven
	proven map[string]record
	reads  int
	// earlier is of another height, and stands for what is not in proven.
	earlier map[string]record
}

var _ bridge.Reader = (*ProvenState)(nil)

// querier is the part of a node's RPC that records are read by.
type querier interface {
	ABCIQueryWithOptions(ctx context.Context, path string, data cmtbytes.HexBytes, o rpcclient.ABCIQueryOptions) (*ctypes.ResultABCIQuery, error)
}

// record is what the state holds at a key, or after it.
type record struct {
	value     []byte // nil: nothing is at the key
	nextKey   []byte // of an absent key: the next key and its value; nil: there is none
	nextValue []byte
}

// OpenProvenState verifies the header after the wanted height with CometBFT's
// light client. The context is that of all reads too.
func OpenProvenState(ctx context.Context, o ProveOptions) (*ProvenState, error) {
	height := o.Height
	if height == 0 {
		status, err := o.RPC.Status(ctx)
		if err != nil {
			return nil, fmt.Errorf("ask for the newest height: %w", err)
		}
		// The app hash of a height is in the header of the next.
		height = max(status.SyncInfo.LatestBlockHeight-1, 1)
	}
	header, err := verifiedHeader(ctx, o, height+1)
	if err != nil {
		return nil, err
	}
	return &ProvenState{ctx: ctx, rpc: o.RPC, height: height, root: header.AppHash, proven: map[string]record{}}, nil
}

// openTold reads the state of a height as a node tells it, for a reader that has
// other means to check what it reads.
func openTold(ctx context.Context, rpc querier, height int64) *ProvenState {
	return &ProvenState{ctx: ctx, rpc: rpc, height: height, proven: map[string]record{}}
}

// recall lets what was read of an earlier height stand for what is not read of
// this one yet.
func (s *ProvenState) recall(known map[string]record) { s.earlier = known }

// lasting is what was read, without what was not there: it may come. Of a walk
// along keys that is the last step.
func (s *ProvenState) lasting() map[string]record {
	known := map[string]record{}
	for key, r := range s.proven {
		_, wentOn := s.proven[string(append(bytes.Clone(r.nextKey), 0))]
		if r.value != nil || r.nextKey != nil && wentOn {
			known[key] = r
		}
	}
	return known
}

// Height is that of the state.
func (s *ProvenState) Height() int64 { return s.height }

// Reads is how many proofs were verified.
func (s *ProvenState) Reads() int { return s.reads }

func verifiedHeader(ctx context.Context, o ProveOptions, height int64) (*cmttypes.Header, error) {
	primary, err := lighthttp.New(o.ChainID, o.Address)
	if err != nil {
		return nil, fmt.Errorf("light client: %w", err)
	}
	witnesses := []provider.Provider{}
	for _, address := range o.Witnesses {
		witness, err := lighthttp.New(o.ChainID, address)
		if err != nil {
			return nil, fmt.Errorf("light client: witness %s: %w", address, err)
		}
		witnesses = append(witnesses, witness)
	}
	if len(witnesses) == 0 {
		witnesses = append(witnesses, primary)
	}
	trust, err := trustOptions(ctx, o, primary)
	if err != nil {
		return nil, err
	}
	client, err := light.NewClient(ctx, o.ChainID, trust, primary, witnesses,
		lightstore.New(cmtdb.NewMemDB(), o.ChainID))
	if err != nil {
		return nil, fmt.Errorf("light client: %w", err)
	}
	block, err := client.VerifyLightBlockAtHeight(ctx, height, time.Now())
	if err != nil {
		return nil, fmt.Errorf("light client: header %d: %w", height, err)
	}
	return block.Header, nil
}

// trustOptions turns what is known beforehand into a first trusted header.
func trustOptions(ctx context.Context, o ProveOptions, primary provider.Provider) (light.TrustOptions, error) {
	t := o.Trust
	if t.Height != 0 {
		return light.TrustOptions{Period: t.Period, Height: t.Height, Hash: t.Hash}, nil
	}
	if t.Genesis == nil {
		return light.TrustOptions{}, errors.New("nothing to trust: give a height with its hash, or a genesis")
	}
	hash, err := firstHeader(ctx, *t.Genesis, primary)
	if err != nil {
		return light.TrustOptions{}, err
	}
	return light.TrustOptions{Period: t.Period, Height: t.Genesis.Doc.InitialHeight, Hash: hash}, nil
}

// firstHeader is the hash of the first block, once it is seen that the genesis
// validators made it.
func firstHeader(ctx context.Context, g Genesis, primary provider.Provider) ([]byte, error) {
	if len(g.State.Validators) == 0 {
		return nil, errors.New("the genesis continues an exported network: give a trusted height and its hash instead")
	}
	set, err := consensusSet(g.State.Validators)
	if err != nil {
		return nil, err
	}
	height := g.Doc.InitialHeight
	block, err := primary.LightBlock(ctx, height)
	if err != nil {
		return nil, fmt.Errorf("fetch the first block, with which trust in the genesis begins (or give a trusted height and its hash): %w", err)
	}
	if err := block.ValidateBasic(g.Doc.ChainID); err != nil {
		return nil, fmt.Errorf("%w: first block: %w", ErrUnproven, err)
	}
	if !bytes.Equal(block.ValidatorsHash, set.Hash()) {
		return nil, fmt.Errorf("%w: the first block names other validators than the genesis", ErrUnproven)
	}
	if err := set.VerifyCommitLight(g.Doc.ChainID, block.Commit.BlockID, height, block.Commit); err != nil {
		return nil, fmt.Errorf("%w: first block: %w", ErrUnproven, err)
	}
	return block.Hash(), nil
}

func consensusSet(validators []types.Validator) (*cmttypes.ValidatorSet, error) {
	list := make([]*cmttypes.Validator, len(validators))
	for i, v := range validators {
		if len(v.ConsensusKey) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("validator %s: bad consensus key", v.Moniker)
		}
		list[i] = cmttypes.NewValidator(cmted25519.PubKey(v.ConsensusKey), int64(v.Power))
	}
	return cmttypes.NewValidatorSet(list), nil
}

// Get implements bridge.Reader.
func (s *ProvenState) Get(key []byte) ([]byte, error) {
	r, err := s.prove(key)
	return r.value, err
}

// Iterate implements bridge.Reader. The proof that a key is absent names its
// neighbours, so that each step proves which key comes next.
func (s *ProvenState) Iterate(start, end []byte, visit func(key, value []byte) bool) error {
	at := bytes.Clone(start)
	if len(at) == 0 {
		at = []byte{0}
	}
	for len(end) == 0 || bytes.Compare(at, end) < 0 {
		r, err := s.prove(at)
		if err != nil {
			return err
		}
		key, value := at, r.value
		if value == nil {
			key, value = r.nextKey, r.nextValue
		}
		if key == nil || len(end) > 0 && bytes.Compare(key, end) >= 0 || !visit(key, value) {
			return nil
		}
		at = append(bytes.Clone(key), 0) // the least key after it
	}
	return nil
}

func (s *ProvenState) prove(key []byte) (record, error) {
	if r, ok := s.proven[string(key)]; ok {
		return r, nil
	}
	if r, ok := s.earlier[string(key)]; ok {
		s.proven[string(key)] = r
		return r, nil
	}
	response, err := s.rpc.ABCIQueryWithOptions(s.ctx, app.StorePath, key, rpcclient.ABCIQueryOptions{Height: s.height, Prove: true})
	if err != nil {
		return record{}, fmt.Errorf("read key %x at height %d: %w", key, s.height, err)
	}
	answer := response.Response
	if answer.Code != 0 {
		return record{}, fmt.Errorf("read key %x at height %d: %s", key, s.height, answer.Log)
	}
	if answer.ProofOps == nil || len(answer.ProofOps.Ops) != 1 || answer.ProofOps.Ops[0].Type != app.ProofType {
		return record{}, fmt.Errorf("%w: no proof of key %x", ErrUnproven, key)
	}
	r, err := verify(s.root, key, answer.Value, answer.ProofOps.Ops[0].Data)
	if err != nil {
		return record{}, fmt.Errorf("%w: key %x at height %d", err, key, s.height)
	}
	s.reads++
	s.proven[string(key)] = r
	return r, nil
}

// verify checks that root holds value at key, or nothing where value is empty. Of
// a nil root it only checks that key, value and proof fit together.
func verify(root, key, value, encoded []byte) (record, error) {
	var proof ics23.CommitmentProof
	if err := proof.Unmarshal(encoded); err != nil {
		return record{}, fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	if root == nil {
		told, err := proof.Calculate()
		if err != nil {
			return record{}, fmt.Errorf("%w: %w", ErrUnproven, err)
		}
		root = told
	}
	if len(value) > 0 {
		if !ics23.VerifyMembership(ics23.IavlSpec, root, &proof, key, value) {
			return record{}, ErrUnproven
		}
		return record{value: value}, nil
	}
	if !ics23.VerifyNonMembership(ics23.IavlSpec, root, &proof, key) {
		return record{}, ErrUnproven
	}
	absence := proof.GetNonexist()
	if absence == nil {
		return record{}, ErrUnproven
	}
	if absence.Right == nil {
		return record{}, nil
	}
	return record{nextKey: absence.Right.Key, nextValue: absence.Right.Value}, nil
}

// Query runs one of the protocol's queries on the proven state.
func (s *ProvenState) Query(name string, arguments []byte) ([]byte, error) {
	machine, err := newReader()
	if err != nil {
		return nil, err
	}
	return machine.Query(s, name, arguments)
}

// newReader is the protocol for reading a state: no votes come to it.
func newReader() (*bridge.Machine, error) {
	return bridge.New(bridge.Options{
		VerifyExtension: func(types.ConsensusKey, int64, int32, []byte, []byte) bool { return false },
	})
}
