package evm

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Probe takes the steps of a Source one by one at a single endpoint, so that the
// doctor can say which one fails there. Its errors carry the chain.Check.
type Probe struct {
	client   *Client
	endpoint *endpoint
}

// Probes are one for each endpoint of the client, in the configuration's order.
func (c *Client) Probes() []Probe {
	probes := make([]Probe, len(c.endpoints))
	for i, e := range c.endpoints {
		probes[i] = Probe{c, e}
	}
	return probes
}

// Endpoint names the server without its secrets.
func (p Probe) Endpoint() string { return p.endpoint.name }

// Head is a block header as one endpoint told it, its hash recomputed.
type Head struct {
	Number uint64
	Time   uint64 // seconds since 1970, by the chain's clock
	header header
}

// Chain says whether the server is on the configured chain, by its id and its
// block 0, as far as the endpoints asked before allow to tell.
func (p Probe) Chain(ctx context.Context) error {
	return p.endpoint.do(ctx, func(context.Context, Conn) error { return nil })
}

// Genesis says whether the server serves block 0, once it was asked anything.
func (p Probe) Genesis() bool { return !p.endpoint.snapshot().NoGenesis }

// Latest asks for the newest block.
func (p Probe) Latest(ctx context.Context) (h Head, err error) {
	return p.head(ctx, func(ctx context.Context, conn Conn) (told, error) {
		return fetchHeader(ctx, conn, "latest", p.client.cfg.ForeignHeaders)
	})
}

// Finalized asks for the newest block that the configuration calls final.
func (p Probe) Finalized(ctx context.Context) (Head, error) {
	return p.head(ctx, func(ctx context.Context, conn Conn) (told, error) {
		return fetchFinalized(ctx, conn, p.client.cfg.Finality, p.client.cfg.ForeignHeaders)
	})
}

func (p Probe) head(ctx context.Context, fetch func(context.Context, Conn) (told, error)) (h Head, err error) {
	err = p.endpoint.do(ctx, func(ctx context.Context, conn Conn) error {
		t, err := fetch(ctx, conn)
		h = Head{Number: t.header.Number, Time: t.header.Time, header: t.header}
		return err
	})
	return h, err
}

// Inbox verifies the contract's inbox under a header as the configuration wants
// it. By receipts it is what the header's own block shows: nonce 0 if that has no
// event.
func (p Probe) Inbox(ctx context.Context, at Head) (mark types.Mark, err error) {
	bridge := p.client.cfg.Bridge
	err = p.endpoint.do(ctx, func(ctx context.Context, conn Conn) (err error) {
		switch p.client.cfg.Verification {
		case ByReceipts:
			mark, _, err = proveBlock(ctx, conn, bridge, at.header)
		case ByAgreement:
			mark, _, err = readInbox(ctx, conn, bridge, at.Number)
		default:
			mark, _, err = proveInbox(ctx, conn, bridge, at.header)
		}
		return err
	})
	return mark, err
}

// Logs counts the contract's events of a block.
func (p Probe) Logs(ctx context.Context, block uint64) (events int, err error) {
	err = p.endpoint.do(ctx, func(ctx context.Context, conn Conn) error {
		at := new(big.Int).SetUint64(block)
		logs, err := conn.Eth.FilterLogs(ctx, ethereum.FilterQuery{
			FromBlock: at, ToBlock: at, Addresses: []common.Address{p.client.cfg.Bridge}, Topics: [][]common.Hash{topics},
		})
		events = len(logs)
		return err
	})
	return events, err
}

// Contract reads the contract at the bridge's address. The set may be any valid
// one.
func (p Probe) Contract(ctx context.Context, set types.ValidatorSet) (c Contract, err error) {
	err = p.endpoint.do(ctx, func(ctx context.Context, conn Conn) (err error) {
		c, err = readContract(ctx, conn, p.client.cfg.Bridge, set)
		return err
	})
	return c, err
}

// Contract is what a bridge contract says of itself at the newest block.
type Contract struct {
	Code      types.Hash // of nothing where there is no contract
	WantCode  types.Hash // what its constructor leaves
	NetworkID types.Hash
	Epoch     uint64
	SetHash   types.Hash
}

// Exists says that there is code.
func (c Contract) Exists() bool { return c.Code != crypto.Keccak256Hash(nil) }

// CreationCode is what a deployment of the bridge runs.
func CreationCode(networkID types.Hash, set types.ValidatorSet, staking types.Address) []byte {
	code := common.FromHex(bindings.BridgeMetaData.Bin)
	return append(code, bindings.NewBridge().PackConstructor(networkID, set.Pack(), staking)...)
}

// readContract compares the code with what the constructor itself leaves: that
// depends on the network and the staking contract, and on no set.
func readContract(ctx context.Context, conn Conn, at types.Address, set types.ValidatorSet) (c Contract, err error) {
	code, err := conn.Eth.CodeAt(ctx, at, nil)
	if err != nil {
		return c, fmt.Errorf("read the code: %w", err)
	}
	c.Code = crypto.Keccak256Hash(code)
	if !c.Exists() {
		return c, nil
	}
	b := bindings.NewBridge()
	view := func(data []byte) []byte {
		if err != nil {
			return nil
		}
		var answer []byte
		answer, err = conn.Eth.CallContract(ctx, ethereum.CallMsg{To: &at, Data: data}, nil)
		return answer
	}
	network, epoch, setHash, staking := view(b.PackNetworkId()), view(b.PackEpoch()), view(b.PackSetHash()), view(b.PackStaking())
	if err != nil {
		if isRevert(err) { // another contract
			return c, nil
		}
		return c, fmt.Errorf("call the contract: %w", err)
	}
	of, errStaking := b.UnpackStaking(staking)
	id, errID := b.UnpackNetworkId(network)
	inForce, errEpoch := b.UnpackEpoch(epoch)
	hash, errSet := b.UnpackSetHash(setHash)
	if errors.Join(errStaking, errID, errEpoch, errSet) != nil {
		return c, nil // as above
	}
	c.NetworkID, c.Epoch, c.SetHash = id, inForce, hash
	var built hexutil.Bytes
	call := map[string]any{"input": hexutil.Bytes(CreationCode(c.NetworkID, set, of))}
	if err := conn.RPC.CallContext(ctx, &built, "eth_call", call, "latest"); err != nil {
		return c, fmt.Errorf("compute the expected code: %w", err)
	}
	c.WantCode = crypto.Keccak256Hash(built)
	return c, nil
}

// Funds are what a relayer's account holds, and what gas costs.
type Funds struct {
	Balance *big.Int // wei
	Gas     uint64   // wei that a unit of gas may cost, as the relayer offers it
	Price   uint64   // wei that it costs now
}

// Funds reads an account at the newest block.
func (p Probe) Funds(ctx context.Context, account types.Address) (f Funds, err error) {
	err = p.endpoint.do(ctx, func(ctx context.Context, conn Conn) error {
		if f.Balance, err = conn.Eth.BalanceAt(ctx, account, nil); err != nil {
			return fmt.Errorf("read the balance: %w", err)
		}
		latest, err := conn.Eth.HeaderByNumber(ctx, nil)
		if err != nil {
			return fmt.Errorf("read the newest header: %w", err)
		}
		price, err := conn.Eth.SuggestGasPrice(ctx)
		if err != nil {
			return fmt.Errorf("read the gas price: %w", err)
		}
		f.Gas, f.Price = market(latest.BaseFee, nil, price, 0).Cap, saturate(price)
		return nil
	})
	return f, err
}
