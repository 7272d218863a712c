package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	dbm "github.com/cosmos/cosmos-db"
	"github.com/cosmos/iavl"
)

// grow writes versions of random changes into a store, removals among them.
func grow(t testing.TB, s *Store, random *rand.Rand, versions, size int) {
	t.Helper()
	for range versions {
		if random.IntN(3) == 0 { // nothing changes
			_, _, err := s.Commit()
			check(t, err)
			continue
		}
		for range 20 {
			key := fmt.Appendf(nil, "key %04d", random.IntN(300))
			if random.IntN(3) == 0 {
				check(t, s.Working().Delete(key))
				continue
			}
			value := make([]byte, random.IntN(size))
			for i := range value {
				value[i] = byte(random.Uint32())
			}
			check(t, s.Working().Set(key, value))
		}
		check(t, s.Working().Set([]byte("height"), fmt.Append(nil, s.Version()+1)))
		_, _, err := s.Commit()
		check(t, err)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func memory(t testing.TB, keep int64) *Store {
	t.Helper()
	s, err := Open(Config{Backend: Memory, Keep: keep})
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

// exported is the newest version of s as a manifest and chunks.
func exported(t testing.TB, s *Store) (Manifest, [][]byte) {
	t.Helper()
	latest := s.Latest()
	defer latest.Release()
	var chunks [][]byte
	m, err := latest.Export("test-1", func(chunk []byte) error {
		chunks = append(chunks, chunk)
		return nil
	})
	check(t, err)
	return m, chunks
}

func restored(t testing.TB, s *Store, m Manifest, chunks [][]byte) {
	t.Helper()
	r, err := NewRestore(m)
	check(t, err)
	defer r.Close()
	for _, chunk := range chunks {
		check(t, r.Add(chunk))
	}
	check(t, r.Finish())
	check(t, s.Adopt(r))
}

// A store that was restored goes on with the same hashes as one that has all
// versions, through pruning and a restart, and exports the same.
func TestRestoredStoreGoesOn(t *testing.T) {
	const seed = 7
	original := memory(t, 30)
	grow(t, original, rand.New(rand.NewPCG(seed, 1)), 100, 20_000)
	m, chunks := exported(t, original)
	if len(chunks) < 2 || len(chunks) != len(m.Chunks) || m.Height != 100 {
		t.Fatalf("%d chunks in version %d", len(chunks), m.Height)
	}
	again, same := exported(t, original)
	if again.Hash() != m.Hash() || !bytes.Equal(bytes.Join(same, nil), bytes.Join(chunks, nil)) {
		t.Error("another export of the same version differs")
	}

	db := dbm.NewMemDB()
	open := func() *Store {
		s, err := Open(Config{DB: db, Keep: 30})
		check(t, err)
		return s
	}
	copied := open()
	restored(t, copied, m, chunks)
	if copied.First() != 100 || copied.Version() != 100 {
		t.Errorf("it has versions %d to %d", copied.First(), copied.Version())
	}
	if mine, _ := exported(t, copied); mine.Hash() != m.Hash() {
		t.Error("the restored store exports something else")
	}
	ours, theirs := rand.New(rand.NewPCG(seed, 2)), rand.New(rand.NewPCG(seed, 2))
	for round := range 8 {
		grow(t, original, ours, 10, 500)
		grow(t, copied, theirs, 10, 500)
		if !bytes.Equal(original.Hash(), copied.Hash()) {
			t.Fatalf("round %d: hash %X, the original's is %X", round, copied.Hash(), original.Hash())
		}
		copied = open()
	}
	one, _ := exported(t, original)
	two, _ := exported(t, copied)
	if one.Hash() != two.Hash() {
		t.Error("later exports differ")
	}
	if copied.First() != 151 {
		t.Errorf("pruned up to %d", copied.First())
	}
	old, err := copied.At(155)
	check(t, err)
	if _, err := old.Prove([]byte("height")); err != nil {
		t.Errorf("prove in a version since: %v", err)
	}
	old.Release()
}

// Other nodes, and other versions of this program, have to make the same of the
// same state. A change of this hash is another SnapshotFormat.
func TestExportIsTheSameEverywhere(t *testing.T) {
	s := memory(t, 0)
	grow(t, s, rand.New(rand.NewPCG(11, 12)), 30, 5_000)
	m, _ := exported(t, s)
	const want = "6b4cf56acb8d24002f52068bafa6f2099b278432256dc3ba220f92749fa69987"
	if got := fmt.Sprintf("%x", m.Hash()); got != want {
		t.Errorf("the manifest's hash is %s, was %s", got, want)
	}
}

// While a version is being exported it is not pruned.
func TestExportIsNotPruned(t *testing.T) {
	s := memory(t, 2)
	random := rand.New(rand.NewPCG(1, 1))
	grow(t, s, random, 5, 100_000)
	latest := s.Latest()
	defer latest.Release()
	chunks := 0
	m, err := latest.Export("test-1", func([]byte) error {
		chunks++
		grow(t, s, random, 10, 100)
		return nil
	})
	check(t, err)
	if m.Height != 5 || chunks < 2 || s.First() != 5 {
		t.Errorf("%d chunks of version %d; the oldest kept is %d", chunks, m.Height, s.First())
	}
}

func TestExportStops(t *testing.T) {
	s := memory(t, 0)
	grow(t, s, rand.New(rand.NewPCG(1, 1)), 3, 10)
	latest := s.Latest()
	full := errors.New("disk full")
	if _, err := latest.Export("test-1", func([]byte) error { return full }); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	latest.Release()
	if _, err := latest.Export("test-1", nil); !errors.Is(err, errReleased) {
		t.Errorf("after release: %v", err)
	}
}

// A version that changed nothing is restored as well, and pruned as any other.
func TestUnchangedVersionIsRestored(t *testing.T) {
	for unchanged := range 9 {
		original := memory(t, 2)
		grow(t, original, rand.New(rand.NewPCG(1, 1)), 20, 10)
		check(t, original.Working().Set([]byte("a"), []byte("b")))
		for range unchanged + 1 {
			_, _, err := original.Commit()
			check(t, err)
		}
		m, chunks := exported(t, original)
		db := dbm.NewMemDB()
		copied, err := Open(Config{DB: db, Keep: 2})
		check(t, err)
		restored(t, copied, m, chunks)
		ours, theirs := rand.New(rand.NewPCG(2, 2)), rand.New(rand.NewPCG(2, 2))
		for range 12 {
			copied, err = Open(Config{DB: db, Keep: 2})
			check(t, err)
			if first := max(m.Height, copied.Version()-1); copied.First() != first {
				t.Fatalf("%d unchanged: at version %d the first is %d, want %d", unchanged, copied.Version(), copied.First(), first)
			}
			grow(t, original, ours, 1, 10)
			grow(t, copied, theirs, 1, 10)
			if !bytes.Equal(original.Hash(), copied.Hash()) {
				t.Fatalf("%d unchanged: hash %X, the original's is %X", unchanged, copied.Hash(), original.Hash())
			}
		}
		one, _ := exported(t, original)
		two, _ := exported(t, copied)
		if one.Hash() != two.Hash() {
			t.Error("later exports differ")
		}
	}
}

// A chunk that is not the manifest's changes nothing; the right one still fits.
func TestWrongChunkIsNotTaken(t *testing.T) {
	s := memory(t, 0)
	grow(t, s, rand.New(rand.NewPCG(3, 3)), 20, 60_000)
	m, chunks := exported(t, s)
	r, err := NewRestore(m)
	check(t, err)
	defer r.Close()
	other, err := pack([]byte("something else"))
	check(t, err)
	for i, chunk := range chunks {
		flipped := bytes.Clone(chunk)
		flipped[len(flipped)/2] ^= 1
		for name, wrong := range map[string][]byte{
			"flipped": flipped, "none": nil, "short": chunk[:len(chunk)-1], "another": other,
			"next": chunks[(i+1)%len(chunks)], "bomb": bomb(t), "huge": make([]byte, MaxChunkBytes+1),
		} {
			if err := r.Add(wrong); !errors.Is(err, ErrChunk) {
				t.Errorf("chunk %d, %s: %v", i, name, err)
			}
		}
		check(t, r.Add(chunk))
	}
	if err := r.Add(chunks[0]); !errors.Is(err, ErrChunk) {
		t.Errorf("one too many: %v", err)
	}
	check(t, r.Finish())
}

// bomb is a small chunk with much in it.
func bomb(t *testing.T) []byte {
	packed, err := pack(make([]byte, 4*maxRawBytes))
	check(t, err)
	if len(packed) > 100_000 {
		t.Fatalf("%d bytes", len(packed))
	}
	return packed
}

// claim makes a manifest that fits raw chunks, as a liar would.
func claim(t testing.TB, m Manifest, raw ...[]byte) (Manifest, [][]byte) {
	t.Helper()
	m.Chunks = nil
	var chunks [][]byte
	for _, r := range raw {
		packed, err := pack(r)
		check(t, err)
		chunks = append(chunks, packed)
		m.Chunks = append(m.Chunks, sha256.Sum256(r))
	}
	return m, chunks
}

func node(height int8, version int64, pair ...string) []byte {
	n := &iavl.ExportNode{Height: height, Version: version}
	if len(pair) == 2 {
		n.Key, n.Value = []byte(pair[0]), []byte(pair[1])
	}
	return appendRecord(nil, n)
}

// What a liar's manifest names is refused, and nothing of it comes to the store.
func TestLyingSnapshots(t *testing.T) {
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	a, b, c := node(0, 1, "a", "1"), node(0, 2, "b", "2"), node(0, 3, "c", "3")
	m := Manifest{ChainID: "test-1", Height: 3}
	for name, raw := range map[string][]byte{
		"another hash":        join(a, b, node(1, 3)),
		"a part is missing":   join(a, b, c),
		"no children":         join(node(1, 3)),
		"one child":           join(a, node(1, 3)),
		"wrong order":         join(b, a, node(1, 3)),
		"same key":            join(a, a, node(1, 3)),
		"empty key":           join(node(0, 1, "", "1"), b, node(1, 3)),
		"wrong height":        join(a, b, node(2, 3)),
		"out of balance":      join(a, b, node(1, 3), c, node(0, 3, "d", ""), node(1, 3), node(2, 3), node(0, 3, "e", ""), node(3, 3)),
		"from the future":     join(a, node(0, 4, "b", "2"), node(1, 4)),
		"older than children": join(a, c, node(1, 2)),
		"version 0":           join(node(0, 0, "a", "1"), b, node(1, 3)),
		"unchanged root":      join(a, b, node(1, 2)),
		"cut":                 join(a, b[:3]),
		"bad height":          {200, 1},
		"huge version":        append([]byte{1}, bytes.Repeat([]byte{255}, 9)...),
		"huge key":            {0, 1, 255, 255, 255, 255, 127, 1},
		"nothing":             {},
	} {
		t.Run(name, func(t *testing.T) {
			manifest, chunks := claim(t, m, raw)
			r, err := NewRestore(manifest)
			check(t, err)
			defer r.Close()
			if err = r.Add(chunks[0]); err == nil {
				err = r.Finish()
			}
			if !errors.Is(err, ErrSnapshot) {
				t.Errorf("got %v", err)
			}
			s := memory(t, 0)
			if err := s.Adopt(r); err == nil || s.Version() != 0 {
				t.Errorf("adopted, the store is at version %d", s.Version())
			}
		})
	}
	t.Run("ends early", func(t *testing.T) {
		manifest, chunks := claim(t, m, a, b)
		r, err := NewRestore(manifest)
		check(t, err)
		defer r.Close()
		check(t, r.Add(chunks[0]))
		if err := r.Finish(); !errors.Is(err, ErrSnapshot) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAdoptWantsAnEmptyStore(t *testing.T) {
	s := memory(t, 0)
	grow(t, s, rand.New(rand.NewPCG(3, 3)), 2, 10)
	m, chunks := exported(t, s)
	r, err := NewRestore(m)
	check(t, err)
	defer r.Close()
	check(t, r.Add(chunks[0]))
	check(t, r.Finish())
	if err := s.Adopt(r); err == nil {
		t.Error("a store with versions was replaced")
	}
}

func TestManifests(t *testing.T) {
	good := Manifest{ChainID: "test-1", Height: 9, AppHash: [32]byte{1}, Chunks: [][32]byte{{2}, {3}}}
	read, err := DecodeManifest(good.Encode())
	check(t, err)
	if read.Hash() != good.Hash() || read.ChainID != "test-1" || read.Height != 9 || len(read.Chunks) != 2 {
		t.Errorf("read %+v", read)
	}
	for name, bend := range map[string]func(*Manifest){
		"no chain id":     func(m *Manifest) { m.ChainID = "" },
		"long chain id":   func(m *Manifest) { m.ChainID = string(make([]byte, 51)) },
		"height 0":        func(m *Manifest) { m.Height = 0 },
		"negative height": func(m *Manifest) { m.Height = -1 },
		"huge height":     func(m *Manifest) { m.Height = maxHeight + 1 },
		"no chunks":       func(m *Manifest) { m.Chunks = nil },
		"too many chunks": func(m *Manifest) { m.Chunks = make([][32]byte, MaxSnapshotChunks+1) },
	} {
		bad := good
		bend(&bad)
		if _, err := DecodeManifest(bad.Encode()); !errors.Is(err, ErrManifest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, b := range [][]byte{nil, {0}, {255}, good.Encode()[1:], append(good.Encode(), 0), make([]byte, MaxManifestBytes+1)} {
		if _, err := DecodeManifest(b); !errors.Is(err, ErrManifest) {
			t.Errorf("%d bytes: %v", len(b), err)
		}
	}
}

func FuzzDecodeManifest(f *testing.F) {
	f.Add(Manifest{ChainID: "test-1", Height: 9, Chunks: [][32]byte{{2}}}.Encode())
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := DecodeManifest(b)
		if err == nil && !bytes.Equal(m.Encode(), b) {
			t.Errorf("%x is also %x", b, m.Encode())
		}
	})
}

// FuzzRestoreChunk gives a restore any content, under a manifest that fits it.
func FuzzRestoreChunk(f *testing.F) {
	f.Add(bytes.Join([][]byte{node(0, 1, "a", "1"), node(0, 2, "b", ""), node(1, 3)}, nil))
	f.Add(bytes.Join([][]byte{node(0, 3, "a", "1")}, nil))
	f.Add([]byte{0, 1, 255})
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, chunks := claim(t, Manifest{ChainID: "test-1", Height: 3}, raw)
		r, err := NewRestore(m)
		check(t, err)
		defer r.Close()
		if err = r.Add(chunks[0]); err == nil {
			err = r.Finish()
		}
		if !errors.Is(err, ErrSnapshot) {
			t.Errorf("got %v", err)
		}
	})
}

// FuzzUnpack gives a restore any compressed bytes.
func FuzzUnpack(f *testing.F) {
	packed, err := pack([]byte("some records, some records"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		raw, err := unpack(b)
		if err == nil && len(raw) > maxRawBytes {
			t.Errorf("%d bytes", len(raw))
		}
	})
}
