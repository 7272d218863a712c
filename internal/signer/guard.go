package signer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// Errors of a Guard.
var (
	// ErrDoubleSign says that a second, different seal of one height was to be
	// signed: this process or its state is broken. The node stops, since the
	// signature would be proof enough to ban its operator.
	ErrDoubleSign = errors.New("refused to sign a second seal of one height")
	// ErrGuard says that the file of signed seals is lost, damaged or another
	// network's: what this node signed before is not known.
	ErrGuard = errors.New("what seals were signed is not known")
)

// guardHeights is how many heights a Guard remembers: about ten megabytes of
// file, and a day if every block of a second has a seal.
const guardHeights = 100_000

// Signed is a seal that a signer has signed, or is about to sign.
type Signed struct {
	Height uint64
	Digest types.Hash
}

// Guard remembers on disk which digest was signed at each height and refuses
// another one, through restarts too. It forgets the lowest heights when it is
// full, and from then on refuses all that it may have forgotten. It is safe for
// concurrent use; the file belongs to one process, which holds the home's lock.
type Guard struct {
	path string
	sync func(*os.File) error // (*os.File).Sync but in tests
	most int

	mu     sync.Mutex
	record guardRecord
	file   *os.File // open for appending
	torn   bool     // a write has failed: the file is made anew before the next
}

// CreateGuard makes the file of a home that has signed nothing yet, or whose
// operator trusts its state. One that exists is an error.
func CreateGuard(path string, network types.Hash) error {
	record := guardRecord{network: network}
	if err := writeNew(path, record.encode()); err != nil {
		return fmt.Errorf("make the file of signed seals: %w", err)
	}
	return nil
}

// CheckGuard reads the file without changing it, and says how many seals it
// holds. It may be called beside a node that runs.
func CheckGuard(path string, network types.Hash) (seals int, err error) {
	record, _, err := readGuard(path, network)
	return len(record.signed), err
}

// OpenGuard opens the file for signing. A record that was being written when the
// process or the machine died is dropped: its signatures have not left. ErrGuard
// means that nothing may be signed.
func OpenGuard(path string, network types.Hash) (*Guard, error) {
	record, torn, err := readGuard(path, network)
	if err != nil {
		return nil, err
	}
	if err := dropLeftovers(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("open the file of signed seals: %w", err)
	}
	g := &Guard{path: path, sync: (*os.File).Sync, most: guardHeights, record: record, torn: torn}
	if g.file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGuard, err)
	}
	return g, nil
}

// Close ends the use of the file; what is allowed afterwards fails.
func (g *Guard) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.file.Close(); err != nil {
		return fmt.Errorf("close the file of signed seals: %w", err)
	}
	return nil
}

// Allow gives those of the asked seals that may be signed; when it returns they
// are on disk, with one fsync for all of them. Seals so old that nobody knows
// any more whether they were signed are left out. ErrDoubleSign allows none, and
// so does an error of the disk, after which asking again is right.
func (g *Guard) Allow(asked []Signed) (allowed []Signed, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var fresh []Signed
	for _, s := range asked {
		known, ok := g.record.signed[s.Height]
		switch {
		case ok && known != s.Digest:
			return nil, fmt.Errorf("%w: height %d: signed %s, asked for %s", ErrDoubleSign, s.Height, known, s.Digest)
		case !ok && s.Height <= g.record.floor:
			continue
		case !ok:
			if twin := slices.IndexFunc(fresh, func(f Signed) bool { return f.Height == s.Height }); twin >= 0 {
				if fresh[twin] != s {
					return nil, fmt.Errorf("%w: height %d: asked for %s and %s at once", ErrDoubleSign, s.Height, fresh[twin].Digest, s.Digest)
				}
				break
			}
			fresh = append(fresh, s)
		}
		allowed = append(allowed, s)
	}
	if err := g.keep(fresh); err != nil {
		return nil, fmt.Errorf("keep what is about to be signed: %w", err)
	}
	return allowed, nil
}

// keep puts seals on disk, and only then into memory.
func (g *Guard) keep(fresh []Signed) error {
	if g.torn {
		// What a failed write or fsync left in the file is unknown, and a second
		// fsync may hide it.
		if err := g.rewrite(g.record); err != nil {
			return err
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if len(g.record.signed)+len(fresh) > g.most {
		next := g.record.clone()
		next.add(fresh)
		next.forget()
		return g.rewrite(next)
	}
	line, sum := guardLine(g.record.sum, fresh)
	_, err := g.file.Write(line)
	if err == nil {
		err = g.sync(g.file)
	}
	if err != nil {
		g.torn = true
		return err
	}
	g.record.add(fresh)
	g.record.sum = sum
	return nil
}

// leftovers are what a process leaves that dies while it makes the file anew.
const leftovers = ".signed-*"

func dropLeftovers(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, leftovers))
	for _, file := range files {
		err = errors.Join(err, os.Remove(file))
	}
	return err
}

// rewrite replaces the file as a whole, or leaves it as it was.
func (g *Guard) rewrite(record guardRecord) error {
	file, err := os.CreateTemp(filepath.Dir(g.path), leftovers) // mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(record.encode())
	if err == nil {
		err = g.sync(file)
	}
	if err == nil {
		err = os.Rename(file.Name(), g.path)
	}
	if err != nil {
		return errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	// From here on the new file is the one to append to, whatever fails.
	old := g.file
	g.file, g.record, g.torn = file, record, true
	if err := errors.Join(old.Close(), syncDir(filepath.Dir(g.path))); err != nil {
		return err
	}
	g.torn = false
	return nil
}
