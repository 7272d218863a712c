package types

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// DecodeCommand reads a command's canonical bytes and refuses all others: what
// it accepts encodes to the same bytes again.
func DecodeCommand(b []byte) (Command, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: empty", ErrCommand)
	}
	r := &reader{rest: b[1:]}
	command, err := decodeBody(CommandKind(b[0]), r)
	if err != nil {
		return nil, err
	}
	if r.short || len(r.rest) != 0 {
		return nil, fmt.Errorf("%w: %s: wrong length", ErrCommand, command.Kind())
	}
	if !bytes.Equal(EncodeCommand(command), b) {
		return nil, fmt.Errorf("%w: %s: not canonical", ErrCommand, command.Kind())
	}
	return command, nil
}

func decodeBody(kind CommandKind, r *reader) (Command, error) {
	switch kind {
	case CommandActivate:
		return Activate{}, nil
	case CommandSetValidators:
		epoch := binary.BigEndian.Uint64(r.take(8))
		set, err := UnpackValidatorSet(r.all())
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCommand, err)
		}
		return SetValidators{Epoch: epoch, Set: set}, nil
	case CommandBatch:
		return decodeBatch(r)
	case CommandRegisterToken:
		return decodeRegisterToken(r), nil
	case CommandSetParams:
		return decodeSetParams(r), nil
	case CommandSlash:
		return Slash{Operator: r.address(), Fraction: binary.BigEndian.Uint32(r.take(4))}, nil
	case CommandReleaseStake:
		return ReleaseStake{Operator: r.address(), Amount: r.amount()}, nil
	}
	return nil, fmt.Errorf("%w: kind %d", ErrCommand, kind)
}

func decodeBatch(r *reader) (Command, error) {
	var batch Batch
	for !r.short && len(r.rest) > 0 {
		kind := EntryKind(r.take(1)[0])
		token, fee := r.address(), r.amount()
		count := int(binary.BigEndian.Uint16(r.take(2)))
		if kind != EntryRelease && kind != EntryRefund || count == 0 || len(batch.Entries)+count > MaxBatchItems {
			return nil, fmt.Errorf("%w: batch group of kind %d with %d entries", ErrCommand, kind, count)
		}
		for range count {
			batch.Entries = append(batch.Entries, BatchEntry{
				Kind: kind, Token: token, Fee: fee, Recipient: r.address(), Amount: r.amount(),
			})
		}
	}
	if len(batch.Entries) == 0 {
		return nil, fmt.Errorf("%w: empty batch", ErrCommand)
	}
	return batch, nil
}

func decodeRegisterToken(r *reader) Command {
	c := RegisterToken{Asset: AssetID(r.take(32)), Token: r.address()}
	c.Mode, c.Decimals = TokenMode(r.take(1)[0]), r.take(1)[0]
	c.Limit = r.limit()
	c.Name = string(bytes.TrimRight(r.take(32), "\x00"))
	c.Symbol = string(bytes.TrimRight(r.take(32), "\x00"))
	return c
}

func decodeSetParams(r *reader) Command {
	c := SetParams{ReleaseGas: binary.BigEndian.Uint32(r.take(4)), Deposits: r.take(1)[0] != 0}
	for !r.short && len(r.rest) > 0 {
		c.Tokens = append(c.Tokens, TokenParams{Token: r.address(), Limit: r.limit()})
	}
	return c
}

// reader takes fixed-width fields; past the end it yields zeros and remembers.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if len(r.rest) < n {
		r.short = true
		return make([]byte, n)
	}
	field := r.rest[:n]
	r.rest = r.rest[n:]
	return field
}

func (r *reader) all() []byte { return r.take(len(r.rest)) }

func (r *reader) address() Address { return Address(r.take(20)) }

func (r *reader) amount() Amount {
	a, _ := AmountFromBytes(r.take(16)) // 16 bytes are always in range
	return a
}

func (r *reader) limit() TokenLimit {
	return TokenLimit{Minimum: r.amount(), Capacity: r.amount(), Rate: r.amount()}
}
