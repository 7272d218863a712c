package bridgetest

import (
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Sign makes a transaction of a validator's operator out of its message: what tx
// leaves empty is filled in as the operator's next one.
func (n *Network) Sign(validator int, tx types.Tx) []byte {
	n.t.Helper()
	v := n.Validators[validator]
	if tx.ChainID == "" {
		tx.ChainID = ChainID
	}
	if tx.Operator == (types.Address{}) {
		tx.Operator = v.Operator
	}
	if tx.Sequence == 0 {
		v.sequence++
		tx.Sequence = v.sequence
	}
	if tx.Expiry == 0 {
		tx.Expiry = uint64(n.Height) + 100 //nolint:gosec // a test's height
	}
	digest, err := bridge.TxDigest(tx)
	if err != nil {
		n.t.Fatal(err)
	}
	signature, err := evmsig.Sign(v.OperatorPrivate, digest)
	if err != nil {
		n.t.Fatal(err)
	}
	b, err := bridge.EncodeTx(tx, signature)
	if err != nil {
		n.t.Fatal(err)
	}
	return b
}

// Operate makes a block with one transaction of each of some validators'
// operators, and fails the test unless all of them succeed.
func (n *Network) Operate(tx types.Tx, validators ...int) {
	n.t.Helper()
	n.Waiting = nil
	for _, v := range validators {
		n.Waiting = append(n.Waiting, n.Sign(v, tx))
	}
	n.Step()
	n.Waiting = nil
	if len(n.Results) != 1+len(validators) {
		n.t.Fatalf("height %d: %d of %d operator transactions in the block", n.Height, len(n.Results)-1, len(validators))
	}
	for _, r := range n.Results {
		if r.Code != 0 {
			n.t.Fatalf("height %d: %+v", n.Height, r)
		}
	}
}

// Pass has the first validator propose and the others agree: with equal powers
// the proposal passes. It returns the proposal's number.
func (n *Network) Pass(c types.Content) uint64 {
	n.t.Helper()
	n.Operate(types.Tx{Propose: &types.GovPropose{Content: c}}, 0)
	network, err := n.Machine.Network(n.State())
	if err != nil {
		n.t.Fatal(err)
	}
	var others []int
	for i := 1; i < len(n.Validators); i++ {
		others = append(others, i)
	}
	n.Operate(types.Tx{Vote: &types.GovVote{Proposal: network.Proposals, Yes: true}}, others...)
	return network.Proposals
}

// Connect deploys a model contract with the present validators and has the
// network add its chain.
func (n *Network) Connect(c types.Chain) {
	n.t.Helper()
	members, err := n.Machine.Validators(n.State())
	if err != nil {
		n.t.Fatal(err)
	}
	set, err := types.SignerSet(members)
	if err != nil {
		n.t.Fatal(err)
	}
	n.Chains[c.ID] = NewChain(evmsig.NetworkID(ChainID), c, set)
	n.Pass(types.Content{AddChain: &types.AddChain{Chain: c, CodeHash: types.Hash{1}, Block: 1, SetHash: set.Hash()}})
	n.Genesis.Chains = append(n.Genesis.Chains, c)
}
