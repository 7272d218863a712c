// Package earlyseal is a model of one idea, docs/adr/0010: that a validator signs a
// block's seal in the very precommit that decides the block. It asks what that
// would break. Nothing of the product uses it.
//
//	consensus.go  one honest validator: CometBFT 0.40's rounds, locks and polkas
//	network.go    a run: messages, delays, partitions, crashes, from a seed
//	liars.go      what validators say that break every rule
//	seal.go       the variants: what is signed when, and what proves a forgery
//	judge.go      a run held to what has to be true, once for each variant
//
// Signing changes nothing in consensus, so a run is made once and judged for every
// variant. A signature is a pair of signer and digest that only the model of the
// signer makes; digests are the real ones, of x/bridge/evmsig. Package sim runs
// many seeds.
package earlyseal
