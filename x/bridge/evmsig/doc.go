// Package evmsig is the Go side of what the bridge contract hashes and checks:
// inbox accumulators, command leaves, Merkle paths, seals, signatures and
// quorums (docs/wire-format.md).
//
// It stands beside x/bridge/types at level 0. Every function is pure, and total:
// no input makes it panic. Its bytes are held to the contract's by tests on
// go-ethereum's EVM, and to other implementations by testdata/vectors.json.
package evmsig
