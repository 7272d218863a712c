// Package badproxy is a bad JSON-RPC server made of a good one: a proxy for tests
// that stands before an EVM node and delays, refuses, cuts, alters, forges and
// hides what the node answers, over HTTP, in batches, and over WebSockets.
//
// What it can do is a table, Troubles. Rules say which of it a proxy does, to
// which share of which requests. They may change while it runs. Every throw of
// the dice follows from the seed, the method and how many requests of that method
// there were before, so the same requests meet the same troubles.
package badproxy
