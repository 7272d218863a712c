package bridge

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// wireVersion is the first byte of an extension and the second of a system
// transaction.
const wireVersion = 1

// systemPrefix is the first byte of a system transaction; no user's transaction
// begins with it.
const systemPrefix = 0x00

// IsSystemTx says whether bytes have the form of a system transaction. Only the
// first transaction of a block may; mempools refuse it.
func IsSystemTx(tx []byte) bool { return len(tx) > 0 && tx[0] == systemPrefix }

// DecodeVote reads an extension and checks its form: size, version, the one
// encoding, order and lengths. It is pure and total.
func DecodeVote(extension []byte) (Vote, error) {
	if len(extension) == 0 {
		return Vote{}, nil
	}
	if len(extension) > types.MaxVoteBytes {
		return Vote{}, refuse(ErrBadVote, "%d bytes, at most %d", len(extension), types.MaxVoteBytes)
	}
	if extension[0] != wireVersion {
		return Vote{}, refuse(ErrBadVote, "version %d, want %d", extension[0], wireVersion)
	}
	var message pb.VoteExtension
	if err := state.DecodeExact(extension[1:], &message); err != nil {
		return Vote{}, refuse(ErrBadVote, "%v", err)
	}
	if len(message.Signatures)+len(message.Chains) == 0 {
		return Vote{}, refuse(ErrBadVote, "says nothing but is not empty")
	}
	vote, err := voteFromPB(&message)
	if err != nil {
		return Vote{}, refuse(ErrBadVote, "%v", err)
	}
	return vote, nil
}

func voteFromPB(message *pb.VoteExtension) (Vote, error) {
	var vote Vote
	var lastHeight uint64
	for _, s := range message.Signatures {
		if s.Height <= lastHeight || len(s.Signature) != types.SignatureBytes {
			return Vote{}, fmt.Errorf("seal signature of height %d: out of order or %d bytes long", s.Height, len(s.Signature))
		}
		lastHeight = s.Height
		vote.Signatures = append(vote.Signatures, types.SealSignature{
			Height: s.Height, Signature: [types.SignatureBytes]byte(s.Signature),
		})
	}
	var lastChain uint64
	for _, c := range message.Chains {
		if c.Chain <= lastChain {
			return Vote{}, fmt.Errorf("chain %d: out of order", c.Chain)
		}
		lastChain = c.Chain
		chain, err := chainVoteFromPB(c)
		if err != nil {
			return Vote{}, err
		}
		vote.Chains = append(vote.Chains, chain)
	}
	return vote, nil
}

func chainVoteFromPB(c *pb.ChainVote) (types.ChainVote, error) {
	if c.Alarm > uint32(types.AlarmContradiction) {
		return types.ChainVote{}, fmt.Errorf("chain %d: alarm %d", c.Chain, c.Alarm)
	}
	vote := types.ChainVote{
		Chain: types.ChainID(c.Chain), Head: c.Head, Reset: c.Reset_,
		Alarm: types.Alarm(c.Alarm), //nolint:gosec // checked above
	}
	for _, m := range c.Marks {
		if len(m.Hash) != 32 {
			return vote, fmt.Errorf("chain %d: hash of %d bytes", c.Chain, len(m.Hash))
		}
		vote.Marks = append(vote.Marks, types.Mark{Nonce: m.Nonce, Hash: types.Hash(m.Hash), Block: m.Block})
	}
	return vote, vote.Validate()
}

// encodeVote gives an extension's bytes; a vote that says nothing has none.
func encodeVote(message *pb.VoteExtension) []byte {
	if len(message.Signatures)+len(message.Chains) == 0 {
		return nil
	}
	return append([]byte{wireVersion}, state.Encode(message)...)
}

func encodeSystemTx(message *pb.SystemTx) []byte {
	return append([]byte{systemPrefix, wireVersion}, state.Encode(message)...)
}

func decodeSystemTx(tx []byte) (*pb.SystemTx, error) {
	if len(tx) < 2 || tx[0] != systemPrefix || tx[1] != wireVersion {
		return nil, refuse(ErrBadProposal, "the first transaction is no system transaction of version %d", wireVersion)
	}
	if err := boundSystemTx(tx[2:]); err != nil {
		return nil, refuse(ErrBadProposal, "%v", err)
	}
	message := &pb.SystemTx{}
	if err := state.DecodeExact(tx[2:], message); err != nil {
		return nil, refuse(ErrBadProposal, "%v", err)
	}
	return message, nil
}

// Numbers of the fields that boundSystemTx counts.
const (
	fieldSlots    = 1
	fieldPayloads = 2
	fieldEvents   = 2 // of a payload
)

// minEventBytes is less than any inbox event needs.
const minEventBytes = 16

// boundSystemTx refuses bytes that would decode to far more memory than their
// own size: a proposer could send millions of empty slots or events.
func boundSystemTx(b []byte) error {
	events := len(b)/minEventBytes + 1
	slots := types.MaxValidators
	return eachField(b, func(number protowire.Number, value []byte) error {
		switch number {
		case fieldSlots:
			slots--
		case fieldPayloads:
			events--
			if err := eachField(value, func(number protowire.Number, _ []byte) error {
				if number == fieldEvents {
					events--
				}
				return nil
			}); err != nil {
				return err
			}
		}
		if slots < 0 || events < 0 {
			return fmt.Errorf("too many slots, payloads or events for %d bytes", len(b))
		}
		return nil
	})
}

// eachField visits the fields of an encoded message; value is the bytes of a
// length-delimited one.
func eachField(b []byte, visit func(number protowire.Number, value []byte) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("field: %w", protowire.ParseError(n))
		}
		b = b[n:]
		size := protowire.ConsumeFieldValue(number, kind, b)
		if size < 0 {
			return fmt.Errorf("field %d: %w", number, protowire.ParseError(size))
		}
		var value []byte
		if kind == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(b[:size])
		}
		if err := visit(number, value); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

// eventToPB gives an event's form in a payload.
func eventToPB(event types.Event) (*pb.InboxEvent, error) {
	switch e := event.(type) {
	case types.Initialized:
		return &pb.InboxEvent{Event: &pb.InboxEvent_Initialized{Initialized: &pb.Initialized{SetHash: e.SetHash[:]}}}, nil
	case types.Deposited:
		return &pb.InboxEvent{Event: &pb.InboxEvent_Deposited{Deposited: depositedToPB(e)}}, nil
	case types.Executed:
		return &pb.InboxEvent{Event: &pb.InboxEvent_Executed{Executed: &pb.Executed{
			OutboxNonce: e.OutboxNonce, First: e.First, Count: e.Count, Relayer: e.Relayer[:], Failures: e.Failures,
		}}}, nil
	case types.Claimed:
		return &pb.InboxEvent{Event: &pb.InboxEvent_Claimed{Claimed: &pb.Claimed{
			OutboxNonce: e.OutboxNonce, Index: e.Index, Token: e.Token[:], Owner: e.Owner[:],
			Amount: e.Amount.Bytes(), To: e.To[:],
		}}}, nil
	case types.TokenRegistered:
		return &pb.InboxEvent{Event: &pb.InboxEvent_TokenRegistered{TokenRegistered: &pb.TokenRegistered{
			Asset: e.Asset[:], Token: e.Token[:], Mode: uint32(e.Mode), Decimals: uint32(e.Decimals),
		}}}, nil
	case types.Staked:
		return &pb.InboxEvent{Event: &pb.InboxEvent_Staked{Staked: &pb.Staked{
			Operator: e.Operator[:], Amount: e.Amount.Bytes(), Data: e.Data,
		}}}, nil
	case types.Unstaked:
		return &pb.InboxEvent{Event: &pb.InboxEvent_Unstaked{Unstaked: &pb.Unstaked{
			Operator: e.Operator[:], Amount: e.Amount.Bytes(),
		}}}, nil
	}
	return nil, fmt.Errorf("inbox event of type %T", event)
}

func depositedToPB(e types.Deposited) *pb.Deposited {
	d := &pb.Deposited{
		Token: e.Token[:], Sender: e.Sender[:], Destination: uint64(e.Destination), Recipient: e.Recipient[:],
		Amount: e.Amount.Bytes(), MaxFee: e.MaxFee.Bytes(), Data: e.Data,
	}
	if e.RefundTo != e.Sender {
		d.RefundTo = e.RefundTo[:]
	}
	return d
}

// fields reads fixed-width fields and remembers the first that is wrong.
type fields struct{ err error }

func (f *fields) address(b []byte) (a types.Address) {
	if len(b) != len(a) {
		f.err = fmt.Errorf("address of %d bytes", len(b))
		return a
	}
	return types.Address(b)
}

func (f *fields) hash(b []byte) (h types.Hash) {
	if len(b) != len(h) {
		f.err = fmt.Errorf("hash of %d bytes", len(b))
		return h
	}
	return types.Hash(b)
}

func (f *fields) signature(b []byte) (s types.Signature) {
	if len(b) != len(s) {
		f.err = fmt.Errorf("signature of %d bytes", len(b))
		return s
	}
	return types.Signature(b)
}

func (f *fields) amount(b []byte) types.Amount {
	a, err := types.AmountFromBytes(b)
	if err == nil && len(b) > 0 && b[0] == 0 {
		err = fmt.Errorf("amount with a leading zero byte")
	}
	if err != nil {
		f.err = err
	}
	return a
}

func (f *fields) byte(v uint32) uint8 {
	if v > 255 {
		f.err = fmt.Errorf("number %d in a byte", v)
	}
	return uint8(v) //nolint:gosec // checked above
}

// eventFromPB reads an event out of a payload. It is total; what it accepts
// gives the same bytes again.
func eventFromPB(message *pb.InboxEvent) (types.Event, error) {
	f := &fields{}
	event := f.event(message)
	if f.err != nil {
		return nil, f.err
	}
	if event == nil {
		return nil, fmt.Errorf("inbox event of no kind")
	}
	return event, event.Validate()
}

func (f *fields) event(message *pb.InboxEvent) types.Event {
	switch m := message.GetEvent().(type) {
	case *pb.InboxEvent_Initialized:
		return types.Initialized{SetHash: f.hash(m.Initialized.GetSetHash())}
	case *pb.InboxEvent_Deposited:
		return f.deposited(m.Deposited)
	case *pb.InboxEvent_Executed:
		e := m.Executed
		return types.Executed{
			OutboxNonce: e.GetOutboxNonce(), First: e.GetFirst(), Count: e.GetCount(),
			Relayer: f.address(e.GetRelayer()), Failures: e.GetFailures(),
		}
	case *pb.InboxEvent_Claimed:
		e := m.Claimed
		return types.Claimed{
			OutboxNonce: e.GetOutboxNonce(), Index: e.GetIndex(), Token: f.address(e.GetToken()),
			Owner: f.address(e.GetOwner()), Amount: f.amount(e.GetAmount()), To: f.address(e.GetTo()),
		}
	case *pb.InboxEvent_TokenRegistered:
		e := m.TokenRegistered
		return types.TokenRegistered{
			Asset: types.AssetID(f.hash(e.GetAsset())), Token: f.address(e.GetToken()),
			Mode: types.TokenMode(f.byte(e.GetMode())), Decimals: f.byte(e.GetDecimals()),
		}
	case *pb.InboxEvent_Staked:
		e := m.Staked
		return types.Staked{Operator: f.address(e.GetOperator()), Amount: f.amount(e.GetAmount()), Data: e.GetData()}
	case *pb.InboxEvent_Unstaked:
		e := m.Unstaked
		return types.Unstaked{Operator: f.address(e.GetOperator()), Amount: f.amount(e.GetAmount())}
	}
	return nil
}

func (f *fields) deposited(d *pb.Deposited) types.Event {
	e := types.Deposited{
		Token: f.address(d.GetToken()), Sender: f.address(d.GetSender()),
		Destination: types.ChainID(d.GetDestination()), Recipient: f.hash(d.GetRecipient()),
		Amount: f.amount(d.GetAmount()), MaxFee: f.amount(d.GetMaxFee()), Data: d.GetData(),
	}
	e.RefundTo = e.Sender
	if len(d.GetRefundTo()) > 0 {
		e.RefundTo = f.address(d.GetRefundTo())
		if e.RefundTo == e.Sender {
			f.err = fmt.Errorf("refund address is the sender: leave it out")
		}
	}
	return e
}

// ProposalVotes reads the votes that a block's system transaction brings, one
// for each slot of its last commit; an empty slot is a vote that says nothing.
// It is for whoever follows blocks: signatures are not checked.
func ProposalVotes(tx []byte) ([]Vote, error) {
	message, err := decodeSystemTx(tx)
	if err != nil {
		return nil, err
	}
	votes := make([]Vote, len(message.Slots))
	for i, slot := range message.Slots {
		if votes[i], err = DecodeVote(slot.Extension); err != nil {
			return nil, err
		}
	}
	return votes, nil
}

// InboxEvents is events of one chain that a block brings.
type InboxEvents struct {
	Chain  types.ChainID
	Events []types.Event // from the chain's cursor on; inbox_applied says from which nonce
}

// ProposalInboxes reads the inbox events that a block's system transaction
// brings, ascending by chain. It is for whoever follows blocks: that they were
// applied is what inbox_applied says.
func ProposalInboxes(tx []byte) ([]InboxEvents, error) {
	message, err := decodeSystemTx(tx)
	if err != nil {
		return nil, err
	}
	inboxes := make([]InboxEvents, len(message.Payloads))
	for i, payload := range message.Payloads {
		inboxes[i].Chain = types.ChainID(payload.Chain)
		for _, m := range payload.Events {
			event, err := eventFromPB(m)
			if err != nil {
				return nil, fmt.Errorf("chain %d: %w", payload.Chain, err)
			}
			inboxes[i].Events = append(inboxes[i].Events, event)
		}
	}
	return inboxes, nil
}
