package badproxy

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// proof is an answer of eth_getProof.
type proof struct {
	Address      common.Address  `json:"address"`
	AccountProof []hexutil.Bytes `json:"accountProof"`
	Balance      *hexutil.Big    `json:"balance"`
	CodeHash     common.Hash     `json:"codeHash"`
	Nonce        hexutil.Uint64  `json:"nonce"`
	StorageHash  common.Hash     `json:"storageHash"`
	StorageProof []slotProof     `json:"storageProof"`
}

type slotProof struct {
	Key   string          `json:"key"`
	Value *hexutil.Big    `json:"value"`
	Proof []hexutil.Bytes `json:"proof"`
}

var proofs = []Trouble{
	{Name: "proof missing", Methods: proofMethods, Tell: onProof(func(p *proof) { *p = proof{} })},
	{Name: "storage proof missing", Methods: proofMethods, Tell: onProof(func(p *proof) { p.StorageProof = nil })},
	{Name: "account proof altered", Methods: proofMethods, Tell: onProof(func(p *proof) { alterNode(p.AccountProof) })},
	{Name: "storage proof altered", Methods: proofMethods, Tell: onProof(func(p *proof) {
		for _, s := range p.StorageProof {
			alterNode(s.Proof)
		}
	})},
	{Name: "proofs swapped", Methods: proofMethods, Tell: onProof(func(p *proof) {
		if s := p.StorageProof; len(s) == 2 {
			s[0], s[1] = s[1], s[0]
		}
	})},
	{Name: "proof too long", Methods: proofMethods, Tell: onProof(func(p *proof) { p.AccountProof = make([]hexutil.Bytes, 1000) })},
	{Name: "proof node too large", Methods: proofMethods, Tell: onProof(func(p *proof) {
		if len(p.AccountProof) > 0 {
			p.AccountProof[0] = make([]byte, 1<<20)
		}
	})},
	{Name: "proof of another time", Methods: proofMethods, Ask: func(x *Exchange) bool {
		var number hexutil.Uint64
		return x.param(2, &number) && number > 2 && x.setParam(2, number-2)
	}},
	{Name: "proof of another account", Methods: proofMethods, Ask: func(x *Exchange) bool { return x.setParam(0, common.Address{1}) }},
}

func onProof(bend func(*proof)) func(*Exchange) bool {
	return On(func(_ *Exchange, p proof) proof {
		bend(&p)
		return p
	})
}

// alterNode changes the last node of a proof.
func alterNode(nodes []hexutil.Bytes) {
	if len(nodes) > 0 && len(nodes[len(nodes)-1]) > 0 {
		node := nodes[len(nodes)-1]
		node[min(40, len(node)-1)]++
	}
}
