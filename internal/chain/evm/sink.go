package evm

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"sync"
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
	Private *Client // transactions go there and nowhere else; nil: to all endpoints of Client
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

// maxEstimate is how many times as much as reckoned an endpoint may say that a
// transaction needs, to be believed.
const maxEstimate = 4

// sendGrace is how long Send waits for the other endpoints once one has taken
// the transaction.
const sendGrace = 250 * time.Millisecond

// Sink emits to a bridge contract on an EVM chain. It asks all of the client's
// endpoints, and sends to all of them.
type Sink struct {
	cfg     SinkConfig
	chainID *big.Int
	bridge  *bindings.Bridge
	groups  int    // of the client's endpoints
	offers  offers // what the endpoints say of fees
	turn    uint64 // looks so far: whom to believe where two say different things
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
	groups := map[string]bool{}
	for _, e := range cfg.Client.endpoints {
		groups[e.group] = true
	}
	return &Sink{
		cfg: cfg, chainID: new(big.Int).SetUint64(uint64(cfg.Client.ChainID())), bridge: bindings.NewBridge(),
		groups: len(groups),
	}, nil
}

// Make implements chain.Sink.
func (s *Sink) Make(e chain.Execution, p chain.OutboxPosition, accountNonce uint64, fees chain.Fees) (chain.Tx, error) {
	data, err := s.pack(e)
	if err != nil {
		return chain.Tx{}, err
	}
	cost := s.cfg.MaxCost
	if limit := types.NewAmount(cost); !e.Spend.IsZero() && e.Spend.Cmp(limit) < 0 {
		cost = saturate(new(big.Int).SetBytes(e.Spend.Bytes()))
	}
	gas, whole, err := gasLimit(e, data, p, fees, s.cfg.MaxGas, cost)
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
		Gas: gas, Fees: fees, Whole: whole, Batch: e.Kind() == types.CommandBatch,
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

// Simulate implements chain.Sink. That the contract takes it is believed at once,
// for a lie costs a cheap revert. That it does not is believed if most of the
// endpoints say so: one that lies must not stop the chain's relaying.
func (s *Sink) Simulate(ctx context.Context, tx chain.Tx) (gas uint64, err error) {
	var refused error // an answer, so that no other endpoint is asked
	err = s.cfg.Client.Do(ctx, func(ctx context.Context, c Conn) (err error) {
		refused, err = s.call(ctx, c, tx)
		return err
	})
	if err == nil && refused != nil && s.groups > 1 {
		refused = s.most(ctx, tx, refused)
	}
	if err == nil {
		err = refused
	}
	if err = s.classify("simulate", err); err != nil || tx.Batch {
		return 0, err
	}
	return s.estimate(ctx, tx), nil
}

// estimate is what an endpoint thinks that a transaction needs, and half as much
// again. It can only raise the limit, so that nothing is lost where it is wrong,
// and not beyond reason.
func (s *Sink) estimate(ctx context.Context, tx chain.Tx) uint64 {
	var gas hexutil.Uint64
	err := s.cfg.Client.Do(ctx, func(ctx context.Context, c Conn) error {
		gas = 0
		if err := c.RPC.CallContext(ctx, &gas, "eth_estimateGas", s.message(tx)); err != nil && !isRevert(err) {
			return err
		}
		return nil
	})
	if need := uint64(gas) + uint64(gas)/2; err == nil && uint64(gas) <= maxEstimate*tx.Gas {
		return need
	}
	return 0
}

// message is the transaction as it is called, without a limit of gas.
func (s *Sink) message(tx chain.Tx) map[string]any {
	return map[string]any{"from": s.cfg.Key.Address(), "to": s.cfg.Client.Bridge(), "input": hexutil.Bytes(tx.Data)}
}

// call runs the transaction at one endpoint; refused is the contract's answer.
func (s *Sink) call(ctx context.Context, c Conn, tx chain.Tx) (refused, err error) {
	call := s.message(tx)
	call["gas"] = hexutil.Uint64(tx.Gas)
	var answer hexutil.Bytes
	err = c.RPC.CallContext(ctx, &answer, "eth_call", call, "latest")
	if isRevert(err) {
		return err, nil
	}
	return nil, err
}

// most asks all endpoints, and is nil unless more of them refuse than take it.
func (s *Sink) most(ctx context.Context, tx chain.Tx, refused error) error {
	var mu sync.Mutex
	against := 0
	s.cfg.Client.DoAll(ctx, func(ctx context.Context, c Conn) error {
		refused, err := s.call(ctx, c, tx)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case refused != nil:
			against++
		case err == nil:
			against--
		}
		return err
	})
	if against <= 0 {
		return nil
	}
	return refused
}

// Send implements chain.Sink. It succeeds if one endpoint takes the
// transaction; what the others answer only matters if none does.
func (s *Sink) Send(ctx context.Context, tx chain.Tx) error {
	to := s.cfg.Client
	if s.cfg.Private != nil {
		to = s.cfg.Private
	}
	taken, failed := make(chan struct{}, len(to.endpoints)), make(chan []error, 1)
	go func() {
		failed <- to.DoAll(ctx, func(ctx context.Context, c Conn) error {
			var hash types.Hash
			err := c.RPC.CallContext(ctx, &hash, "eth_sendRawTransaction", hexutil.Bytes(tx.Raw))
			if s.classify("send", err) != nil {
				return err
			}
			select {
			case taken <- struct{}{}:
			default: // one is enough
			}
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
