package evmtest

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/holiman/uint256"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Inbox follows a bridge's inbox as an observer does, with evmsig's own hashes.
type Inbox struct {
	Nonce  uint64
	Hash   types.Hash
	Events []types.Event
}

// NewInbox starts before the first event.
func NewInbox(chain uint64, bridge common.Address) *Inbox {
	return &Inbox{Hash: evmsig.InboxSeed(NetworkID, types.ChainID(chain), bridge)}
}

// Clone returns a copy that goes its own way.
func (i *Inbox) Clone() *Inbox {
	clone := *i
	clone.Events = append([]types.Event(nil), i.Events...)
	return &clone
}

// Follow applies the bridge's logs of a transaction and refuses a gap in the
// nonces, a wrong accumulator, and an event that no bridge emits.
func (i *Inbox) Follow(logs []*ethtypes.Log) error {
	for _, log := range logs {
		hash, event, err := DecodeEvent(log)
		if err != nil {
			return err
		}
		nonce := log.Topics[1].Big().Uint64()
		if nonce != i.Nonce+1 {
			return fmt.Errorf("inbox event %d after %d", nonce, i.Nonce)
		}
		if err := event.Validate(); err != nil {
			return fmt.Errorf("inbox event %d: %w", nonce, err)
		}
		i.Nonce = nonce
		i.Hash = evmsig.Accumulate(i.Hash, evmsig.InboxLeaf(nonce, event))
		i.Events = append(i.Events, event)
		if hash != i.Hash {
			return fmt.Errorf("inbox event %d (%T): accumulator %s, want %s", nonce, event, hash, i.Hash)
		}
	}
	return nil
}

// DecodeEvent reads one log of a bridge.
func DecodeEvent(log *ethtypes.Log) (types.Hash, types.Event, error) {
	b := bindings.NewBridge()
	decoders := []func(*ethtypes.Log) (types.Hash, types.Event, error){
		decoder(b.UnpackInitializedEvent, func(e *bindings.BridgeInitialized) (types.Hash, types.Event) {
			return e.InboxHash, types.Initialized{SetHash: e.SetHash}
		}),
		decoder(b.UnpackDepositedEvent, func(e *bindings.BridgeDeposited) (types.Hash, types.Event) {
			return e.InboxHash, types.Deposited{
				Token: e.Token, Sender: e.Sender, Destination: types.ChainID(e.Destination), Recipient: e.Recipient,
				RefundTo: e.RefundTo, Amount: amount(e.Amount), MaxFee: amount(e.MaxFee), Data: e.Data,
			}
		}),
		decoder(b.UnpackExecutedEvent, func(e *bindings.BridgeExecuted) (types.Hash, types.Event) {
			return e.InboxHash, types.Executed{
				OutboxNonce: e.OutboxNonce, First: e.First, Count: e.Count, Relayer: e.Relayer, Failures: e.Failures,
			}
		}),
		decoder(b.UnpackClaimedEvent, func(e *bindings.BridgeClaimed) (types.Hash, types.Event) {
			return e.InboxHash, types.Claimed{
				OutboxNonce: e.OutboxNonce, Index: e.Index, Token: e.Token, Owner: e.Owner, Amount: amount(e.Amount), To: e.To,
			}
		}),
		decoder(b.UnpackTokenRegisteredEvent, func(e *bindings.BridgeTokenRegistered) (types.Hash, types.Event) {
			return e.InboxHash, types.TokenRegistered{
				Asset: e.Asset, Token: e.Token, Mode: types.TokenMode(e.Mode), Decimals: e.Decimals,
			}
		}),
		decoder(b.UnpackStakedEvent, func(e *bindings.BridgeStaked) (types.Hash, types.Event) {
			return e.InboxHash, types.Staked{Operator: e.Operator, Amount: amount(e.Amount), Data: e.Data}
		}),
		decoder(b.UnpackUnstakedEvent, func(e *bindings.BridgeUnstaked) (types.Hash, types.Event) {
			return e.InboxHash, types.Unstaked{Operator: e.Operator, Amount: amount(e.Amount)}
		}),
	}
	for _, decode := range decoders {
		if hash, event, err := decode(log); err == nil {
			return hash, event, nil
		}
	}
	return types.Hash{}, nil, fmt.Errorf("log %s is no inbox event", log.Topics[0])
}

func decoder[E any](
	unpack func(*ethtypes.Log) (*E, error), convert func(*E) (types.Hash, types.Event),
) func(*ethtypes.Log) (types.Hash, types.Event, error) {
	return func(log *ethtypes.Log) (types.Hash, types.Event, error) {
		e, err := unpack(log)
		if err != nil {
			return types.Hash{}, nil, err
		}
		hash, event := convert(e)
		return hash, event, nil
	}
}

// amount converts an ABI uint128, which is in range by its type.
func amount(v *big.Int) types.Amount {
	u, _ := uint256.FromBig(v)
	a, _ := types.AmountFromUint256(u)
	return a
}
