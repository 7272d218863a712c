package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cometbft/cometbft/proto/tendermint/crypto"

	"github.com/icrosschain/bridged/app/seallog"
	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Paths of Query.
const (
	// BridgePath is followed by one of the state machine's queries, for example
	// "/bridge/transfer"; the request's data is their JSON arguments.
	BridgePath = "/bridge/"
	// StorePath reads the record whose raw key is the request's data. Only its
	// answers can be proven.
	StorePath = "/store"
)

// SealWitnessQuery is what follows BridgePath to ask for the witness that a report
// about a height has to bring. This node's seal log answers it, not the state.
const SealWitnessQuery = "seal_witness"

// SealWitnessView answers SealWitnessQuery.
type SealWitnessView struct {
	// Witness is nil where the state itself knows what was sealed at that height.
	Witness *types.SealWitness `json:"witness"`
}

// ProofType is the type of the one proof operation of a proven answer: an
// ICS-23 commitment proof of ics23.IavlSpec, whose root is the app hash. The
// app hash of height h is in the header of height h+1.
const ProofType = "ics23:iavl"

// maxQueryBytes bounds the arguments of a query.
const maxQueryBytes = 64 << 10

// Query answers from committed state, at the newest height unless the request
// names another. With Prove set, the newest is the one before: the header that
// holds its app hash is there. It never fails; refusals have a code.
//
// A proven answer has the record's Key, its Value, none if it is absent, and
// the proof of either in ProofOps.
func (a *App) Query(_ context.Context, req *abci.RequestQuery) (resp *abci.ResponseQuery, _ error) {
	resp = refusal(errors.New("internal error"))
	defer a.survive("Query", req.Height)
	answer, err := a.query(req)
	if err != nil {
		return refusal(err), nil
	}
	return answer, nil
}

func refusal(err error) *abci.ResponseQuery {
	return &abci.ResponseQuery{Code: codeOf(err), Codespace: Codespace, Log: err.Error()}
}

func badQuery(format string, args ...any) error {
	return fmt.Errorf("%w: %w", bridge.ErrBadQuery, fmt.Errorf(format, args...))
}

func (a *App) query(req *abci.RequestQuery) (*abci.ResponseQuery, error) {
	if len(req.Data) > maxQueryBytes {
		return nil, badQuery("%d bytes of data, at most %d", len(req.Data), maxQueryBytes)
	}
	state, err := a.stateFor(req)
	if err != nil {
		return nil, err
	}
	defer state.Release()
	answer, err := a.answer(state, req)
	if err != nil {
		return nil, err
	}
	answer.Height = state.Version()
	if !req.Prove {
		return answer, nil
	}
	answer.ProofOps, err = prove(state, answer.Key)
	return answer, err
}

// stateFor is the version that a query reads.
func (a *App) stateFor(req *abci.RequestQuery) (*store.Snapshot, error) {
	newest := a.store.Version()
	height := req.Height
	switch {
	case newest == 0:
		return nil, badQuery("there is no block yet")
	case height < 0:
		return nil, badQuery("height %d", height)
	case height == 0 && req.Prove:
		height = max(newest-1, a.store.First())
	case height == 0:
		height = newest
	}
	state, err := a.store.At(height)
	if errors.Is(err, store.ErrNoVersion) || errors.Is(err, store.ErrPruned) {
		return nil, badQuery("height %d: this node has %d to %d", height, a.store.First(), newest)
	}
	return state, err
}

func (a *App) answer(state *store.Snapshot, req *abci.RequestQuery) (*abci.ResponseQuery, error) {
	if req.Path == StorePath {
		if len(req.Data) == 0 {
			return nil, badQuery("%s wants a key as data", StorePath)
		}
		value, err := state.Get(req.Data)
		return &abci.ResponseQuery{Key: req.Data, Value: value}, err
	}
	name, found := strings.CutPrefix(req.Path, BridgePath)
	if !found {
		return nil, badQuery("path %.40q: want %s or %s…", req.Path, StorePath, BridgePath)
	}
	if req.Prove {
		return nil, badQuery("%.40s rests on several records: prove them one by one with %s", req.Path, StorePath)
	}
	if name == SealWitnessQuery {
		answer, err := a.sealWitness(state, req.Data)
		return &abci.ResponseQuery{Value: answer}, err
	}
	answer, err := a.machine.Query(state, name, req.Data)
	return &abci.ResponseQuery{Value: answer}, err
}

// sealWitness answers SealWitnessQuery, whose argument is the height.
func (a *App) sealWitness(state *store.Snapshot, data []byte) ([]byte, error) {
	var args bridge.QueryArgs
	if err := json.Unmarshal(data, &args); err != nil || args.Height == 0 {
		return nil, badQuery("%s wants a height as argument", SealWitnessQuery)
	}
	needed, err := a.machine.NeedsWitness(state, args.Height)
	if err != nil || !needed {
		return encode(SealWitnessView{}, err)
	}
	history, err := a.machine.SealHistory(state)
	if err != nil {
		return nil, err
	}
	witness, err := a.seals.Witness(history, args.Height)
	if errors.Is(err, seallog.ErrUnknown) {
		err = fmt.Errorf("%w: height %d: %w", bridge.ErrNotFound, args.Height, err)
	}
	return encode(SealWitnessView{&witness}, err)
}

func encode(answer any, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

func prove(state *store.Snapshot, key []byte) (*crypto.ProofOps, error) {
	proof, err := state.Prove(key)
	if err != nil {
		return nil, err
	}
	bytes, err := proof.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode proof: %w", err)
	}
	return &crypto.ProofOps{Ops: []crypto.ProofOp{{Type: ProofType, Key: key, Data: bytes}}}, nil
}
