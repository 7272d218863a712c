// Package simnet simulates whole networks: validators with the real application
// and store, over a model of consensus, model chains, users, relayers and
// operators, all from one seed, with faults. After every block it holds them to
// the invariants; docs/reliability.md says which, and what is a model.
//
//	run.go          Run: a scenario from its begin to its end
//	scenario.go     what a seed decides: powers, liars, how often each fault comes
//	consensus.go    rounds, proposals, precommits, blocks; sets.go: who votes
//	node.go         one validator: the application and the workers beside it
//	observer.go     what a validator sees of a chain
//	byzantine.go    what liars say and propose
//	world.go        chains and assets; chain.go, users.go, relayers.go
//	operators.go    pauses, proposals, votes
//	churn.go        validators that come, go, and change keys
//	trouble.go      chains that break their word, printed tokens
//	check.go        the invariants; limits.go, timeline.go: the rules about time;
//	                registry.go, wishes.go, verdicts.go: those about validators
//	shrink.go       a failing seed made small
//
// A run is single-threaded and depends on its scenario alone. Package sim runs
// many; package selftest plants mistakes and wants them found.
package simnet
