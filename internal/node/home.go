package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	cmtconfig "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// Errors of homes.
var (
	// ErrInitialised says that a node lives in the home already.
	ErrInitialised = errors.New("a node was initialised here already")
	// ErrSigningSafety says that this node might sign what contradicts what it
	// signed before, and therefore does not start.
	ErrSigningSafety = errors.New("signing safety stop")
)

// HomeSpec is a new home.
type HomeSpec struct {
	Moniker string
	App     config.Config
	Comet   func(*cmtconfig.Config) // changes on top of config.Comet; nil: none
	Genesis Genesis
}

// Identity is what others know a node by.
type Identity struct {
	Moniker      string             `json:"moniker"`
	Home         string             `json:"home"`
	NodeID       string             `json:"node_id"`
	ConsensusKey types.ConsensusKey `json:"consensus_key"`
	Validator    types.ValidatorID  `json:"validator_id"`
}

// CreateHome makes a home with new keys and empty databases. Everything is
// built in a directory beside, and renamed: a crash leaves no half a home. Keys
// that are there already (under keys/) stay.
func CreateHome(home config.Home, spec HomeSpec) (Identity, error) {
	if err := vacant(home); err != nil {
		return Identity{}, err
	}
	if err := os.MkdirAll(home.String(), 0o700); err != nil {
		return Identity{}, fmt.Errorf("create home: %w", err)
	}
	dir, err := os.MkdirTemp(home.String(), stagePrefix)
	if err != nil {
		return Identity{}, fmt.Errorf("create home: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	stage := config.Home(dir)
	identity, err := fill(stage, spec)
	if err != nil {
		return Identity{}, fmt.Errorf("create home: %w", err)
	}
	identity.Home = home.String()
	// config last: it is what makes a home.
	for _, part := range []string{"data", "config"} {
		if err := os.Rename(filepath.Join(dir, part), filepath.Join(home.String(), part)); err != nil {
			return Identity{}, fmt.Errorf("create home: %w", err)
		}
	}
	return identity, syncDir(home.String())
}

// Directories that exist only while something is being made or deleted.
const (
	stagePrefix = ".init-"
	resetPrefix = ".reset-"
)

// vacant clears away what an interrupted CreateHome left, and refuses a home
// that holds anything of value.
func vacant(home config.Home) error {
	if _, err := os.Stat(home.Dir()); err == nil {
		return fmt.Errorf("%w: %s exists", ErrInitialised, home.Dir())
	}
	if _, err := os.Stat(home.Data()); err == nil {
		height, err := SignedHeight(home)
		if err != nil || height > 0 {
			return fmt.Errorf("%w: %s holds data of a node without configuration; move it away first", ErrInitialised, home.Data())
		}
		if err := os.RemoveAll(home.Data()); err != nil {
			return fmt.Errorf("clear an interrupted init: %w", err)
		}
	}
	stages, err := filepath.Glob(filepath.Join(home.String(), stagePrefix+"*"))
	if err != nil {
		return fmt.Errorf("look for an interrupted init: %w", err)
	}
	for _, stage := range stages {
		if err := os.RemoveAll(stage); err != nil {
			return fmt.Errorf("clear an interrupted init: %w", err)
		}
	}
	return nil
}

// fill writes a whole home into stage.
func fill(stage config.Home, spec HomeSpec) (Identity, error) {
	comet := config.Comet(stage, spec.Moniker)
	if spec.Comet != nil {
		spec.Comet(comet)
	}
	if err := config.WriteComet(stage, comet); err != nil {
		return Identity{}, err
	}
	if err := config.Write(stage, spec.App); err != nil {
		return Identity{}, err
	}
	if err := spec.Genesis.Write(stage.GenesisFile()); err != nil {
		return Identity{}, err
	}
	if err := createDatabases(stage, comet, spec.App.State); err != nil {
		return Identity{}, err
	}
	if _, err := p2p.LoadOrGenNodeKey(stage.NodeKeyFile()); err != nil {
		return Identity{}, fmt.Errorf("make node key: %w", err)
	}
	privval.GenFilePV(stage.ValidatorKeyFile(), stage.ValidatorStateFile()).Save()
	return ReadIdentity(stage)
}

// ReadIdentity reads a home's public identity; with a remote signer it has no
// consensus key.
func ReadIdentity(home config.Home) (Identity, error) {
	nodeKey, err := p2p.LoadNodeKey(home.NodeKeyFile())
	if err != nil {
		return Identity{}, fmt.Errorf("read node key: %w", err)
	}
	comet, err := config.LoadComet(home)
	if err != nil {
		return Identity{}, err
	}
	identity := Identity{Moniker: comet.Moniker, Home: home.String(), NodeID: string(nodeKey.ID())}
	if HasRemoteSigner(comet) {
		return identity, nil
	}
	validator, err := readValidatorKey(home)
	if err != nil {
		return Identity{}, err
	}
	identity.ConsensusKey = validator.PubKey.Bytes()
	identity.Validator = identity.ConsensusKey.ID()
	return identity, nil
}

// ResetData deletes blocks, state and peers of a home and makes empty databases
// again. What was signed last stays where it is, through a crash as well, unless
// forget is set: a validator that forgets it may sign twice.
func ResetData(home config.Home, app config.State, forget bool) error {
	comet, err := config.LoadComet(home)
	if err != nil {
		return err
	}
	lock, err := lockHome(home)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if err := discardData(home); err != nil {
		return fmt.Errorf("reset: %w", err)
	}
	if err := createDatabases(home, comet, app); err != nil {
		return fmt.Errorf("reset: %w", err)
	}
	if forget && !HasRemoteSigner(comet) {
		privval.LoadFilePVEmptyState(home.ValidatorKeyFile(), home.ValidatorStateFile()).LastSignState.Save()
	}
	if forget {
		if err := os.Remove(home.SignedSealsFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("reset: %w", err)
		}
	}
	return leftovers(home)
}

// discardData moves everything but what was signed, evidence against chains and
// what the relayer spent out of data/, so that no half deleted database is ever found there, and
// then deletes it.
func discardData(home config.Home) error {
	trash, err := os.MkdirTemp(home.String(), resetPrefix)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(home.Data())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	stays := []string{home.ValidatorStateFile(), home.SignedSealsFile(), home.EvidenceDir(), home.SpendingDir()}
	for _, entry := range entries {
		if slices.Contains(stays, filepath.Join(home.Data(), entry.Name())) {
			continue
		}
		if err := os.Rename(filepath.Join(home.Data(), entry.Name()), filepath.Join(trash, entry.Name())); err != nil {
			return err
		}
	}
	if err := os.Remove(filepath.Join(home.Dir(), "addrbook.json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(trash)
}

// leftovers removes what an interrupted createDatabases or ResetData left.
func leftovers(home config.Home) error {
	entries, err := os.ReadDir(home.String())
	if err != nil {
		return fmt.Errorf("read home: %w", err)
	}
	for _, entry := range entries {
		if name := entry.Name(); strings.HasPrefix(name, newDatabasePrefix) || strings.HasPrefix(name, resetPrefix) {
			if err := os.RemoveAll(filepath.Join(home.String(), name)); err != nil {
				return fmt.Errorf("remove leftovers: %w", err)
			}
		}
	}
	return nil
}

// CheckModes refuses secret files that others than their owner may read; with a
// remote signer the home's own consensus key is of no interest.
func CheckModes(home config.Home, remoteSigner bool) error {
	paths := []string{home.NodeKeyFile()}
	if !remoteSigner {
		paths = append(paths, home.ValidatorKeyFile())
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("check the key files: %w", err)
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			return fmt.Errorf("%s has mode %#o and others may read it: chmod 600 %s", path, mode, path)
		}
	}
	return nil
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}
