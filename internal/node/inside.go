package node

import (
	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/internal/mailbox"
)

// What a program needs that stands in for the chains of a node without
// endpoints, as a benchmark does: the committed state to read, and where
// observers put what they have proven.

// Application is the replicated half.
func (n *Node) Application() *app.App { return n.app }

// Mailbox is what this node will say.
func (n *Node) Mailbox() *mailbox.Box { return n.mailbox }
