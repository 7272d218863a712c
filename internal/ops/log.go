// Package ops is how a node is seen from outside: logs, metrics, health, and
// the watch over a consensus that has stopped.
//
// It stands at level 1 of the import order and knows no part of the node; each
// part is handed a *slog.Logger and registers its own metrics.
package ops

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/term"
)

// LogConfig says what is written, and how.
type LogConfig struct {
	Level  string // debug, info, warn or error
	Format string // auto, text or json
}

// NewLogger writes to w: text for people where w is a terminal, JSON elsewhere,
// unless the format says otherwise.
func NewLogger(w io.Writer, c LogConfig) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		return nil, fmt.Errorf("log level %q: %w", c.Level, err)
	}
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: tidy}
	format := c.Format
	if format == "auto" {
		format = "json"
		if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
			format = "text"
		}
	}
	switch format {
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	}
	return nil, fmt.Errorf("log format %q: want auto, text or json", c.Format)
}

// tidy gives errors and levels one form in text and JSON.
func tidy(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.LevelKey {
		return slog.String(slog.LevelKey, strings.ToLower(a.Value.String()))
	}
	if err, ok := a.Value.Any().(error); ok && err != nil {
		return slog.String(a.Key, err.Error())
	}
	return a
}
