package chains

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/icrosschain/bridged/test/bench/figure"
	"github.com/icrosschain/bridged/test/bench/wait"
)

// atRest are chains of several kinds, all of them idle.
var atRest = []struct {
	name string
	spec
}{
	{"a block a second, final after 2", spec{block: time.Second, lag: 2}},
	{"a block in 2 s, final after 2", spec{block: 2 * time.Second, lag: 2}},
	{"a block in 12 s, final after 2", spec{block: 12 * time.Second, lag: 2}},
	{"a block in 12 s, 32 final together after 64", spec{block: 12 * time.Second, lag: 64, epoch: 32}},
}

// counts are requests of one chain: of each endpoint, by method.
type counts [endpoints]map[string]uint64

// rest counts what one node asks of idle chains. The chains are set up in a
// hurry, so that the node is restarted before it counts: it may have learned how
// fast they are.
func rest(ctx context.Context, o options) (figures []figure.Figure, err error) {
	specs := make([]spec, len(atRest))
	for i, kind := range atRest {
		specs[i] = kind.spec
	}
	n, err := newNetwork(ctx, o, specs, len(specs))
	if err != nil {
		return nil, err
	}
	err = n.with(ctx, func(ctx context.Context, c *chain, _ int) error { return c.hurry(ctx) }, n.ready)
	if err == nil {
		err = errors.Join(n.node.Close(), n.open(ctx, o.node))
	}
	if err == nil {
		err = n.with(ctx, func(ctx context.Context, _ *chain, i int) error { return n.run(ctx, i, 1) },
			func(ctx context.Context) (err error) {
				figures, err = n.count(ctx, o)
				return err
			})
	}
	return figures, errors.Join(err, n.close())
}

// hurry makes blocks quickly while the chain is being set up.
func (c *chain) hurry(ctx context.Context) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := c.Mine(); err != nil {
			return err
		}
	}
}

// count takes what was asked in a span in which nothing happened, and prints it
// for each source block.
func (n *network) count(ctx context.Context, o options) (figures []figure.Figure, err error) {
	settle := settles()
	o.Printf("this takes %s\n", (settle + o.length).Round(time.Minute))
	if err := wait.For(ctx, settle); err != nil {
		return nil, err
	}
	before, blocks := make([]counts, len(n.chains)), make([]uint64, len(n.chains))
	for i, c := range n.chains {
		before[i], blocks[i] = c.counts(), c.Head()
	}
	if err := wait.For(ctx, o.length); err != nil {
		return nil, err
	}
	for i, c := range n.chains {
		made := c.Head() - blocks[i]
		o.Printf("\n%s: %d blocks\n", atRest[i].name, made)
		all := c.counts().since(before[i]).print(o, made)
		figures = append(figures, figure.Figure{Name: "requests for each source block at rest, " + atRest[i].name, Value: all, Unit: "1"})
	}
	return figures, nil
}

// settles is how long a node runs before it counts: until it has seen finality
// move twice on every chain, and knows their pace.
func settles() (longest time.Duration) {
	for _, kind := range atRest {
		longest = max(longest, time.Duration(2*kind.epoch+5)*kind.block) //nolint:gosec // small
	}
	return longest
}

func (c *chain) counts() (all counts) {
	for i, e := range c.Endpoints() {
		all[i] = e.Requests()
	}
	return all
}

// since is what was asked after other counts.
func (c counts) since(before counts) counts {
	for i := range c {
		for method, n := range before[i] {
			c[i][method] -= n
		}
	}
	return c
}

// print shows requests for each source block, and returns their number.
func (c counts) print(o options, blocks uint64) float64 {
	all := map[string]bool{}
	for _, e := range c {
		for method, n := range e {
			all[method] = all[method] || n > 0
		}
	}
	maps.DeleteFunc(all, func(_ string, asked bool) bool { return !asked })
	each := func(n uint64) float64 { return float64(n) / float64(blocks) }
	var sums [endpoints]uint64
	o.Printf("  %-28s %8s %8s %8s %8s\n", "requests for each block", "first", "second", "third", "all")
	for _, method := range slices.Sorted(maps.Keys(all)) {
		o.Printf("  %-28s", method)
		sum := uint64(0)
		for i, e := range c {
			o.Printf(" %8.2f", each(e[method]))
			sums[i] += e[method]
			sum += e[method]
		}
		o.Printf(" %8.2f\n", each(sum))
	}
	o.Printf("  %-28s %8.2f %8.2f %8.2f %8.2f\n", "all", each(sums[0]), each(sums[1]), each(sums[2]), each(sums[0]+sums[1]+sums[2]))
	return each(sums[0] + sums[1] + sums[2])
}
