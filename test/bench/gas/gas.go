// Package gas measures the bridge contract on go-ethereum's EVM: whole
// transactions, under the rules of today and of Ethereum's next fork. Its figures
// are exact, so its tests hold the contract to them.
package gas

import (
	"context"
	"fmt"

	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/test/bench/figure"
)

var bothRules = []evmtest.Rules{evmtest.Osaka, evmtest.Amsterdam}

// Run is the benchmark "gas". It measures everything in a few seconds; a short run
// tells what has a counterpart in another project, or an aim.
func Run(ctx context.Context, o figure.Options) ([]figure.Figure, error) {
	if err := o.NoFlags(); err != nil {
		return nil, err
	}
	var figures []figure.Figure
	for _, rules := range bothRules {
		if ctx.Err() != nil {
			return figures, ctx.Err()
		}
		r, err := measure(rules)
		if err != nil {
			return figures, fmt.Errorf("%s: %w", rules, err)
		}
		figures = append(figures, r.compared()...)
		if !o.Short {
			figures = append(figures, r.others()...)
		}
	}
	return figures, nil
}
