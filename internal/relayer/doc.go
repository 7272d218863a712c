// Package relayer brings sealed commands to the chains that they are for: one
// Worker for each destination.
//
// A Worker keeps nothing on disk, but for what it spends, and depends on no event. Each round asks the
// state what is open, the contract how far it is, and its account what it has
// sent; what to do now follows from the three (decide, which is pure). So a
// crash, a dropped transaction, a reorganised destination and a second relayer
// need no repair.
//
// # Turns
//
// Anyone may execute a command, and whoever comes second pays for a cheap
// revert. So the validators take turns: for each command there is a fixed order
// of the validators of its seal's epoch, drawn by keccak256 from the chain and
// the oldest command that was unexecuted, by the committed state, when the
// command was committed. All nodes draw the same, and while a chain's
// executions are on their way back the turn stays where it is.
//
// The first in that order sends at once. The one with rank r steps in when the
// contract has stood still at the command for r × Patience heights and for
// r × PatienceBlocks blocks of the destination, counted from when this node
// itself first held a quorum of signatures and saw the contract arrive there:
// heights alone say nothing where a block of the destination takes longer than
// Patience heights. After a restart both counts begin anew. Whoever is in its
// turn sends all complete commands that share the turn, without waiting for
// the inclusion of the former.
//
// A relayer that is no validator's takes no turn. It sends at once, or, if it is to
// leave a command to the validators first, as one of rank 1 with a Patience of its
// own.
//
// # Money
//
// No transaction offers more for gas than MaxFee, and with a Spending that has a
// limit none is sent that might cost more than what is left of a day's. What one
// endpoint of several says cannot raise what is paid.
//
// One account serves one Worker of one process and nothing else.
package relayer
