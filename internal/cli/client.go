package cli

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	rpcclient "github.com/cometbft/cometbft/rpc/client"
	rpchttp "github.com/cometbft/cometbft/rpc/client/http"
	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/x/bridge"
)

// client asks one node.
type client struct {
	session *session
	address string
	rpc     *rpchttp.HTTP
}

// dial finds the node: --node, or the home's own.
func (s *session) dial() (*client, error) {
	address := s.node
	if address == "" {
		address = "tcp://127.0.0.1:26657"
		if s.home().Exists() {
			comet, err := config.LoadComet(s.home())
			if err != nil {
				return nil, err
			}
			address = strings.Replace(comet.RPC.ListenAddress, "0.0.0.0", "127.0.0.1", 1)
		}
	}
	rpc, err := rpchttp.New(address, "/websocket")
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", address, err)
	}
	return &client{session: s, address: address, rpc: rpc}, nil
}

// refusedError is a query that the node understood and refused.
type refusedError struct {
	code uint32
	text string
}

func (e *refusedError) Error() string { return e.text }

// isCode says whether the node refused with the code of a protocol error.
func isCode(err error, code *bridge.Error) bool {
	var refused *refusedError
	return errors.As(err, &refused) && refused.code == code.Code || errors.Is(err, code)
}

// unreachable wraps trouble with asking: the node is not ready.
func (c *client) unreachable(err error) error {
	return fmt.Errorf("%w: node %s (is it running? --node names another): %w", errNotReady, c.address, err)
}

// ask runs a query of the protocol on the node.
func (c *client) ask(ctx context.Context, name string, args bridge.QueryArgs, height int64, result any) error {
	answer, _, err := c.askRaw(ctx, name, args, height)
	if err != nil {
		return err
	}
	return decodeAnswer(name, answer, result)
}

func decodeAnswer(name string, answer []byte, result any) error {
	if err := json.Unmarshal(answer, result); err != nil {
		return fmt.Errorf("read the answer to %s: %w", name, err)
	}
	return nil
}

func (c *client) askRaw(ctx context.Context, name string, args bridge.QueryArgs, height int64) (answer []byte, at int64, err error) {
	data, err := json.Marshal(args)
	if err != nil {
		return nil, 0, fmt.Errorf("encode the query: %w", err)
	}
	response, err := c.rpc.ABCIQueryWithOptions(ctx, "/bridge/"+name, data, rpcclient.ABCIQueryOptions{Height: height})
	if err != nil {
		return nil, 0, c.unreachable(err)
	}
	if r := response.Response; r.Code != 0 {
		return nil, 0, &refusedError{r.Code, r.Log}
	}
	return response.Response.Value, response.Response.Height, nil
}

// queryFlags are those of every query.
type queryFlags struct {
	height      int64
	prove       bool
	trustHeight int64
	trustHash   string
	trustPeriod time.Duration
	witnesses   []string
}

func (f *queryFlags) add(c *cobra.Command) {
	p := c.PersistentFlags()
	p.Int64Var(&f.height, "height", 0, "height of the state to ask (default: the newest)")
	p.BoolVar(&f.prove, "prove", false, "verify every record of the answer, trusting the genesis or --trust-height, not the node")
	p.Int64Var(&f.trustHeight, "trust-height", 0, "with --prove: height of a block whose hash you know")
	p.StringVar(&f.trustHash, "trust-hash", "", "with --prove: that hash, in hexadecimal")
	p.DurationVar(&f.trustPeriod, "trust-period", 14*24*time.Hour, "with --prove: how old trusted validators may be")
	p.StringSliceVar(&f.witnesses, "witness", nil, "with --prove: RPC addresses of other nodes to compare with")
}

// asker runs the protocol's queries, all of them on the state of one height.
type asker func(name string, args bridge.QueryArgs, result any) (answer []byte, err error)

// asker asks by the node's word, or, with --prove, proves.
func (c *client) asker(ctx context.Context, f queryFlags) (asker, error) {
	if f.prove {
		return c.prover(ctx, f)
	}
	height := f.height
	return func(name string, args bridge.QueryArgs, result any) ([]byte, error) {
		answer, at, err := c.askRaw(ctx, name, args, height)
		if err != nil {
			return nil, err
		}
		height = at
		return answer, decodeAnswer(name, answer, result)
	}, nil
}

func (c *client) prover(ctx context.Context, f queryFlags) (asker, error) {
	trust, chainID, err := c.trust(f)
	if err != nil {
		return nil, err
	}
	state, err := node.OpenProvenState(ctx, node.ProveOptions{
		ChainID: chainID, RPC: c.rpc, Address: c.address, Witnesses: f.witnesses, Trust: trust, Height: f.height,
	})
	if err != nil {
		return nil, err
	}
	told := false // names for people are looked up afterwards, proven as well
	return func(name string, args bridge.QueryArgs, result any) ([]byte, error) {
		data, err := json.Marshal(args)
		if err != nil {
			return nil, fmt.Errorf("encode the query: %w", err)
		}
		answer, err := state.Query(name, data)
		if err != nil {
			return nil, err
		}
		if !told {
			c.session.note("Proven: %s, by %d record(s) of the state of height %d under the header of height %d.",
				name, state.Reads(), state.Height(), state.Height()+1)
			told = true
		}
		return answer, decodeAnswer(name, answer, result)
	}, nil
}

// trust is where proofs begin: a known header, or the home's genesis.
func (c *client) trust(f queryFlags) (node.Trust, string, error) {
	trust, chainID := node.Trust{Height: f.trustHeight, Period: f.trustPeriod}, c.session.chainID
	if f.trustHeight != 0 {
		hash, err := hex.DecodeString(strings.TrimPrefix(f.trustHash, "0x"))
		if err != nil || len(hash) != 32 {
			return trust, "", errors.New("--trust-hash: want 64 hexadecimal digits, the hash of the block at --trust-height")
		}
		trust.Hash = hash
	}
	if f.trustHeight != 0 && chainID != "" {
		return trust, chainID, nil
	}
	genesis, err := node.ReadGenesis(c.session.home().GenesisFile())
	if err != nil {
		return trust, "", fmt.Errorf("--prove trusts the home's genesis, or --trust-height and --trust-hash with --chain-id: %w", err)
	}
	if chainID != "" && chainID != genesis.Doc.ChainID {
		return trust, "", fmt.Errorf("--chain-id is %s, and the home's genesis is of %s", chainID, genesis.Doc.ChainID)
	}
	trust.Genesis = &genesis
	return trust, genesis.Doc.ChainID, nil
}
