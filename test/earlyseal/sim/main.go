// Command sim runs the model of test/earlyseal, one run for each seed, and prints at how
// many heights each variant breaks what, in which seed that is shortest, how long seals
// take and what is executed in vain.
//
//	go run ./test/earlyseal/sim [--seeds FROM:TO]
//	go run ./test/earlyseal/sim --story SEED
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/icrosschain/bridged/test/earlyseal"
)

func main() {
	seeds := flag.String("seeds", "1:10000", "seeds FROM:TO, both included")
	story := flag.Uint64("story", 0, "tell this seed's run in words instead")
	flag.Parse()
	if *story > 0 {
		r := earlyseal.Run(earlyseal.NewScenario(*story), earlyseal.NoFault)
		fmt.Printf("%s\n%s\n", r.Scenario, strings.Join(r.Story, "\n"))
		return
	}
	var from, to uint64
	if _, err := fmt.Sscanf(*seeds, "%d:%d", &from, &to); err != nil || from > to {
		fmt.Fprintf(os.Stderr, "sim: --seeds %s: want FROM:TO with FROM ≤ TO\n", *seeds)
		os.Exit(2)
	}
	names := [...]string{"calm", "rough, liars below 1/3", "rough, liars from 1/3 to 2/3"}
	var kinds [len(names)]figures
	for seed := from; seed <= to; seed++ {
		r := earlyseal.Run(earlyseal.NewScenario(seed), earlyseal.NoFault)
		switch {
		case r.Calm:
			kinds[0].add(r)
		case !r.Beyond:
			kinds[1].add(r)
		default:
			kinds[2].add(r)
		}
	}
	for i, name := range names {
		fmt.Println(name)
		kinds[i].print()
	}
	for _, v := range earlyseal.Variants {
		fmt.Printf("%-6s%s\n", v.Name, v.Text)
	}
}

// figures add up runs of one kind.
type figures struct {
	runs, forked, stuck, heights, failed int
	executions, vain                     [2]int
	variants                             [len(earlyseal.Variants)]figure
}

// figure is of one variant: at how many heights a property broke, and the seed in which
// that takes the fewest rounds and validators.
type figure struct {
	broken, size [len(earlyseal.Names)]int
	seed         [len(earlyseal.Names)]uint64
	gains        []earlyseal.Gain
}

func (f *figures) add(r earlyseal.Result) {
	f.runs++
	f.forked += earlyseal.Count(r.Forked)
	f.stuck += earlyseal.Count(r.Stuck)
	f.heights += r.Heights
	for stage := range r.Vain {
		f.vain[stage] += r.Vain[stage]
		f.executions[stage] += r.Executions[stage]
	}
	for _, round := range r.Rounds {
		f.failed += earlyseal.Count(round > 0)
	}
	for i := range f.variants {
		f.variants[i].add(r, r.Verdicts[i])
	}
}

func (f *figure) add(r earlyseal.Result, v earlyseal.Verdict) {
	f.gains = append(f.gains, v.Gains...)
	for height, properties := range v.Broken {
		for p, broken := range properties {
			if !broken {
				continue
			}
			f.broken[p]++
			if size := 100*r.Rounds[height] + r.Size(); f.seed[p] == 0 || size < f.size[p] {
				f.seed[p], f.size[p] = r.Seed, size
			}
		}
	}
}

func (f *figures) print() {
	fmt.Printf("  %d runs (%d forked, %d without an end), %d heights, %d of them decided after round 0\n", f.runs, f.forked, f.stuck, f.heights, f.failed)
	fmt.Printf("  %d executions before prevotes, %d of them in vain; %d in ExtendVote, %d in vain\n", f.executions[0], f.vain[0], f.executions[1], f.vain[1])
	for i, v := range earlyseal.Variants {
		line := fmt.Sprintf("  %-6s", v.Name)
		for p, n := range f.variants[i].broken {
			if line += fmt.Sprintf("%s %d  ", earlyseal.Names[p], n); n > 0 {
				line += fmt.Sprintf("(seed %d)  ", f.variants[i].seed[p])
			}
		}
		fmt.Println(line + gains(f.variants[i].gains))
	}
}

// gains says how long seals took.
func gains(g []earlyseal.Gain) string {
	if len(g) == 0 {
		return ""
	}
	slices.SortFunc(g, func(a, b earlyseal.Gain) int { return a.Ticks - b.Ticks })
	one := 0
	for _, s := range g {
		one += earlyseal.Count(s.Heights == 1)
	}
	at := func(percent int) float64 { return float64(g[(len(g)-1)*percent/100].Ticks) / 100 }
	return fmt.Sprintf("p50 %.2f s, p95 %.2f s, %.1f %% in one height", at(50), at(95), 100*float64(one)/float64(len(g)))
}
