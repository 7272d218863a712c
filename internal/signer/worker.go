package signer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Seals tells what the committed state wants signed. It never speaks of a
// block that is not committed.
type Seals interface {
	// SealsToSign returns the seals that take, and lack, the signature of a
	// signer: those of the epochs that it is the validator's signer of, oldest
	// first.
	SealsToSign(by types.Address) ([]bridge.SealState, error)
}

// Mailbox takes what the next vote extension should carry. It never blocks, and
// takes the same signature any number of times.
type Mailbox interface {
	AddSignature(types.SealSignature)
}

// WorkerConfig is what a Worker needs.
type WorkerConfig struct {
	Keys    []Key // one, or while the signer is rotated two
	Seals   Seals
	Mailbox Mailbox
	Guard   *Guard
	Logger  *slog.Logger  // nil: slog.Default
	Retry   time.Duration // after an error of Seals; 0: a second
}

// Worker signs the seals of committed blocks, beside consensus: a signature
// reaches nobody but the mailbox. It is level-triggered: what it signs follows
// from the state alone, so a restart or a lost wake-up needs no repair.
type Worker struct {
	cfg  WorkerConfig
	wake chan struct{}
	made map[uint64]types.SealSignature // of the last round, by height
}

// NewWorker makes a Worker; Run starts it.
func NewWorker(cfg WorkerConfig) (*Worker, error) {
	if len(cfg.Keys) == 0 || cfg.Seals == nil || cfg.Mailbox == nil || cfg.Guard == nil {
		return nil, errors.New("signer: keys, seals, mailbox and guard are needed")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Retry == 0 {
		cfg.Retry = time.Second
	}
	cfg.Logger = cfg.Logger.With("component", "signer")
	return &Worker{cfg: cfg, wake: make(chan struct{}, 1)}, nil
}

// Committed tells that a block was committed. It never blocks.
func (w *Worker) Committed() {
	select {
	case w.wake <- struct{}{}:
	default: // a round is due already, and will read the newest state
	}
}

// Run works until the context ends, and then returns nil. ErrDoubleSign is the
// only error: the node has to stop.
func (w *Worker) Run(ctx context.Context) error {
	retry := time.NewTimer(0) // the first round needs no commit
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
		case <-retry.C:
		}
		err := w.runOnce()
		if errors.Is(err, ErrDoubleSign) {
			return err
		}
		if err != nil {
			w.cfg.Logger.Warn("seals were not signed (will retry)", "err", err)
			retry.Reset(w.cfg.Retry)
		}
	}
}

func (w *Worker) runOnce() error {
	made := map[uint64]types.SealSignature{}
	for _, key := range w.cfg.Keys {
		if err := w.signWith(key, made); err != nil {
			return err
		}
	}
	w.made = made
	return nil
}

// signWith signs what wants a key's signature. A seal belongs to one epoch, and
// an epoch has one signer of a validator, so no two keys sign one seal.
func (w *Worker) signWith(key Key, made map[uint64]types.SealSignature) error {
	seals, err := w.cfg.Seals.SealsToSign(key.Address())
	if err != nil {
		return fmt.Errorf("read seals to sign: %w", err)
	}
	asked := make([]Signed, len(seals))
	for i, seal := range seals {
		if seal.Root == (types.Hash{}) || seal.Digest == (types.Hash{}) {
			return fmt.Errorf("seal of height %d: zero root or digest", seal.Height)
		}
		asked[i] = Signed{seal.Height, seal.Digest}
	}
	allowed, err := w.cfg.Guard.Allow(asked)
	if err != nil {
		return err
	}
	if left := len(asked) - len(allowed); left > 0 {
		w.cfg.Logger.Warn("left old seals unsigned, for it is not known any more whether they were signed", "seals", left)
	}
	for _, seal := range allowed {
		signature, err := w.sign(key, seal)
		if err != nil {
			return err
		}
		made[seal.Height] = signature
		w.cfg.Mailbox.AddSignature(signature)
	}
	return nil
}

// sign signs a seal that the guard allows, or returns the signature made for it
// in the last round.
func (w *Worker) sign(key Key, seal Signed) (types.SealSignature, error) {
	if signature, ok := w.made[seal.Height]; ok {
		return signature, nil
	}
	signature, err := key.Sign(seal.Digest)
	if err != nil {
		return types.SealSignature{}, fmt.Errorf("seal of height %d: %w", seal.Height, err)
	}
	w.cfg.Logger.Debug("signed a seal", "height", seal.Height, "digest", seal.Digest, "signer", key.Address())
	return types.SealSignature{Height: seal.Height, Signature: signature}, nil
}
