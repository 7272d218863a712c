package store

import (
	"log/slog"

	"github.com/cosmos/iavl"
)

// treeLogger passes IAVL's messages on; its debug messages, some for each node,
// are dropped.
type treeLogger struct{ log *slog.Logger }

var _ iavl.Logger = treeLogger{}

func newLogger(log *slog.Logger) iavl.Logger {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return treeLogger{log.With("component", "store")}
}

// Info implements iavl.Logger.
func (l treeLogger) Info(msg string, keyvals ...any) { l.log.Info(msg, keyvals...) }

// Warn implements iavl.Logger.
func (l treeLogger) Warn(msg string, keyvals ...any) { l.log.Warn(msg, keyvals...) }

// Error implements iavl.Logger.
func (l treeLogger) Error(msg string, keyvals ...any) { l.log.Error(msg, keyvals...) }

// Debug implements iavl.Logger.
func (l treeLogger) Debug(string, ...any) {}
