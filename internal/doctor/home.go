package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
)

const (
	gib = 1 << 30
	// leastDisk is enough for some hours of blocks, and compaction.
	leastDisk = 2 * gib
)

// homeChecks are those of what lies on this machine's disk.
func (p *patient) homeChecks() map[string]func(context.Context) verdict {
	return map[string]func(context.Context) verdict{
		"config.app":    func(context.Context) verdict { return unless(p.appErr, "%d chain(s)", len(p.app.Chains)) },
		"config.comet":  func(context.Context) verdict { return unless(p.cometErr, "moniker %s", p.comet.Moniker) },
		"genesis.valid": func(context.Context) verdict { return unless(p.genErr, "network %s", p.genesis.Doc.ChainID) },
		"home.writable": p.writable,
		"home.disk":     p.disk,
		"home.lock":     p.lock,
		"key.modes":     p.modes,
		"key.node":      func(context.Context) verdict { return unless(p.nodeErr, "node id %s", p.nodeID) },
		"key.consensus": p.consensusKey,
		"key.signer":    func(context.Context) verdict { return p.key(signer.RoleSigner, p.app.Signer.Enabled) },
		"key.relayer":   func(context.Context) verdict { return p.key(signer.RoleRelayer, p.app.Relayer.Enabled) },
		"signed.votes":  p.signedVotes,
		"signed.seals":  p.signedSeals,
	}
}

// unless fails with an error, and is ok without one.
func unless(err error, format string, args ...any) verdict {
	if err != nil {
		return fail("%v", err)
	}
	return ok(format, args...)
}

func (p *patient) writable(context.Context) verdict {
	file, err := os.CreateTemp(p.Home.Data(), ".doctor-*")
	if err != nil {
		return fail("%v", err)
	}
	_, err = file.WriteString("the disk takes this\n")
	return unless(errors.Join(err, file.Close(), os.Remove(file.Name())), "%s", p.Home.Data())
}

func (p *patient) disk(context.Context) verdict {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(p.Home.String(), &stat); err != nil {
		return fail("%v", err)
	}
	least := p.LeastDisk
	if least == 0 {
		least = leastDisk
	}
	free := stat.Bavail * uint64(stat.Bsize) //nolint:gosec,unconvert // its type differs between systems
	found := fmt.Sprintf("%.1f GiB are free", float64(free)/gib)
	switch {
	case free < least:
		return fail("%s, at least %.1f are needed", found, float64(least)/gib)
	case free < 2*least:
		return warn("%s", found)
	}
	return ok("%s", found)
}

// lock compares who holds the home with who answers as its node.
func (p *patient) lock(context.Context) verdict {
	if p.lockErr != nil {
		return fail("%v", p.lockErr)
	}
	_, err := p.ownStatus()
	switch {
	case p.isLocked && err == nil:
		return ok("the node that answers at %s", p.own.address)
	case p.isLocked:
		return fail("a process holds the home, and the node does not answer at %s (%v): it is just starting, it hangs, or another process is on the home", p.own.address, err)
	case err == nil:
		return fail("nobody holds the home, and a node with its node id runs at %s: that one is on a copy of the home", p.own.address)
	}
	return ok("nobody")
}

// modes looks at everything that holds a secret.
func (p *patient) modes(context.Context) verdict {
	if err := node.CheckModes(p.Home, node.HasRemoteSigner(p.comet)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail("%v", err)
	}
	files := []string{p.Home.AppFile()}
	for _, role := range []signer.Role{signer.RoleSigner, signer.RoleRelayer} {
		if source, _ := p.source(role); source.Passphrase.File != "" {
			files = append(files, source.Passphrase.File)
		}
	}
	err := filepath.WalkDir(p.Home.Keys(), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !slices.Contains(files, path) {
			files = append(files, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail("%v", err)
	}
	var loose []string
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o077 != 0 {
			loose = append(loose, fmt.Sprintf("%s has mode %#o", file, info.Mode().Perm()))
		}
	}
	if len(loose) > 0 {
		return fail("%s", strings.Join(loose, ", "))
	}
	return ok("%d file(s)", len(files)+2)
}

func (p *patient) consensusKey(context.Context) verdict {
	if node.HasRemoteSigner(p.comet) {
		return ok("with the remote signer that dials %s; the home's is not used", p.comet.PrivValidatorListenAddr)
	}
	id, err := p.self()
	return unless(err, "validator %s", id)
}

// key opens a key as a start would.
func (p *patient) key(role signer.Role, enabled bool) verdict {
	if p.appErr != nil {
		return skip("app.toml is not valid")
	}
	if !enabled {
		return skip("[%s] is not enabled", role)
	}
	source, found := p.source(role)
	switch {
	case !found && role == signer.RoleSigner && p.isInGenesis():
		return fail("there is no %s, and this home is a validator of the genesis", source.File)
	case !found:
		return skip("there is no %s: this node does without", source.File)
	}
	key, err := source.Load()
	if err != nil {
		return fail("%v", err)
	}
	if next := node.NextSignerSource(p.Home, p.app.Signer); role == signer.RoleSigner && next != (signer.Source{}) {
		successor, err := next.Load()
		if err != nil {
			return fail("the next signer key: %v", err)
		}
		return ok("%s, and next %s", key.Address(), successor.Address())
	}
	return ok("%s", key.Address())
}

// source is where a key is, and whether one is there.
func (p *patient) source(role signer.Role) (source signer.Source, found bool) {
	source = node.RelayerSource(p.Home, p.app.Relayer)
	if role == signer.RoleSigner {
		source = node.SignerSource(p.Home, p.app.Signer)
	}
	if source.KeyEnv != "" {
		return source, true
	}
	_, err := os.Stat(source.File)
	return source, !errors.Is(err, fs.ErrNotExist)
}

func (p *patient) isInGenesis() bool {
	self, err := p.self()
	if err != nil {
		return false
	}
	for _, v := range p.genesis.State.Validators {
		if v.ID() == self {
			return true
		}
	}
	return false
}

// hasRun says whether this home's node was ever started.
func (p *patient) hasRun() bool {
	_, err := os.Stat(filepath.Dir(p.comet.Consensus.WalFile()))
	return err == nil
}

func (p *patient) signedVotes(context.Context) verdict {
	if node.HasRemoteSigner(p.comet) {
		return skip("the remote signer keeps it")
	}
	height, err := node.SignedHeight(p.Home)
	if errors.Is(err, fs.ErrNotExist) && !p.hasRun() {
		return ok("nothing yet")
	}
	return unless(err, "up to height %d", height)
}

func (p *patient) signedSeals(context.Context) verdict {
	if _, found := p.source(signer.RoleSigner); !found || !p.app.Signer.Enabled {
		return skip("this node signs none")
	}
	if p.genErr != nil {
		return skip("without a valid genesis it is not known of which network they have to be")
	}
	file := p.Home.SignedSealsFile()
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) && !p.hasRun() {
		return ok("none yet")
	}
	seals, err := signer.CheckGuard(file, evmsig.NetworkID(p.genesis.Doc.ChainID))
	return unless(err, "%d seal(s)", seals)
}
