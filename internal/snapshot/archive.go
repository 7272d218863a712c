// Package snapshot keeps snapshots of the replicated state as files: in an
// archive of the home for peers that join, and single files to carry elsewhere.
// What is in a snapshot is app/store's business.
//
// A snapshot is in the archive as a whole or not at all, through a crash too.
package snapshot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/icrosschain/bridged/app/store"
)

const (
	makingPrefix = ".making-"
	manifestName = "manifest"

	// minFree is what a snapshot leaves free on the disk: the node needs it.
	minFree = 256 << 20
)

// ErrDiskFull says that a snapshot would leave too little free space.
var ErrDiskFull = errors.New("too little free space on the disk")

// Archive is the directory with a home's snapshots. Its methods may be called
// concurrently, but Make by one goroutine only.
//
//	HEIGHT-FORMAT/manifest
//	HEIGHT-FORMAT/00000 …   chunks
type Archive struct {
	dir  string
	keep int
	free func(dir string) (uint64, error) // bytes

	broken []error // what Open could not read

	mu   sync.RWMutex
	list []store.Manifest // newest first; guarded by mu
}

// Open reads which snapshots are in dir, which need not exist. One that cannot be
// read is not listed. Make keeps the newest keep of them.
func Open(dir string, keep int) (*Archive, error) {
	a := &Archive{dir: dir, keep: keep, free: freeBytes}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open the snapshots: %w", err)
	}
	for _, entry := range entries {
		height, format, ok := parseName(entry.Name())
		if !ok || format != store.SnapshotFormat {
			continue
		}
		m, err := readManifest(filepath.Join(dir, entry.Name()))
		if err == nil && m.Height != height {
			err = fmt.Errorf("%s holds a snapshot of height %d", filepath.Join(dir, entry.Name()), m.Height)
		}
		if err != nil {
			a.broken = append(a.broken, err)
			continue
		}
		a.list = append(a.list, m)
	}
	a.sort()
	return a, nil
}

// Broken is why snapshots that are on disk are not listed.
func (a *Archive) Broken() error { return errors.Join(a.broken...) }

// Tidy removes what an interrupted Make and programs with other formats left. No
// other process may be making snapshots there.
func (a *Archive) Tidy() error {
	entries, err := os.ReadDir(a.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("tidy the snapshots: %w", err)
	}
	for _, entry := range entries {
		_, format, ok := parseName(entry.Name())
		if ok && format != store.SnapshotFormat || strings.HasPrefix(entry.Name(), makingPrefix) {
			if err := os.RemoveAll(filepath.Join(a.dir, entry.Name())); err != nil {
				return fmt.Errorf("tidy the snapshots: %w", err)
			}
		}
	}
	return nil
}

// List names the snapshots, newest first.
func (a *Archive) List() []store.Manifest {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.Clone(a.list)
}

// Chunk is a chunk as it is on disk, unchecked; nil if it is not there.
func (a *Archive) Chunk(height int64, index uint32) ([]byte, error) {
	chunk, err := readFile(filepath.Join(a.dir, dirName(height), chunkName(int(index))), store.MaxChunkBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read chunk %d of the snapshot of height %d: %w", index, height, err)
	}
	return chunk, nil
}

// Chunks visits the chunks of a snapshot in order.
func (a *Archive) Chunks(m store.Manifest, visit func(chunk []byte) error) error {
	for i := range m.Chunks {
		chunk, err := a.Chunk(m.Height, uint32(i))
		if err == nil && chunk == nil {
			err = fmt.Errorf("chunk %d of the snapshot of height %d is missing", i, m.Height)
		}
		if err == nil {
			err = visit(chunk)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Make adds a snapshot of a version, and deletes the oldest beyond those kept. It
// gives up when ctx ends, or with ErrDiskFull.
func (a *Archive) Make(ctx context.Context, state *store.Snapshot, chainID string) (store.Manifest, error) {
	m, err := a.make(ctx, state, chainID)
	if err != nil {
		return store.Manifest{}, fmt.Errorf("make a snapshot of height %d: %w", state.Version(), err)
	}
	if err := a.prune(); err != nil {
		return store.Manifest{}, err
	}
	return m, nil
}

func (a *Archive) make(ctx context.Context, state *store.Snapshot, chainID string) (store.Manifest, error) {
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return store.Manifest{}, err
	}
	making, err := os.MkdirTemp(a.dir, makingPrefix)
	if err != nil {
		return store.Manifest{}, err
	}
	defer func() { _ = os.RemoveAll(making) }()
	written := 0
	m, err := state.Export(chainID, func(chunk []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := a.checkSpace(); err != nil {
			return err
		}
		written++
		return writeFile(filepath.Join(making, chunkName(written-1)), chunk)
	})
	if err != nil {
		return store.Manifest{}, err
	}
	if err := writeFile(filepath.Join(making, manifestName), m.Encode()); err != nil {
		return store.Manifest{}, err
	}
	if err := syncDir(making); err != nil {
		return store.Manifest{}, err
	}
	final := filepath.Join(a.dir, dirName(m.Height))
	if err := os.RemoveAll(final); err != nil { // of the same height, before a rollback
		return store.Manifest{}, err
	}
	if err := os.Rename(making, final); err != nil {
		return store.Manifest{}, err
	}
	a.mu.Lock()
	a.list = slices.DeleteFunc(a.list, func(o store.Manifest) bool { return o.Height == m.Height })
	a.list = append(a.list, m)
	a.sort()
	a.mu.Unlock()
	return m, syncDir(a.dir)
}

func (a *Archive) checkSpace() error {
	free, err := a.free(a.dir)
	if err != nil {
		return fmt.Errorf("look for free space: %w", err)
	}
	if free < minFree {
		return fmt.Errorf("%w: %d MiB in %s, want %d", ErrDiskFull, free>>20, a.dir, minFree>>20)
	}
	return nil
}

// prune deletes the oldest snapshots. A peer that is fetching one of them goes on
// with another node's.
func (a *Archive) prune() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.list) > a.keep {
		oldest := a.list[len(a.list)-1]
		if err := os.RemoveAll(filepath.Join(a.dir, dirName(oldest.Height))); err != nil {
			return fmt.Errorf("delete the snapshot of height %d: %w", oldest.Height, err)
		}
		a.list = a.list[:len(a.list)-1]
	}
	return nil
}

// sort puts the newest first; mu is held.
func (a *Archive) sort() {
	slices.SortFunc(a.list, func(x, y store.Manifest) int { return cmp.Compare(y.Height, x.Height) })
}

func dirName(height int64) string { return fmt.Sprintf("%d-%d", height, store.SnapshotFormat) }

func chunkName(index int) string { return fmt.Sprintf("%05d", index) }

func parseName(name string) (height int64, format uint64, ok bool) {
	before, after, found := strings.Cut(name, "-")
	height, err := strconv.ParseInt(before, 10, 64)
	if !found || err != nil || height < 1 {
		return 0, 0, false
	}
	format, err = strconv.ParseUint(after, 10, 32)
	return height, format, err == nil
}

func readManifest(dir string) (store.Manifest, error) {
	content, err := readFile(filepath.Join(dir, manifestName), store.MaxManifestBytes)
	if err != nil {
		return store.Manifest{}, fmt.Errorf("read the snapshot in %s: %w", dir, err)
	}
	m, err := store.DecodeManifest(content)
	if err != nil {
		return store.Manifest{}, fmt.Errorf("read the snapshot in %s: %w", dir, err)
	}
	return m, nil
}

// readFile reads a file of at most so many bytes.
func readFile(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > most {
		return nil, fmt.Errorf("%s has %d bytes, at most %d", path, info.Size(), most)
	}
	return os.ReadFile(path)
}

func writeFile(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Sync(), file.Close())
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// freeBytes is what the disk of a directory has left for this user.
func freeBytes(dir string) (uint64, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		return 0, err
	}
	return stat.Bavail * uint64(stat.Bsize), nil
}
