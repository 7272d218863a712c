package bridgetest

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/quorum"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// The model of contracts/src/Outbox.sol and Quorum.sol: the network's commands,
// in strict order.

// Order is the arguments of execute(). Of the seal, Epoch, Height and Root
// count.
type Order struct {
	Command []byte
	From    uint32
	Proof   []types.Hash
	Seal    bridge.SealState
	Quorum  []byte // as evmsig.PackQuorum makes it
}

// Execute is what a relayer does with a command that is next: one slice of at
// most items, where a real relayer would say how much gas.
func (c *Chain) Execute(o bridge.OutboxCommand, relayer types.Address, items uint32) error {
	packed, err := evmsig.PackQuorum(o.Set, o.Signatures)
	if err != nil {
		return fmt.Errorf("model chain %s: command %d: %w", c.Label, o.Nonce, err)
	}
	order := Order{Command: o.Bytes, From: c.next, Proof: o.Proof, Seal: o.Seal, Quorum: packed}
	if err := c.Run(order, relayer, items); err != nil {
		return fmt.Errorf("command %d: %w", o.Nonce, err)
	}
	return nil
}

// Run is the contract's execute(): it reverts for order, proof and quorum, and
// for a batch of which the gas reaches no item; whatever else is wrong with a
// command, it is consumed, and its receipt says so.
func (c *Chain) Run(o Order, relayer types.Address, items uint32) error {
	nonce := c.executed + 1
	if name := c.refuses(o, nonce); name != "" {
		return c.reverts("execute", name)
	}
	if c.epoch == 0 { // the first seal tells it
		c.epoch = o.Seal.Epoch
	}
	receipt := types.Executed{OutboxNonce: nonce, First: o.From, Count: 1, Relayer: relayer}
	finished := true
	if groups, all := readBatch(o.Command); all > 0 {
		if items == 0 {
			return c.reverts("execute", "TooLittleGas")
		}
		receipt.Count = min(items, all-o.From)
		receipt.Failures = c.batch(groups, receipt)
		finished = o.From+receipt.Count == all
	} else if !c.control(o.Command) {
		receipt.Failures = []byte{1}
	}
	c.sealHeight = o.Seal.Height
	c.next = o.From + receipt.Count
	if finished {
		c.executed, c.next = nonce, 0
	}
	c.log(receipt)
	return nil
}

// refuses names why an order is not executed, in the contract's sequence.
func (c *Chain) refuses(o Order, nonce uint64) Revert {
	switch {
	case o.From != c.next:
		return "BadIndex"
	case o.Seal.Height < c.sealHeight:
		return "BadHeight"
	case !evmsig.VerifyPath(o.Seal.Root, evmsig.CommandLeaf(c.ID, c.Bridge, nonce, o.Command), o.Proof):
		return "BadProof"
	case o.Seal.Epoch == 0, c.epoch != 0 && o.Seal.Epoch != c.epoch:
		return "BadEpoch"
	}
	return c.badQuorum(o.Quorum, evmsig.SealDigest(c.networkID, o.Seal.Epoch, o.Seal.Height, o.Seal.Root))
}

// badQuorum names what is wrong with a packed quorum. Signatures are counted in
// the order of the set and no further than to the quorum, and each that is read
// must be valid.
func (c *Chain) badQuorum(packed []byte, digest types.Hash) Revert {
	if len(packed) < 2 {
		return "BadQuorum"
	}
	const entry = 24 // address and power
	n := int(binary.BigEndian.Uint16(packed))
	mapAt := 2 + entry*n
	if n > types.MaxValidators || len(packed) < mapAt {
		return "BadQuorum"
	}
	if crypto.Keccak256Hash(packed[2:mapAt]) != c.set.Hash() {
		return "BadSet"
	}
	signatures := mapAt + (n+7)/8
	if len(packed) < signatures {
		return "BadQuorum"
	}
	signers := packed[mapAt:signatures]
	count := 0
	for _, b := range signers {
		count += bits.OnesCount8(b)
	}
	if n%8 != 0 && signers[len(signers)-1]>>(n%8) != 0 || len(packed) != signatures+count*types.SignatureBytes {
		return "BadQuorum"
	}
	rest, power := packed[signatures:], uint64(0)
	for i, member := range c.set {
		if signers[i/8]>>(i%8)&1 == 0 {
			continue
		}
		signer, err := evmsig.Recover(digest, [types.SignatureBytes]byte(rest))
		if err != nil || signer != member.Signer {
			return "BadSignature"
		}
		rest = rest[types.SignatureBytes:]
		if power += uint64(member.Power); quorum.Reached(power, c.set.TotalPower()) {
			return ""
		}
	}
	return "TooLittlePower"
}

// control executes what is no batch; where it says false, nothing was changed.
func (c *Chain) control(b []byte) bool {
	command, err := types.DecodeCommand(b)
	if err != nil || c.FailCommands[command.Kind()] {
		return false
	}
	switch command := command.(type) {
	case types.Activate:
		if c.activated {
			return false
		}
		c.activated, c.deposits = true, true
		return true
	case types.SetValidators:
		if command.Epoch != c.epoch+1 {
			return false
		}
		c.set, c.epoch = command.Set, command.Epoch
		return true
	case types.RegisterToken:
		return c.registerToken(command)
	case types.SetParams:
		return c.setParams(command)
	case types.Slash:
		return c.slash(command)
	case types.ReleaseStake:
		return c.releaseStake(command)
	}
	return false
}

func (c *Chain) registerToken(r types.RegisterToken) bool {
	if _, known := c.tokenOf[r.Asset]; known || r.Asset == (types.AssetID{}) {
		return false
	}
	switch r.Mode {
	case types.ModeLock:
		if r.Name != "" || r.Symbol != "" || !c.lockable(r.Token) {
			return false
		}
	case types.ModeMint:
		if r.Name == "" || r.Symbol == "" || r.Token != (types.Address{}) {
			return false
		}
		r.Token = c.WrappedToken(r.Asset)
		if c.WrappedAt != nil {
			r.Token = c.WrappedAt(r)
		}
	default:
		return false
	}
	token := Token{Mode: r.Mode, Decimals: r.Decimals}
	token.setLimit(r.Limit, c.Time)
	c.tokens[r.Token], c.tokenOf[r.Asset] = token, r.Token
	c.log(types.TokenRegistered{Asset: r.Asset, Token: r.Token, Mode: r.Mode, Decimals: r.Decimals})
	return true
}

func (c *Chain) lockable(token types.Address) bool {
	if _, known := c.tokens[token]; known || token == c.Bridge || token == (types.Address{}) || c.Staking != nil && token == c.Staking.Address {
		return false
	}
	return token == types.NativeToken || c.Lockable == nil || c.Lockable(token)
}

func (c *Chain) setParams(p types.SetParams) bool {
	if p.ReleaseGas < types.MinReleaseGas || p.ReleaseGas > types.MaxReleaseGas || p.Deposits && !c.activated {
		return false
	}
	for _, change := range p.Tokens {
		if _, known := c.tokens[change.Token]; !known {
			return false
		}
	}
	for _, change := range p.Tokens {
		token := c.tokens[change.Token]
		token.setLimit(change.Limit, c.Time)
		c.tokens[change.Token] = token
	}
	c.releaseGas, c.deposits = p.ReleaseGas, p.Deposits
	return true
}
