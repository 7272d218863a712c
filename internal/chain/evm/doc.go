// Package evm reads and drives the bridge contract of an EVM chain over
// JSON-RPC. It is the only package of the program with a chain client in it.
//
// Servers are not trusted. A finalised header counts when min_agree groups of
// endpoints name the same hash; the contract's inbox position is proven against
// that header's state root, and logs count once they hash into that position.
// No block bodies are fetched, so transactions of unknown types do no harm.
package evm
