package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/icrosschain/bridged/internal/ports"
)

func TestMain(m *testing.M) {
	Serve(map[string]Kind{"adder": newAdder})
	goleak.VerifyTestMain(m)
}

// adder adds to what it was told.
type adder struct{ To int }

func newAdder(_ context.Context, config []byte) (Member, error) {
	a := &adder{}
	if err := json.Unmarshal(config, a); err != nil {
		return nil, err
	}
	if a.To < 0 {
		return nil, errors.New("it is negative")
	}
	return a, nil
}

func (a *adder) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func (a *adder) Add(n int, sum *int) error {
	if n < 0 {
		os.Exit(3)
	}
	*sum = a.To + n
	return nil
}

func specs(t *testing.T, to ...int) (all []Spec) {
	listen := ports.ForTest(t, len(to))
	for i, n := range to {
		all = append(all, Spec{Name: string(rune('a' + i)), Address: listen.Address(i), Config: adder{To: n}})
	}
	return all
}

// Each member has its own configuration, and one that dies is noticed.
func TestFleet(t *testing.T) {
	f, err := Start(t.Context(), "adder", t.TempDir(), specs(t, 10, 20))
	if err != nil {
		t.Fatal(err)
	}
	sums, err := Each[int](f, "Add", 1)
	if err != nil || len(sums) != 2 || sums[0] != 11 || sums[1] != 21 {
		t.Errorf("%v, %v", sums, err)
	}
	for _, n := range []int{-1, 1} {
		if err := f.Call(1, "Add", n, new(int)); err == nil || !strings.Contains(err.Error(), "exit status 3") {
			t.Error("a member that is dead:", err)
		}
	}
	if err := f.Call(0, "Add", 1, new(int)); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestMemberThatDoesNotStart(t *testing.T) {
	if _, err := Start(t.Context(), "adder", t.TempDir(), specs(t, 1, -1)); err == nil || !strings.Contains(err.Error(), "it is negative") {
		t.Error(err)
	}
}
