package evm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	ethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// TxSigner signs transactions with the relayer's key.
type TxSigner interface {
	Address() types.Address
	SignTx(tx *ethtypes.Transaction, chainID *big.Int) (*ethtypes.Transaction, error)
}

// SinkConfig says where and how to emit. Limits of zero take their default.
type SinkConfig struct {
	Client  *Client
	Key     TxSigner
	MinTip  uint64 // wei a gas offered at least, whatever the endpoint suggests
	MaxGas  uint64 // gas of one transaction; default 2^24, the cap of EIP-7825
	MaxCost uint64 // wei that one transaction may cost; default 1 ether, geth's own cap
}

// Defaults of a SinkConfig.
const (
	DefaultMaxGas  = 1 << 24
	DefaultMaxCost = 1_000_000_000_000_000_000
)

// sendGrace is how long Send waits for the other endpoints once one has taken
// the transaction.
const sendGrace = 250 * time.Millisecond

// Sink emits to a bridge contract on an EVM chain. Reading asks the client's
// endpoints in order; a transaction goes to all of them.
type Sink struct {
	cfg     SinkConfig
	chainID *big.Int
	bridge  *bindings.Bridge
}

var _ chain.Sink = (*Sink)(nil)

// NewSink makes a Sink. It does not connect.
func NewSink(cfg SinkConfig) (*Sink, error) {
	if cfg.Client == nil || cfg.Key == nil {
		return nil, errors.New("sink: client and key are needed")
	}
	if cfg.MaxGas == 0 || cfg.MaxGas > DefaultMaxGas {
		cfg.MaxGas = DefaultMaxGas
	}
	if cfg.MaxCost == 0 {
		cfg.MaxCost = DefaultMaxCost
	}
	return &Sink{
		cfg: cfg, chainID: new(big.Int).SetUint64(uint64(cfg.Client.ChainID())), bridge: bindings.NewBridge(),
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
	to, price := s.cfg.Client.Bridge(), new(big.Int).SetUint64(fees.Cap)
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
		"from": s.cfg.Key.Address(), "to": s.cfg.Client.Bridge(),
		"gas": hexutil.Uint64(tx.Gas), "input": hexutil.Bytes(tx.Data),
	}
	var refused error // an answer, so that no other endpoint is asked
	err := s.cfg.Client.Do(ctx, func(ctx context.Context, c Conn) error {
		var answer hexutil.Bytes
		err := c.RPC.CallContext(ctx, &answer, "eth_call", call, "latest")
		if isRevert(err) {
			refused, err = err, nil
		}
		return err
	})
	if err == nil {
		err = refused
	}
	return s.classify("simulate", err)
}

// Send implements chain.Sink. It succeeds if one endpoint takes the
// transaction; what the others answer only matters if none does.
func (s *Sink) Send(ctx context.Context, tx chain.Tx) error {
	taken, failed := make(chan struct{}, len(s.cfg.Client.endpoints)), make(chan []error, 1)
	go func() {
		failed <- s.cfg.Client.DoAll(ctx, func(ctx context.Context, c Conn) error {
			var hash types.Hash
			err := c.RPC.CallContext(ctx, &hash, "eth_sendRawTransaction", hexutil.Bytes(tx.Raw))
			if s.classify("send", err) != nil {
				return err
			}
			taken <- struct{}{} // one each, so it never waits
			return nil
		})
	}()
	select {
	case <-taken:
		select {
		case <-failed:
		case <-time.After(sendGrace): // a slow endpoint does not keep the next command waiting
		}
		return nil
	case errs := <-failed:
		return s.verdict(errs)
	}
}

// verdict is nil if one endpoint took the transaction, else the error that says
// most about the transaction.
func (s *Sink) verdict(errs []error) error {
	var first error
	for _, err := range errs {
		err = s.classify("send", err)
		if err == nil {
			return nil
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
	err := s.cfg.Client.Do(ctx, func(ctx context.Context, c Conn) error {
		return c.RPC.CallContext(ctx, &answer, "eth_getTransactionReceipt", hash)
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
		return nil, fmt.Errorf("chain %s: receipt of %s: %w", s.cfg.Client.Name(), hash, err)
	}
	return &chain.Receipt{
		Succeeded: receipt.Status == 1, Block: uint64(receipt.Block), GasUsed: uint64(receipt.GasUsed),
	}, nil
}
