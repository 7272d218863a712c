package evm

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/icrosschain/bridged/internal/chain"
)

// maxTimeouts is how many time-outs of one endpoint a range may cost before
// the next endpoint is asked.
const maxTimeouts = 2

// fetchRange asks one endpoint for the events from first on, to last or as far as
// it answers for at once, and says how far that is. Servers that refuse a range are
// asked for half of it, since their limits differ and have no common error.
func (s *Source) fetchRange(ctx context.Context, e *endpoint, first, last uint64) ([]chain.Logged, uint64, error) {
	limit := s.limits[e]
	for timeouts := 0; ; {
		logs, err := s.fetchLogs(ctx, e, first, last, topics)
		if err == nil {
			limit.serve(last-first+1, len(logs))
			events, err := s.decode(logs, first, last)
			if err != nil {
				return nil, 0, e.failed(err)
			}
			return events, last, nil
		}
		if errors.Is(err, context.DeadlineExceeded) {
			timeouts++
		}
		if ctx.Err() != nil || first == last || timeouts > maxTimeouts || !mayBeTooMuch(err) {
			return nil, 0, err
		}
		limit.refuse(last - first + 1)
		last = first + (last-first)/2
	}
}

// lastEvent asks one endpoint for the newest event from first to last, from the
// end backwards; nonce 0 says that it knows none. Of any nonce, or of those that
// are wanted as topics.
func (s *Source) lastEvent(ctx context.Context, e *endpoint, first, last uint64, wanted []common.Hash) (chain.Logged, error) {
	limit := s.limits[e]
	for timeouts := 0; ; {
		from := max(first, last-min(last, limit.blocks()-1))
		logs, err := s.fetchLogs(ctx, e, from, last, topics, wanted)
		if errors.Is(err, context.DeadlineExceeded) {
			timeouts++
		}
		if err != nil && from < last && ctx.Err() == nil && timeouts <= maxTimeouts && mayBeTooMuch(err) {
			limit.refuse(last - from + 1)
			continue
		}
		if err != nil {
			return chain.Logged{}, err
		}
		limit.serve(last-from+1, len(logs))
		events, err := s.decode(logs, from, last)
		if err != nil {
			return chain.Logged{}, e.failed(err)
		}
		if len(events) > 0 {
			return slices.MaxFunc(events, func(a, b chain.Logged) int { return cmp.Compare(a.Nonce, b.Nonce) }), nil
		}
		if from <= first {
			return chain.Logged{}, nil
		}
		last = from - 1
	}
}

// toldLog is a log as a server tells it, without what the accumulator makes
// needless. encoding/json takes such plain fields in one go, which is most of what
// reading costs on this side.
type toldLog struct {
	Address common.Address `json:"address"`
	Topics  []common.Hash  `json:"topics"`
	Data    hexutil.Bytes  `json:"data"`
	Block   hexutil.Uint64 `json:"blockNumber"`
	Removed bool           `json:"removed"`
}

func (s *Source) fetchLogs(ctx context.Context, e *endpoint, first, last uint64, topics ...[]common.Hash) (logs []toldLog, err error) {
	filter := map[string]any{
		"fromBlock": hexutil.Uint64(first), "toBlock": hexutil.Uint64(last), "address": s.client.cfg.Bridge, "topics": topics,
	}
	err = e.do(ctx, func(ctx context.Context, conn Conn) error {
		logs = nil
		return conn.RPC.CallContext(ctx, &logs, "eth_getLogs", filter)
	})
	return logs, err
}

// decode takes the logs of one answer for what they are: claims.
func (s *Source) decode(logs []toldLog, first, last uint64) ([]chain.Logged, error) {
	events := make([]chain.Logged, 0, len(logs))
	for i := range logs {
		l := &logs[i]
		switch {
		case l.Address != s.client.cfg.Bridge:
			return nil, chain.Failed(chain.CheckEmitter, "a log of %s, the bridge is %s", l.Address, s.client.cfg.Bridge)
		case l.Removed:
			return nil, chain.Failed(chain.CheckLog, "a removed log of block %d, which is final", uint64(l.Block))
		case uint64(l.Block) < first || uint64(l.Block) > last:
			return nil, chain.Failed(chain.CheckLog, "a log of block %d, asked for %d to %d", uint64(l.Block), first, last)
		}
		event, err := DecodeLog(&gethtypes.Log{Topics: l.Topics, Data: l.Data, BlockNumber: uint64(l.Block)})
		if err != nil {
			return nil, err
		}
		events = append(events, event)
	}
	return events, nil
}

// mayBeTooMuch says whether an error may be due to the size of the range: any
// complaint of the server itself, a time-out, an answer too long to read.
func mayBeTooMuch(err error) bool {
	if answer, ok := errors.AsType[rpc.HTTPError](err); ok {
		switch answer.StatusCode {
		case http.StatusTooManyRequests, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
			return false
		}
		return true
	}
	if _, ok := errors.AsType[rpc.Error](err); ok {
		return true
	}
	return errors.Is(err, errTooLong) || errors.Is(err, context.DeadlineExceeded)
}
