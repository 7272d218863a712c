// Package throughput measures how many transfers a second validators finalise,
// seal and see completed: each is a process with the real node, over loopback,
// with real stores on disk and the settings that are shipped. Only the chains,
// and what observes and relays, are replaced: by events that each process makes
// for itself, all the same ones, each with a recipient and an amount of its own,
// to two destinations. At the end every transfer is complete, all validators have
// one app hash, and the real contract has executed batches with their quorums.
package throughput

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"time"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/test/bench/figure"
	"github.com/icrosschain/bridged/test/bench/kvstore"
)

const (
	warmUp = 10 * time.Second
	// ahead is enough that consensus is never short of work.
	ahead = 1 << 15
)

// Run measures.
func Run(ctx context.Context, o figure.Options) ([]figure.Figure, error) {
	flags := flag.NewFlagSet("throughput", flag.ContinueOnError)
	c := Config{Dir: o.Dir, WarmUp: warmUp, Ahead: ahead, Profile: o.Profile, say: o.Printf}
	flags.DurationVar(&c.Length, "length", time.Minute, "how long to measure, 1s to 1h")
	flags.DurationVar(&c.CommitTimeout, "timeout-commit", config.Comet("", "").Consensus.TimeoutCommit, "timeout_commit; the default is what is shipped")
	validators := flags.Int("validators", 0, "validators, 1 to 15 (default: 4, and in a full run 1, 4, 7 and 10)")
	beside := flags.Duration("kvstore", 15*time.Second, "how long to measure each setting of CometBFT's kvstore beside it; 0: not at all")
	if err := o.Parse(flags); err != nil {
		return nil, err
	}
	if c.Length < time.Second || c.Length > time.Hour || *validators < 0 || *validators > 15 || *beside < 0 {
		return nil, errors.New("--length is 1s to 1h and --validators 1 to 15")
	}
	sizes := []int{*validators}
	switch {
	case *validators > 0:
	case o.Short:
		sizes = []int{4}
	default:
		sizes = []int{1, 4, 7, 10}
	}
	var figures []figure.Figure
	for _, size := range sizes {
		c.Profile = "" // of one of the runs
		if size == 4 || len(sizes) == 1 {
			c.Profile = o.Profile
		}
		c.Validators, c.Dir = size, filepath.Join(o.Dir, fmt.Sprintf("%d-validators", size))
		m, err := Measure(ctx, c)
		if err != nil {
			return figures, fmt.Errorf("%d validators: %w", size, err)
		}
		figures = append(figures, m.figures()...)
		if *beside == 0 {
			continue
		}
		o.Printf("CometBFT's kvstore, %s for each setting\n", *beside)
		k, err := kvstore.Compare(ctx, o, size, *beside)
		if err != nil {
			return figures, err
		}
		figures = append(figures, m.against(k)...)
	}
	return figures, nil
}
