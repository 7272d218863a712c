package ports

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"testing"
)

const (
	holdEnv = "PORTS_TEST_HOLD" // makes this program a holder
	held    = 5                 // ranges of a holder
	width   = 10
)

func TestMain(m *testing.M) {
	if os.Getenv(holdEnv) == "" {
		os.Exit(m.Run())
	}
	if err := hold(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// hold is the other process: it reserves, says what, and ends with its input.
func hold() error {
	for range held {
		r, err := Reserve(width)
		if err != nil {
			return err
		}
		fmt.Println(r.First)
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func TestProcessesNeverOverlap(t *testing.T) {
	t.Parallel()
	// All holders start before the first is asked, so that they race.
	var holders []io.Reader
	for range 3 {
		holders = append(holders, startHolder(t))
	}
	var firsts []int
	for range held {
		firsts = append(firsts, ForTest(t, width).First)
	}
	for _, holder := range holders {
		lines := bufio.NewReader(holder)
		for range held {
			var first int
			if _, err := fmt.Fscanln(lines, &first); err != nil {
				t.Fatal(err)
			}
			firsts = append(firsts, first)
		}
	}
	slices.Sort(firsts)
	for i := 1; i < len(firsts); i++ {
		if firsts[i] < firsts[i-1]+width {
			t.Errorf("the ranges of %d ports from %d and from %d overlap", width, firsts[i-1], firsts[i])
		}
	}
}

// startHolder runs this program as a holder until the test has ended.
func startHolder(t *testing.T) io.Reader {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holdEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	return out
}

func TestStrangerIsNoticed(t *testing.T) {
	t.Parallel()
	r := ForTest(t, width)
	stranger, err := net.Listen("tcp", r.Address(7))
	if err != nil {
		t.Fatal(err)
	}
	if vacant(r.First, width) {
		t.Error("a port is taken, and nobody noticed")
	}
	if !vacant(r.First, 7) {
		t.Error("a port beyond the range is of no concern")
	}
	if err := stranger.Close(); err != nil {
		t.Fatal(err)
	}
	if !vacant(r.First, width) {
		t.Error("the stranger is gone")
	}
}

func TestCloseGivesBack(t *testing.T) {
	t.Parallel()
	for range 2 * slots {
		r, err := Reserve(1)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for _, count := range []int{-1, 0, Max + 1} {
		if _, err := Reserve(count); err == nil {
			t.Errorf("%d ports reserved", count)
		}
	}
	if r := ForTest(t, Max); r.First < 1024 || r.First+Max >= 26656 {
		t.Errorf("ports %d to %d belong to others", r.First, r.First+Max)
	}
}
