package simnet

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	cmttypes "github.com/cometbft/cometbft/types"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// memo remembers signature checks for a whole network: they are pure, and every
// node repeats them. A key is all that a check depends on.
type memo struct {
	extensions map[[32]byte]bool
	signers    map[signedDigest]recovered
	made       map[ownDigest][types.SignatureBytes]byte
}

type signedDigest struct {
	digest    types.Hash
	signature [types.SignatureBytes]byte
}

type ownDigest struct {
	signer types.Address
	digest types.Hash
}

type recovered struct {
	signer types.Address
	err    error
}

// memoEntries is at how many entries a memo forgets all: what is checked again
// and again is recent.
const memoEntries = 4096

func newMemo() *memo {
	return &memo{extensions: map[[32]byte]bool{}, signers: map[signedDigest]recovered{}, made: map[ownDigest][types.SignatureBytes]byte{}}
}

// checks are the signature checks of a node.
func (m *memo) checks() bridge.Options {
	return bridge.Options{VerifyExtension: m.verifyExtension, RecoverSigner: m.recoverSigner}
}

func (m *memo) verifyExtension(key types.ConsensusKey, height int64, round int32, extension, signature []byte) bool {
	h := sha256.New()
	for _, part := range [][]byte{key, extension, signature} {
		_, _ = h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part)))) // a hash never fails
		_, _ = h.Write(part)
	}
	_, _ = h.Write(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, uint64(height)), uint32(round)))
	id := [32]byte(h.Sum(nil))
	valid, known := m.extensions[id]
	if !known {
		signed := cmttypes.VoteExtensionSignBytes(chainID, &cmtproto.Vote{Height: height, Round: round, Extension: extension})
		valid = len(key) == ed25519.PubKeySize && ed25519.PubKey(key).VerifySignature(signed, signature)
		forget(m.extensions)
		m.extensions[id] = valid
	}
	return valid
}

func (m *memo) recoverSigner(digest types.Hash, signature [types.SignatureBytes]byte) (types.Address, error) {
	id := signedDigest{digest, signature}
	r, known := m.signers[id]
	if !known {
		r.signer, r.err = evmsig.Recover(digest, signature)
		forget(m.signers)
		m.signers[id] = r
	}
	return r.signer, r.err
}

// sign makes a seal signature, which is always the same.
func (m *memo) sign(by *member, digest types.Hash) [types.SignatureBytes]byte {
	id := ownDigest{by.Signer, digest}
	signature, known := m.made[id]
	if !known {
		signature, _ = evmsig.Sign(by.signer, digest) // it has a key, and only zero digests are refused
		forget(m.made)
		m.made[id] = signature
		m.signers[signedDigest{digest, signature}] = recovered{signer: by.Signer}
	}
	return signature
}

func forget[K comparable, V any](known map[K]V) {
	if len(known) >= memoEntries {
		clear(known)
	}
}
