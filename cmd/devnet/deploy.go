package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/contracts/bindings"
)

func (n *network) deployBridges(ctx context.Context) error {
	homes := slices.Clone(n.homes)
	slices.SortFunc(homes, func(a, b home) int { return bytes.Compare(a.Signer[:], b.Signer[:]) })
	var set []byte
	for _, h := range homes {
		set = append(set, h.Signer[:]...)
		set = binary.BigEndian.AppendUint32(set, 10)
	}
	for _, c := range n.chains {
		w, err := n.wallet(ctx, c, n.people.deployer)
		if err != nil {
			return err
		}
		code := common.FromHex(bindings.BridgeMetaData.Bin)
		args := bindings.NewBridge().PackConstructor(crypto.Keccak256Hash([]byte(networkID)), set, common.Address{})
		receipt, err := w.do(ctx, call{data: append(code, args...)})
		if err != nil {
			return err
		}
		c.bridge = receipt.ContractAddress
	}
	return nil
}
