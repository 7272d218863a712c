package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// tailBytes is how much of the end of a log Tail looks at.
const tailBytes = 64 << 10

// Tail returns the last lines of a log file, for a message about a process that
// ended when it should not have.
func Tail(path string, lines int) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read log: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return "", fmt.Errorf("read log: %w", err)
	}
	start := max(0, info.Size()-tailBytes)
	buffer := make([]byte, info.Size()-start)
	n, err := file.ReadAt(buffer, start)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read log: %w", err)
	}
	text := bytes.TrimRight(buffer[:n], "\n")
	all := bytes.Split(text, []byte("\n"))
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return string(bytes.Join(all, []byte("\n"))), nil
}
