package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
)

// keyEnv hands an account's key to one command of bridged.
func keyEnv(a evmnode.Account) string { return "BRIDGED_KEY=" + common.Bytes2Hex(keyBytes(a)) }

// deployBridges deploys the bridge contract on both chains. Its first validator
// set is that of the genesis.
func (n *network) deployBridges(ctx context.Context) error {
	for _, c := range n.chains {
		raw, err := n.bridged.runWith(ctx, []string{keyEnv(n.people.deployer)},
			"contracts", "deploy", "--home", n.homes[0].Home, "--rpc", c.node.HTTPURL(), "--output", "json")
		if err != nil {
			return err
		}
		if c.bridge, err = parseDeployed(raw); err != nil {
			return fmt.Errorf("contracts deploy on %s: %w", c.name, err)
		}
	}
	return nil
}

// verifyBridges compares the contracts with the genesis, as every validator
// does before it starts.
func (n *network) verifyBridges(ctx context.Context) error {
	for _, c := range n.chains {
		if _, err := n.bridged.run(ctx, "contracts", "verify", c.name, "--home", n.homes[0].Home, "--rpc", c.node.HTTPURL()); err != nil {
			return err
		}
	}
	return nil
}

// parseDeployed finds the contract's address in what `contracts deploy` prints.
func parseDeployed(raw []byte) (common.Address, error) {
	var result struct {
		Bridge common.Address `json:"bridge"`
	}
	if err := json.Unmarshal(raw, &result); err != nil {
		return common.Address{}, fmt.Errorf("decode the result: %w", err)
	}
	if result.Bridge == (common.Address{}) {
		return common.Address{}, errors.New("the result has no address")
	}
	return result.Bridge, nil
}
