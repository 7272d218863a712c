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

// proofUnder is the key of what is proven under a header.
type proofUnder header

func (proofUnder) fact() fact { return factProof }

// inboxAt proves the inbox under an agreed header, by whichever endpoint can; the
// same for the same header is known for good.
func (c *Client) inboxAt(ctx context.Context, h header) (types.Mark, chain.Answer, error) {
	if p, ok := recall[proven](c.memory, proofUnder(h)); ok {
		return p.inbox, p.proof, nil
	}
	p, err := read(ctx, c, classProof, func(ctx context.Context, conn Conn) (p proven, err error) {
		p.inbox, p.proof, err = proveInbox(ctx, conn, c.cfg.Bridge, h)
		return p, err
	})
	if err != nil {
		return types.Mark{}, chain.Answer{}, err
	}
	remember(c.memory, proofUnder(h), p)
	return p.inbox, p.proof, nil
}
