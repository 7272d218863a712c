package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	rpchttp "github.com/cometbft/cometbft/rpc/client/http"
)

// rpcSeconds is how long a validator may take for one answer.
const rpcSeconds = 10

// queryArgs are the arguments of a query of the bridge's state.
type queryArgs struct {
	ID    string `json:"id,omitempty"`
	Chain string `json:"chain,omitempty"`
	Limit int    `json:"limit,omitempty"`
}

// node is the RPC client of validator i.
func (n *network) node(i int) (*rpchttp.HTTP, error) {
	client, err := rpchttp.NewWithTimeout(n.homes[i].RPC, "/websocket", rpcSeconds)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", n.homes[i].Moniker, err)
	}
	return client, nil
}

// ask puts a query to the first validator. It is for what is asked many times: the
// demo's verdicts come from bridged's own commands.
func (n *network) ask(ctx context.Context, path string, args queryArgs, result any) error {
	client, err := n.node(0)
	if err != nil {
		return err
	}
	data, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("encode the arguments of %s: %w", path, err)
	}
	answer, err := client.ABCIQuery(ctx, "/bridge/"+path, data)
	if err != nil {
		return fmt.Errorf("ask %s for %s: %w", n.homes[0].Moniker, path, err)
	}
	if r := answer.Response; r.Code != 0 {
		return fmt.Errorf("ask %s for %s: %s (code %d)", n.homes[0].Moniker, path, r.Log, r.Code)
	}
	if err := json.Unmarshal(answer.Response.Value, result); err != nil {
		return fmt.Errorf("ask %s for %s: decode the answer: %w", n.homes[0].Moniker, path, err)
	}
	return nil
}

// query runs `bridged query` on validator 0's home.
func (n *network) query(ctx context.Context, result any, args ...string) error {
	return n.bridged.query(ctx, result, append([]string{"query", "--home", n.homes[0].Home}, args...)...)
}

// height is the newest block of validator i, and whether it has caught up.
func (n *network) height(ctx context.Context, i int) (height int64, caughtUp bool, err error) {
	client, err := n.node(i)
	if err != nil {
		return 0, false, err
	}
	status, err := client.Status(ctx)
	if err != nil {
		return 0, false, fmt.Errorf("status of %s: %w", n.homes[i].Moniker, err)
	}
	return status.SyncInfo.LatestBlockHeight, !status.SyncInfo.CatchingUp, nil
}

// until waits as validators.until does, but at most so long, and takes an error
// of holds for a no: processes that start do not answer at once.
func (n *network) until(ctx context.Context, limit time.Duration, what string, holds func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var last error
	err := n.validators.until(ctx, what, func(ctx context.Context) (bool, error) {
		var ok bool
		ok, last = holds(ctx)
		return ok && last == nil, nil
	})
	if err != nil && last != nil {
		return fmt.Errorf("%w: %w", err, last)
	}
	return err
}
