package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/icrosschain/bridged/internal/snapshot"
	"github.com/icrosschain/bridged/test/bench/model"
)

// look is what there is after some transfers.
type look struct {
	transfers        uint64
	finalize, commit []time.Duration
	full             kinds // of the newest version, when the last transfer was finished
	kinds            kinds // the same, when nothing of them is kept any more
	disk             int64
	snapshot         int64 // bytes
	snapping         time.Duration
	start            time.Duration
}

// kinds are keys and bytes by a key's first byte.
type kinds map[byte]count

type count struct{ keys, bytes int }

// sum is all kinds together.
func (k kinds) sum() (all count) {
	for _, c := range k {
		all.keys, all.bytes = all.keys+c.keys, all.bytes+c.bytes
	}
	return all
}

// String names the kinds with most keys.
func (k kinds) String() string {
	order := slices.SortedFunc(maps.Keys(k), func(a, b byte) int { return k[b].keys - k[a].keys })
	var parts []string
	for _, kind := range order[:min(4, len(order))] {
		parts = append(parts, fmt.Sprintf("%d of kind %c", k[kind].keys, kind))
	}
	return strings.Join(parts, ", ")
}

func (r *run) look(ctx context.Context, transfers uint64) (l look, err error) {
	l = look{transfers: transfers, finalize: r.finalize, commit: r.commit, full: r.full}
	if l.kinds, err = r.live(); err != nil {
		return l, err
	}
	if l.disk, err = size(r.config.Dir); err != nil {
		return l, err
	}
	if l.snapshot, l.snapping, err = r.shoot(ctx); err != nil {
		return l, err
	}
	l.start, err = r.Reopen()
	return l, err
}

// live counts the newest version.
func (r *run) live() (kinds, error) {
	newest := r.Store().Latest()
	defer newest.Release()
	all := kinds{}
	return all, newest.Iterate(nil, nil, func(key, value []byte) bool {
		c := all[key[0]]
		all[key[0]] = count{c.keys + 1, c.bytes + len(key) + len(value)}
		return true
	})
}

// shoot makes a snapshot.
func (r *run) shoot(ctx context.Context) (bytes int64, took time.Duration, err error) {
	dir := filepath.Join(r.options.Dir, "snapshots")
	archive, err := snapshot.Open(dir, 1)
	if err != nil {
		return 0, 0, err
	}
	newest := r.Store().Latest()
	defer newest.Release()
	start := time.Now()
	if _, err := archive.Make(ctx, newest, model.ChainID); err != nil {
		return 0, 0, err
	}
	took = time.Since(start)
	bytes, err = size(dir)
	return bytes, took, errors.Join(err, os.RemoveAll(dir))
}

// size is the bytes of all files below a directory. The database removes files
// while it is looked at.
func size(dir string) (sum int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}
