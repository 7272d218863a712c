// Package modelchain is an EVM chain that costs next to nothing, with JSON-RPC
// servers of its own, for tests and benchmarks that want many chains at once:
// real headers, receipts, logs and Merkle proofs over real HTTP, above the model
// of the contract in x/bridge/bridgetest. Nothing is executed but the contract,
// there are no other accounts worth the name, and gas costs nothing.
//
// The test makes the blocks, and appends the deposits. What a relayer sends is
// executed by the next block. Each of a chain's endpoints counts what it is
// asked, and may hang or lie.
package modelchain
