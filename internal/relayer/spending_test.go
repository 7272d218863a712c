package relayer

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/icrosschain/bridged/x/bridge/types"
)

func openSpending(t *testing.T, path string, limit uint64) *Spending {
	t.Helper()
	s, err := OpenSpending(path, types.Address{1}, types.NewAmount(limit))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSpendingOfADay(t *testing.T) {
	s, now := openSpending(t, "", 100), testNow
	claim := func(nonce uint64, hash byte, most uint64) error {
		return s.Claim(now, nonce, types.Hash{hash}, types.NewAmount(most))
	}
	want := func(paid, claimed, left uint64) {
		t.Helper()
		status := s.Status(now)
		rest, limited := s.Left(now, 99)
		if status.Paid != types.NewAmount(paid) || status.Claimed != types.NewAmount(claimed) || rest != types.NewAmount(left) || !limited {
			t.Errorf("paid %s, claimed %s, left %s; want %d, %d, %d", status.Paid, status.Claimed, rest, paid, claimed, left)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	must(claim(7, 1, 40))
	must(claim(7, 2, 60)) // a replacement: the dearer counts, not both
	must(claim(7, 3, 50))
	want(0, 60, 40)
	if err := claim(8, 4, 41); !errors.Is(err, ErrSpent) {
		t.Errorf("above the limit: %v", err)
	}
	must(claim(8, 5, 40))
	must(s.Settle(now, 7, types.NewAmount(10)))
	want(10, 40, 50)
	must(s.Settle(now, 7, types.NewAmount(10))) // known already
	want(10, 40, 50)
	must(s.Settle(now, 8, types.Amount{})) // nobody knows: at its most
	want(50, 0, 50)
	now = now.Add(2 * time.Hour)
	must(claim(9, 6, 20))
	must(s.Settle(now, 9, types.NewAmount(1<<60))) // a receipt that cannot be
	want(70, 0, 30)
	now = now.Add(22*time.Hour + 59*time.Minute)
	if s.Status(now).Paid.Cmp(types.NewAmount(20)) < 0 {
		t.Error("something of the last 24 hours is forgotten")
	}
	now = now.Add(time.Hour)
	want(20, 0, 80)
	now = now.Add(48 * time.Hour)
	want(0, 0, 100)
}

func TestSpendingSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "relayer", "alpha.json")
	s := openSpending(t, path, 100)
	for nonce := range uint64(3) {
		if err := s.Claim(testNow, nonce, types.Hash{byte(nonce)}, types.NewAmount(30)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Settle(testNow, 0, types.NewAmount(5)); err != nil {
		t.Fatal(err)
	}
	again := openSpending(t, path, 100)
	if got := again.Status(testNow); got != s.Status(testNow) || got.Paid != types.NewAmount(5) || got.Claimed != types.NewAmount(60) {
		t.Errorf("after a restart %+v", got)
	}
	if claims := again.mined(2); len(claims) != 1 || claims[0].Nonce != 1 || len(claims[0].Hashes) != 1 {
		t.Errorf("claims %+v", claims)
	}
	other, err := OpenSpending(path, types.Address{2}, types.NewAmount(100))
	if err != nil {
		t.Fatal(err)
	}
	if got := other.Status(testNow); got.Paid != types.NewAmount(65) || !got.Claimed.IsZero() {
		t.Errorf("with another key %+v", got)
	}
	for _, damage := range []string{"", "{", `{"claims":[` + string(make([]byte, maxSpendingFile))} {
		if err := os.WriteFile(path, []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenSpending(path, types.Address{1}, types.Amount{}); err == nil {
			t.Errorf("%.20q is taken", damage)
		}
	}
}

func TestSpendingIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alpha.json")
	s, now := openSpending(t, path, 0), testNow
	for hash := range maxClaimHashes * 2 {
		_ = s.Claim(now, 0, types.Hash{1: byte(hash)}, types.NewAmount(1))
	}
	for i := range uint64(150) {
		now = now.Add(time.Minute * 20)
		for range 2 {
			_ = s.Claim(now, i, types.Hash{byte(i), 1}, types.NewAmount(i))
		}
		if i%3 == 0 {
			_ = s.Settle(now, i, types.NewAmount(1))
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() > 16<<10 {
		t.Errorf("%d bytes, %v", info.Size(), err)
	}
	if _, limited := s.Left(now, 0); limited {
		t.Error("a limit of zero is one")
	}
}
