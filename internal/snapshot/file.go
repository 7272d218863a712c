package snapshot

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/icrosschain/bridged/app/store"
)

// A file holds one snapshot:
//
//	"bridged snapshot 1\n" ‖ length (4, big endian) ‖ manifest ‖ length ‖ chunk ‖ …
const magic = "bridged snapshot 1\n"

// ErrFile says that a file is no snapshot, or not a whole one.
var ErrFile = errors.New("this is no whole snapshot file")

// WriteFile copies a snapshot of the archive into a new file.
func (a *Archive) WriteFile(path string, m store.Manifest) error {
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("write %s: it exists", path)
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".snapshot-")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	err = errors.Join(a.pour(temporary, m), temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(temporary.Name()))
	}
	return nil
}

func (a *Archive) pour(file io.Writer, m store.Manifest) error {
	w := bufio.NewWriter(file)
	if _, err := w.WriteString(magic); err != nil {
		return err
	}
	put := func(part []byte) error {
		if _, err := w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part)))); err != nil {
			return err
		}
		_, err := w.Write(part)
		return err
	}
	if err := put(m.Encode()); err != nil {
		return err
	}
	if err := a.Chunks(m, put); err != nil {
		return err
	}
	return w.Flush()
}

// ReadFile reads a snapshot file: first gets its manifest, then visit its chunks
// in order. It fails with ErrFile where the file is not as WriteFile writes it.
func ReadFile(path string, first func(store.Manifest) error, visit func(chunk []byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read the snapshot: %w", err)
	}
	defer func() { _ = file.Close() }()
	if err := read(bufio.NewReader(file), first, visit); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

func read(r io.Reader, first func(store.Manifest) error, visit func(chunk []byte) error) error {
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(r, head); err != nil || string(head) != magic {
		return fmt.Errorf("%w: it begins otherwise", ErrFile)
	}
	encoded, err := part(r, store.MaxManifestBytes)
	if err != nil {
		return err
	}
	m, err := store.DecodeManifest(encoded)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	if err := first(m); err != nil {
		return err
	}
	for range m.Chunks {
		chunk, err := part(r, store.MaxChunkBytes)
		if err == nil {
			err = visit(chunk)
		}
		if err != nil {
			return err
		}
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows", ErrFile)
	}
	return nil
}

func part(r io.Reader, most uint32) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, fmt.Errorf("%w: it ends early", ErrFile)
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > most {
		return nil, fmt.Errorf("%w: a part of %d bytes, at most %d", ErrFile, n, most)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("%w: it ends early", ErrFile)
	}
	return b, nil
}

// RestoreFile rebuilds the state in a file, in memory: what it gives has the app
// hash of its manifest, which check looks at first. The caller closes it.
func RestoreFile(path string, check func(store.Manifest) error) (restore *store.Restore, err error) {
	err = ReadFile(path, func(m store.Manifest) error {
		if err := check(m); err != nil {
			return err
		}
		restore, err = store.NewRestore(m)
		return err
	}, func(chunk []byte) error { return restore.Add(chunk) })
	if err == nil {
		err = restore.Finish()
	}
	if err != nil && restore != nil {
		restore.Close()
		restore = nil
	}
	return restore, err
}

// Verify rebuilds a snapshot of the archive and throws the result away.
func (a *Archive) Verify(m store.Manifest) error {
	restore, err := store.NewRestore(m)
	if err != nil {
		return err
	}
	defer restore.Close()
	if err := a.Chunks(m, restore.Add); err != nil {
		return err
	}
	return restore.Finish()
}
