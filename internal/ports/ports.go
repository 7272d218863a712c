// Package ports reserves loopback ports for programs that are told where to
// listen: validators of a test or of a devnet. To look for a free port and to
// hand on its number is not enough, for until the program listens there,
// anybody may take it.
package ports

import (
	"errors"
	"fmt"
	"net"
)

// Ports are given out of slots: a slot's last port is its guard, the others are
// for the one who holds it. All slots lie below the ports that Linux gives to
// outgoing connections (32768 and up) and below the default ones of a validator
// (26656 and up), so that only a stranger who was told to can listen there.
const (
	lowest   = 20_000
	slots    = 100
	slotSize = 64

	// Max is how many ports a range can have.
	Max = slotSize - 1
)

// Range is ports on 127.0.0.1, one after the other, that nobody who asks this
// package gets too, in whatever process, until Close or the end of this process.
type Range struct {
	First int
	guard net.Listener
}

// Reserve finds as many ports in which nobody listens, at most Max. It fails if
// there are none left.
func Reserve(count int) (*Range, error) {
	if count < 1 || count > Max {
		return nil, fmt.Errorf("reserve %d ports: a range has 1 to %d", count, Max)
	}
	for slot := range slots {
		first := lowest + slot*slotSize
		// Of all processes only one can listen, and the kernel ends it with the
		// process, however that dies.
		guard, err := net.Listen("tcp", address(first+Max))
		if err != nil {
			continue // held
		}
		if vacant(first, count) {
			return &Range{First: first, guard: guard}, nil
		}
		if err := guard.Close(); err != nil {
			return nil, fmt.Errorf("reserve %d ports: %w", count, err)
		}
	}
	return nil, fmt.Errorf("reserve %d ports: none of %d ranges from %d is free", count, slots, lowest)
}

// Address is where the port number i of the range is, from 0, as host:port.
func (r *Range) Address(i int) string { return address(r.First + i) }

// Close gives the range back. By then nobody should listen there any more.
func (r *Range) Close() error { return r.guard.Close() }

// test is what ForTest needs of a *testing.T, which a program does not link.
type test interface {
	Helper()
	Cleanup(func())
	Error(args ...any)
	Fatal(args ...any)
}

// ForTest reserves ports until the test has ended and has run the cleanups that
// it registered afterwards, which stop who listens.
func ForTest(t test, count int) *Range {
	t.Helper()
	r, err := Reserve(count)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func address(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// vacant says whether nobody listens on any of the ports.
func vacant(first, count int) bool {
	var errs []error
	for port := first; port < first+count; port++ {
		listener, err := net.Listen("tcp", address(port))
		if err != nil {
			return false
		}
		errs = append(errs, listener.Close())
	}
	return errors.Join(errs...) == nil
}
