package signer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/icrosschain/bridged/x/bridge/types"
)

var testNetwork = types.Hash{9}

// newTestGuard is a guard with a new file; it is closed with the test.
func newTestGuard(t testing.TB) *Guard {
	t.Helper()
	path := filepath.Join(t.TempDir(), "signed_seals")
	if err := CreateGuard(path, testNetwork); err != nil {
		t.Fatal(err)
	}
	return reopen(t, path)
}

func reopen(t testing.TB, path string) *Guard {
	t.Helper()
	g, err := OpenGuard(path, testNetwork)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

// allow asks for one seal: whether it may be signed.
func allow(g *Guard, height uint64, digest types.Hash) (bool, error) {
	allowed, err := g.Allow([]Signed{{height, digest}})
	return len(allowed) == 1, err
}

func TestGuardRemembersThroughARestart(t *testing.T) {
	a, b := types.Hash{1}, types.Hash{2}
	g := newTestGuard(t)
	if allowed, err := g.Allow([]Signed{{10, a}, {12, b}, {10, a}}); err != nil || len(allowed) != 3 {
		t.Fatalf("allowed %v, %v", allowed, err)
	}
	if _, err := g.Allow([]Signed{{20, a}, {20, b}}); !errors.Is(err, ErrDoubleSign) {
		t.Fatalf("two digests in one round: %v", err)
	}
	for range 2 {
		if _, err := g.Allow([]Signed{{13, a}, {12, a}}); !errors.Is(err, ErrDoubleSign) {
			t.Fatalf("another digest of 12: %v", err)
		}
		if ok, err := allow(g, 12, b); !ok || err != nil {
			t.Fatalf("the same digest again: %v, %v", ok, err)
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		g = reopen(t, g.path)
	}
	// Nothing was recorded of the rounds that were refused.
	if ok, err := allow(g, 13, b); !ok || err != nil {
		t.Fatalf("13: %v, %v", ok, err)
	}
	if seals, err := CheckGuard(g.path, testNetwork); seals != 3 || err != nil {
		t.Fatalf("%d seals, %v", seals, err)
	}
}

func TestGuardIsBounded(t *testing.T) {
	g := newTestGuard(t)
	g.most = 4
	for height := uint64(10); height < 14; height++ {
		if ok, err := allow(g, height, types.Hash{1}); !ok || err != nil {
			t.Fatal(err)
		}
	}
	if ok, err := allow(g, 5, types.Hash{2}); !ok || err != nil {
		t.Fatalf("a lower height that nothing was forgotten of: %v, %v", ok, err)
	}
	// That was the fifth: 5 and 10 are forgotten, on disk as well.
	for range 2 {
		for _, height := range []uint64{1, 5, 10} {
			if ok, err := allow(g, height, types.Hash{1}); ok || err != nil {
				t.Fatalf("height %d: %v, %v", height, ok, err)
			}
		}
		if _, err := allow(g, 12, types.Hash{2}); !errors.Is(err, ErrDoubleSign) {
			t.Fatalf("a remembered height: %v", err)
		}
		_ = g.Close()
		g = reopen(t, g.path)
	}
	g.most = 64
	for height := uint64(100); height < 1000; height++ {
		if ok, err := allow(g, height, types.Hash{3}); !ok || err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(g.path)
	if err != nil || info.Size() > 66*100 {
		t.Fatalf("the file has %d bytes for at most 64 seals, %v", info.Size(), err)
	}
}

func TestLostOrForeignGuardIsRefused(t *testing.T) {
	g := newTestGuard(t)
	if _, err := OpenGuard(g.path+".gone", testNetwork); !errors.Is(err, ErrGuard) {
		t.Errorf("lost: %v", err)
	}
	if _, err := OpenGuard(g.path, types.Hash{8}); !errors.Is(err, ErrGuard) {
		t.Errorf("of another network: %v", err)
	}
	if err := CreateGuard(g.path, testNetwork); !errors.Is(err, ErrExists) {
		t.Errorf("made over an old one: %v", err)
	}
}

// filled is the content of a file with some rounds of seals.
func filled(t testing.TB) ([]byte, *Guard) {
	t.Helper()
	g := newTestGuard(t)
	for round := range uint64(4) {
		seals := make([]Signed, round+1)
		for i := range seals {
			seals[i] = Signed{10*round + uint64(i), types.Hash{byte(round + 1)}}
		}
		if _, err := g.Allow(seals); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(g.path)
	if err != nil {
		t.Fatal(err)
	}
	return content, g
}

// A file that ends anywhere after its first line gives the rounds that are whole.
func TestTornGuard(t *testing.T) {
	content, g := filled(t)
	title := bytes.IndexByte(content, '\n') + 1
	for end := range content {
		record, torn, err := decodeGuard(content[:end])
		whole := bytes.LastIndexByte(content[:end], '\n') + 1
		switch {
		case end < title:
			if err == nil {
				t.Fatalf("%d bytes are taken for a file", end)
			}
			continue
		case err != nil || torn != (end != whole):
			t.Fatalf("%d bytes: torn %v, %v", end, torn, err)
		}
		want, _, err := decodeGuard(content[:whole])
		if err != nil || len(record.signed) != len(want.signed) || record.sum != want.sum {
			t.Fatalf("%d bytes: %d seals, want %d, %v", end, len(record.signed), len(want.signed), err)
		}
	}
	// What follows a torn line is readable again.
	if err := os.WriteFile(g.path, content[:len(content)-30], 0o600); err != nil {
		t.Fatal(err)
	}
	g = reopen(t, g.path)
	if ok, err := allow(g, 77, types.Hash{7}); !ok || err != nil {
		t.Fatalf("%v, %v", ok, err)
	}
	g = reopen(t, g.path)
	if _, err := allow(g, 77, types.Hash{8}); !errors.Is(err, ErrDoubleSign) {
		t.Fatalf("%v", err)
	}
	if ok, err := allow(g, 30, types.Hash{8}); !ok || err != nil {
		t.Fatalf("a height of the torn line: %v, %v", ok, err)
	}
}

// Any byte changed, and any line lost, before the last line is damage.
func TestDamagedGuardIsRefused(t *testing.T) {
	content, _ := filled(t)
	last := bytes.LastIndexByte(content[:len(content)-1], '\n') // that of the last line but one joins two
	for i := range last {
		bad := bytes.Clone(content)
		bad[i] ^= 1
		if _, _, err := decodeGuard(bad); err == nil {
			t.Fatalf("byte %d changed, and nobody saw it", i)
		}
	}
	lines := bytes.SplitAfter(content, []byte("\n"))
	for i := range len(lines) - 3 { // behind a lost line the last one looks torn
		bad := bytes.Join(append(append([][]byte{}, lines[:i]...), lines[i+1:]...), nil)
		if _, _, err := decodeGuard(bad); err == nil {
			t.Fatalf("line %d lost, and nobody saw it", i+1)
		}
	}
}

// What could not be made durable is not allowed, and leaves no trace once the
// disk works again.
func TestGuardWithoutADisk(t *testing.T) {
	g := newTestGuard(t)
	fail := true
	g.sync = func(f *os.File) error {
		if fail {
			return syscall.EIO
		}
		return f.Sync()
	}
	for range 2 {
		if ok, err := allow(g, 5, types.Hash{1}); ok || !errors.Is(err, syscall.EIO) {
			t.Fatalf("%v, %v", ok, err)
		}
	}
	fail = false
	if ok, err := allow(g, 5, types.Hash{2}); !ok || err != nil {
		t.Fatalf("after the trouble: %v, %v", ok, err)
	}
	g = reopen(t, g.path)
	if _, err := allow(g, 5, types.Hash{1}); !errors.Is(err, ErrDoubleSign) {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Dir(g.path))
	if err != nil || len(files) != 1 {
		t.Errorf("%d files are left, %v", len(files), err)
	}
}

// TestGuardKill9 kills a process that signs at every point around its writes and
// fsyncs, and lets the next one ask for other digests of the same heights. Of no
// height may two have been used.
func TestGuardKill9(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signed_seals")
	if err := CreateGuard(path, testNetwork); err != nil {
		t.Fatal(err)
	}
	used := map[string]string{}
	refused := 0
	for try := range 24 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestGuardProcess$")
		cmd.Env = append(os.Environ(), "BRIDGED_TEST_GUARD="+path, "BRIDGED_TEST_DIGEST="+strconv.Itoa(try+1),
			"BRIDGED_TEST_KILL="+strconv.Itoa(rand.IntN(40)))
		out, err := cmd.Output()
		exit := (*exec.ExitError)(nil)
		if !errors.As(err, &exit) || !exit.Sys().(syscall.WaitStatus).Signaled() {
			t.Fatalf("the process was not killed: %v\n%s", err, out)
		}
		lines := bufio.NewScanner(bytes.NewReader(out))
		for lines.Scan() {
			height, digest, isUse := strings.Cut(lines.Text(), " ")
			switch {
			case !isUse:
				refused++
			case used[height] != "" && used[height] != digest:
				t.Fatalf("height %s was signed with %s and %s", height, used[height], digest)
			default:
				used[height] = digest
			}
		}
	}
	if len(used) == 0 || refused == 0 {
		t.Errorf("%d heights signed, %d refusals: the test tries nothing", len(used), refused)
	}
}

// TestGuardProcess is the process that TestGuardKill9 kills: it asks for heights
// from 1 on, with a digest of its own, and prints what it is allowed to use.
func TestGuardProcess(t *testing.T) {
	path := os.Getenv("BRIDGED_TEST_GUARD")
	if path == "" {
		t.Skip("only as a process of TestGuardKill9")
	}
	point, err := strconv.Atoi(os.Getenv("BRIDGED_TEST_KILL"))
	if err != nil {
		t.Fatal(err)
	}
	own, err := strconv.Atoi(os.Getenv("BRIDGED_TEST_DIGEST"))
	if err != nil {
		t.Fatal(err)
	}
	g := reopen(t, path)
	g.most = 12 // so that the file is often made anew
	die := func() {
		if point--; point < 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	g.sync = func(f *os.File) error {
		die() // written, not durable
		if err := f.Sync(); err != nil {
			return err
		}
		die() // durable, not used
		return nil
	}
	for height := uint64(1); ; height++ {
		asked := []Signed{{2 * height, types.Hash{byte(own)}}, {2*height + 1, types.Hash{byte(own)}}}
		allowed, err := g.Allow(asked)
		switch {
		case errors.Is(err, ErrDoubleSign):
			fmt.Println("refused")
		case err != nil:
			t.Fatal(err)
		}
		for _, s := range allowed {
			fmt.Println(s.Height, s.Digest)
			die() // used
		}
	}
}

func FuzzDecodeGuard(f *testing.F) {
	content, _ := filled(f)
	f.Add(content)
	f.Add(content[:len(content)-3])
	f.Add([]byte(strings.Repeat("\n", 5)))
	title, sum := checkedLine(0, fmt.Appendf(nil, "%s %x %d", guardTitle, testNetwork[:], 3))
	line, _ := guardLine(sum, []Signed{{4, types.Hash{1}}})
	f.Add(append(title, line...))
	f.Fuzz(func(t *testing.T, content []byte) {
		record, torn, err := decodeGuard(content)
		if err != nil {
			return
		}
		again, tornAgain, err := decodeGuard(record.encode())
		if err != nil || tornAgain || len(again.signed) != len(record.signed) || again.floor != record.floor || again.network != record.network {
			t.Fatalf("what was read is not read again: %v", err)
		}
		for height, digest := range record.signed {
			if again.signed[height] != digest {
				t.Fatalf("height %d: %s and %s", height, digest, again.signed[height])
			}
		}
		if torn {
			return
		}
		more, torn, err := decodeGuard(append(bytes.Clone(content), "00000000 5 "...))
		if err != nil || !torn || len(more.signed) != len(record.signed) {
			t.Fatalf("with a torn line behind it: %v", err)
		}
	})
}

// BenchmarkGuard is what a round of signing waits for: one write and one fsync.
func BenchmarkGuard(b *testing.B) {
	for _, seals := range []int{1, 64} {
		b.Run(fmt.Sprintf("%d seals", seals), func(b *testing.B) {
			g := newTestGuard(b)
			asked := make([]Signed, seals)
			height := uint64(0)
			for b.Loop() {
				for i := range asked {
					height++
					asked[i] = Signed{height, types.Hash{1}}
				}
				if _, err := g.Allow(asked); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
