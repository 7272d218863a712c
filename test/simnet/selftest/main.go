// Command selftest plants one mistake after the other into the sources and has
// the simulator look for it: each must be caught by the invariants alone, within
// so many seeds. It wants to be run in the root of the repository.
//
//	go run ./test/simnet/selftest [--seeds N] [NAME …]
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

func main() {
	seeds := flag.Int("seeds", 60, "seeds within which a fault has to be caught")
	blocks := flag.Int("blocks", 150, "blocks with faults in each")
	check := flag.Bool("check", false, "only check that each fault still fits the sources, and compiles")
	flag.Parse()
	faults, err := readFaults("test/simnet/faults")
	if err != nil {
		fmt.Fprintln(os.Stderr, "selftest:", err)
		os.Exit(2)
	}
	missed, planted := 0, 0
	for _, f := range faults {
		if flag.NArg() > 0 && !slices.Contains(flag.Args(), f.name) {
			continue
		}
		planted++
		begin := time.Now()
		caught, err := plant(f, *seeds, *blocks, *check)
		if err != nil {
			caught = "MISSED: " + err.Error()
			missed++
		}
		fmt.Printf("%-26s %s  (%.0f s)\n%-26s %s\n", f.name, caught, time.Since(begin).Seconds(), "", f.what)
	}
	fmt.Printf("%d faults planted, %d missed\n", planted, missed)
	if missed > 0 || planted == 0 {
		os.Exit(1)
	}
}

var breakLine = regexp.MustCompile(`(?m)^BREAK in (seed \d+: .{0,160})`)

// plant compiles a simulator with the fault and says which seed catches it.
func plant(f fault, seeds, blocks int, check bool) (caught string, err error) {
	dir, err := os.MkdirTemp("", "simnet-"+f.name+"-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	overlay, err := f.overlay(dir)
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "sim")
	build := exec.Command("go", "build", "-overlay", overlay, "-o", program, "./test/simnet/sim")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	if check {
		return "fits", nil
	}
	out, err := exec.Command(program, "--first", "--shrink", "0",
		"--seeds", fmt.Sprint("1:", seeds), "--blocks", fmt.Sprint(blocks)).CombinedOutput()
	if found := breakLine.FindSubmatch(out); found != nil {
		return "caught in " + string(found[1]), nil
	}
	if err != nil {
		return "", fmt.Errorf("the simulator failed otherwise: %w\n%s", err, out)
	}
	return "", fmt.Errorf("%d seeds break nothing", seeds)
}
