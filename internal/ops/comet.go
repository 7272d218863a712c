package ops

import (
	"context"
	"fmt"
	"log/slog"

	cmtlog "github.com/cometbft/cometbft/libs/log"
)

// CometLogger is a CometBFT logger that writes to an slog one. CometBFT's
// "module" becomes "component", with "comet." before it.
type CometLogger struct {
	to    *slog.Logger
	level slog.Level
	said  *said // by With; a handler's own With would format it at once
}

// said is what calls of With were given, the latest first.
type said struct {
	before  *said
	keyvals []any
}

// attributes has what was said first at the beginning.
func (s *said) attributes() []any {
	if s == nil {
		return nil
	}
	return append(s.before.attributes(), attributes(s.keyvals)...)
}

var _ cmtlog.Logger = CometLogger{}

// NewCometLogger drops what is less severe than level (debug, info, warn or
// error), whatever the level of the logger itself.
func NewCometLogger(to *slog.Logger, level string) (CometLogger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return CometLogger{}, fmt.Errorf("log level %q: %w", level, err)
	}
	return CometLogger{to: to, level: l}, nil
}

// Debug implements CometBFT's Logger.
func (l CometLogger) Debug(msg string, keyvals ...any) { l.log(slog.LevelDebug, msg, keyvals) }

// Info implements CometBFT's Logger.
func (l CometLogger) Info(msg string, keyvals ...any) { l.log(slog.LevelInfo, msg, keyvals) }

// Warn implements CometBFT's Logger.
func (l CometLogger) Warn(msg string, keyvals ...any) { l.log(slog.LevelWarn, msg, keyvals) }

// Error implements CometBFT's Logger.
func (l CometLogger) Error(msg string, keyvals ...any) { l.log(slog.LevelError, msg, keyvals) }

// With implements CometBFT's Logger. CometBFT calls it for each vote that it
// looks for, hundreds of times a second at rest, and nearly always writes nothing
// then: so nothing is made of it before a line is written.
func (l CometLogger) With(keyvals ...any) cmtlog.Logger {
	l.said = &said{l.said, keyvals}
	return l
}

func (l CometLogger) log(level slog.Level, msg string, keyvals []any) {
	if level < l.level || !l.to.Enabled(context.Background(), level) {
		return
	}
	l.to.Log(context.Background(), level, msg, append(l.said.attributes(), attributes(keyvals)...)...)
}

// attributes makes slog attributes of CometBFT's pairs, whose values may be
// lazy Stringers.
func attributes(keyvals []any) []any {
	attrs := make([]any, 0, len(keyvals)/2+1)
	for i := 0; i < len(keyvals); i += 2 {
		if i+1 == len(keyvals) {
			return append(attrs, slog.Any("extra", keyvals[i]))
		}
		key, isString := keyvals[i].(string)
		if !isString {
			key = fmt.Sprint(keyvals[i])
		}
		value := keyvals[i+1]
		if key == "module" {
			key, value = "component", fmt.Sprintf("comet.%v", value)
		}
		if _, isError := value.(error); !isError {
			if s, ok := value.(fmt.Stringer); ok {
				value = lazy{s}
			}
		}
		attrs = append(attrs, slog.Any(key, value))
	}
	return attrs
}

// lazy is formatted only when the line is written.
type lazy struct{ fmt.Stringer }

// LogValue implements slog.LogValuer.
func (l lazy) LogValue() (value slog.Value) {
	defer func() {
		if recover() != nil { // a nil pointer behind a Stringer
			value = slog.StringValue("<nil>")
		}
	}()
	return slog.StringValue(l.String())
}
