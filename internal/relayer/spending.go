package relayer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// ErrSpent says that a transaction may cost more than what is left of the day's
// limit.
var ErrSpent = errors.New("the day's spending limit is reached")

const (
	// spendingHours are counted: the present one, and those that began within the
	// last 24 hours.
	spendingHours = 25
	// maxClaims bounds the transactions whose end is awaited, and with it the
	// file.
	maxClaims = 64
	// maxClaimHashes bounds the replacements of one of them that are remembered.
	maxClaimHashes  = 16
	maxSpendingFile = 256 << 10
)

// Spending is what an account has paid on one chain within a day, and may have
// to pay for what it has sent: all of it counts against the limit. With a limit
// it is on disk before a transaction is out, so that no restart begins a new
// day. It is safe for concurrent use.
type Spending struct {
	path  string // empty: in memory
	limit types.Amount

	mu     sync.Mutex
	record spendingRecord
}

// spendingRecord is the file.
type spendingRecord struct {
	Account types.Address `json:"account"`
	Hours   []spentHour   `json:"hours"` // ascending
	Claims  []claim       `json:"claims"`
}

// spentHour is what was paid in one hour.
type spentHour struct {
	Hour         int64        `json:"hour"` // since 1970
	Wei          types.Amount `json:"wei"`
	Transactions uint64       `json:"transactions"`
}

// claim is an account nonce that was used, and whose end is not known.
type claim struct {
	Nonce  uint64       `json:"nonce"`
	Hour   int64        `json:"hour"`
	Most   types.Amount `json:"most"`   // wei that it may cost
	Hashes []types.Hash `json:"hashes"` // the transaction and what replaced it
}

// Spent is how a Spending stands.
type Spent struct {
	Limit        types.Amount // wei in a day; 0: none
	Paid         types.Amount // within the day
	Claimed      types.Amount // what pending transactions may cost
	Transactions uint64       // that were paid for
}

// OpenSpending reads the record of an account on one chain, or begins one. A
// limit of zero is none; an empty path keeps the record in memory.
func OpenSpending(path string, account types.Address, limit types.Amount) (*Spending, error) {
	s := &Spending{path: path, limit: limit, record: spendingRecord{Account: account}}
	if path == "" {
		return s, nil
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what the relayer has spent: %w", err)
	}
	record, err := decodeSpending(content)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged (remove it to count from nothing): %w", path, err)
	}
	if record.Account != account { // a new key: what the old one sent is counted at its most
		for _, c := range record.Claims {
			record.pay(c.Hour, c.Most)
		}
		record.Account, record.Claims = account, nil
	}
	s.record = record
	return s, nil
}

func decodeSpending(content []byte) (r spendingRecord, err error) {
	if len(content) > maxSpendingFile {
		return r, fmt.Errorf("%d bytes, at most %d", len(content), maxSpendingFile)
	}
	if err := json.Unmarshal(content, &r); err != nil {
		return r, err
	}
	if len(r.Claims) > maxClaims || len(r.Hours) > spendingHours {
		return r, fmt.Errorf("%d hours and %d pending transactions", len(r.Hours), len(r.Claims))
	}
	return r, nil
}

// Status is how things stand.
func (s *Spending) Status(now time.Time) Spent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status(now)
}

func (s *Spending) status(now time.Time) Spent {
	s.record.expire(now)
	spent := Spent{Limit: s.limit}
	for _, h := range s.record.Hours {
		spent.Paid, spent.Transactions = sum(spent.Paid, h.Wei), spent.Transactions+h.Transactions
	}
	for _, c := range s.record.Claims {
		spent.Claimed = sum(spent.Claimed, c.Most)
	}
	return spent
}

// Left is what a transaction at an account nonce may cost at most, in wei; false
// where there is no limit.
func (s *Spending) Left(now time.Time, nonce uint64) (left types.Amount, limited bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.left(now, nonce), !s.limit.IsZero()
}

func (s *Spending) left(now time.Time, nonce uint64) types.Amount {
	status := s.status(now)
	taken := sum(status.Paid, status.Claimed)
	if c := s.record.claim(nonce); c != nil { // which it would replace
		taken, _ = taken.Sub(c.Most)
	}
	left, _ := s.limit.Sub(taken) // nothing where more is taken
	return left
}

// Claim counts a transaction at what it may cost at most, or says ErrSpent.
// Of the transactions at one account nonce the dearest counts.
func (s *Spending) Claim(now time.Time, nonce uint64, hash types.Hash, most types.Amount) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	limited := !s.limit.IsZero()
	if left := s.left(now, nonce); limited && left.Cmp(most) < 0 {
		return fmt.Errorf("%w: %s wei are left, the transaction may cost %s", ErrSpent, left, most)
	}
	c := s.record.claim(nonce)
	if c == nil {
		if len(s.record.Claims) >= maxClaims {
			return fmt.Errorf("%d transactions are pending, no more are sent", maxClaims)
		}
		s.record.Claims = append(s.record.Claims, claim{Nonce: nonce})
		c = &s.record.Claims[len(s.record.Claims)-1]
	}
	c.Hour = hourOf(now)
	if c.Most.Cmp(most) < 0 {
		c.Most = most
	}
	if !slices.Contains(c.Hashes, hash) {
		c.Hashes = append(c.Hashes, hash)
	}
	if extra := len(c.Hashes) - maxClaimHashes; extra > 0 {
		c.Hashes = c.Hashes[extra:]
	}
	return s.write(limited)
}

// Settle replaces a claim by what was really paid; at its most where cost is 0,
// for then nobody knows.
func (s *Spending) Settle(now time.Time, nonce uint64, cost types.Amount) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.record.claim(nonce)
	if c == nil {
		return nil
	}
	if twice := sum(c.Most, c.Most); cost.IsZero() || cost.Cmp(twice) > 0 { // no honest receipt says so
		cost = c.Most
	}
	s.record.Claims = slices.DeleteFunc(s.record.Claims, func(c claim) bool { return c.Nonce == nonce })
	s.record.pay(hourOf(now), cost)
	s.record.expire(now)
	return s.write(false) // if it is lost, the claim still counts
}

// mined are the claims below an account nonce, with their hashes.
func (s *Spending) mined(below uint64) (claims []claim) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.record.Claims {
		if c.Nonce < below {
			c.Hashes = slices.Clone(c.Hashes)
			claims = append(claims, c)
		}
	}
	return claims
}

// write replaces the file; durable waits for the disk.
func (s *Spending) write(durable bool) error {
	if s.path == "" {
		return nil
	}
	content, err := json.Marshal(s.record)
	if err != nil {
		return fmt.Errorf("encode what the relayer has spent: %w", err)
	}
	if err := replaceFile(s.path, content, durable); err != nil {
		return fmt.Errorf("write what the relayer has spent: %w", err)
	}
	return nil
}

func replaceFile(path string, content []byte, durable bool) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	temporary := path + ".new"
	file, err := os.OpenFile(temporary, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if durable && err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil || !durable {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (r *spendingRecord) claim(nonce uint64) *claim {
	for i := range r.Claims {
		if r.Claims[i].Nonce == nonce {
			return &r.Claims[i]
		}
	}
	return nil
}

func (r *spendingRecord) pay(hour int64, wei types.Amount) {
	at := slices.IndexFunc(r.Hours, func(h spentHour) bool { return h.Hour == hour })
	if at < 0 {
		r.Hours = append(r.Hours, spentHour{Hour: hour})
		at = len(r.Hours) - 1
	}
	r.Hours[at].Wei = sum(r.Hours[at].Wei, wei)
	r.Hours[at].Transactions++
}

// expire forgets what is older than a day, pending transactions too: those that
// nobody has mined for a day hardly ever are.
func (r *spendingRecord) expire(now time.Time) {
	first := hourOf(now) - spendingHours + 1
	r.Hours = slices.DeleteFunc(r.Hours, func(h spentHour) bool { return h.Hour < first })
	r.Claims = slices.DeleteFunc(r.Claims, func(c claim) bool { return c.Hour < first })
	slices.SortFunc(r.Hours, func(a, b spentHour) int { return int(a.Hour - b.Hour) })
	if extra := len(r.Hours) - spendingHours; extra > 0 { // of a clock that went back
		r.Hours = r.Hours[:spendingHours]
	}
}

func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

// sum stays at the greater of two that have no sum: more wei than any chain has,
// which leaves nothing of any limit.
func sum(a, b types.Amount) types.Amount {
	total, err := a.Add(b)
	switch {
	case err == nil:
		return total
	case a.Cmp(b) > 0:
		return a
	}
	return b
}
