package simnet

import (
	"encoding/binary"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// relay lets relayers work: each reads a node's state and the contract's
// position, and sends what is signed and missing.
func (r *run) relay() {
	d := r.dice
	for _, c := range r.world.chains {
		r.collude(c)
		n := pick(d.of("relayer"), r.running())
		if r.listener != nil && d.chance("early relayer", 500) {
			n = r.listener // it has heard the signatures of this height
		}
		if r.positions[c.ID].Outbox == c.executed() || c.retired {
			continue // nothing is ordered
		}
		if !n.up() || r.height == 0 || c.stalled > 0 || r.fails("idle", FaultIdle) || !r.ending && d.chance("pause", 300) {
			continue
		}
		n.view(func(state bridge.Reader) error {
			commands, err := n.app.Machine().OpenCommands(state, c.ID, 4)
			if err != nil {
				return err
			}
			for _, command := range commands {
				if command.Nonce == c.executed()+1 && !r.send(n, c, command) {
					break
				}
			}
			return nil
		})
		if d.chance("withdraw fees", 50) {
			r.withdraw(c, n)
		}
	}
}

// collude has all liars together sign a seal of their own, over a command that
// pays a thief. A contract takes nothing from 2/3 of the power or less.
func (r *run) collude(c *chain) {
	if c.retired || !r.fails("collude", FaultRelay) {
		return
	}
	r.rare("a seal forged by all liars")
	token := c.TokenOf(pick(r.dice.of("collude"), r.world.assets).ID)
	command := types.EncodeCommand(types.Batch{Entries: []types.BatchEntry{
		{Kind: types.EntryRelease, Token: token, Recipient: thief, Amount: types.NewAmount(1)},
	}})
	leaf := evmsig.CommandLeaf(c.ID, c.Bridge, c.executed()+1, command)
	epoch, set := r.obeyed(c)
	seal := bridge.SealState{Epoch: epoch, Height: uint64(r.height) + 1, Root: evmsig.MerkleRoot([]types.Hash{leaf})}
	digest := evmsig.SealDigest(evmsig.NetworkID(chainID), seal.Epoch, seal.Height, seal.Root)
	bitmap, signatures := make([]byte, (len(set)+7)/8), []byte{}
	for position, m := range set {
		for _, n := range r.nodes {
			if keys := n.keysOf(m.Signer); keys != nil && n.liar {
				bitmap[position/8] |= 1 << (position % 8)
				signature := r.memo.sign(keys, digest)
				signatures = append(signatures, signature[:]...)
			}
		}
	}
	packed := append(binary.BigEndian.AppendUint16(nil, uint16(len(set))), set.Pack()...)
	order := bridgetest.Order{Command: command, Seal: seal, Quorum: append(append(packed, bitmap...), signatures...)}
	if err := c.Run(order, thief, 1); err == nil {
		r.broken("I3", "chain %s pays what only liars have sealed", c.Label)
	}
}

// relayerOf is the address that a node's relayer is paid at.
func relayerOf(n *node) types.Address { return types.Address{0xee, byte(n.index)} }

// send executes a command, perhaps in slices; false if it is not complete yet.
func (r *run) send(n *node, c *chain, command bridge.OutboxCommand) bool {
	if command.Seal.Complete == 0 {
		r.addHeard(n, &command)
	}
	var power uint64
	for position := range command.Signatures {
		power += uint64(command.Set[position].Power)
	}
	if 3*power <= 2*command.Set.TotalPower() {
		r.tryWithout(n, c, command)
		return false
	}
	if r.fails("bad relay", FaultRelay) {
		r.badRelay(n, c, command)
	}
	for c.executed() < command.Nonce {
		items := command.Items
		if r.fails("slice", FaultRelay) {
			items = 1 + r.dice.of("slice").Uint32N(max(1, command.Items/2))
		}
		receipt, err := c.execute(command, relayerOf(n), items)
		if err != nil {
			r.broken("I7", "command %d of chain %s, with a quorum, is refused: %v", command.Nonce, c.Label, err)
		}
		if receipt.Count < command.Items {
			r.rare("a batch executed in slices")
		}
		c.note(r.world.assets)
		r.paid(c, command, receipt)
		r.obeys(c)
		if r.fails("stop between slices", FaultRelay) {
			return false
		}
	}
	if r.fails("double relay", FaultRelay) {
		if _, err := c.execute(command, relayerOf(n), command.Items); err == nil {
			r.broken("I2", "command %d of chain %s was executed twice", command.Nonce, c.Label)
		}
		r.rare("a double relay")
	}
	return true
}

// addHeard completes a command with the signatures that a node has from
// precommits, before the state holds them.
func (r *run) addHeard(n *node, command *bridge.OutboxCommand) {
	for _, signature := range n.box.Signatures(command.Seal.Height) {
		signer, err := r.memo.recoverSigner(command.Seal.Digest, signature)
		if err != nil {
			continue
		}
		if position := command.Set.Index(signer); position >= 0 {
			command.Signatures[position] = signature
		}
	}
}

// tryWithout sends a command whose signatures are no quorum.
func (r *run) tryWithout(n *node, c *chain, command bridge.OutboxCommand) {
	if !r.fails("early relay", FaultRelay) {
		return
	}
	r.rare("a relay without a quorum")
	if _, err := c.execute(command, relayerOf(n), command.Items); err == nil {
		r.broken("I3", "command %d of chain %s was executed without a quorum", command.Nonce, c.Label)
	}
}

// badRelay sends what a contract has to refuse.
func (r *run) badRelay(n *node, c *chain, command bridge.OutboxCommand) {
	rnd := r.dice.of("bad relay")
	bad := command
	r.rare("a forged relay")
	switch rnd.IntN(4) {
	case 0:
		bad.Bytes = append([]byte{}, bad.Bytes...)
		bad.Bytes[rnd.IntN(len(bad.Bytes))] ^= byte(1 + rnd.IntN(255))
	case 1:
		bad.Proof = append([]types.Hash{types.Hash(randomBytes(rnd, 32))}, bad.Proof...)
	case 2:
		bad.Seal.Root[rnd.IntN(32)] ^= 1
	case 3:
		bad.Seal.Height++
	}
	if _, err := c.execute(bad, relayerOf(n), bad.Items); err == nil {
		r.broken("I3", "chain %s executed a forged command %d", c.Label, command.Nonce)
	}
}

// withdraw fetches what a relayer has earned.
func (r *run) withdraw(c *chain, n *node) {
	for _, a := range r.world.assets {
		if _, err := c.WithdrawFees(relayerOf(n), c.TokenOf(a.ID), relayerOf(n)); err == nil {
			r.rare("a relayer withdraws its fees")
		}
	}
}
