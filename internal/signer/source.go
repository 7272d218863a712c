package signer

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
)

// Passphrase opens a keystore file. It prints as "[secret]".
type Passphrase struct{ text string }

// NewPassphrase wraps what a terminal read. It must not come from argv, which
// every process of the machine can see.
func NewPassphrase(text string) Passphrase { return Passphrase{text: text} }

// IsEmpty says that there is no passphrase.
func (p Passphrase) IsEmpty() bool { return p.text == "" }

// Format implements fmt.Formatter: no verb prints the passphrase.
func (Passphrase) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(secret)) }

// LogValue implements slog.LogValuer.
func (Passphrase) LogValue() slog.Value { return slog.StringValue(secret) }

// MarshalText implements encoding.TextMarshaler.
func (Passphrase) MarshalText() ([]byte, error) { return []byte(secret), nil }

// PassphraseFrom names where a passphrase is; a file goes before a variable.
type PassphraseFrom struct {
	File string // mode 0600; one line break at the end is not part of it
	Env  string // name of an environment variable
}

// Read gets the passphrase. An empty one is ErrPassphrase.
func (f PassphraseFrom) Read() (Passphrase, error) {
	if f.File != "" {
		content, err := readSecretFile(f.File)
		if err != nil {
			return Passphrase{}, fmt.Errorf("read passphrase: %w", err)
		}
		content = bytes.TrimSuffix(bytes.TrimSuffix(content, []byte("\n")), []byte("\r"))
		if len(content) == 0 {
			return Passphrase{}, fmt.Errorf("%w: %s is empty", ErrPassphrase, f.File)
		}
		return Passphrase{text: string(content)}, nil
	}
	if f.Env == "" {
		return Passphrase{}, fmt.Errorf("%w: neither a file nor an environment variable is named", ErrPassphrase)
	}
	text := os.Getenv(f.Env)
	if text == "" {
		return Passphrase{}, fmt.Errorf("%w: environment variable %s is empty", ErrPassphrase, f.Env)
	}
	return Passphrase{text: text}, nil
}

// Source names where one key is: a keystore file and its passphrase, or an
// environment variable with the key itself in hexadecimal.
type Source struct {
	KeyEnv     string // if named it is used, and the file is not
	File       string // keystore v3, mode 0600
	Passphrase PassphraseFrom
}

// Load gets the key.
func (s Source) Load() (Key, error) {
	if s.KeyEnv != "" {
		digits := os.Getenv(s.KeyEnv)
		if digits == "" {
			return nil, fmt.Errorf("%w: environment variable %s is empty", ErrKey, s.KeyEnv)
		}
		key, err := parseHex(digits)
		if err != nil {
			return nil, fmt.Errorf("environment variable %s: %w", s.KeyEnv, err)
		}
		return key, nil
	}
	if s.File == "" {
		return nil, fmt.Errorf("%w: neither a keystore file nor an environment variable is named", ErrNotFound)
	}
	passphrase, err := s.Passphrase.Read()
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", s.File, err)
	}
	return openFile(s.File, passphrase)
}

// readSecretFile reads a file that only its owner may read.
func readSecretFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has %#o, want 0600: chmod 600 %s", ErrLooseMode, path, mode, path)
	}
	const most = 64 << 10
	if info.Size() > most {
		return nil, fmt.Errorf("%s has %d bytes, at most %d", path, info.Size(), most)
	}
	content := make([]byte, info.Size())
	n, err := file.ReadAt(content, 0)
	if n == len(content) {
		return content, nil
	}
	return nil, fmt.Errorf("read %s: %w", path, err)
}
