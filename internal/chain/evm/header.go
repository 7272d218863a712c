package evm

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	gethtypes "github.com/ethereum/go-ethereum/core/types"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// header is what counts of a block header.
type header struct {
	Number uint64
	Hash   types.Hash
	Parent types.Hash
	Root   types.Hash // of the state
	// Receipts is the root of the block's receipts; zero where the server names
	// none.
	Receipts types.Hash
	Time     uint64
}

// told is a header and how one endpoint told it.
type told struct {
	header header
	raw    json.RawMessage
}

// fetchHeader asks one endpoint for a header by number or tag. Unless foreign
// is set, its hash is recomputed from all its fields; else it is taken as given,
// with the fields beside it, for min_agree to decide.
func fetchHeader(ctx context.Context, conn Conn, block string, foreign bool) (told, error) {
	return fetchBlock(ctx, conn, "eth_getBlockByNumber", block, foreign)
}

// fetchHash asks one endpoint for the header of a hash.
func fetchHash(ctx context.Context, conn Conn, hash types.Hash) (told, error) {
	t, err := fetchBlock(ctx, conn, "eth_getBlockByHash", hash.Hex(), false)
	if err == nil && t.header.Hash != hash {
		return told{}, chain.Failed(chain.CheckHeader, "asked for block %s, got block %s", hash, t.header.Hash)
	}
	return t, err
}

func fetchBlock(ctx context.Context, conn Conn, method, block string, foreign bool) (told, error) {
	var raw json.RawMessage
	if err := conn.RPC.CallContext(ctx, &raw, method, block, false); err != nil {
		return told{}, err
	}
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return told{}, fmt.Errorf("block %s: %w", block, ethereum.NotFound)
	}
	h, err := parseHeader(raw, foreign)
	return told{h, raw}, err
}

func parseHeader(raw []byte, foreign bool) (header, error) {
	var said struct {
		Number hexutil.Uint64 `json:"number"`
		Hash   *common.Hash   `json:"hash"`
		Parent common.Hash    `json:"parentHash"`
		Root   *common.Hash   `json:"stateRoot"`
		Logs   common.Hash    `json:"receiptsRoot"`
		Time   hexutil.Uint64 `json:"timestamp"`
	}
	if err := json.Unmarshal(raw, &said); err != nil {
		return header{}, chain.Failed(chain.CheckHeader, "%w", err)
	}
	if said.Hash == nil || said.Root == nil || *said.Hash == (common.Hash{}) || *said.Root == (common.Hash{}) {
		return header{}, chain.Failed(chain.CheckHeader, "a header without hash or state root")
	}
	h := header{Number: uint64(said.Number), Hash: *said.Hash, Parent: said.Parent, Root: *said.Root, Receipts: said.Logs, Time: uint64(said.Time)}
	if foreign {
		return h, nil
	}
	var full gethtypes.Header
	if err := json.Unmarshal(raw, &full); err != nil {
		return header{}, chain.Failed(chain.CheckHeader, "block %d: %w; %s", h.Number, err, foreignAdvice)
	}
	if hash := full.Hash(); hash != h.Hash {
		if unknown := unknownFields(raw); len(unknown) > 0 {
			return header{}, chain.Failed(chain.CheckHeader,
				"block %d: its hash %s cannot be recomputed, for it has fields that Ethereum's headers have not (%s); %s",
				h.Number, h.Hash, strings.Join(unknown, ", "), foreignAdvice)
		}
		return header{}, chain.Failed(chain.CheckHeader, "block %d: the fields hash to %s, the server says %s; %s",
			h.Number, hash, h.Hash, foreignAdvice)
	}
	if !full.Number.IsUint64() || full.Number.Uint64() != h.Number {
		return header{}, chain.Failed(chain.CheckHeader, "block number %s and %d", full.Number, h.Number)
	}
	h.Parent, h.Root, h.Receipts, h.Time = full.ParentHash, full.Root, full.ReceiptHash, full.Time
	return h, nil
}

// foreignAdvice ends the error of a header whose hash is not that of its fields.
const foreignAdvice = "if all endpoints of this chain say so, its headers are not Ethereum's, or of a newer kind than this program knows: set foreign_headers = true"

// blockFields are what eth_getBlockByNumber says of a block, the header's fields
// that go-ethereum hashes included.
var blockFields = func() map[string]bool {
	known := map[string]bool{}
	for _, name := range []string{"hash", "size", "totalDifficulty", "uncles", "transactions", "withdrawals", "author"} {
		known[name] = true
	}
	header := reflect.TypeFor[gethtypes.Header]()
	for field := range header.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		known[name] = true
	}
	return known
}()

// unknownFields names what a server says of a block that blockFields has not,
// shortened to what fits a log line.
func unknownFields(raw []byte) []string {
	const most, longest = 8, 40
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !blockFields[name] && len(unknown) < most {
			unknown = append(unknown, fmt.Sprintf("%.*q", longest, name))
		}
	}
	return unknown
}

// fetchFinalized asks one endpoint for the block that it holds final.
func fetchFinalized(ctx context.Context, conn Conn, f Finality, foreign bool) (told, error) {
	if f.Confirmations == 0 {
		return fetchHeader(ctx, conn, f.Tag, foreign)
	}
	latest, err := conn.Eth.BlockNumber(ctx)
	if err != nil {
		return told{}, err
	}
	if latest < f.Confirmations {
		return fetchHeader(ctx, conn, hexutil.EncodeUint64(0), foreign)
	}
	return fetchNumber(ctx, conn, latest-f.Confirmations, foreign)
}

// fetchNumber asks one endpoint for the header of a number, and for no other.
func fetchNumber(ctx context.Context, conn Conn, number uint64, foreign bool) (told, error) {
	t, err := fetchHeader(ctx, conn, hexutil.EncodeUint64(number), foreign)
	if err == nil && t.header.Number != number {
		return told{}, chain.Failed(chain.CheckHeader, "asked for block %d, got block %d", number, t.header.Number)
	}
	return t, err
}
