package config

import (
	"errors"
	"fmt"
	"strings"
)

// Error is one thing wrong with the configuration: which key, what it holds,
// and what to write instead.
type Error struct {
	Key   string // as in app.toml, for example "chains.alpha.min_agree"
	Value string // what stands there, redacted if secret
	Want  string // what would be valid, and what to do
}

// Error implements error.
func (e *Error) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("%s: %s", e.Key, e.Want)
	}
	return fmt.Sprintf("%s = %s: %s", e.Key, e.Value, e.Want)
}

// Invalid is a configuration that cannot be used, with all that is wrong.
type Invalid struct {
	File   string
	Errors []error
}

// Error implements error: a line for each problem.
func (i *Invalid) Error() string {
	lines := make([]string, 0, len(i.Errors)+1)
	lines = append(lines, fmt.Sprintf("configuration %s is invalid:", i.File))
	for _, err := range i.Errors {
		lines = append(lines, "  "+err.Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.Is and errors.As the single problems.
func (i *Invalid) Unwrap() []error { return i.Errors }

// IsInvalid says whether err is about the configuration itself.
func IsInvalid(err error) bool {
	var invalid *Invalid
	return errors.As(err, &invalid)
}

func invalid(file string, errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return &Invalid{File: file, Errors: errs}
}
