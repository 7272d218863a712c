package crash

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fsyncKills is how many of the first fsyncs of a first start are died at. A
// goleveldb that is being created used to be lost at one in four of them.
const fsyncKills = 40

// crashSource is added to package os: the process kills itself at the nth fsync.
const crashSource = `package os

import (
	"sync/atomic"
	"syscall"
)

var (
	crashSyncs atomic.Int64
	crashAt    = func() (n int64) {
		text, _ := syscall.Getenv("CRASH_AT_FSYNC")
		for _, digit := range text {
			n = n*10 + int64(digit-'0')
		}
		return n
	}()
)

func crashSync() {
	if crashAt > 0 && crashSyncs.Add(1) == crashAt {
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {}
	}
}
`

// TestKillAtEachFsync lets the first start of fresh homes die at the first
// fsync, at the second, and so on. Building a program with another package os
// takes minutes, so it runs with BRIDGED_LONG only.
func TestKillAtEachFsync(t *testing.T) {
	if os.Getenv("BRIDGED_LONG") == "" {
		t.Skip("builds the program with a package os of its own: BRIDGED_LONG=1")
	}
	w := newWorld(t)
	crashing := buildCrashing(t, w.dir)
	died := 0
	for n := 1; n <= fsyncKills; n++ {
		w.freshHome()
		p := startProcess(t, crashing, w.home, w.logFile(), fmt.Sprintf("CRASH_AT_FSYNC=%d", n))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = p.cmd.Wait() // says that it was killed
		}()
		select {
		case <-ended:
			if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
				t.Fatalf("fsync %d: the node ended by itself: %s", n, p.cmd.ProcessState)
			}
			died++
		case <-time.After(20 * time.Second):
			t.Fatalf("fsync %d was not reached in 20 s", n)
		}
		w.start()
		w.awaitHeight(2, fmt.Sprintf("killed at fsync %d", n))
		w.kill()
	}
	t.Logf("came back from all %d", died)
}

// buildCrashing builds bridged over a package os that can kill at an fsync.
func buildCrashing(t *testing.T, dir string) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	original := filepath.Join(strings.TrimSpace(string(root)), "src", "os", "file_posix.go")
	source, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	const head = "func (f *File) Sync() error {\n"
	if strings.Count(string(source), head) != 1 {
		t.Fatalf("%s of %s has no such Sync", original, runtime.Version())
	}
	changed, added := filepath.Join(dir, "file_posix.go"), filepath.Join(dir, "crash.go")
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		original: changed, filepath.Join(filepath.Dir(original), "crash_sync.go"): added,
	}})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{
		changed:                            strings.Replace(string(source), head, head+"\tcrashSync()\n", 1),
		added:                              crashSource,
		filepath.Join(dir, "overlay.json"): string(overlay),
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bin := filepath.Join(dir, "bridged-crashing")
	build := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", bin, "github.com/icrosschain/bridged/cmd/bridged")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}
