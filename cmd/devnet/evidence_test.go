package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func votes(chain types.ChainID, nonces ...uint64) []bridge.Vote {
	vote := types.ChainVote{Chain: chain}
	for _, nonce := range nonces {
		vote.Marks = append(vote.Marks, types.Mark{Nonce: nonce})
	}
	return []bridge.Vote{{}, {Chains: []types.ChainVote{vote}}}
}

func emptyEvidence() *evidence {
	return &evidence{
		marks: map[uint64][]sighting{}, sent: map[uint64][]sending{},
		executed: map[uint64][]execution{}, deposits: map[uint64]map[uint64]int{},
	}
}

// sentTransfer is a deposit with nonce 7 on alpha that entry 3 of beta's command
// 5 releases.
func sentTransfer(t *testing.T) *transfer {
	t.Helper()
	cs := testChains(t, newCast())
	return &transfer{
		from: cs[0], to: cs[1], nonce: 7,
		state: transferAnswer{Status: statusReleased, OutboxChain: betaID, OutboxNonce: 5, OutboxIndex: 3},
	}
}

func TestHeights(t *testing.T) {
	transfer, e := sentTransfer(t), emptyEvidence()
	if _, err := e.marked(transfer); err == nil || !strings.Contains(err.Error(), "no vote") {
		t.Errorf("without votes: %v", err)
	}
	e.sight(10, votes(alphaID, 4, 6))
	e.sight(11, votes(betaID, 9))
	e.sight(12, votes(alphaID, 6))
	e.sight(13, votes(alphaID, 6, 8)) // the first at or above 7
	e.sight(14, votes(alphaID, 8, 9))
	want := []sighting{{10, 4}, {10, 6}, {13, 8}, {14, 9}}
	if !slices.Equal(e.marks[alphaID], want) {
		t.Errorf("sightings %v, want %v", e.marks[alphaID], want)
	}
	if height, err := e.marked(transfer); err != nil || height != 13 {
		t.Errorf("marked at %d, %v", height, err)
	}
	if _, err := e.sentAt(transfer); err == nil || !strings.Contains(err.Error(), "no relayer") {
		t.Errorf("without a sending: %v", err)
	}
	e.sent[betaID] = []sending{
		{nonce: 4, count: 9, height: 13},
		{nonce: 5, count: 3, height: 13},
		{nonce: 5, first: 4, count: 3, height: 13},
		{nonce: 5, first: 2, count: 2, height: 17},
		{nonce: 5, count: 4, height: 15},
	}
	if height, err := e.sentAt(transfer); err != nil || height != 15 {
		t.Errorf("sent at %d, %v", height, err)
	}
}

func TestReleaseExactlyOnce(t *testing.T) {
	transfer, e := sentTransfer(t), emptyEvidence()
	if _, err := e.payment(transfer); err == nil {
		t.Error("never executed, but released")
	}
	failed := execution{nonce: 5, first: 2, count: 2, failures: []byte{0b10}, block: 80}
	good := execution{nonce: 5, first: 3, count: 1, block: 81}
	e.executed[betaID] = []execution{{nonce: 5, count: 3}, failed, good, {nonce: 6, count: 9}}
	if release, err := e.payment(transfer); err != nil || release.block != 81 {
		t.Errorf("%+v, %v", release, err)
	}
	e.executed[betaID] = append(e.executed[betaID], good)
	if _, err := e.payment(transfer); err == nil || !strings.Contains(err.Error(), "2 times") {
		t.Errorf("executed twice: %v", err)
	}
}

func TestReadSendings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node.log")
	log := `{"msg":"sent","component":"relayer","chain":"beta","nonce":5,"first":2,"count":3,"seal_height":40,"height":41,"tx":"0x1"}
panic: of a process that does not log in JSON
{"msg":"sent","component":"relayer","chain":"gamma","nonce":5,"count":3,"height":41}
{"msg":"sent","component":"mail","chain":"beta","nonce":5,"count":3,"height":41}
{"msg":"executed","component":"relayer","chain":"beta","nonce":5,"first":2}
{"msg":"sent","component":"relayer","chain":"alpha","nonce":1,"first":0,"count":1,"height":4}
{"msg":"sent","component":"relayer","chain":"alpha","nonce":2,"fir`
	if err := os.WriteFile(path, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	sent := map[uint64][]sending{}
	if err := readSendings(path, map[string]uint64{"alpha": alphaID, "beta": betaID}, sent); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(sent[alphaID], []sending{{1, 0, 1, 4}}) || !slices.Equal(sent[betaID], []sending{{5, 2, 3, 41}}) {
		t.Errorf("got %v", sent)
	}
	if err := readSendings(path+".gone", nil, sent); err == nil {
		t.Error("read a log that is not there")
	}
}
