package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/test/cluster"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// TestSetChanges has a fifth validator join by a vote, and stops the whole network
// while nobody can sign that. Started again, the network goes on where it was, with
// a transfer that was under way. Then a validator leaves.
func TestSetChanges(t *testing.T) {
	t.Parallel()
	const unsigned = "BRIDGED_SIGNER_ENABLED=false"
	n := newNetwork(t, plan{
		users: 1, params: []string{"epoch_blocks=5"}, env: map[int][]string{3: {unsigned}},
	})
	n.equip(n.gold, 1_000_000, n.users[0])
	anna := n.join("anna")

	// Three of four still decide blocks, and only two of them sign seals.
	n.Kill(2)
	n.vote("admit", n.Homes[anna].Home+".json", 0, 1, 3)
	n.awaitNetwork("the handover to begin", func(s bridge.NetworkState) bool { return s.Handover != 0 && s.Epoch == 1 })
	ids, _ := n.deposit(deposit{from: n.alpha, asset: n.gold, sender: n.users[0], amount: 1000, recipient: word(stranger(1))})
	n.awaitSeal("the newcomer's set to wait for signatures", func(s bridge.SealView) bool { return s.Complete == 0 && len(s.Signers) == 2 })

	for i, p := range n.Running {
		if p != nil {
			n.Kill(i)
		}
	}
	n.Env[3] = nil
	for i := range n.Homes {
		n.Start(i)
	}
	n.awaitNetwork("the handover to complete", func(s bridge.NetworkState) bool { return s.Handover == 0 && s.Epoch == 2 })
	n.reach(time.Minute, types.StatusReleased, ids...)
	n.has(n.beta, n.gold.wrapped, stranger(1), 1000-n.gold.fee)
	n.oneSet("node0", "node1", "node2", "node3", "anna")

	ids, _ = n.deposit(deposit{from: n.alpha, asset: n.gold, sender: n.users[0], amount: 2000, recipient: word(stranger(2))})
	n.leave(3)
	n.awaitNetwork("the next epoch", func(s bridge.NetworkState) bool { return s.Epoch == 3 })
	n.reach(time.Minute, types.StatusReleased, ids...)
	n.has(n.beta, n.gold.wrapped, stranger(2), 2000-n.gold.fee)
	n.awaitSeal("a seal of the newcomer", func(s bridge.SealView) bool { return slices.Contains(s.Signers, n.validator("anna").Signer) })
	n.oneSet("node0", "node1", "node2", "anna")
	n.audit()
}

// TestAlmostAllAreReplaced replaces three of four validators, one after the other,
// while transfers go on. It runs with BRIDGED_LONG only.
func TestAlmostAllAreReplaced(t *testing.T) {
	if os.Getenv("BRIDGED_LONG") == "" {
		t.Skip("takes minutes")
	}
	t.Parallel()
	n := newNetwork(t, plan{users: 1, params: []string{"epoch_blocks=5"}, env: map[int][]string{}})
	n.equip(n.gold, 1_000_000, n.users[0])
	members, epoch := []int{0, 1, 2, 3}, uint64(1)
	names := map[int]string{0: "node0", 1: "node1", 2: "node2", 3: "node3"}
	for round, moniker := range []string{"anna", "bert", "carl"} {
		send := func(number int64) []string {
			ids, _ := n.deposit(deposit{from: n.alpha, asset: n.gold, sender: n.users[0], amount: 1000, recipient: word(stranger(number))})
			return ids
		}
		home := n.join(moniker)
		names[home] = moniker
		n.vote("admit", n.Homes[home].Home+".json", members[0], members[1], members[2])
		during := send(int64(10 * round))
		epoch++
		n.awaitNetwork("the epoch of "+moniker, func(s bridge.NetworkState) bool { return s.Epoch >= epoch })
		n.leave(members[1])
		during = append(during, send(int64(10*round+1))...)
		epoch++
		n.awaitNetwork("the epoch without "+names[members[1]], func(s bridge.NetworkState) bool { return s.Epoch >= epoch })
		members = append(slices.Delete(members, 1, 2), home)
		n.reach(time.Minute, types.StatusReleased, during...)
		n.has(n.beta, n.gold.wrapped, stranger(int64(10*round)), 1000-n.gold.fee)
		n.has(n.beta, n.gold.wrapped, stranger(int64(10*round+1)), 1000-n.gold.fee)
		var in []string
		for _, i := range members {
			in = append(in, names[i])
		}
		n.oneSet(in...)
	}
	n.oneSet("node0", "anna", "bert", "carl")
	n.audit()
}

// leave has an operator take its validator out of the next epoch.
func (n *network) leave(i int) {
	n.t.Helper()
	if _, err := n.RunWith(nil, "tx", "validator", "leave", "--home", n.Homes[i].Home, "--yes",
		"--passphrase-file", passphraseFile(n.Homes[i].Home)); err != nil {
		n.t.Fatal(err)
	}
}

func passphraseFile(home string) string { return filepath.Join(config.Home(home).Keys(), "passphrase") }

// join makes a newcomer's home, its registration beside it, and starts it. It
// returns the newcomer's place among the homes.
func (n *network) join(moniker string) int {
	n.t.Helper()
	home, port := filepath.Join(n.dir, moniker), ports.ForTest(n.t, 2).First
	env := []string{
		fmt.Sprintf("BRIDGED_COMET_P2P_LADDR=tcp://127.0.0.1:%d", port), fmt.Sprintf("BRIDGED_COMET_RPC_LADDR=tcp://127.0.0.1:%d", port+1),
		"BRIDGED_COMET_P2P_ADDR_BOOK_STRICT=false", "BRIDGED_COMET_P2P_ALLOW_DUPLICATE_IP=true", "BRIDGED_COMET_STATESYNC_ENABLE=false",
		"BRIDGED_SIGNER_PASSPHRASE=a long passphrase", "BRIDGED_OPERATOR_PASSPHRASE=a long passphrase",
	}
	args := []string{"join", moniker, "--home", home, "--rpc", n.Homes[0].RPC + "," + n.Homes[1].RPC}
	for _, c := range n.chains() {
		args = append(args, "--chain", fmt.Sprintf("%s=one=%s,two=%s", c.name, c.node.HTTPURL(), c.node.HTTPURL()+"/"))
		env = append(env, "BRIDGED_CHAINS_"+strings.ToUpper(c.name)+"_POLL_INTERVAL=100ms")
	}
	for _, command := range [][]string{args, {"tx", "validator", "register", "--home", home, "--add-keys", "--out", home + ".json"}} {
		if _, err := n.RunWith(env, command...); err != nil {
			n.t.Fatal(err)
		}
	}
	if err := os.WriteFile(passphraseFile(home), []byte("a long passphrase"), 0o600); err != nil {
		n.t.Fatal(err)
	}
	place := len(n.Homes)
	n.Homes = append(n.Homes, newHome(home, port+1))
	n.Running = append(n.Running, nil)
	n.Env[place] = env
	n.Start(place)
	n.caughtUp(place)
	return place
}

func newHome(dir string, port int) cluster.Home {
	return cluster.Home{Home: dir, RPC: fmt.Sprintf("http://127.0.0.1:%d", port)}
}

// vote has the first of some operators propose, and the others vote for it.
func (n *network) vote(what, file string, operators ...int) {
	n.t.Helper()
	proposal, err := n.operate(operators[0], "propose", what, file, "--power", "10")
	for _, i := range operators[1:] {
		if err == nil {
			proposal, err = n.operate(i, "vote", fmt.Sprint(proposal.ID), "yes")
		}
	}
	if err != nil || proposal.Status != types.ProposalApplied {
		n.t.Fatalf("proposal to %s: %s (%s): %v", what, proposal.Status, proposal.Result, err)
	}
}

func (n *network) awaitNetwork(what string, is func(bridge.NetworkState) bool) {
	n.t.Helper()
	cluster.Eventually(n.t, time.Minute, what, func(ctx context.Context) error {
		var s bridge.NetworkState
		if err := errors.Join(n.Alive(), n.ask(ctx, 0, "network", bridge.QueryArgs{}, &s)); err != nil {
			return err
		}
		if !is(s) {
			return fmt.Errorf("epoch %d, handover %d", s.Epoch, s.Handover)
		}
		return nil
	})
}

func (n *network) awaitSeal(what string, is func(bridge.SealView) bool) {
	n.t.Helper()
	cluster.Eventually(n.t, time.Minute, what, func(ctx context.Context) error {
		var seals []bridge.SealView
		if err := n.ask(ctx, 0, "seals", bridge.QueryArgs{Limit: bridge.MaxQueryLimit}, &seals); err != nil {
			return err
		}
		if !slices.ContainsFunc(seals, is) {
			return fmt.Errorf("none of %d seals", len(seals))
		}
		return nil
	})
}

func (n *network) validator(who string) (v bridge.ValidatorView) {
	n.t.Helper()
	n.Decode(&v, "query", "validator", who, "--home", n.Homes[0].Home)
	return v
}

// oneSet wants the state, CometBFT and every contract to have the validators with
// these names, and no others.
func (n *network) oneSet(monikers ...string) {
	n.t.Helper()
	cluster.Eventually(n.t, time.Minute, "one set everywhere", func(ctx context.Context) error {
		var all []bridge.ValidatorView
		if err := n.ask(ctx, 0, "validators", bridge.QueryArgs{}, &all); err != nil {
			return err
		}
		var members []types.Member
		in := map[types.ValidatorID]bridge.ValidatorView{}
		for _, v := range all {
			if v.InSet {
				in[v.ID] = v
				members = append(members, types.Member{Signer: v.Signer, Power: v.Power})
			}
			if v.InSet != slices.Contains(monikers, v.Moniker) {
				return fmt.Errorf("%s in the set: %t", v.Moniker, v.InSet)
			}
		}
		consensus, err := n.node(0).Validators(ctx, nil, nil, nil)
		if err != nil {
			return err
		}
		for _, v := range consensus.Validators {
			if id := types.ValidatorID(v.Address); int64(in[id].Power) != v.VotingPower {
				return fmt.Errorf("CometBFT gives %s %d, the state %d", id, v.VotingPower, in[id].Power)
			}
		}
		if len(consensus.Validators) != len(in) {
			return fmt.Errorf("CometBFT has %d validators, the state %d", len(consensus.Validators), len(in))
		}
		set, err := types.NewValidatorSet(members)
		if err != nil {
			return err
		}
		for _, c := range n.chains() {
			raw, err := c.client.CallContract(ctx, ethereum.CallMsg{To: &c.bridge, Data: bindings.NewBridge().PackSetHash()}, nil)
			if err != nil {
				return err
			}
			if hash := common.BytesToHash(raw); hash != set.Hash() {
				return fmt.Errorf("%s obeys %s, the state has %s", c.name, hash, set.Hash())
			}
		}
		return nil
	})
}
