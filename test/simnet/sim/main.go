// Command sim simulates whole networks of validators, chains and users, one for
// each seed, with faults, and holds them to the invariants after every block.
//
//	go run ./test/simnet/sim [--seeds 1:100] [--blocks 200]
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/pprof"
	"time"

	"github.com/icrosschain/bridged/test/simnet"
)

func main() {
	from := flag.Uint64("from", 1, "")
	to := flag.Uint64("to", 10, "")
	blocks := flag.Int("blocks", 200, "")
	prof := flag.String("prof", "", "")
	flag.Parse()
	if *prof != "" {
		f, _ := os.Create(*prof)
		_ = pprof.StartCPUProfile(f)
		defer pprof.StopCPUProfile()
	}
	var all simnet.Stats
	begin := time.Now()
	for seed := *from; seed < *to; seed++ {
		s := simnet.NewScenario(seed, *blocks)
		res := simnet.Run(s)
		all.Add(res.Stats)
		if res.Break != nil {
			fmt.Println(seed, s.Validators, s.Beyond, res.Break)
			for _, l := range res.Trace[max(0, len(res.Trace)-5):] {
				fmt.Println("   ", l)
			}
		}
	}
	fmt.Printf("%+v\n%.0f blocks/s\n", all, float64(all.Blocks)/time.Since(begin).Seconds())
}
