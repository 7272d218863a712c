package wait

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var errBroken = errors.New("broken")

func TestUntil(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin, asked := time.Now(), 0
		thrice := func(context.Context) (bool, error) { asked++; return asked == 3, nil }
		if err := Until(t.Context(), time.Minute, time.Second, "it", thrice); err != nil || time.Since(begin) != 2*time.Second {
			t.Errorf("%v after %s", err, time.Since(begin))
		}
		never := func(context.Context) (bool, error) { return false, nil }
		if err := Until(t.Context(), time.Minute, time.Second, "Godot", never); err == nil || !strings.Contains(err.Error(), "1m0s for Godot") {
			t.Error(err)
		}
		broken := func(context.Context) (bool, error) { return false, errBroken }
		if err := Until(t.Context(), time.Minute, time.Second, "it", broken); !errors.Is(err, errBroken) {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		if err := Until(ctx, time.Minute, time.Second, "it", never); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// Whoever ends first ends all others.
func TestWhile(t *testing.T) {
	t.Parallel()
	lasting := func(ctx context.Context) error { <-ctx.Done(); return nil }
	fine := func(context.Context) error { return nil }
	broken := func(context.Context) error { return errBroken }
	if err := While(t.Context(), fine, lasting, lasting); err != nil {
		t.Error(err)
	}
	if err := While(t.Context(), broken, lasting); !errors.Is(err, errBroken) {
		t.Error(err)
	}
	if err := While(t.Context(), lasting, lasting, broken); !errors.Is(err, errBroken) {
		t.Error(err)
	}
}
