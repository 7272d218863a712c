package cluster

import (
	"context"
	"fmt"
	"time"
)

// Clock makes the blocks of a chain until the test ends. While it is stopped, a
// test can do what must lie in one block, or change what has been.
type Clock struct {
	hold chan struct{} // taken while no block may be made
}

// StartClock makes a block of the chain so often.
func StartClock(t T, chain string, every time.Duration, mine func(context.Context) error) *Clock {
	t.Helper()
	c := &Clock{hold: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := c.run(ctx, every, mine); err != nil && ctx.Err() == nil {
			t.Error(fmt.Errorf("%s: %w", chain, err))
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return c
}

func (c *Clock) run(ctx context.Context, every time.Duration, mine func(context.Context) error) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		select {
		case <-ctx.Done():
			return nil
		case c.hold <- struct{}{}:
		}
		err := mine(ctx)
		<-c.hold
		if err != nil {
			return err
		}
	}
}

// Stop stops the clock until the returned function is called.
func (c *Clock) Stop() (goOn func()) {
	c.hold <- struct{}{}
	return func() { <-c.hold }
}
