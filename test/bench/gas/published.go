package gas

import "github.com/icrosschain/bridged/contracts/evmtest"

// Figures of other projects' contracts; docs/gas.md says how they were got.
const (
	published  = "published, measured on go-ethereum's EVM"
	measuredBy = "its contract on this EVM, as docs/gas.md tells"
)

// peer is what another project's contract needs.
type peer struct {
	gas    uint64
	origin string
}

// peers are the figures under one rule set. Gravity's verification is a batch
// without entries, its releases are to existing recipients, with the usual set.
type peers struct {
	verification map[int]peer // by validators
	release      map[int]peer // by the size of the batch
	setChange    map[int]peer // by validators
	deposit      peer
}

// gravity is Gravity.sol v1.14.1.
var gravity = map[evmtest.Rules]peers{
	evmtest.Osaka: {
		verification: map[int]peer{
			4: {81_311, published}, 10: {114_281, published}, 21: {178_595, published},
			50: {335_185, published}, 100: {607_229, published},
		},
		release: map[int]peer{
			1: {195_028, measuredBy}, 10: {29_283, measuredBy}, 50: {14_559, measuredBy},
			100: {12_741, published}, 250: {11_652, measuredBy},
		},
		setChange: map[int]peer{
			4: {98_630, measuredBy}, 10: {144_303, measuredBy}, 21: {232_304, measuredBy},
			50: {449_981, measuredBy}, 100: {828_251, measuredBy},
		},
		deposit: peer{55_440, measuredBy},
	},
	evmtest.Amsterdam: {
		verification: map[int]peer{
			4: {95_128, measuredBy}, 10: {156_568, measuredBy}, 21: {269_208, measuredBy},
			50: {566_168, measuredBy}, 100: {1_078_168, measuredBy},
		},
		release: map[int]peer{
			1: {275_352, measuredBy}, 10: {38_803, measuredBy}, 50: {22_223, measuredBy},
			100: {20_159, measuredBy}, 250: {18_944, measuredBy},
		},
		setChange: map[int]peer{
			4: {194_950, measuredBy}, 10: {240_623, measuredBy}, 21: {353_176, measuredBy},
			50: {768_920, measuredBy}, 100: {1_485_720, measuredBy},
		},
		deposit: peer{71_440, measuredBy},
	},
}

// Contracts that pay out one transfer at a time, or approve one at a time in a
// batch, with 21 validators under the rules of today.
var others = []struct {
	what string
	size int // of the batch that it is compared with
	peer peer
}{
	{"Wormhole completeTransfer", 1, peer{272_257, published}},
	{"Hyperlane process", 1, peer{175_226, published}},
	{"Axelar approve", 100, peer{37_606, published + "; a second transaction of each recipient does the work"}},
}
