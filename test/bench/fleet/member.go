package fleet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sync/errgroup"
)

// The first argument of a member's process, and the name of what it serves.
const (
	memberArg = "fleet-member"
	service   = "Member"
)

// Member is what a process of a fleet does. Its exported methods of net/rpc's
// form can be called.
type Member interface {
	// Run works until ctx ends, which is no error.
	Run(ctx context.Context) error
}

// Kind makes a member of its configuration, which is JSON.
type Kind func(ctx context.Context, config []byte) (Member, error)

// Serve is the whole program in a process that Start has made: it ends the
// process. In any other it does nothing. A program calls it first.
func Serve(kinds map[string]Kind) {
	if len(os.Args) != 5 || os.Args[1] != memberArg {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, kinds[os.Args[2]], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(ctx context.Context, kind Kind, file, address string) error {
	if kind == nil {
		return errors.New("no such member")
	}
	config, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	m, err := kind(ctx, config)
	if err != nil {
		return err
	}
	server := rpc.NewServer()
	if err := server.RegisterName(service, m); err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return m.Run(ctx) })
	group.Go(func() error {
		<-ctx.Done()
		return listener.Close()
	})
	group.Go(func() error {
		server.Accept(listener) // until it is closed
		return nil
	})
	return group.Wait()
}
