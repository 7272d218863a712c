package snapshot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/icrosschain/bridged/app/store"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newStore has a state of a few chunks.
func newStore(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(store.Config{Backend: store.Memory})
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 40 {
		value := make([]byte, 60_000)
		for j := range value {
			value[j] = byte(random.Uint32())
		}
		check(t, s.Working().Set(fmt.Appendf(nil, "key %d", i), value))
	}
	grow(t, s, 1)
	return s
}

func grow(t testing.TB, s *store.Store, versions int) {
	t.Helper()
	for range versions {
		check(t, s.Working().Set([]byte("height"), fmt.Append(nil, s.Version()+1)))
		_, _, err := s.Commit()
		check(t, err)
	}
}

func open(t testing.TB, dir string, keep int) *Archive {
	t.Helper()
	a, err := Open(dir, keep)
	check(t, err)
	return a
}

func heights(list []store.Manifest) (out []int64) {
	for _, m := range list {
		out = append(out, m.Height)
	}
	return out
}

func TestArchiveKeepsTheNewest(t *testing.T) {
	s, dir := newStore(t), filepath.Join(t.TempDir(), "snapshots")
	a := open(t, dir, 2)
	if len(a.List()) != 0 {
		t.Errorf("a new archive has %v", a.List())
	}
	for range 3 {
		latest := s.Latest()
		m, err := a.Make(t.Context(), latest, "test-1")
		check(t, err)
		latest.Release()
		check(t, a.Verify(m))
		grow(t, s, 10)
	}
	again := open(t, dir, 2)
	if got := fmt.Sprint(heights(again.List())); got != "[21 11]" || fmt.Sprint(heights(a.List())) != got {
		t.Errorf("it keeps %s, before %v", got, heights(a.List()))
	}
	entries, err := os.ReadDir(dir)
	check(t, err)
	if len(entries) != 2 || entries[0].Name() != "11-1" || entries[1].Name() != "21-1" {
		t.Errorf("on disk are %v", entries)
	}
	for _, c := range []struct {
		height int64
		index  uint32
	}{{1, 0}, {21, 99}, {-1, 0}} {
		if chunk, err := again.Chunk(c.height, c.index); chunk != nil || err != nil {
			t.Errorf("chunk %v: %d bytes, %v", c, len(chunk), err)
		}
	}
}

func TestInterruptedAndForeignAreTidied(t *testing.T) {
	s, dir := newStore(t), t.TempDir()
	a := open(t, dir, 2)
	latest := s.Latest()
	defer latest.Release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Make(ctx, latest, "test-1"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	_, err := a.Make(t.Context(), latest, "test-1")
	check(t, err)
	for _, name := range []string{makingPrefix + "7", "5-2", "lost+found"} {
		check(t, os.Mkdir(filepath.Join(dir, name), 0o700))
	}
	again := open(t, dir, 2)
	check(t, again.Tidy())
	entries, err := os.ReadDir(dir)
	check(t, err)
	if len(entries) != 2 || entries[0].Name() != "1-1" || entries[1].Name() != "lost+found" || len(again.List()) != 1 {
		t.Errorf("left are %v", entries)
	}
	// One of the same height takes its place: a rollback may bring it back.
	_, err = again.Make(t.Context(), latest, "test-1")
	check(t, err)
	if len(again.List()) != 1 {
		t.Errorf("it keeps %v", heights(again.List()))
	}
}

func TestFullDisk(t *testing.T) {
	s, dir := newStore(t), t.TempDir()
	a := open(t, dir, 2)
	a.free = func(string) (uint64, error) { return minFree - 1, nil }
	latest := s.Latest()
	defer latest.Release()
	if _, err := a.Make(t.Context(), latest, "test-1"); !errors.Is(err, ErrDiskFull) {
		t.Errorf("got %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left are %v, %v", entries, err)
	}
	if free, err := freeBytes(dir); err != nil || free == 0 {
		t.Errorf("%d bytes free, %v", free, err)
	}
}

func TestDamageIsFound(t *testing.T) {
	s, dir := newStore(t), t.TempDir()
	a := open(t, dir, 2)
	latest := s.Latest()
	defer latest.Release()
	m, err := a.Make(t.Context(), latest, "test-1")
	check(t, err)
	chunk := filepath.Join(dir, "1-1", "00001")
	content, err := os.ReadFile(chunk)
	check(t, err)
	content[len(content)/2] ^= 1
	check(t, os.WriteFile(chunk, content, 0o600))
	if err := a.Verify(m); !errors.Is(err, store.ErrChunk) {
		t.Errorf("a flipped bit: %v", err)
	}
	check(t, os.Remove(chunk))
	if err := a.Verify(m); err == nil {
		t.Error("a missing chunk was not missed")
	}
	check(t, os.WriteFile(filepath.Join(dir, "1-1", manifestName), []byte("junk"), 0o600))
	if again := open(t, dir, 2); len(again.List()) != 0 || !errors.Is(again.Broken(), store.ErrManifest) {
		t.Errorf("a broken manifest: %v", again.Broken())
	}
}

func TestFileRoundTrip(t *testing.T) {
	s, dir := newStore(t), t.TempDir()
	a := open(t, filepath.Join(dir, "snapshots"), 2)
	latest := s.Latest()
	defer latest.Release()
	m, err := a.Make(t.Context(), latest, "test-1")
	check(t, err)
	path := filepath.Join(dir, "file")
	check(t, a.WriteFile(path, m))
	if err := a.WriteFile(path, m); err == nil {
		t.Error("an existing file was overwritten")
	}
	restore, err := RestoreFile(path, func(read store.Manifest) error {
		if read.Hash() != m.Hash() {
			t.Errorf("manifest %+v", read)
		}
		return nil
	})
	check(t, err)
	defer restore.Close()
	empty, err := store.Open(store.Config{Backend: store.Memory})
	check(t, err)
	check(t, empty.Adopt(restore))
	if !bytes.Equal(empty.Hash(), s.Hash()) {
		t.Error("another state came back")
	}
	refuse := errors.New("not that one")
	if _, err := RestoreFile(path, func(store.Manifest) error { return refuse }); !errors.Is(err, refuse) {
		t.Errorf("got %v", err)
	}
	content, err := os.ReadFile(path)
	check(t, err)
	for name, bad := range map[string][]byte{
		"empty": {}, "cut": content[:len(content)-1], "longer": append(bytes.Clone(content), 0), "other": []byte("something else, of some length"),
		"huge part": append([]byte(magic), 255, 255, 255, 255),
	} {
		check(t, os.WriteFile(path, bad, 0o600))
		if _, err := RestoreFile(path, func(store.Manifest) error { return nil }); !errors.Is(err, ErrFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A maker makes what is due, leaves out what comes while it works, and holds no
// version longer than it needs it.
func TestMaker(t *testing.T) {
	s := newStore(t)
	a := open(t, t.TempDir(), 9)
	m := NewMaker(a, 10, "test-1", slog.New(slog.NewTextHandler(io.Discard, nil)))
	for s.Version() < 30 {
		grow(t, s, 1)
		m.Committed(s.Version(), s.Latest) // it does not run yet: only the first waits
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	for deadline := time.Now().Add(20 * time.Second); len(a.List()) == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no snapshot was made")
		}
	}
	cancel()
	check(t, <-done)
	if got := fmt.Sprint(heights(a.List())); got != "[10]" {
		t.Errorf("it made %s", got)
	}
}

// FuzzReadFile gives the reader any file.
func FuzzReadFile(f *testing.F) {
	m := store.Manifest{ChainID: "test-1", Height: 3, Chunks: [][32]byte{{1}}}
	encoded := m.Encode()
	good := append([]byte(magic), 0, 0, 0, byte(len(encoded)))
	good = append(append(good, encoded...), 0, 0, 0, 1, 7)
	f.Add(good)
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, content []byte) {
		chunks, want := 0, -1
		err := read(bytes.NewReader(content), func(m store.Manifest) error { want = len(m.Chunks); return nil },
			func([]byte) error { chunks++; return nil })
		if err == nil && chunks != want || err != nil && !errors.Is(err, ErrFile) {
			t.Errorf("%d of %d chunks, %v", chunks, want, err)
		}
	})
}
