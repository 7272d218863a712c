// Package wait is how benchmarks wait.
package wait

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// For lets time pass. It is an error if ctx ends first.
func For(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Until asks again and again until something holds. An error of holds ends it, as
// the end of the time does.
func Until(ctx context.Context, within, every time.Duration, what string, holds func(context.Context) (bool, error)) error {
	for end := time.Now().Add(within); ; {
		ok, err := holds(ctx)
		switch {
		case err != nil || ok:
			return err
		case time.Now().After(end):
			return fmt.Errorf("waited %s for %s", within, what)
		}
		if err := For(ctx, every); err != nil {
			return err
		}
	}
}

// While runs others until main has returned, or one of them with an error. They
// return when their context ends, and that is no error.
func While(ctx context.Context, main func(context.Context) error, others ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	for _, other := range others {
		group.Go(func() error { return other(ctx) })
	}
	group.Go(func() error {
		defer cancel()
		return main(ctx)
	})
	return group.Wait()
}
