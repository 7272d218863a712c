package throughput

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"google.golang.org/protobuf/proto"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/test/cluster"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// warmUp is how long the network runs before the measurement begins.
const warmUp = 5 * time.Second

// bench is a run.
type bench struct {
	cluster   *cluster.Cluster
	world     *world
	mailboxes []*mailbox
	signers   []types.Address
	commits   chan struct{} // of the first node, at most one pending
	wake      []chan struct{}
}

func measure(ctx context.Context, dir string, validators int, length time.Duration) (Report, error) {
	b, genesis, err := prepare(validators)
	if err != nil {
		return Report{}, err
	}
	mailboxes := make([]app.Mailbox, validators)
	for i, m := range b.mailboxes {
		mailboxes[i] = m
	}
	b.cluster, err = cluster.Start(ctx, cluster.Config{
		Dir: dir, ChainID: chainID, Genesis: genesis, Mailboxes: mailboxes, OnCommit: b.committed,
	})
	if err != nil {
		return Report{}, fmt.Errorf("starting the validators: %w", err)
	}
	report, err := b.run(ctx, length)
	report.VoteBytes, err = b.voteBytes(report, err)
	if err = errors.Join(err, b.cluster.Stop()); err != nil {
		return report, err
	}
	report.Validators = validators
	return report, nil
}

// prepare makes keys, genesis and chains.
func prepare(validators int) (*bench, types.Genesis, error) {
	b := &bench{commits: make(chan struct{}, 1)}
	params := types.DefaultParams()
	params.MarkStride, params.KeepBlocks = stride, 20
	g := types.Genesis{Params: params}
	for _, id := range []types.ChainID{source, second, third} {
		g.Chains = append(g.Chains, types.Chain{
			ID: id, Label: fmt.Sprintf("chain-%d", id), Bridge: types.Address{0xb0, byte(id)},
			BatchGas: 1 << 30, ReleaseGas: types.MinReleaseGas, ExpiryBlocks: types.DefaultExpiry,
		})
	}
	g.Assets = []types.Asset{{ID: asset, Name: "Asset", Symbol: "ASSET", Decimals: 18, Tokens: []types.Token{
		{Chain: source, Mode: types.ModeLock, Token: token, Decimals: 18},
		{Chain: second, Mode: types.ModeMint, Decimals: 18},
		{Chain: third, Mode: types.ModeMint, Decimals: 18},
	}}}
	for i := range validators {
		key, err := crypto.GenerateKey()
		if err != nil {
			return nil, g, fmt.Errorf("making a key: %w", err)
		}
		signer := crypto.PubkeyToAddress(key.PublicKey)
		g.Validators = append(g.Validators, types.Validator{
			Signer: signer, Operator: signer, Power: 1, Moniker: fmt.Sprintf("validator-%d", i),
		})
		b.signers = append(b.signers, signer)
		b.mailboxes = append(b.mailboxes, &mailbox{key: signWith(key)})
		b.wake = append(b.wake, make(chan struct{}, 1))
	}
	set, err := types.SignerSet(g.Validators)
	if err != nil {
		return nil, g, err
	}
	b.world = newWorld(g.Chains, set)
	for _, m := range b.mailboxes {
		m.world = b.world
	}
	return b, g, nil
}

func signWith(key *ecdsa.PrivateKey) func(types.Hash) ([types.SignatureBytes]byte, error) {
	return func(digest types.Hash) ([types.SignatureBytes]byte, error) { return evmsig.Sign(key, digest) }
}

// committed wakes the signer of a node, and for the first node the chains.
func (b *bench) committed(node int, _ int64) {
	for _, c := range []chan struct{}{b.wake[node], b.commits} {
		if c == b.commits && node != 0 {
			continue
		}
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// run drives signers and chains until the time is over, and counts.
func (b *bench) run(ctx context.Context, length time.Duration) (Report, error) {
	ctx, cancel := context.WithTimeout(ctx, warmUp+length)
	defer cancel()
	failed := make(chan error, len(b.mailboxes))
	for i := range b.mailboxes {
		go func() { failed <- b.signer(ctx, i) }()
	}
	var report Report
	var begin time.Time
	var cursor0, released0, height0 uint64
	var released uint64
	for {
		select {
		case <-ctx.Done():
			report.Seconds = time.Since(begin).Seconds()
			violations, err := b.verdict()
			report.InvariantsHold = len(violations) == 0
			for range b.mailboxes {
				err = errors.Join(err, <-failed)
			}
			return report, err
		case <-b.commits:
		}
		var cursor, payouts uint64
		var height int64
		err := b.cluster.Nodes[0].App.View(func(state bridge.Reader, at int64) (err error) {
			height = at
			cursor, payouts, err = b.chains(state)
			return err
		})
		if err != nil {
			return report, err
		}
		released += payouts
		if begin.IsZero() && cursor > ahead && payouts > 0 {
			begin, cursor0, released0, height0 = time.Now(), cursor, released, uint64(height) //nolint:gosec // heights are positive
		}
		if !begin.IsZero() {
			report.Finalised, report.Released = cursor-cursor0, released-released0
			report.Blocks = height - int64(height0) //nolint:gosec // heights are positive
		}
	}
}

// chains lets every model chain go on: the source gets deposits, all execute.
func (b *bench) chains(reader bridge.Reader) (cursor, payouts uint64, err error) {
	machine := b.cluster.Nodes[0].App.Machine()
	states, err := machine.Chains(reader)
	if err != nil {
		return 0, 0, err
	}
	for _, c := range states {
		commands, err := machine.OpenCommands(reader, c.ID, 16)
		if err != nil {
			return 0, 0, err
		}
		n, err := b.world.execute(c.ID, commands)
		if err != nil {
			return 0, 0, err
		}
		payouts += n
		b.world.mu.Lock()
		// A validator behind the first still wants what the first has applied.
		b.world.chains[c.ID].forget(c.Cursor - min(c.Cursor, 4*ahead))
		b.world.mu.Unlock()
		if c.ID == source && c.Active {
			cursor = c.Cursor
		}
	}
	if ready(states) {
		b.world.fill(cursor)
	}
	return cursor, payouts, nil
}

// ready says whether the tokens of all chains are registered: then their
// outboxes have nothing open but batches.
func ready(states []bridge.ChainState) bool {
	for _, c := range states {
		if !c.Active || c.Executed < 3 {
			return false
		}
	}
	return true
}

func (b *bench) signer(ctx context.Context, i int) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.wake[i]:
		}
		a := b.cluster.Nodes[i].App
		err := a.View(func(state bridge.Reader, height int64) error {
			seals, err := a.Machine().SealsToSign(state, height+1, b.signers[i], 16)
			if err != nil {
				return err
			}
			return b.mailboxes[i].sign(seals)
		})
		if err != nil {
			return err
		}
	}
}

func (b *bench) verdict() (violations []bridge.Violation, err error) {
	a := b.cluster.Nodes[0].App
	err = a.View(func(state bridge.Reader, _ int64) error {
		violations, err = a.Machine().CheckInvariants(state)
		return err
	})
	for _, v := range violations {
		text, _ := json.Marshal(v)
		fmt.Fprintln(os.Stderr, string(text))
	}
	return violations, err
}

// voteBytes sums the extensions in the blocks measured, as the first node
// stored them.
func (b *bench) voteBytes(r Report, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	blocks := b.cluster.Nodes[0].Comet.BlockStore()
	var sum int64
	for h := blocks.Height() - r.Blocks + 1; h <= blocks.Height(); h++ {
		block := blocks.LoadBlock(h)
		if block == nil || len(block.Txs) == 0 {
			return 0, fmt.Errorf("block %d is not stored", h)
		}
		n, err := extensionBytes(block.Txs[0])
		if err != nil {
			return 0, fmt.Errorf("block %d: %w", h, err)
		}
		sum += n
	}
	return sum, nil
}

// extensionBytes is the size of all extensions in a system transaction.
func extensionBytes(tx []byte) (int64, error) {
	message := &bridgepb.SystemTx{}
	if len(tx) < 2 {
		return 0, errors.New("no system transaction")
	}
	if err := proto.Unmarshal(tx[2:], message); err != nil { // the bytes behind the frame of docs/wire-format.md
		return 0, fmt.Errorf("decoding the system transaction: %w", err)
	}
	var sum int64
	for _, slot := range message.Slots {
		sum += int64(len(slot.Extension))
	}
	return sum, nil
}
