package evm

import (
	"context"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// proven is the inbox under a header, and the proof.
type proven struct {
	inbox types.Mark
	proof chain.Answer
}

// inboxAt proves the inbox under an agreed header, by whichever endpoint can; the
// same for the same header is known for good.
func (c *Client) inboxAt(ctx context.Context, h header) (types.Mark, chain.Answer, error) {
	if p, ok := recall[header, proven](c.memory, h); ok {
		return p.inbox, p.proof, nil
	}
	p, err := read(ctx, c, classProof, func(ctx context.Context, conn Conn) (p proven, err error) {
		p.inbox, p.proof, err = proveInbox(ctx, conn, c.cfg.Bridge, h)
		return p, err
	})
	if err != nil {
		return types.Mark{}, chain.Answer{}, err
	}
	remember(c.memory, h, p)
	return p.inbox, p.proof, nil
}
