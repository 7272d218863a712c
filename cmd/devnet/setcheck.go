package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// compare wants every contract, CometBFT and the state to have one validator set.
func (d *setDemo) compare(ctx context.Context) (answer string, err error) {
	var last error
	err = d.until(ctx, 60*time.Second, "one set everywhere", func(ctx context.Context) (bool, error) {
		answer, last = d.sameSet(ctx)
		return last == nil, last
	})
	return answer, err
}

func (d *setDemo) sameSet(ctx context.Context) (string, error) {
	var all []member
	if err := d.ask(ctx, "validators", queryArgs{}, &all); err != nil {
		return "", err
	}
	in := slices.DeleteFunc(all, func(m member) bool { return !m.InSet })
	if err := d.sameAsConsensus(ctx, in); err != nil {
		return "", err
	}
	members, names := make([]types.Member, len(in)), make([]string, len(in))
	for i, m := range in {
		members[i], names[i] = types.Member{Signer: m.Signer, Power: m.Power}, m.Moniker
	}
	set, err := types.NewValidatorSet(members)
	if err != nil {
		return "", fmt.Errorf("the state's set: %w", err)
	}
	for _, c := range d.chains {
		hash, err := c.setHash(ctx)
		if err != nil {
			return "", err
		}
		if hash != set.Hash() {
			return "", fmt.Errorf("%s obeys the set %s, the state has %s", c.name, hash, set.Hash())
		}
	}
	return fmt.Sprintf("%s: in both contracts, CometBFT and the state", strings.Join(names, ", ")), nil
}

// sameAsConsensus compares the state's members with CometBFT's validators.
func (d *setDemo) sameAsConsensus(ctx context.Context, in []member) error {
	client, err := d.node(0)
	if err != nil {
		return err
	}
	consensus, err := client.Validators(ctx, nil, nil, nil)
	if err != nil {
		return fmt.Errorf("validators of CometBFT: %w", err)
	}
	powers := map[string]int64{}
	for _, v := range consensus.Validators {
		powers[base64.StdEncoding.EncodeToString(v.PubKey.Bytes())] = v.VotingPower
	}
	for _, m := range in {
		if powers[m.ConsensusKey] != int64(m.Power) {
			return fmt.Errorf("%s has power %d in CometBFT, %d in the state", m.Moniker, powers[m.ConsensusKey], m.Power)
		}
	}
	if len(powers) != len(in) {
		return fmt.Errorf("CometBFT has %d validators, the state %d", len(powers), len(in))
	}
	return nil
}

// setHash is the validator set that a chain's contract obeys.
func (c *chain) setHash(ctx context.Context) (common.Hash, error) {
	contract := bindings.NewBridge()
	raw, err := c.client.CallContract(ctx, ethereum.CallMsg{To: &c.bridge, Data: contract.PackSetHash()}, nil)
	if err != nil {
		return common.Hash{}, fmt.Errorf("set of %s: %w", c.name, err)
	}
	return contract.UnpackSetHash(raw)
}
