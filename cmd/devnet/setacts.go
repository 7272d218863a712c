package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/ports"
)

// deciding is the validator with whose vote more than 2/3 of the power have said
// yes.
const deciding = 2

// join is a newcomer: it has the addresses of two nodes and of its own endpoints,
// and nothing else of the network.
func (d *setDemo) join(ctx context.Context) (string, error) {
	reserved, err := ports.Reserve(portsPerNode)
	if err != nil {
		return "", err
	}
	home := d.space.path("anna")
	first, err := d.firstCommands(ctx, home, reserved)
	if err != nil {
		return "", err
	}
	start := time.Now()
	proposal, err := d.operate(ctx, 0, "propose", "admit", first, "--power", "10")
	for i := 1; err == nil && proposal.Status == "open"; i++ {
		if i == deciding { // what is deposited now is in flight when the handover begins
			if err := d.sent(ctx); err != nil {
				return "", err
			}
		}
		proposal, err = d.operate(ctx, i, "vote", fmt.Sprint(proposal.ID), "yes")
	}
	if err != nil {
		return "", err
	}
	if err := d.becomes(ctx, "anna", "active", true); err != nil {
		return "", err
	}
	epoch, voted := time.Now(), time.Since(start)
	if err := d.sent(ctx); err != nil {
		return "", err
	}
	anna, err := d.member(ctx, "anna")
	if err != nil {
		return "", err
	}
	err = d.until(ctx, sealLimit, "anna's first seal", func(ctx context.Context) (bool, error) {
		return d.signed(ctx, anna.Signer)
	})
	return fmt.Sprintf("member %.0f s after the vote, first seal %.1f s later", voted.Seconds(), time.Since(epoch).Seconds()), err
}

// firstCommands are the three of a newcomer.
func (d *setDemo) firstCommands(ctx context.Context, dir string, reserved *ports.Range) (registration string, err error) {
	secret := make([]byte, 16)
	if _, err := rand.Read(secret); err != nil {
		return "", err
	}
	env := append([]string{
		fmt.Sprintf("BRIDGED_COMET_P2P_LADDR=tcp://127.0.0.1:%d", reserved.First),
		fmt.Sprintf("BRIDGED_COMET_RPC_LADDR=tcp://127.0.0.1:%d", reserved.First+1),
		"BRIDGED_COMET_P2P_ADDR_BOOK_STRICT=false", "BRIDGED_COMET_P2P_ALLOW_DUPLICATE_IP=true",
		"BRIDGED_SIGNER_PASSPHRASE=" + hex.EncodeToString(secret), "BRIDGED_OPERATOR_PASSPHRASE=" + hex.EncodeToString(secret),
	}, d.options.env...)
	join := []string{"join", "anna", "--home", dir, "--rpc", d.homes[0].RPC + "," + d.homes[1].RPC}
	for _, c := range d.chains {
		join = append(join, "--chain", fmt.Sprintf("%s=one=%s,two=%s", c.name, c.node.HTTPURL(), c.node.WSURL()))
		env = append(env, "BRIDGED_CHAINS_"+strings.ToUpper(c.name)+"_POLL_INTERVAL=100ms")
	}
	if _, err := d.bridged.runWith(ctx, env, join...); err != nil {
		return "", err
	}
	registration = dir + ".json"
	if _, err := d.bridged.runWith(ctx, env, "tx", "validator", "register", "--home", dir, "--add-keys", "--out", registration); err != nil {
		return "", err
	}
	i := d.validators.add(d.bridged, dir, env, "--log-format", "json")
	d.homes = append(d.homes, newHome("anna", dir, reserved.First+1))
	return registration, d.validators.start(i)
}

func newHome(moniker, dir string, port int) home {
	return home{Moniker: moniker, Home: dir, RPC: fmt.Sprintf("http://127.0.0.1:%d", port)}
}

// signed says whether the state holds a signature of a signer.
func (d *setDemo) signed(ctx context.Context, signer common.Address) (bool, error) {
	var seals []struct {
		Signers []common.Address `json:"signers"`
	}
	if err := d.ask(ctx, "seals", queryArgs{Limit: maxAnswers}, &seals); err != nil {
		return false, err
	}
	for _, s := range seals {
		if slices.Contains(s.Signers, signer) {
			return true, nil
		}
	}
	return false, nil
}

func (d *setDemo) inFlight(ctx context.Context) (string, error) {
	return fmt.Sprintf("%d transfers, each paid once", len(d.transfers)), d.arrived(ctx)
}

// rotate gives node1 a second signer key, and takes the first one away when the
// epoch of the second has begun.
func (d *setDemo) rotate(ctx context.Context) (string, error) {
	const i = 1
	home := config.Home(d.homes[i].Home)
	passphrase := filepath.Join(home.Keys(), "passphrase")
	if _, err := d.bridged.run(ctx, "keys", "add", "signer", "second", "--light", "--home", home.String(), "--passphrase-file", passphrase); err != nil {
		return "", err
	}
	with := func(key, next string) error {
		loaded, err := config.Load(home, nil)
		if err != nil {
			return err
		}
		loaded.Signer.Key, loaded.Signer.NextKey, loaded.Signer.NextPassphraseFile = key, next, "keys/passphrase"
		if err := config.Write(home, loaded.Config); err != nil {
			return err
		}
		return d.restart(ctx, i)
	}
	before, err := d.member(ctx, "node1")
	if err != nil {
		return "", err
	}
	if err := with("default", "second"); err != nil {
		return "", err
	}
	if err := d.say(ctx, i, "rotate-signer", "second", "--new-passphrase-file", passphrase); err != nil {
		return "", err
	}
	var after member
	err = d.until(ctx, 90*time.Second, "node1's new signer", func(ctx context.Context) (_ bool, err error) {
		after, err = d.member(ctx, "node1")
		return after.Signer != before.Signer, err
	})
	if err != nil {
		return "", err
	}
	if err := with("second", ""); err != nil {
		return "", err
	}
	if err := d.sent(ctx); err != nil {
		return "", err
	}
	err = d.until(ctx, sealLimit, "a seal of node1's new signer", func(ctx context.Context) (bool, error) { return d.signed(ctx, after.Signer) })
	return fmt.Sprintf("seals by %s instead of %s", after.Signer.Hex()[:10], before.Signer.Hex()[:10]), err
}

// restart stops a validator in order, starts it, and waits until it is in step.
func (d *setDemo) restart(ctx context.Context, i int) error {
	if err := d.validators.stop(i); err != nil {
		return err
	}
	if err := d.validators.start(i); err != nil {
		return err
	}
	return d.inStep(ctx, i)
}

func (d *setDemo) inStep(ctx context.Context, i int) error {
	goal, _, err := d.height(ctx, 0)
	if err != nil {
		return err
	}
	return d.until(ctx, catchUpTimeout, d.homes[i].Moniker+" to catch up", func(ctx context.Context) (bool, error) {
		height, caughtUp, err := d.height(ctx, i)
		return caughtUp && height > goal, err
	})
}

func (d *setDemo) away(ctx context.Context) (string, error) {
	if err := d.validators.stop(2); err != nil {
		return "", err
	}
	if err := d.sent(ctx); err != nil {
		return "", err
	}
	if err := d.becomes(ctx, "node2", "jailed", false); err != nil {
		return "", err
	}
	m, err := d.member(ctx, "node2")
	return "jailed (" + m.Reason + "), out of the set", err
}

func (d *setDemo) back(ctx context.Context) (string, error) {
	if err := d.validators.start(2); err != nil {
		return "", err
	}
	if err := d.inStep(ctx, 2); err != nil {
		return "", err
	}
	err := d.until(ctx, 60*time.Second, "node2's jail time to be over", func(ctx context.Context) (bool, error) {
		return d.say(ctx, 2, "unjail") == nil, nil
	})
	if err != nil {
		return "", err
	}
	return "active, in the set", d.becomes(ctx, "node2", "active", true)
}

// deceive lets a fork of alpha have a deposit that alpha never has, and another
// one of the same nonce happen on alpha. The node and its program are as ever.
func (d *setDemo) deceive(ctx context.Context) (string, error) {
	if err := d.arrived(ctx); err != nil { // nothing is under way that differs
		return "", err
	}
	alpha := d.chains[0]
	fork, err := alpha.node.Fork()
	if err != nil {
		return "", err
	}
	d.forged = fork
	if err := d.lie.leadTo(fork.HTTPURL()); err != nil {
		return "", err
	}
	nonce, err := alpha.inboxNonce(ctx)
	if err != nil {
		return "", err
	}
	if err := d.depositOn(ctx, fork.HTTPURL()); err != nil {
		return "", err
	}
	err = d.until(ctx, 60*time.Second, "node3 to vote for what never happened", func(ctx context.Context) (bool, error) {
		return d.votedFor(ctx, "node3", nonce+1)
	})
	if err != nil {
		return "", err
	}
	if err := d.sent(ctx); err != nil {
		return "", err
	}
	if err := d.becomes(ctx, "node3", "jailed", false); err != nil {
		return "", err
	}
	m, err := d.member(ctx, "node3")
	return "struck and jailed (" + m.Reason + ")", err
}

// depositOn makes a deposit on a fork of alpha, of a user who has not moved there.
func (d *setDemo) depositOn(ctx context.Context, url string) error {
	forged := *d.chains[0]
	var err error
	if forged.client, err = ethclient.DialContext(ctx, url); err != nil {
		return err
	}
	defer forged.client.Close()
	a := d.asset("ALPHA")
	w, err := newWallet(ctx, &forged, d.people.users[5])
	if err != nil {
		return err
	}
	_, err = w.do(ctx, deposit{
		bridge: forged.bridge, amount: a.milli(666_000), destination: a.away.node.ChainID(), recipient: stranger(666), maxFee: a.fee,
	}.call())
	return err
}

// votedFor says whether a validator's vote names a nonce of alpha.
func (d *setDemo) votedFor(ctx context.Context, moniker string, nonce uint64) (bool, error) {
	m, err := d.member(ctx, moniker)
	if err != nil {
		return false, err
	}
	var inbox struct {
		Votes []struct {
			Validator string `json:"validator"`
			Marks     []struct {
				Nonce uint64 `json:"nonce"`
			} `json:"marks"`
		} `json:"votes"`
	}
	if err := d.ask(ctx, "inbox", queryArgs{Chain: alphaName}, &inbox); err != nil {
		return false, err
	}
	for _, v := range inbox.Votes {
		for _, mark := range v.Marks {
			if v.Validator == m.ID && mark.Nonce >= nonce {
				return true, nil
			}
		}
	}
	return false, nil
}

func (d *setDemo) cheat(ctx context.Context) (string, error) {
	if err := d.equivocate(ctx, d.homes[len(d.homes)-1]); err != nil {
		return "", err
	}
	if err := d.becomes(ctx, "anna", "tombstoned", false); err != nil {
		return "", err
	}
	m, err := d.member(ctx, "anna")
	return "banned for ever (" + m.Reason + ")", err
}

func (d *setDemo) leave(ctx context.Context) (string, error) {
	if err := d.say(ctx, 2, "leave"); err != nil {
		return "", err
	}
	return "out of the set", d.becomes(ctx, "node2", "leaving", false)
}

func (d *setDemo) last(ctx context.Context) (string, error) {
	if err := d.sent(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d transfers in all, each paid once", len(d.transfers)), d.arrived(ctx)
}
