package badproxy_test

import (
	"context"
	"encoding/json"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
	"go.uber.org/goleak"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/contracts"
	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/test/badproxy"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func TestMain(m *testing.M) {
	// go-ethereum's pools live as long as the process.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction(evmnode.LingeringGoroutine),
		goleak.IgnoreTopFunction("github.com/ethereum/go-ethereum/core.(*txSenderCacher).cache"))
}

const chainID = 33001

// chain is a go-ethereum node with a bridge that has taken deposits.
type chain struct {
	t       *testing.T
	node    *evmnode.Node
	eth     *ethclient.Client
	account evmnode.Account
	nonce   uint64
	bridge  common.Address
	last    common.Hash // of the newest transaction
}

// newChain makes a chain whose bridge has so many deposits, the first at the inbox
// nonce 5, and the last two of them in one block, which is final.
func newChain(t *testing.T, deposits int) *chain {
	t.Helper()
	accounts := evmnode.DevAccounts("badproxy", 1)
	node, err := evmnode.New(evmnode.Config{ChainID: chainID, Alloc: evmnode.Fund(accounts, evmnode.Ether(1000))})
	must(t, err)
	t.Cleanup(func() { must(t, node.Close()) })
	c := &chain{t: t, node: node, account: accounts[0]}
	c.eth, err = ethclient.Dial(node.HTTPURL())
	must(t, err)
	t.Cleanup(c.eth.Close)

	artifact, err := contracts.Load("Bridge")
	must(t, err)
	set, err := evmtest.NewValidators(4, 1)
	must(t, err)
	packer := bindings.NewBridge()
	c.bridge = crypto.CreateAddress(c.account.Address, 0)
	c.send(nil, append(artifact.Bytecode, packer.PackConstructor(evmtest.NetworkID, set.Set.Pack(), common.Address{})...), 0)
	must(t, node.Mine(t.Context(), 1))
	for i, order := range []types.Command{types.Activate{}, types.RegisterToken{
		Asset: types.AssetID{1}, Token: types.NativeToken, Mode: types.ModeLock, Decimals: 18,
		Limit: types.TokenLimit{Minimum: types.NewAmount(1)},
	}} {
		nonce, command := uint64(i+1), types.EncodeCommand(order)
		seal := bindings.IBridgeSeal{Epoch: 1, Height: nonce, Root: evmsig.CommandLeaf(chainID, c.bridge, nonce, command)}
		sigs, err := set.Sign(evmtest.Digest(seal))
		must(t, err)
		quorum, err := evmsig.PackQuorum(set.Set, sigs)
		must(t, err)
		c.send(&c.bridge, packer.PackExecute(command, 0, nil, seal, quorum), 0)
		must(t, node.Mine(t.Context(), 1))
	}
	for i := range deposits {
		c.deposit(i != deposits-2) // the last two in one block
	}
	must(t, node.Mine(t.Context(), evmnode.DefaultFinalityLag))
	return c
}

func (c *chain) deposit(mine bool) {
	c.t.Helper()
	data := bindings.NewBridge().PackDepositNative(2, common.Hash{31: 7}, common.Address{}, big.NewInt(1), []byte("data"))
	c.send(&c.bridge, data, 1000+int64(c.nonce))
	if mine {
		must(c.t, c.node.Mine(c.t.Context(), 1))
	}
}

func (c *chain) send(to *common.Address, data []byte, wei int64) {
	c.t.Helper()
	gas := uint64(500_000)
	if to == nil {
		gas = 12_000_000
	}
	tx, err := gethtypes.SignNewTx(c.account.Key, gethtypes.LatestSignerForChainID(big.NewInt(chainID)), &gethtypes.DynamicFeeTx{
		Nonce: c.nonce, To: to, Gas: gas, Data: data, Value: big.NewInt(wei), GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(50e9),
	})
	must(c.t, err)
	c.nonce++
	c.last = tx.Hash()
	must(c.t, c.eth.SendTransaction(c.t.Context(), tx))
}

// proxy stands before the chain.
func (c *chain) proxy(rules ...badproxy.Rule) *badproxy.Proxy {
	c.t.Helper()
	return badproxy.ForTest(c.t, badproxy.Config{Target: c.node.HTTPURL(), Seed: 7, Rules: rules})
}

// dial connects to a server for the time of the test.
func dial(t *testing.T, url string) *rpc.Client {
	t.Helper()
	client, err := rpc.Dial(url)
	must(t, err)
	t.Cleanup(client.Close)
	return client
}

// questions are requests of all kinds that readers make.
func (c *chain) questions() (all []rpc.BatchElem) {
	final := c.node.Finalized()
	number := "0x" + final.Number.Text(16)
	transfer := map[string]any{"from": c.account.Address, "to": c.account.Address, "input": "0x1234"}
	for _, q := range []rpc.BatchElem{
		{Method: "eth_chainId"},
		{Method: "eth_blockNumber"},
		{Method: "eth_getBlockByNumber", Args: []any{"finalized", false}},
		{Method: "eth_getBlockByNumber", Args: []any{number, false}},
		{Method: "eth_getBlockByHash", Args: []any{final.Hash(), false}},
		{Method: "eth_getLogs", Args: []any{map[string]any{"fromBlock": "0x0", "toBlock": number, "address": c.bridge}}},
		{Method: "eth_getProof", Args: []any{c.bridge, []common.Hash{{}, {31: 1}}, number}},
		{Method: "eth_getTransactionReceipt", Args: []any{c.last}},
		{Method: "eth_getBlockReceipts", Args: []any{number}},
		{Method: "eth_sendRawTransaction", Args: []any{"0x00"}},
		{Method: "eth_getTransactionCount", Args: []any{c.account.Address, "pending"}},
		{Method: "eth_gasPrice"},
		{Method: "eth_estimateGas", Args: []any{transfer, "latest"}},
		{Method: "eth_call", Args: []any{map[string]any{"to": c.bridge, "input": hexutil.Bytes(bindings.NewBridge().PackEpoch())}, "latest"}},
		{Method: "eth_getStorageAt", Args: []any{c.bridge, "0x0", number}},
		{Method: "eth_getStorageAt", Args: []any{c.bridge, "0x1", number}},
	} {
		q.Result = new(json.RawMessage)
		all = append(all, q)
	}
	return all
}

// ask asks all questions one by one, and gives what was answered, errors too.
func (c *chain) ask(client *rpc.Client, questions []rpc.BatchElem) (answers []string) {
	for _, q := range questions {
		var raw json.RawMessage
		err := client.CallContext(c.t.Context(), &raw, q.Method, q.Args...)
		answers = append(answers, said(raw, err))
	}
	return answers
}

func said(raw json.RawMessage, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	return string(raw)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// short ends soon.
func short(t *testing.T, f func(context.Context)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), silence)
	defer cancel()
	f(ctx)
}
