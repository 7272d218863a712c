package evm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"sync/atomic"

	"github.com/ethereum/go-ethereum/common/hexutil"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Caller is the part of *rpc.Client that a Sink uses.
type Caller interface {
	CallContext(ctx context.Context, result any, method string, args ...any) error
	BatchCallContext(ctx context.Context, batch []rpc.BatchElem) error
}

// TxSigner signs transactions with the relayer's key.
type TxSigner interface {
	Address() types.Address
	SignTx(tx *ethtypes.Transaction, chainID *big.Int) (*ethtypes.Transaction, error)
}

// SinkConfig says where and how to emit. Limits of zero take their default.
type SinkConfig struct {
	Chain  types.ChainID
	Bridge types.Address
	Key    TxSigner
	// Endpoints are tried in order for reading; a transaction goes to all.
	Endpoints []Caller
	MinTip    uint64 // wei a gas offered at least, whatever the endpoint suggests
	MaxGas    uint64 // gas of one transaction; default 2^24, the cap of EIP-7825
	MaxCost   uint64 // wei that one transaction may cost; default 1 ether, geth's own cap
}

// Defaults of a SinkConfig.
const (
	DefaultMaxGas  = 1 << 24
	DefaultMaxCost = 1_000_000_000_000_000_000
)

// Sink emits to a bridge contract on an EVM chain.
type Sink struct {
	cfg     SinkConfig
	chainID *big.Int
	bridge  *bindings.Bridge
	checked []bool       // by endpoint: it serves the configured chain and contract
	first   atomic.Int64 // endpoint that answered last
}

var _ chain.Sink = (*Sink)(nil)

// NewSink makes a Sink. It does not connect: the first Position checks chain
// id and contract.
func NewSink(cfg SinkConfig) (*Sink, error) {
	switch {
	case cfg.Chain == 0 || cfg.Bridge == types.Address{}:
		return nil, errors.New("sink: chain id or contract is zero")
	case cfg.Key == nil:
		return nil, errors.New("sink: no key")
	case len(cfg.Endpoints) == 0:
		return nil, errors.New("sink: no endpoint")
	}
	if cfg.MaxGas == 0 || cfg.MaxGas > DefaultMaxGas {
		cfg.MaxGas = DefaultMaxGas
	}
	if cfg.MaxCost == 0 {
		cfg.MaxCost = DefaultMaxCost
	}
	return &Sink{
		cfg: cfg, chainID: new(big.Int).SetUint64(uint64(cfg.Chain)), bridge: bindings.NewBridge(),
		checked: make([]bool, len(cfg.Endpoints)),
	}, nil
}

// Make implements chain.Sink.
func (s *Sink) Make(e chain.Execution, p chain.OutboxPosition, accountNonce uint64, fees chain.Fees) (chain.Tx, error) {
	data, err := s.pack(e)
	if err != nil {
		return chain.Tx{}, err
	}
	gas, whole, err := gasLimit(e, data, p, fees, s.cfg.MaxGas, s.cfg.MaxCost)
	if err != nil {
		return chain.Tx{}, err
	}
	signed, err := s.cfg.Key.SignTx(ethtypes.NewTx(s.body(data, gas, accountNonce, fees)), s.chainID)
	if err != nil {
		return chain.Tx{}, err
	}
	raw, err := signed.MarshalBinary()
	if err != nil {
		return chain.Tx{}, fmt.Errorf("encode transaction: %w", err)
	}
	return chain.Tx{
		Hash: signed.Hash(), Raw: raw, Nonce: accountNonce, Data: data,
		Gas: gas, Fees: fees, Whole: whole,
	}, nil
}

func (s *Sink) body(data []byte, gas, nonce uint64, fees chain.Fees) ethtypes.TxData {
	to, price := s.cfg.Bridge, new(big.Int).SetUint64(fees.Cap)
	if fees.Legacy {
		return &ethtypes.LegacyTx{Nonce: nonce, GasPrice: price, Gas: gas, To: &to, Data: data}
	}
	return &ethtypes.DynamicFeeTx{
		ChainID: s.chainID, Nonce: nonce, Gas: gas, To: &to, Data: data,
		GasTipCap: new(big.Int).SetUint64(fees.Tip), GasFeeCap: price,
	}
}

// pack builds the calldata of execute.
func (s *Sink) pack(e chain.Execution) ([]byte, error) {
	proof := make([][32]byte, len(e.Proof))
	for i, h := range e.Proof {
		proof[i] = h
	}
	seal := bindings.IBridgeSeal{Epoch: e.Epoch, Height: e.Height, Root: e.Root}
	data, err := s.bridge.TryPackExecute(e.Command, e.From, proof, seal, e.Quorum)
	if err != nil {
		return nil, fmt.Errorf("command %d: encode: %w", e.Nonce, err)
	}
	return data, nil
}

// Simulate implements chain.Sink.
func (s *Sink) Simulate(ctx context.Context, tx chain.Tx) error {
	call := map[string]any{
		"from": s.cfg.Key.Address(), "to": s.cfg.Bridge,
		"gas": hexutil.Uint64(tx.Gas), "input": hexutil.Bytes(tx.Data),
	}
	err := s.read(ctx, func(_ int, c Caller) error {
		var answer hexutil.Bytes
		return c.CallContext(ctx, &answer, "eth_call", call, "latest")
	})
	if err != nil {
		return s.classify("simulate", err)
	}
	return nil
}

// Send implements chain.Sink. It succeeds if one endpoint takes the
// transaction; the answers of the others only matter if none does.
func (s *Sink) Send(ctx context.Context, tx chain.Tx) error {
	answers := make(chan error, len(s.cfg.Endpoints))
	for _, endpoint := range s.cfg.Endpoints {
		go func() {
			var hash types.Hash
			answers <- s.classify("send", endpoint.CallContext(ctx, &hash, "eth_sendRawTransaction", hexutil.Bytes(tx.Raw)))
		}()
	}
	var first error
	for range s.cfg.Endpoints {
		err := <-answers
		if err == nil {
			return nil // the channel is buffered: the rest ends by itself
		}
		if first == nil || isVerdict(err) && !isVerdict(first) {
			first = err
		}
	}
	return first
}

// Receipt implements chain.Sink.
func (s *Sink) Receipt(ctx context.Context, hash types.Hash) (*chain.Receipt, error) {
	var answer json.RawMessage
	err := s.read(ctx, func(_ int, c Caller) error {
		return c.CallContext(ctx, &answer, "eth_getTransactionReceipt", hash)
	})
	if err != nil {
		return nil, s.classify("receipt", err)
	}
	if len(answer) == 0 || string(answer) == "null" {
		return nil, nil
	}
	var receipt struct {
		Status  hexutil.Uint64 `json:"status"`
		Block   hexutil.Uint64 `json:"blockNumber"`
		GasUsed hexutil.Uint64 `json:"gasUsed"`
	}
	if err := json.Unmarshal(answer, &receipt); err != nil {
		return nil, fmt.Errorf("chain %s: receipt of %s: %w", s.cfg.Chain, hash, err)
	}
	return &chain.Receipt{
		Succeeded: receipt.Status == 1, Block: uint64(receipt.Block), GasUsed: uint64(receipt.GasUsed),
	}, nil
}

// read asks the endpoint that answered last, then the others. An answer with a
// JSON-RPC error, such as a revert, is an answer.
func (s *Sink) read(ctx context.Context, ask func(int, Caller) error) error {
	var errs []error
	start := s.first.Load()
	for i := range s.cfg.Endpoints {
		at := (int(start) + i) % len(s.cfg.Endpoints)
		err := ask(at, s.cfg.Endpoints[at])
		if err == nil || isRevert(err) {
			s.first.Store(int64(at))
			return err
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}
