package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func txCommand(s *session) *cobra.Command {
	var f txFlags
	c := group("tx", "Send transactions as a validator's operator", govCommand(s, &f), validatorTxCommand(s, &f), reportCommand(s, &f), txSendCommand(s, &f))
	c.Long = `Makes, signs and sends transactions of an operator. Everything is shown before it
is signed.

The key is the home's operator key, unless --key-file or BRIDGED_KEY names
another. A key that is elsewhere, in a hardware wallet say, signs in three steps:

  bridged tx gov vote 1 yes --operator 0x… --dry-run --output json > tx.json
  (the wallet signs the EIP-712 message under typed_data)
  bridged tx send tx.json --signature 0x…`
	f.add(c)
	return c
}

// txFlags are those of every transaction.
type txFlags struct {
	keyFile, keyEnv, passphraseFile, operator string

	expiresIn           uint64
	dryRun, noWait, yes bool
	generateOnly        bool
}

func (f *txFlags) add(c *cobra.Command) {
	p := c.PersistentFlags()
	p.StringVar(&f.keyFile, "key-file", "", "keystore file of the operator (default: the home's operator key)")
	p.StringVar(&f.passphraseFile, "passphrase-file", "", "file with its passphrase, mode 0600 (default: BRIDGED_OPERATOR_PASSPHRASE, or the terminal)")
	p.StringVar(&f.keyEnv, "key-env", "BRIDGED_KEY", "environment variable with the bare key; where it is set it goes before the home's key")
	p.StringVar(&f.operator, "operator", "", "with --dry-run: address of an operator whose key is elsewhere")
	p.Uint64Var(&f.expiresIn, "expires-in", 200, "blocks from now in which the transaction may be taken")
	p.BoolVar(&f.dryRun, "dry-run", false, "show what would be signed, and send nothing")
	p.BoolVar(&f.generateOnly, "generate-only", false, "print the transaction as JSON for \"tx send\", and send nothing: --dry-run --output json")
	p.BoolVar(&f.noWait, "no-wait", false, "do not wait until it is in a block")
	p.BoolVarP(&f.yes, "yes", "y", false, "do not ask")
}

// check finds what is wrong with the flags before anything else is done.
func (f *txFlags) check(c *cobra.Command, s *session) error {
	if f.generateOnly {
		f.dryRun, s.output = true, "json"
	}
	switch {
	case f.operator != "" && !f.dryRun:
		return usagef(c, "--operator is for --dry-run: the key says who sends")
	case f.expiresIn == 0 || f.expiresIn >= types.MaxTxExpiry:
		return usagef(c, "--expires-in %d: want 1 to %d blocks", f.expiresIn, types.MaxTxExpiry-1)
	case !f.dryRun && !f.yes && !s.interactive():
		return usagef(c, "nobody is there to be asked: look at it with --dry-run, and send it with --yes")
	}
	return nil
}

// interactive says whether somebody can be asked.
func (s *session) interactive() bool {
	file, ok := s.stdin.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// operatorKey is who sends: the address is known before the key is opened.
type operatorKey struct {
	address types.Address
	whose   string // where the key is
	open    func() (signer.Key, error)
}

// operator finds the key that the flags and the environment name.
func (s *session) operator(c *cobra.Command, f *txFlags) (operatorKey, error) {
	if f.operator != "" {
		address, err := parseAddress(f.operator)
		if err != nil {
			return operatorKey{}, usagef(c, "--operator: %v", err)
		}
		return operatorKey{address: address, whose: "--operator"}, nil
	}
	if f.keyFile != "" || os.Getenv(f.keyEnv) != "" {
		key, whose, err := s.foreignKey(f)
		if err != nil {
			return operatorKey{}, err
		}
		return operatorKey{key.Address(), whose, func() (signer.Key, error) { return key, nil }}, nil
	}
	info, err := s.keystore(false).Show(signer.RoleOperator, defaultKey)
	if errors.Is(err, signer.ErrNotFound) {
		return operatorKey{}, fmt.Errorf("%w in %s; name one with --key-file or %s, or --home; with --dry-run, --operator is enough", err, s.homeDir, f.keyEnv)
	}
	if err != nil {
		return operatorKey{}, err
	}
	return operatorKey{info.Address, info.Path, func() (signer.Key, error) {
		passphrase, err := s.passphrase(signer.RoleOperator, f.passphraseFile, false)
		if err != nil {
			return nil, err
		}
		return s.keystore(false).Load(signer.RoleOperator, defaultKey, passphrase)
	}}, nil
}

// foreignKey opens a key that is not in the home's keystore.
func (s *session) foreignKey(f *txFlags) (key signer.Key, whose string, err error) {
	if f.keyFile == "" {
		key, err = signer.Source{KeyEnv: f.keyEnv}.Load()
		return key, f.keyEnv, err
	}
	from := signer.PassphraseFrom{File: f.passphraseFile, Env: passphraseEnv(signer.RoleOperator)}
	if from.File != "" || os.Getenv(from.Env) != "" {
		key, err = signer.Source{File: f.keyFile, Passphrase: from}.Load()
		return key, f.keyFile, err
	}
	text, err := s.prompt("Passphrase of " + f.keyFile + ": ")
	if err != nil {
		return nil, "", fmt.Errorf("no --passphrase-file, no %s: %w", from.Env, err)
	}
	key, err = openKeyFile(f.keyFile, text)
	return key, f.keyFile, err
}

// txPlan is a transaction that is not signed yet, with all that one should know
// before one signs it. "tx send" reads it again.
type txPlan struct {
	Transaction types.Tx           `json:"transaction"`
	Action      string             `json:"action"`
	Effect      *bridge.EffectView `json:"effect"` // what the proposal would change now; null where the transaction is about none
	Digest      types.Hash         `json:"digest"`
	TypedData   typedData          `json:"typed_data"`

	about string // of a vote: how its proposal stands; of a validator's own transaction: what follows
	names names
}

// message says what an operator's transaction is to do, by the state that ask
// asks.
type message func(ctx context.Context, ask asker, operator types.Address) (types.Tx, error)

// transact makes a transaction, shows it, and has it signed and sent.
func (s *session) transact(c *cobra.Command, f *txFlags, say message) error {
	if err := f.check(c, s); err != nil {
		return err
	}
	key, err := s.operator(c, f)
	if err != nil {
		return err
	}
	client, err := s.dial()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context(), s.timeout)
	defer cancel()
	plan, err := client.plan(ctx, key, f.expiresIn, say)
	if err != nil {
		return err
	}
	if f.dryRun {
		return s.print(plan, func(w io.Writer) {
			plan.show(w)
			fmt.Fprintln(w, "\nNothing was sent. As EIP-712 it is:")
			_ = printJSON(w, plan.TypedData)
		})
	}
	if agreed, err := s.agreed(f, plan); err != nil || !agreed {
		return err
	}
	signing, err := key.open()
	if err != nil {
		return err
	}
	outcome, err := client.signAndSend(c.Context(), signing, plan, f.noWait)
	if err != nil {
		return err
	}
	return s.printOutcome(outcome)
}

// agreed shows a transaction and asks whether it is to be sent. What cannot come
// to anything is not.
func (s *session) agreed(f *txFlags, plan txPlan) (bool, error) {
	plan.show(s.stderr)
	if e := plan.Effect; plan.Transaction.Propose != nil && e.Error != "" && len(e.Changes) == 0 {
		return false, errors.New("nothing was sent: the proposal would not apply, as is said above")
	}
	if f.yes {
		return true, nil
	}
	agreed, err := s.confirm("Sign and send it?")
	if err == nil && !agreed {
		s.note("Nothing was sent.")
	}
	return agreed, err
}

// plan makes the operator's next transaction.
func (c *client) plan(ctx context.Context, key operatorKey, expiresIn uint64, say message) (txPlan, error) {
	ask, err := c.asker(ctx, queryFlags{})
	if err != nil {
		return txPlan{}, err
	}
	account, err := c.account(ask, key)
	if err != nil {
		return txPlan{}, err
	}
	tx, err := say(ctx, ask, key.address)
	if err != nil {
		return txPlan{}, err
	}
	status, err := c.rpc.Status(ctx)
	if err != nil {
		return txPlan{}, c.unreachable(err)
	}
	tx.ChainID, tx.Operator, tx.Sequence = account.ChainID, key.address, account.Next
	tx.Expiry = uint64(status.SyncInfo.LatestBlockHeight) + expiresIn
	return c.describe(ctx, ask, tx)
}

// account asks for the operator's account, on the network that it is meant for.
func (c *client) account(ask asker, key operatorKey) (bridge.AccountView, error) {
	var account bridge.AccountView
	if _, err := ask("account", bridge.QueryArgs{Operator: key.address}, &account); err != nil {
		return account, err
	}
	want, said := c.session.chainID, "--chain-id"
	if genesis, err := node.ReadGenesis(c.session.home().GenesisFile()); want == "" && err == nil {
		want, said = genesis.Doc.ChainID, "the home's genesis"
	}
	if want != "" && want != account.ChainID {
		return account, fmt.Errorf("node %s is of network %s, and %s says %s; name a node of %s with --node, or its home with --home",
			c.address, account.ChainID, said, want, want)
	}
	if account.Member {
		return account, nil
	}
	var members []bridge.ValidatorView
	if _, err := ask("validators", bridge.QueryArgs{}, &members); err != nil {
		return account, err
	}
	known := make([]string, len(members))
	for i, m := range members {
		known[i] = m.Moniker + " " + m.Operator.Hex()
	}
	return account, fmt.Errorf("%s (from %s) is no operator of %s; use the key of one of these: %s",
		key.address, key.whose, account.ChainID, strings.Join(known, ", "))
}

// describe finds out all that is shown of a transaction before it is signed.
func (c *client) describe(ctx context.Context, ask asker, tx types.Tx) (txPlan, error) {
	plan := txPlan{Transaction: tx, Action: tx.Action()}
	var err error
	if plan.Digest, err = bridge.TxDigest(tx); err != nil {
		return plan, err
	}
	if plan.TypedData, err = typedDataOf(tx); err != nil {
		return plan, err
	}
	if plan.names, err = loadNames(ask); err != nil {
		return plan, err
	}
	if tx.Propose == nil && tx.Vote == nil {
		plan.about, err = consequence(ask, tx)
		return plan, err
	}
	status, err := c.rpc.Status(ctx)
	if err != nil {
		return plan, c.unreachable(err)
	}
	args, err := effectArgs(tx)
	if err != nil {
		return plan, err
	}
	if args.ID != "" {
		var proposal bridge.ProposalView
		if _, err := ask("proposal", args, &proposal); err != nil {
			return plan, fmt.Errorf("%w; \"bridged query proposals --open\" lists what can be voted on", err)
		}
		plan.about = fmt.Sprintf("Proposal %d (%s) is to %s.", proposal.ID, standing(proposal), proposal.Action)
		if proposal.Status != types.ProposalOpen {
			return plan, fmt.Errorf("proposal %d is not open, it is %s; \"bridged query proposals --open\" lists those that are", proposal.ID, proposal.Status)
		}
	}
	plan.Effect, err = effectOf(ask, args, status.SyncInfo.LatestBlockHeight+1, status.SyncInfo.LatestBlockTime)
	return plan, err
}

// show writes for people what is about to be signed.
func (p txPlan) show(w io.Writer) {
	fmt.Fprintf(w, "%s\n\n", p.Action)
	pairs(w, "network", p.Transaction.ChainID, "operator", p.Transaction.Operator.Hex(), "sequence", number(p.Transaction.Sequence),
		"taken until height", number(p.Transaction.Expiry))
	fmt.Fprintln(w)
	if p.about != "" {
		fmt.Fprintln(w, p.about)
	}
	if p.Effect != nil {
		printEffect(w, p.names, *p.Effect)
	}
}
