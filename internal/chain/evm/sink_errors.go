package evm

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/icrosschain/bridged/internal/chain"
)

// verdicts are parts of what clients (geth, anvil, nethermind, erigon, besu,
// reth) answer, in lower case. They only decide how soon something is tried
// again: what is true is read from the chain.
var verdicts = []struct {
	part string
	err  error
}{
	{"already known", nil},
	{"already imported", nil},
	{"alreadyknown", nil},
	{"known transaction", nil},
	{"nonce too low", chain.ErrNonceUsed},
	{"old nonce", chain.ErrNonceUsed},
	{"oldnonce", chain.ErrNonceUsed},
	{"underpriced", chain.ErrUnderpriced},
	{"fee too low", chain.ErrUnderpriced},
	{"feetoolow", chain.ErrUnderpriced},
	{"less than block base fee", chain.ErrUnderpriced},
	{"below the base fee", chain.ErrUnderpriced},
	{"insufficient funds", chain.ErrFunds},
	{"insufficientfunds", chain.ErrFunds},
	{"exceeds the configured cap", chain.ErrTooExpensive},
}

// classify turns a client's answer into one of the errors of package chain, or
// wraps what is none.
func (s *Sink) classify(what string, err error) error {
	if err == nil {
		return nil
	}
	if isRevert(err) {
		return fmt.Errorf("chain %s: %s: %w: %s", s.cfg.Client.Name(), what, chain.ErrReverted, s.revertReason(err))
	}
	text := strings.ToLower(err.Error())
	for _, v := range verdicts {
		if !strings.Contains(text, v.part) {
			continue
		}
		if v.err == nil {
			return nil
		}
		return fmt.Errorf("chain %s: %s: %w: %w", s.cfg.Client.Name(), what, v.err, err)
	}
	return fmt.Errorf("chain %s: %s: %w", s.cfg.Client.Name(), what, err)
}

// isVerdict says that an error tells something of the transaction, and not of
// the endpoint.
func isVerdict(err error) bool {
	for _, v := range []error{
		chain.ErrReverted, chain.ErrNonceUsed, chain.ErrUnderpriced, chain.ErrFunds, chain.ErrTooExpensive,
	} {
		if errors.Is(err, v) {
			return true
		}
	}
	return false
}

// isRevert recognises an execution that the EVM ended with REVERT: code 3, or
// the words, which some clients send with another code.
func isRevert(err error) bool {
	var coded rpc.Error
	if !errors.As(err, &coded) {
		return false
	}
	return coded.ErrorCode() == 3 || strings.Contains(strings.ToLower(coded.Error()), "revert")
}

// revertReason names the contract's own error where the answer carries it.
func (s *Sink) revertReason(err error) string {
	var withData rpc.DataError
	if errors.As(err, &withData) {
		if text, ok := withData.ErrorData().(string); ok {
			if raw, decodeErr := hexutil.Decode(text); decodeErr == nil {
				if reason, unpackErr := s.bridge.UnpackError(raw); unpackErr == nil {
					name := strings.TrimPrefix(fmt.Sprintf("%T", reason), "*bindings.Bridge")
					return strings.TrimSpace(name + " " + strings.Trim(fmt.Sprintf("%+v", reason), "&"))
				}
			}
		}
	}
	return err.Error()
}
