// Package evmnode runs a go-ethereum node inside the calling process: an EVM
// chain of its own with HTTP and WebSocket JSON-RPC on loopback, for the
// development network and for integration tests.
//
// It is a whole node (transaction pool, EVM, state with proofs, filters); only
// consensus is replaced. There is no beacon chain: the package itself decides
// when a block is made, how far `safe` and `finalized` trail behind the head,
// and when history is rewritten. So a test can do to a bridge what a real chain
// does to it, at the moment it chooses.
//
// Only cmd/devnet and tests may import it: bridged itself links no EVM node.
//
// What holds for users of the JSON-RPC interface:
//   - a block is visible either not at all or as a whole, and the number of
//     `latest` never falls, not even over a Reorg;
//   - `finalized` <= `safe` <= `latest`, and the number of `finalized` never
//     falls; its hash changes only when Reorg is told to go below it;
//   - block times rise by at least one second a block, as the protocol asks.
//     Blocks made faster than one a second let the chain's clock run ahead of
//     the wall clock;
//   - go-ethereum's own limits are left on: 2^24 gas a transaction, 1 ether of
//     fee a transaction sent by RPC, +10 % on tip and fee cap to replace one,
//     state and proofs of the last 128 blocks.
package evmnode
