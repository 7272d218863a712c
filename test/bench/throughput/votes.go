package throughput

import (
	"context"
	"errors"
	"fmt"

	rpchttp "github.com/cometbft/cometbft/rpc/client/http"
	"google.golang.org/protobuf/proto"

	"github.com/icrosschain/bridged/x/bridge/bridgepb"
)

// voteBytes sums the vote extensions in the blocks above a height, up to another,
// as the first validator stored them.
func (n *network) voteBytes(ctx context.Context, above, upTo int64) (sum int64, err error) {
	client, err := rpchttp.New("tcp://"+n.address(0, portRPC), "/websocket")
	if err != nil {
		return 0, fmt.Errorf("asking the first validator: %w", err)
	}
	for h := above + 1; h <= upTo; h++ {
		answer, err := client.Block(ctx, &h)
		if err != nil {
			return 0, fmt.Errorf("reading block %d: %w", h, err)
		}
		if len(answer.Block.Txs) == 0 {
			return 0, fmt.Errorf("block %d is empty", h)
		}
		size, err := extensionBytes(answer.Block.Txs[0])
		if err != nil {
			return 0, fmt.Errorf("block %d: %w", h, err)
		}
		sum += size
	}
	return sum, nil
}

// extensionBytes is the size of all extensions in a system transaction.
func extensionBytes(tx []byte) (sum int64, err error) {
	if len(tx) < 2 {
		return 0, errors.New("no system transaction")
	}
	message := &bridgepb.SystemTx{}
	if err := proto.Unmarshal(tx[2:], message); err != nil { // the bytes behind the frame of docs/wire-format.md
		return 0, fmt.Errorf("decoding the system transaction: %w", err)
	}
	for _, slot := range message.Slots {
		sum += int64(len(slot.Extension))
	}
	return sum, nil
}
