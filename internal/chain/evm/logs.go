package evm

import (
	"cmp"
	"context"
	"errors"
	"math/big"
	"net/http"
	"slices"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/icrosschain/bridged/internal/chain"
)

// maxTimeouts is how many time-outs of one endpoint a range may cost before
// the next endpoint is asked.
const maxTimeouts = 2

// fetchRange reads the events of the blocks from first to last that fit the
// collector, and says how far it came: servers that refuse a range are asked
// for half of it, since their limits differ and have no common error. An
// endpoint that fails, or whose logs do not fit, is passed over.
func (s *Source) fetchRange(ctx context.Context, first, last uint64, collector *chain.Collector) ([]chain.Logged, uint64, error) {
	var errs []error
	begin := s.first
	for i := range s.client.endpoints {
		at := (begin + i) % len(s.client.endpoints)
		events, read, err := s.fetchFrom(ctx, s.client.endpoints[at], first, last, collector)
		if err == nil {
			s.first = at
			return events, read, nil
		}
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		errs = append(errs, err)
	}
	return nil, 0, join(errs)
}

// fetchFrom asks one endpoint, for ever smaller ranges while it refuses.
func (s *Source) fetchFrom(ctx context.Context, e *endpoint, first, last uint64, collector *chain.Collector) ([]chain.Logged, uint64, error) {
	limit := s.limits[e]
	last = min(last, first+limit.blocks()-1)
	for timeouts := 0; ; {
		logs, err := s.fetchLogs(ctx, e, first, last, topics)
		if err == nil {
			events, err := s.decode(logs, first, last)
			if err == nil {
				events, err = collector.Verify(events)
			}
			if err != nil {
				return nil, 0, e.failed(err)
			}
			limit.serve(last-first+1, len(logs))
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

func (s *Source) fetchLogs(ctx context.Context, e *endpoint, first, last uint64, topics ...[]common.Hash) (logs []gethtypes.Log, err error) {
	err = e.do(ctx, func(ctx context.Context, conn Conn) (err error) {
		logs, err = conn.Eth.FilterLogs(ctx, ethereum.FilterQuery{
			FromBlock: new(big.Int).SetUint64(first),
			ToBlock:   new(big.Int).SetUint64(last),
			Addresses: []common.Address{s.client.cfg.Bridge},
			Topics:    topics,
		})
		return err
	})
	return logs, err
}

// decode takes the logs of one answer for what they are: claims.
func (s *Source) decode(logs []gethtypes.Log, first, last uint64) ([]chain.Logged, error) {
	events := make([]chain.Logged, 0, len(logs))
	for i := range logs {
		l := &logs[i]
		switch {
		case l.Address != s.client.cfg.Bridge:
			return nil, chain.Failed(chain.CheckEmitter, "a log of %s, the bridge is %s", l.Address, s.client.cfg.Bridge)
		case l.Removed:
			return nil, chain.Failed(chain.CheckLog, "a removed log of block %d, which is final", l.BlockNumber)
		case l.BlockNumber < first || l.BlockNumber > last:
			return nil, chain.Failed(chain.CheckLog, "a log of block %d, asked for %d to %d", l.BlockNumber, first, last)
		}
		event, err := DecodeLog(l)
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
