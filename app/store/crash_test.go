package store

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const crashDirEnv = "BRIDGED_TEST_CRASH_DIR"

const crashKeys = 3000

// crashBlock writes version's changes, which depend on what it reads.
func crashBlock(s *Store, version int64) error {
	random := rand.New(rand.NewPCG(uint64(version), 7))
	w := s.Working()
	key := func() []byte { return binary.BigEndian.AppendUint64(nil, random.Uint64N(crashKeys)) }
	for range 1500 {
		read, err := w.Get(key())
		if err != nil {
			return err
		}
		k := key()
		if random.IntN(8) == 0 {
			if err := w.Delete(k); err != nil {
				return err
			}
			continue
		}
		value := fmt.Appendf(nil, "%d:%.90x", version, read)
		if err := w.Set(k, value); err != nil {
			return err
		}
	}
	return nil
}

// TestCrashChild is no test of its own: the process that TestKilledWhileCommitting kills.
func TestCrashChild(t *testing.T) {
	dir := os.Getenv(crashDirEnv)
	if dir == "" {
		t.Skip("started by TestKilledWhileCommitting")
	}
	s, err := Open(Config{Dir: dir, Backend: filepath.Base(dir), Keep: 2})
	if err != nil {
		t.Fatal(err)
	}
	for {
		if err := crashBlock(s, s.Version()+1); err != nil {
			t.Fatal(err)
		}
		fmt.Println("committing")
		if _, _, err := s.Commit(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestKilledWhileCommitting(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for seconds")
	}
	for _, backend := range []string{GoLevelDB, Pebble} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), backend)
			shadow := open(t, Config{})
			kills := 0
			for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); kills++ {
				killInCommit(t, dir, kills)
				checkAfterKill(t, dir, backend, shadow)
			}
			t.Logf("%d kills, %d versions", kills, shadow.Version())
			if kills == 0 || shadow.Version() == 0 {
				t.Fatal("nothing was killed or committed")
			}
		})
	}
}

// killInCommit runs the child, and kills it at some point of its nth commit.
func killInCommit(t *testing.T, dir string, n int) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestCrashChild$")
	child.Env = append(os.Environ(), crashDirEnv+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(uint64(n), 1))
	lines := bufio.NewScanner(out)
	for range 1 + random.IntN(3) {
		if !lines.Scan() || lines.Text() != "committing" {
			t.Fatalf("child ended by itself: %q", lines.Text())
		}
	}
	time.Sleep(time.Duration(random.IntN(25_000)) * time.Microsecond)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
}

// checkAfterKill compares the store with one that made the same blocks unharmed.
func checkAfterKill(t *testing.T, dir, backend string, shadow *Store) {
	t.Helper()
	s, err := Open(Config{Dir: dir, Backend: backend, Keep: 2})
	if err != nil {
		t.Fatalf("open after a kill: %v", err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if s.Version() < shadow.Version() {
		t.Fatalf("version %d was lost: the store is at %d", shadow.Version(), s.Version())
	}
	for shadow.Version() < s.Version() {
		if err := crashBlock(shadow, shadow.Version()+1); err != nil {
			t.Fatal(err)
		}
		commit(t, shadow)
	}
	if got, want := hex.EncodeToString(s.Hash()), hex.EncodeToString(shadow.Hash()); got != want {
		t.Fatalf("version %d: hash %s, unharmed %s", s.Version(), got, want)
	}
	if s.Version() == 0 {
		return
	}
	if got, want := dump(t, s.Latest(), nil, nil), dump(t, shadow.Latest(), nil, nil); got != want {
		t.Fatalf("version %d: content differs", s.Version())
	}
}
