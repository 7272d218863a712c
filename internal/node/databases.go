package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	cmtdb "github.com/cometbft/cometbft-db"
	cmtconfig "github.com/cometbft/cometbft/config"

	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/config"
)

const newDatabasePrefix = ".new-"

// cometDatabases are CometBFT's, under data/, by the ids it asks its provider
// for. (The transaction index is off.)
var cometDatabases = []string{"blockstore", "state", "evidence"}

// appDir is where the replicated state is, apart from CometBFT's databases.
func appDir(home config.Home) string { return filepath.Join(home.Data(), "app") }

// createDatabases makes every database that is missing. goleveldb is not safe
// while it creates one: a process that dies then leaves a directory that never
// opens again. So each is created elsewhere, closed, and renamed into place.
func createDatabases(home config.Home, comet *cmtconfig.Config, app config.State) error {
	for _, dir := range []string{home.Data(), appDir(home)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("create databases: %w", err)
		}
	}
	for _, id := range cometDatabases {
		err := createDatabase(home, filepath.Join(home.Data(), id+".db"), func(dir string) error {
			db, err := cmtdb.NewDB(id, cmtdb.BackendType(comet.DBBackend), dir)
			if err != nil {
				return err
			}
			return db.Close()
		})
		if err != nil {
			return fmt.Errorf("create database %s: %w", id, err)
		}
	}
	err := createDatabase(home, filepath.Join(appDir(home), "state.db"), func(dir string) error {
		s, err := store.Open(store.Config{Dir: dir, Backend: app.Backend})
		if err != nil {
			return err
		}
		return s.Close()
	})
	if err != nil {
		return fmt.Errorf("create the state's database: %w", err)
	}
	return nil
}

// createDatabase lets create make a database of path's name in a new directory,
// and moves it to path, if nothing is there yet.
func createDatabase(home config.Home, path string, create func(dir string) error) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir, err := os.MkdirTemp(home.String(), newDatabasePrefix)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := create(dir); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(dir, filepath.Base(path)), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
