package modelchain_test

import (
	"context"
	"errors"
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/ethereum/go-ethereum/trie"
	"go.uber.org/goleak"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/internal/chain/evm"
	"github.com/icrosschain/bridged/test/modelchain"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	bridgetypes "github.com/icrosschain/bridged/x/bridge/types"
)

func TestMain(m *testing.M) {
	// go-ethereum's pool that recovers senders lives as long as the process.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/ethereum/go-ethereum/core.(*txSenderCacher).cache"))
}

const (
	id  = bridgetypes.ChainID(31001)
	lag = 2
)

var bridge = bridgetypes.Address{0xb0}

// world is a model chain and a client of the real kind.
type world struct {
	*modelchain.Chain
	t          *testing.T
	validators evmtest.Validators
}

func newWorld(t *testing.T) *world {
	t.Helper()
	validators, err := evmtest.NewValidators(4, 1)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, validators: validators}
	w.Chain, err = modelchain.New(modelchain.Config{
		Chain: bridgetypes.Chain{ID: id, Label: "model", Bridge: bridge}, NetworkID: evmtest.NetworkID,
		Set: validators.Set, FinalityLag: lag, Endpoints: 3,
	})
	w.must(err)
	t.Cleanup(func() { w.must(w.Close()) })
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) mine(blocks int) {
	w.t.Helper()
	for range blocks {
		w.must(w.Mine())
	}
}

// deposits makes a block of so many deposits.
func (w *world) deposits(count uint64) {
	w.t.Helper()
	for i := range count {
		w.Deposit(bridgetypes.Deposited{
			Token: bridgetypes.Address{0xa1}, Sender: bridgetypes.Address{1}, Destination: 2, Recipient: bridgetypes.Hash{31: 7},
			RefundTo: bridgetypes.Address{1}, Amount: bridgetypes.NewAmount(1000 + i), Data: []byte("abc"),
		})
	}
	w.mine(1)
}

func (w *world) client() *evm.Client {
	w.t.Helper()
	cfg := evm.Config{Name: "model", ChainID: id, Bridge: bridge, MinAgree: 2, RequestTimeout: 300 * time.Millisecond}
	for i, e := range w.Endpoints() {
		cfg.Endpoints = append(cfg.Endpoints, evm.Endpoint{URL: e.URL(), Group: string(rune('a' + i))})
	}
	c, err := evm.Dial(w.t.Context(), cfg)
	w.must(err)
	w.t.Cleanup(c.Close)
	return c
}

// read is one observer's round from the very beginning.
func read(ctx context.Context, s *evm.Source) (chain.Position, chain.Batch, error) {
	position, err := s.Finalized(ctx)
	if err != nil {
		return chain.Position{}, chain.Batch{}, err
	}
	seed := bridgetypes.Mark{Hash: evmsig.InboxSeed(evmtest.NetworkID, id, bridge)}
	batch, err := s.Read(ctx, seed, position.Inbox, chain.ReadOptions{MarkStride: 128, MaxEvents: 1000})
	return position, batch, err
}

// A real source proves all of what the model says, as it says it.
func TestARealSourceReadsIt(t *testing.T) {
	w := newWorld(t)
	w.deposits(3)
	w.deposits(0)
	w.deposits(5)
	w.mine(lag)
	w.deposits(1) // not final yet
	position, batch, err := read(t.Context(), evm.NewSource(w.client(), nil))
	w.must(err)
	if block, nonce := w.Finalized(); position.Block != block || position.Inbox.Nonce != nonce || nonce != 9 {
		t.Errorf("%s, the model says block %d, nonce %d", position, block, nonce)
	}
	w.must(w.Do(func(c *bridgetest.Chain) error {
		for i, e := range batch.Events {
			if !reflect.DeepEqual(e, c.Inbox()[i].InboxEvent) {
				t.Errorf("event %d is %+v, the model has %+v", i+1, e, c.Inbox()[i].InboxEvent)
			}
		}
		return nil
	}))
	if len(batch.Events) != 9 {
		t.Errorf("%d events", len(batch.Events))
	}
}

// One endpoint of any mode does not keep the truth back, and neither do as many
// as leave enough honest answers; with more there is no vote, and never a wrong
// one.
func TestModes(t *testing.T) {
	for name, c := range map[string]struct {
		mode   modelchain.Mode
		enough int         // so many of three are too many
		check  chain.Check // and that is what is noticed
	}{
		"hanging":        {modelchain.Hanging, 2, chain.CheckAgreement},
		"forges headers": {modelchain.ForgesHeaders, 2, chain.CheckAgreement},
		"alters logs":    {modelchain.AltersLogs, 3, chain.CheckAccumulator},
		"hides logs":     {modelchain.HidesLogs, 3, chain.CheckHidden},
		"bad proofs":     {modelchain.BadProofs, 3, chain.CheckProof},
	} {
		t.Run(name, func(t *testing.T) {
			for bad := 1; bad <= c.enough; bad++ {
				w := newWorld(t)
				w.deposits(4)
				w.mine(lag)
				for _, e := range w.Endpoints()[:bad] {
					e.SetMode(c.mode)
				}
				position, batch, err := read(t.Context(), evm.NewSource(w.client(), nil))
				switch {
				case bad == c.enough && (err == nil || chain.CheckOf(err) != c.check):
					t.Errorf("%d of three: %v, want %s", bad, err, c.check)
				case bad < c.enough && (err != nil || len(batch.Events) != 5 || position.Inbox.Hash != w.Contract().InboxHash):
					t.Errorf("%d of three: %s, %d events, %v", bad, position, len(batch.Events), err)
				}
			}
		})
	}
}

// What a relayer sends is executed, and comes back as an event; the contract's
// refusals are those of the real one.
func TestExecutes(t *testing.T) {
	w := newWorld(t)
	client, err := ethclient.Dial(w.Endpoints()[0].URL())
	w.must(err)
	defer client.Close()
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte("relayer")))
	w.must(err)
	send := func(data []byte) error {
		from, to := crypto.PubkeyToAddress(key.PublicKey), bridge
		nonce, err := client.PendingNonceAt(t.Context(), from)
		w.must(err)
		if _, err := client.CallContract(t.Context(), ethereum.CallMsg{From: from, To: &to, Data: data}, nil); err != nil {
			return err
		}
		tx, err := types.SignNewTx(key, types.LatestSignerForChainID(big.NewInt(int64(id))), &types.DynamicFeeTx{
			ChainID: big.NewInt(int64(id)), Nonce: nonce, To: &to, Gas: 1_000_000, Data: data, GasTipCap: big.NewInt(1), GasFeeCap: big.NewInt(2e9),
		})
		w.must(err)
		w.must(client.SendTransaction(t.Context(), tx))
		w.mine(1)
		receipt, err := client.TransactionReceipt(t.Context(), tx.Hash())
		if err == nil && receipt.Status != types.ReceiptStatusSuccessful {
			err = errors.New("the transaction failed")
		}
		return err
	}
	activate := w.activate()
	w.must(send(activate))
	if got := w.Contract(); got.OutboxNonce != 1 || !got.Deposits {
		t.Errorf("the contract stands at %+v", got)
	}
	err = send(activate) // once more
	if data, ok := errors.AsType[rpc.DataError](err); !ok || data.ErrorData() != hexutil.Encode(crypto.Keccak256([]byte("BadProof()"))[:4]) {
		t.Errorf("an old command: %v", err)
	}
	w.mine(lag)
	_, batch, err := read(t.Context(), evm.NewSource(w.client(), nil))
	w.must(err)
	last := batch.Events[len(batch.Events)-1].Event
	want := bridgetypes.Executed{OutboxNonce: 1, Count: 1, Relayer: crypto.PubkeyToAddress(key.PublicKey)}
	if !reflect.DeepEqual(last, want) {
		t.Errorf("the last event is %+v, want %+v", last, want)
	}
}

// activate is the calldata of the first command.
func (w *world) activate() []byte {
	w.t.Helper()
	command := bridgetypes.EncodeCommand(bridgetypes.Activate{})
	seal := bindings.IBridgeSeal{Epoch: 1, Height: 7, Root: evmsig.CommandLeaf(id, bridge, 1, command)}
	signatures, err := w.validators.Sign(evmtest.Digest(seal))
	w.must(err)
	quorum, err := evmsig.PackQuorum(w.validators.Set, signatures)
	w.must(err)
	return bindings.NewBridge().PackExecute(command, 0, nil, seal, quorum)
}

// Headers commit to the receipts, and requests are counted.
func TestReceiptsAndCounts(t *testing.T) {
	w := newWorld(t)
	w.deposits(3)
	e := w.Endpoints()[0]
	client, err := ethclient.Dial(e.WebSocketURL())
	w.must(err)
	defer client.Close()
	header, err := client.HeaderByNumber(t.Context(), nil)
	w.must(err)
	receipts, err := client.BlockReceipts(t.Context(), rpc.BlockNumberOrHashWithHash(header.Hash(), false))
	w.must(err)
	if root := types.DeriveSha(types.Receipts(receipts), trie.NewStackTrie(nil)); root != header.ReceiptHash || len(receipts) != 3 {
		t.Errorf("%d receipts under %s, the header says %s", len(receipts), root, header.ReceiptHash)
	}
	want := map[string]uint64{"eth_getBlockByNumber": 1, "eth_getBlockReceipts": 1}
	if got := e.Requests(); !reflect.DeepEqual(got, want) || e.Posts() != 0 {
		t.Errorf("requests %v and %d posts, want %v by WebSocket", got, e.Posts(), want)
	}
}
