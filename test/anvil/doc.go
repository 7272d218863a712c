// Package anvil has the tests against a second client of the EVM, whose history
// can be rewritten at will: validators, as processes, between two anvil chains
// of which one is reorganised, first above and then below what counts as final.
//
// The program is `make bin/tools/anvil`, an npm package that package-lock.json
// pins; BRIDGED_ANVIL names another one.
package anvil
