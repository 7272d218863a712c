package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"
	rpctypes "github.com/cometbft/cometbft/rpc/jsonrpc/types"
	cmttypes "github.com/cometbft/cometbft/types"
	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// txOutcome is what became of a transaction.
type txOutcome struct {
	Hash     string               `json:"hash"`
	Action   string               `json:"action"`
	Sequence uint64               `json:"sequence"`
	Height   int64                `json:"height"`   // of its block; 0 with --no-wait
	Code     uint32               `json:"code"`     // 0 is success; stable
	Log      string               `json:"log"`      // what was wrong
	Proposal *bridge.ProposalView `json:"proposal"` // as it stands after that block; null if there is none, and with --no-wait
}

// errOutrun says that another transaction of the operator took the sequence.
var errOutrun = errors.New("another transaction of this operator was faster: run the command again, with one at a time")

// signAndSend signs a transaction, sends it and waits for its block. Where
// another one of the same operator was faster, it does so again, once, with the
// next sequence.
func (c *client) signAndSend(ctx context.Context, key signer.Key, plan txPlan, noWait bool) (txOutcome, error) {
	tx := plan.Transaction
	outcome, err := c.signAndSendOnce(ctx, key, tx, noWait)
	if !errors.Is(err, errOutrun) {
		return outcome, err
	}
	next, err := c.nextSequence(ctx, tx)
	if err != nil {
		return outcome, err
	}
	c.session.note("Sequence %d was used by another transaction; this one takes %d.", tx.Sequence, next)
	tx.Sequence = next
	return c.signAndSendOnce(ctx, key, tx, noWait)
}

// nextSequence waits until the state has used the transaction's sequence.
func (c *client) nextSequence(ctx context.Context, tx types.Tx) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, c.session.timeout)
	defer cancel()
	for {
		var account bridge.AccountView
		err := c.ask(ctx, "account", bridge.QueryArgs{Operator: tx.Operator}, 0, &account)
		if err != nil || account.Next != tx.Sequence {
			return account.Next, err
		}
		if err := pause(ctx); err != nil {
			return 0, fmt.Errorf("a transaction with sequence %d waits at node %s and gets into no block: %w", tx.Sequence, c.address, err)
		}
	}
}

func (c *client) signAndSendOnce(ctx context.Context, key signer.Key, tx types.Tx, noWait bool) (txOutcome, error) {
	digest, err := bridge.TxDigest(tx)
	if err != nil {
		return txOutcome{}, err
	}
	signature, err := key.Sign(digest)
	if err != nil {
		return txOutcome{}, err
	}
	return c.send(ctx, tx, signature, noWait)
}

// send sends a signed transaction and waits until it is in a block.
func (c *client) send(ctx context.Context, tx types.Tx, signature [types.SignatureBytes]byte, noWait bool) (txOutcome, error) {
	encoded, err := bridge.EncodeTx(tx, signature)
	if err != nil {
		return txOutcome{}, err
	}
	outcome := txOutcome{Hash: fmt.Sprintf("%X", cmttypes.Tx(encoded).Hash()), Action: tx.Action(), Sequence: tx.Sequence}
	from, err := c.latest(ctx)
	if err != nil {
		return outcome, c.unreachable(err)
	}
	if err := c.broadcast(ctx, encoded); err != nil {
		return outcome, err
	}
	if noWait {
		return outcome, nil
	}
	height, result, err := c.await(ctx, encoded, tx, from)
	if err != nil {
		return outcome, err
	}
	outcome.Height, outcome.Code, outcome.Log = height, result.Code, result.Log
	if result.Code != 0 {
		return outcome, nil
	}
	outcome.Proposal, err = c.proposalAfter(ctx, tx, outcome.Height)
	return outcome, err
}

// broadcast hands a transaction to the node, which checks it at once.
func (c *client) broadcast(ctx context.Context, encoded []byte) error {
	ctx, cancel := context.WithTimeout(ctx, c.session.timeout)
	defer cancel()
	answer, err := c.rpc.BroadcastTxSync(ctx, encoded)
	switch {
	case err != nil && strings.Contains(err.Error(), "already exists in cache"):
		return nil // it waits there already
	case errors.As(err, new(*rpctypes.RPCError)):
		return fmt.Errorf("%w: node %s does not take it now, try again: %w", errNotReady, c.address, err)
	case err != nil:
		return c.unreachable(err)
	case answer.Code != 0:
		return refusedTx(answer.Code, answer.Log)
	}
	return nil
}

// refusedTx is why a transaction was not taken, with what to do.
func refusedTx(code uint32, text string) error {
	refused := &refusedError{code, text}
	switch code {
	case bridge.ErrSequence.Code, bridge.ErrPending.Code:
		return fmt.Errorf("%w: %w", errOutrun, refused)
	case bridge.ErrUnknownOperator.Code:
		return fmt.Errorf("%w; \"bridged query validators\" lists them", refused)
	case bridge.ErrWrongNetwork.Code:
		return fmt.Errorf("%w; --node and --chain-id say which", refused)
	case bridge.ErrNotOpen.Code, bridge.ErrTooMany.Code:
		return fmt.Errorf("%w; see \"bridged query proposals --open\"", refused)
	case bridge.ErrExpired.Code:
		return fmt.Errorf("%w; --expires-in says how far ahead, so run the command again", refused)
	case app.CodeInternal:
		return fmt.Errorf("%w: %w; try again, or another node with --node", errNotReady, refused)
	case bridge.ErrNotMember.Code, bridge.ErrStatus.Code:
		return fmt.Errorf("%w; \"bridged query validator\" says how it stands", refused)
	case bridge.ErrContent.Code:
		return fmt.Errorf("%w; \"bridged query effect\" says what it would change", refused)
	}
	return refused
}

// await looks through the blocks after from until one holds the transaction. It
// ends for certain: with the block of its expiry height at the latest.
func (c *client) await(ctx context.Context, encoded []byte, tx types.Tx, from int64) (int64, *abci.ExecTxResult, error) {
	line := newProgressLine(c.session)
	defer line.end()
	for searched := from; ; {
		latest, err := c.latest(ctx)
		for err == nil && searched < latest {
			var result *abci.ExecTxResult
			if result, err = c.find(ctx, searched+1, encoded); err != nil {
				break
			}
			searched++
			if result != nil {
				return searched, result, nil
			}
		}
		switch {
		case err != nil:
			line.show(fmt.Sprintf("the node does not answer (will retry): %v", err))
		case searched >= int64(tx.Expiry):
			return 0, nil, fmt.Errorf("%w: no block up to its expiry height %d took the transaction, and none will: run the command again", errNotReady, tx.Expiry)
		case c.outrun(ctx, tx, searched):
			return 0, nil, errOutrun
		default:
			line.show("sent; waits for a block that takes it")
		}
		if err := pause(ctx); err != nil {
			return 0, nil, fmt.Errorf("%w: stopped waiting; a block up to height %d may still take the transaction", errNotReady, tx.Expiry)
		}
	}
}

// pause waits until it is time to look again.
func pause(ctx context.Context) error {
	timer := time.NewTimer(followPoll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (c *client) latest(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, c.session.timeout)
	defer cancel()
	status, err := c.rpc.Status(ctx)
	if err != nil {
		return 0, err
	}
	return status.SyncInfo.LatestBlockHeight, nil
}

// find gives the result of a transaction in a block; nil where it is not there.
func (c *client) find(ctx context.Context, height int64, encoded []byte) (*abci.ExecTxResult, error) {
	ctx, cancel := context.WithTimeout(ctx, c.session.timeout)
	defer cancel()
	block, err := c.rpc.Block(ctx, &height)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(block.Block.Txs, func(tx cmttypes.Tx) bool { return bytes.Equal(tx, encoded) })
	if at < 0 {
		return nil, nil
	}
	results, err := c.rpc.BlockResults(ctx, &height)
	if err != nil {
		return nil, err // the block is decided and not executed yet
	}
	return results.TxsResults[at], nil
}

// outrun says whether the state of a height, up to which no block held the
// transaction, has used its sequence.
func (c *client) outrun(ctx context.Context, tx types.Tx, height int64) bool {
	ctx, cancel := context.WithTimeout(ctx, c.session.timeout)
	defer cancel()
	var account bridge.AccountView
	err := c.ask(ctx, "account", bridge.QueryArgs{Operator: tx.Operator}, height, &account)
	return err == nil && account.Next > tx.Sequence
}

// proposalAfter is the proposal that a transaction made or voted on, as it
// stands after the transaction's block; nil if it is about none. It waits for the
// state of that block, so that whoever asks next sees what the transaction did.
func (c *client) proposalAfter(ctx context.Context, tx types.Tx, height int64) (*bridge.ProposalView, error) {
	ctx, cancel := context.WithTimeout(ctx, c.session.timeout)
	defer cancel()
	var network bridge.NetworkState
	for c.ask(ctx, "network", bridge.QueryArgs{}, height, &network) != nil { // the block is not committed yet
		if err := pause(ctx); err != nil {
			return nil, fmt.Errorf("look for the proposal: %w", err)
		}
	}
	if tx.Propose == nil && tx.Vote == nil {
		return nil, nil
	}
	last := network.Proposals
	if tx.Vote != nil {
		last = tx.Vote.Proposal
	}
	for id := last; id > 0; id-- {
		var p bridge.ProposalView
		if err := c.ask(ctx, "proposal", bridge.QueryArgs{ID: number(id)}, height, &p); err != nil {
			return nil, err
		}
		if tx.Vote != nil || p.Proposer == tx.Operator && p.Action == tx.Propose.Content.Action() {
			return &p, nil
		}
		if p.Height != uint64(height) {
			break
		}
	}
	return nil, nil
}

// errRefused makes a command fail whose transaction was refused in its block.
var errRefused = errors.New("the block refused the transaction")

func (s *session) printOutcome(o txOutcome) error {
	err := s.print(o, func(w io.Writer) {
		lines := []string{"transaction", o.Hash, "action", o.Action}
		if o.Height == 0 {
			pairs(w, append(lines, "result", "sent; whether a block takes it is not known yet")...)
			return
		}
		result := "ok"
		if o.Code != 0 {
			result = fmt.Sprintf("refused with code %d: %s", o.Code, o.Log)
		}
		lines = append(lines, "block", number(uint64(o.Height)), "result", result)
		if p := o.Proposal; p != nil {
			lines = append(lines, "proposal", number(p.ID), "status", standing(*p))
		}
		pairs(w, lines...)
	})
	if err == nil && o.Code != 0 {
		err = fmt.Errorf("%w: %w", errRefused, refusedTx(o.Code, o.Log))
	}
	return err
}

func txSendCommand(s *session, f *txFlags) *cobra.Command {
	var text string
	c := &cobra.Command{
		Use: "send FILE|-", Short: "Send a transaction that was signed elsewhere",
		Long: `Sends what "--dry-run --output json" printed, with the signature of the EIP-712
message under typed_data: 65 bytes as wallets give them, or the 64 of EIP-2098.`,
		Example: "  bridged tx send tx.json --signature 0x…",
		Args:    args(1, 1),
		RunE: func(c *cobra.Command, given []string) error {
			if err := need(c, "signature"); err != nil {
				return err
			}
			if err := f.check(c, s); err != nil {
				return err
			}
			tx, err := s.readTx(given[0])
			if err != nil {
				return err
			}
			signature, err := parseSignature(tx, text)
			if err != nil {
				return err
			}
			return s.sendSigned(c, f, tx, signature)
		},
	}
	c.Flags().StringVar(&text, "signature", "", "signature in hexadecimal")
	return c
}

func (s *session) readTx(file string) (types.Tx, error) {
	content, err := s.readInput(file)
	if err != nil {
		return types.Tx{}, err
	}
	var plan struct {
		Transaction types.Tx `json:"transaction"`
	}
	if err := json.Unmarshal(content, &plan); err != nil {
		return types.Tx{}, fmt.Errorf("%s: want what \"--dry-run --output json\" printed: %w", file, err)
	}
	if err := plan.Transaction.Validate(); err != nil {
		return types.Tx{}, fmt.Errorf("%s: want what \"--dry-run --output json\" printed: %w", file, err)
	}
	return plan.Transaction, nil
}

// parseSignature reads a signature and checks that it is the operator's.
func parseSignature(tx types.Tx, text string) (signature [types.SignatureBytes]byte, err error) {
	compact, err := compactSignature(text)
	if err != nil {
		return signature, fmt.Errorf("--signature: %w", err)
	}
	signature = compact
	digest, err := bridge.TxDigest(tx)
	if err != nil {
		return signature, err
	}
	by, err := evmsig.Recover(digest, signature)
	if err != nil {
		return signature, fmt.Errorf("--signature: %w", err)
	}
	if by != tx.Operator {
		return signature, fmt.Errorf("--signature: over this transaction it is that of %s, and the operator is %s: sign typed_data as it is, with the operator's key", by, tx.Operator)
	}
	return signature, nil
}

// sendSigned shows a transaction that is signed already, and sends it.
func (s *session) sendSigned(c *cobra.Command, f *txFlags, tx types.Tx, signature [types.SignatureBytes]byte) error {
	ctx, cancel := context.WithTimeout(c.Context(), s.timeout)
	defer cancel()
	client, ask, err := s.dialAsker(ctx, queryFlags{})
	if err != nil {
		return err
	}
	account, err := client.account(ask, operatorKey{address: tx.Operator, whose: "the file"})
	if err != nil {
		return err
	}
	if account.Next != tx.Sequence {
		return fmt.Errorf("the transaction has sequence %d, and the operator's next is %d: make it anew", tx.Sequence, account.Next)
	}
	plan, err := client.describe(ctx, ask, tx)
	if err != nil {
		return err
	}
	if f.dryRun {
		return s.print(plan, plan.show)
	}
	if agreed, err := s.agreed(f, plan); err != nil || !agreed {
		return err
	}
	outcome, err := client.send(c.Context(), tx, signature, f.noWait)
	if err != nil {
		return err
	}
	return s.printOutcome(outcome)
}
