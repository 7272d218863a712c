// Package e2e has the tests of the whole: processes of bridged between real EVM
// chains, of which validators die, endpoints lie and contracts refuse. Each test
// has a network of its own on loopback, and ends with the invariants, with what
// both chains really hold beside what the ledger says, and with one app hash.
package e2e
