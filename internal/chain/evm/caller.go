package evm

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common/hexutil"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"
)

// class groups methods, in metrics and in what is known of an endpoint: one may
// serve headers well and proofs not at all.
type class uint8

const (
	classOther class = iota // whatever else the commands ask
	classIdentity
	classHeader
	classProof
	classLogs
	classReceipts
	classState
	classSend
	classes // how many there are
)

var classNames = [classes]string{"other", "identity", "header", "proof", "logs", "receipts", "state", "send"}

// String is the word in metrics.
func (c class) String() string { return classNames[c] }

var classOf = map[string]class{
	"eth_chainId":               classIdentity,
	"eth_blockNumber":           classHeader,
	"eth_getBlockByNumber":      classHeader,
	"eth_getBlockByHash":        classHeader,
	"eth_getProof":              classProof,
	"eth_getLogs":               classLogs,
	"eth_getBlockReceipts":      classReceipts,
	"eth_getTransactionReceipt": classReceipts,
	"eth_call":                  classState,
	"eth_getStorageAt":          classState,
	"eth_getBalance":            classState,
	"eth_getTransactionCount":   classState,
	"eth_getCode":               classState,
	"eth_gasPrice":              classState,
	"eth_maxPriorityFeePerGas":  classState,
	"eth_feeHistory":            classState,
	"eth_estimateGas":           classState,
	"eth_sendRawTransaction":    classSend,
	"eth_getTransactionByHash":  classState,
}

// Caller makes the calls of one request, and counts and times them. A batch
// counts as the calls in it: that is what providers count.
type Caller struct {
	client *rpc.Client
	e      *endpoint
	calls  atomic.Int64
}

func (c *Caller) begin(ctx context.Context, method string, calls int) (class, time.Time) {
	kind := classOf[method]
	if before := c.calls.Add(int64(calls)) - int64(calls); before == 0 {
		c.e.gate.spend(calls - 1) // one was paid for when the request was let in
	} else {
		c.e.gate.spend(calls)
	}
	c.e.count(kind, calls)
	if counter, ok := ctx.Value(countKey{}).(*atomic.Uint64); ok {
		counter.Add(uint64(calls)) //nolint:gosec // not negative
	}
	return kind, time.Now()
}

// CallContext is rpc.Client's.
func (c *Caller) CallContext(ctx context.Context, result any, method string, args ...any) error {
	kind, start := c.begin(ctx, method, 1)
	err := c.client.CallContext(ctx, result, method, args...)
	c.e.measure(ctx, kind, time.Since(start), err)
	return err
}

// BatchCallContext is rpc.Client's. An endpoint that takes no batches is asked
// for one call after the other, in their order.
func (c *Caller) BatchCallContext(ctx context.Context, batch []rpc.BatchElem) error {
	if len(batch) == 0 {
		return nil
	}
	if !c.e.singly.Load() {
		kind, start := c.begin(ctx, batch[0].Method, len(batch))
		err := c.client.BatchCallContext(ctx, batch)
		c.e.measure(ctx, kind, time.Since(start), err)
		if !refusesBatches(err) {
			return err
		}
	}
	for i := range batch {
		b := &batch[i]
		b.Error = c.CallContext(ctx, b.Result, b.Method, b.Args...)
		if _, answered := errors.AsType[rpc.Error](b.Error); b.Error != nil && !answered {
			return b.Error
		}
	}
	c.e.singly.Store(true) // it works so, and only so
	return nil
}

// refusesBatches says whether an answer to a batch is one of a server that takes
// single calls only: a refusal of its form, or one object where a list belongs.
func refusesBatches(err error) bool {
	if answer, ok := errors.AsType[rpc.HTTPError](err); ok {
		return answer.StatusCode == http.StatusBadRequest || answer.StatusCode == http.StatusRequestEntityTooLarge ||
			answer.StatusCode == http.StatusMethodNotAllowed || answer.StatusCode == http.StatusNotImplemented
	}
	form, ok := errors.AsType[*json.UnmarshalTypeError](err)
	return ok && form.Value == "object"
}

// Eth is ethclient.Client. Its calls go through the Caller where the node makes
// them often; those that only commands make are not counted.
type Eth struct {
	*ethclient.Client
	caller *Caller
}

// BlockNumber is ethclient's.
func (e *Eth) BlockNumber(ctx context.Context) (uint64, error) {
	var number hexutil.Uint64
	err := e.caller.CallContext(ctx, &number, "eth_blockNumber")
	return uint64(number), err
}

// FilterLogs is ethclient's, for a range of blocks.
func (e *Eth) FilterLogs(ctx context.Context, q ethereum.FilterQuery) (logs []gethtypes.Log, err error) {
	filter := map[string]any{
		"address": q.Addresses, "topics": q.Topics,
		"fromBlock": hexutil.EncodeBig(q.FromBlock), "toBlock": hexutil.EncodeBig(q.ToBlock),
	}
	err = e.caller.CallContext(ctx, &logs, "eth_getLogs", filter)
	return logs, err
}

// isRateLimited says whether a server has been asked more than it allows. There
// is no common code: providers send 429 as status or as code, -32005 (which also
// says that a range is too large), -32029, or just say so.
func isRateLimited(err error) bool {
	if answer, ok := errors.AsType[rpc.HTTPError](err); ok {
		return answer.StatusCode == http.StatusTooManyRequests
	}
	answer, ok := errors.AsType[rpc.Error](err)
	if !ok {
		return false
	}
	if code := answer.ErrorCode(); code == http.StatusTooManyRequests || code == -32029 {
		return true
	}
	text := strings.ToLower(answer.Error())
	for _, sign := range []string{"rate limit", "too many requests", "request limit", "compute units per second", "throughput"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}
