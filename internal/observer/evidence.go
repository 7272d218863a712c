package observer

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Bounds of what evidence takes of the disk. What is above them goes: of files
// the oldest, of a file the answers, since the hashes are the news.
const (
	maxEvidence     = 16      // files of a chain
	maxEvidenceSize = 1 << 20 // bytes of a file
)

// evidence is a contradiction as it is kept for people.
type evidence struct {
	Chain  types.ChainID `json:"chain"`
	Label  string        `json:"label"`
	Height uint64        `json:"height"` // finalised block of the chain
	Check  chain.Check   `json:"check"`
	Found  string        `json:"found"`
	Time   time.Time     `json:"time"`
	Agreed agreed        `json:"agreed"`
	// Common is the last inbox event that the agreed history and this one
	// share, as far as this node remembers; 0 if it does not.
	Common uint64   `json:"common"`
	Was    sighting `json:"was"` // block 0: agreed by the network, see there
	Is     sighting `json:"is"`
}

// agreed is where the network stood.
type agreed struct {
	Cursor uint64     `json:"cursor"`
	Hash   types.Hash `json:"hash"`
	Head   uint64     `json:"head"`
}

type sighting struct {
	Block      uint64         `json:"block"`
	BlockHash  types.Hash     `json:"block_hash"`
	InboxNonce uint64         `json:"inbox_nonce"`
	InboxHash  types.Hash     `json:"inbox_hash"`
	Answers    []chain.Answer `json:"answers"`
}

func sightingOf(s chain.Sighting) sighting {
	return sighting{
		Block: s.Block, BlockHash: s.Hash, InboxNonce: s.Inbox.Nonce, InboxHash: s.Inbox.Hash,
		Answers: append([]chain.Answer{}, s.Answers...),
	}
}

// keepEvidence writes a contradiction into the evidence directory and returns
// the file's path. The first evidence of a height stays.
func (o *Observer) keepEvidence(c *chain.Contradiction, common types.Mark, check chain.Check, at time.Time) (string, error) {
	if o.cfg.EvidenceDir == "" {
		return "", nil
	}
	e := evidence{
		Chain: o.cfg.Chain, Label: o.cfg.Label, Height: c.Is.Block, Check: check, Found: c.Text, Time: at.UTC(),
		Agreed: agreed{o.agreed.Cursor, o.agreed.CursorHash, o.agreed.Head}, Common: common.Nonce, Was: sightingOf(c.Was), Is: sightingOf(c.Is),
	}
	content, err := e.encode()
	if err != nil {
		return "", fmt.Errorf("encode the evidence: %w", err)
	}
	if err := os.MkdirAll(o.cfg.EvidenceDir, 0o700); err != nil {
		return "", fmt.Errorf("keep the evidence: %w", err)
	}
	file := filepath.Join(o.cfg.EvidenceDir, fmt.Sprintf("%s-%d.json", o.cfg.Label, e.Height))
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	if err := writeFile(file, content); err != nil {
		return "", fmt.Errorf("keep the evidence: %w", err)
	}
	if err := o.pruneEvidence(); err != nil {
		o.log.Warn("old evidence stays", "err", err)
	}
	return file, nil
}

func (e evidence) encode() ([]byte, error) {
	content, err := json.MarshalIndent(e, "", "  ")
	if err == nil && len(content) > maxEvidenceSize {
		e.Was.Answers, e.Is.Answers = []chain.Answer{}, []chain.Answer{}
		e.Found += " (the answers were too long to keep)"
		content, err = json.MarshalIndent(e, "", "  ")
	}
	return content, err
}

// writeFile makes a file that is there as a whole or not at all.
func writeFile(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return os.Rename(file.Name(), path)
}

// pruneEvidence deletes this chain's oldest files above maxEvidence.
func (o *Observer) pruneEvidence() error {
	files, err := filepath.Glob(filepath.Join(o.cfg.EvidenceDir, o.cfg.Label+"-*.json"))
	if err != nil {
		return err
	}
	type aged struct {
		path string
		at   time.Time
	}
	var own []aged
	for _, path := range files {
		var height uint64
		name := filepath.Base(path)[len(o.cfg.Label):] // another label may begin with this one
		if n, err := fmt.Sscanf(name, "-%d.json", &height); n != 1 || err != nil {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		own = append(own, aged{path, info.ModTime()})
	}
	slices.SortFunc(own, func(a, b aged) int { return cmp.Or(b.at.Compare(a.at), cmp.Compare(b.path, a.path)) })
	for i := maxEvidence; i < len(own); i++ {
		if err := os.Remove(own[i].path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
