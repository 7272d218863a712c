package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// kills is how often a validator is killed: as often as is asked for by the
// project's rules with BRIDGED_LONG, and a sample of it otherwise.
func kills() (first, later int) {
	if os.Getenv("BRIDGED_LONG") != "" {
		return 10, 30
	}
	return 3, 4
}

// TestKill9 kills a validator without warning: first on the first start of fresh
// homes, then again and again in the life of one that is carrying transfers. It
// has to come back each time and go on; at the end a node that replays every
// block from genesis has to reach the same state.
func TestKill9(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	w := newWorld(t)
	first, later := kills()

	for i := range first {
		w.freshHome()
		after := time.Duration(random.IntN(1200)) * time.Millisecond
		w.start()
		time.Sleep(after)
		w.kill()
		w.start()
		w.awaitHeight(2, fmt.Sprintf("first start %d, killed after %s", i, after))
		w.kill()
	}

	w.freshHome()
	w.serveChains()
	w.start()
	height := w.awaitHeight(2, "the start")
	stop := w.deposits()
	for i := range later {
		after := time.Duration(random.IntN(2500)) * time.Millisecond
		time.Sleep(after)
		before := w.height()
		w.kill()
		w.start()
		came := w.awaitHeight(max(height, before)+2, fmt.Sprintf("kill %d after %s at height %d", i, after, before))
		if before > 0 && came < before {
			t.Fatalf("kill %d: height %d after %d", i, came, before)
		}
		height = came
	}
	stop()
	w.awaitDeposits()
	w.compareWithReplay()
}

// status is the part of "bridged status" that the test reads.
type status struct {
	SyncInfo struct {
		Height  int64  `json:"latest_block_height,string"`
		AppHash string `json:"latest_app_hash"`
	} `json:"sync_info"`
}

// process is a running node.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	log *os.File
}

func startProcess(t *testing.T, bin, home, log string, env ...string) *process {
	t.Helper()
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "start", "--home", home)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = file, file
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &process{t, cmd, file}
}

// kill sends SIGKILL and waits for the end.
func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatalf("the node was not there to be killed: %v", err)
	}
	_ = p.cmd.Wait()
	_ = p.log.Close()
}

// bridged runs a command and returns its result.
func (w *world) bridged(args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, w.bin, args...)
	cmd.Env = append(os.Environ(), "BRIDGED_KEY="+w.key)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("bridged %s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return out.Bytes(), nil
}

func (w *world) must(args ...string) []byte {
	w.t.Helper()
	out, err := w.bridged(args...)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) status(home string) status {
	out, err := w.bridged("status", "--home", home, "--output", "json", "--timeout", "2s")
	var s status
	if err != nil || json.Unmarshal(out, &s) != nil {
		return status{}
	}
	return s
}

// height is 0 while the node does not answer.
func (w *world) height() int64 { return w.status(w.home).SyncInfo.Height }

func (w *world) awaitHeight(height int64, when string) int64 {
	w.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if at := w.height(); at >= height {
			return at
		}
	}
	log, _ := os.ReadFile(w.logFile())
	w.t.Fatalf("%s: height %d was not reached in 30 s; the log ends:\n%s", when, height, tail(log))
	return 0
}

func tail(log []byte) string {
	const most = 4000
	return string(log[max(0, len(log)-most):])
}

func (w *world) logFile() string { return filepath.Join(w.dir, "node.log") }
