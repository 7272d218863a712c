package bridge

import (
	"errors"
	"slices"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// operatorPrefix is the first byte of an operator transaction, its version. No
// system transaction begins with it.
const operatorPrefix = 0x01

// SignedTx is an operator transaction as it was sent. Its form is good; whether
// the state takes it is another matter.
type SignedTx struct {
	types.Tx
	Signature [types.SignatureBytes]byte
	Digest    types.Hash // what the operator signs
}

// TxDigest is what the operator signs: EIP-712, see evmsig.TransactionDigest.
// It refuses a transaction that is not well formed.
func TxDigest(tx types.Tx) (types.Hash, error) {
	if err := tx.Validate(); err != nil {
		return types.Hash{}, refuse(ErrMalformed, "%v", err)
	}
	return evmsig.TransactionDigest(tx, state.Encode(txToPB(tx))), nil
}

// EncodeTx gives the bytes of a signed transaction, to be sent.
func EncodeTx(tx types.Tx, signature [types.SignatureBytes]byte) ([]byte, error) {
	if err := tx.Validate(); err != nil {
		return nil, refuse(ErrMalformed, "%v", err)
	}
	message := &pb.OperatorTx{Body: state.Encode(txToPB(tx)), Signature: signature[:]}
	b := append([]byte{operatorPrefix}, state.Encode(message)...)
	if len(b) > types.MaxTxBytes {
		return nil, refuse(ErrTooLarge, "it has %d", len(b))
	}
	return b, nil
}

// DecodeTx reads an operator transaction and checks its form: size, version,
// the one encoding, and every value by itself. It is pure and total.
func DecodeTx(b []byte) (SignedTx, error) {
	switch {
	case len(b) > types.MaxTxBytes:
		return SignedTx{}, refuse(ErrTooLarge, "it has %d", len(b))
	case IsSystemTx(b):
		return SignedTx{}, ErrSystemTx
	case len(b) == 0 || b[0] != operatorPrefix:
		return SignedTx{}, refuse(ErrMalformed, "no operator transaction: want one that begins with the byte %d", operatorPrefix)
	}
	var message pb.OperatorTx
	if err := state.DecodeExact(b[1:], &message); err != nil {
		return SignedTx{}, refuse(ErrMalformed, "%v", err)
	}
	if len(message.Signature) != types.SignatureBytes {
		return SignedTx{}, refuse(ErrMalformed, "signature of %d bytes, want %d (EIP-2098)", len(message.Signature), types.SignatureBytes)
	}
	var body pb.TxBody
	if err := state.DecodeExact(message.Body, &body); err != nil {
		return SignedTx{}, refuse(ErrMalformed, "%v", err)
	}
	f := &fields{}
	tx := f.tx(&body)
	if err := errors.Join(f.err, tx.Validate()); err != nil {
		return SignedTx{}, refuse(ErrMalformed, "%v", err)
	}
	// Whatever the message has beyond the transaction would be signed unseen.
	if string(state.Encode(txToPB(tx))) != string(message.Body) {
		return SignedTx{}, refuse(ErrMalformed, "not the one encoding of its content")
	}
	return SignedTx{
		Tx: tx, Signature: [types.SignatureBytes]byte(message.Signature),
		Digest: evmsig.TransactionDigest(tx, message.Body),
	}, nil
}

// auth authenticates operator transactions for the block at height. All of its
// answers follow from the state before that block, and from what it took.
type auth struct {
	v       state.View
	recover SignerRecoverer
	chainID string
	height  uint64
	used    map[types.Address]uint64 // last sequences, where this block has used some
}

func newAuth(recover SignerRecoverer, v state.View, network *pb.Network, height uint64) *auth {
	return &auth{v: v, recover: recover, chainID: network.ChainId, height: height, used: map[types.Address]uint64{}}
}

// member is the validator of an operator whose transactions are taken, or nil.
// The banned have nothing more to say.
func (a *auth) member(operator types.Address) *pb.Member {
	id, known := a.v.Owner(state.UseOperator, operator)
	if !known {
		return nil
	}
	if member := a.v.Member(id); status(member) != types.ValidatorTombstoned {
		return member
	}
	return nil
}

// next is the sequence of an operator's next transaction; the first is 1.
func (a *auth) next(operator types.Address) uint64 {
	if last, ok := a.used[operator]; ok {
		return last + 1
	}
	return a.v.Account(operator).Sequence + 1
}

// check reads a transaction and authenticates it, where its sequence is at most
// ahead above the next one. What costs most comes last.
func (a *auth) check(b []byte, ahead uint64) (SignedTx, error) {
	tx, err := DecodeTx(b)
	if err != nil {
		return SignedTx{}, err
	}
	if a.member(tx.Operator) == nil {
		return SignedTx{}, refuse(ErrUnknownOperator, "%s is not one of them", tx.Operator)
	}
	if tx.ChainID != a.chainID {
		return SignedTx{}, refuse(ErrWrongNetwork, "it names %q, this is %q", tx.ChainID, a.chainID)
	}
	if tx.Expiry < a.height || tx.Expiry > a.height+types.MaxTxExpiry {
		return SignedTx{}, refuse(ErrExpired, "it names %d, the next block is %d", tx.Expiry, a.height)
	}
	if next := a.next(tx.Operator); tx.Sequence < next || tx.Sequence > next+ahead {
		return SignedTx{}, refuse(ErrSequence, "it names %d, the next is %d", tx.Sequence, next)
	}
	signer, err := a.recover(tx.Digest, tx.Signature)
	if err != nil {
		return SignedTx{}, refuse(ErrSignature, "%v", err)
	}
	if signer != tx.Operator {
		return SignedTx{}, refuse(ErrSignature, "it is %s's, not %s's", signer, tx.Operator)
	}
	return tx, nil
}

// take authenticates a transaction that is the operator's next.
func (a *auth) take(b []byte) (SignedTx, error) {
	tx, err := a.check(b, 0)
	if err == nil {
		a.used[tx.Operator] = tx.Sequence
	}
	return tx, err
}

// CheckTx says whether a transaction may wait for the block at height or a later
// one, by the newest state. It may be up to MaxTxAhead-1 sequences ahead: those
// before it may be waiting too.
func (m *Machine) CheckTx(r Reader, height int64, tx []byte) (signed SignedTx, err error) {
	defer state.Catch(&err)
	v := state.NewView(r)
	return newAuth(m.recoverSigner, v, v.Network(), uint64(height)).check(tx, types.MaxTxAhead-1) //nolint:gosec // heights are positive
}

// SelectTxs gives the transactions of a block out of those that wait, in their
// order: those that VerifyProposal takes behind the system transaction. Members
// of the epoch go first: anybody can register with a stake, and must not keep
// governance out.
func (m *Machine) SelectTxs(r Reader, b Block, waiting [][]byte) (txs [][]byte, err error) {
	defer state.Catch(&err)
	v := state.NewView(r)
	auth := newAuth(m.recoverSigner, v, v.Network(), voteHeight(b)+1)
	bytes := 0
	for _, tx := range auth.membersFirst(waiting) {
		if len(txs) == types.MaxBlockTxs {
			break
		}
		if bytes+len(tx) > types.MaxBlockTxBytes {
			continue
		}
		if _, err := auth.take(tx); err != nil {
			continue
		}
		bytes += len(tx)
		txs = append(txs, tx)
	}
	return txs, nil
}

// membersFirst is transactions with those of the epoch's members before others'.
func (a *auth) membersFirst(txs [][]byte) [][]byte {
	var others [][]byte
	members := slices.DeleteFunc(slices.Clone(txs), func(b []byte) bool {
		tx, err := DecodeTx(b)
		other := err != nil || !a.member(tx.Operator).GetInSet()
		if other {
			others = append(others, b)
		}
		return other
	})
	return append(members, others...)
}

// verifyTxs checks what a block holds behind its system transaction: operators'
// transactions only, each the next of its operator, within the limits.
func (m *Machine) verifyTxs(v state.View, network *pb.Network, b Block, txs [][]byte) error {
	if len(txs) == 0 {
		return nil
	}
	if len(txs) > types.MaxBlockTxs {
		return refuse(ErrBadProposal, "%d operator transactions, at most %d", len(txs), types.MaxBlockTxs)
	}
	auth := newAuth(m.recoverSigner, v, network, voteHeight(b)+1)
	bytes := 0
	for i, tx := range txs {
		if bytes += len(tx); bytes > types.MaxBlockTxBytes {
			return refuse(ErrBadProposal, "more than %d bytes of operator transactions", types.MaxBlockTxBytes)
		}
		if _, err := auth.take(tx); err != nil {
			return refuse(ErrBadProposal, "transaction %d: %v", i+1, err)
		}
	}
	return nil
}

// operatorTx executes a transaction of an operator. One that is not authentic
// changes nothing; of one that is, the sequence is used, even where what it
// says is refused.
func (a *applier) operatorTx(tx []byte) TxResult {
	auth := newAuth(a.machine.recoverSigner, a.s.View, a.network, a.height())
	signed, err := auth.take(tx)
	if err != nil {
		return txResult(err)
	}
	a.s.SetAccount(signed.Operator, &pb.Account{Sequence: signed.Sequence})
	return txResult(a.perform(signed, auth.member(signed.Operator)))
}

func txResult(err error) TxResult {
	if err == nil {
		return TxResult{}
	}
	code := ErrMalformed.Code
	var refusal *Error
	if errors.As(err, &refusal) {
		code = refusal.Code
	}
	return TxResult{Code: code, Log: err.Error()}
}
