package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/internal/snapshot"
)

func snapshotCommand(s *session) *cobra.Command {
	c := group("snapshot", "Snapshots of the state: what peers join by, and files to carry elsewhere",
		snapshotListCommand(s), snapshotExportCommand(s), snapshotVerifyCommand(s), snapshotRestoreCommand(s))
	c.Long = `A running node makes a snapshot of its state every snapshot.interval blocks, under
data/snapshots, and gives it to nodes that join. All nodes make the same of the
same height. These commands work on files; only "restore" wants the node stopped.`
	return c
}

// snapshotView is a snapshot, as printed.
type snapshotView struct {
	ChainID string `json:"chain_id"`
	Height  int64  `json:"height"`
	Chunks  int    `json:"chunks"`
	AppHash string `json:"app_hash"`
	Hash    string `json:"hash"`
}

func viewOf(m store.Manifest) snapshotView {
	return snapshotView{m.ChainID, m.Height, len(m.Chunks), fmt.Sprintf("%X", m.AppHash), fmt.Sprintf("%X", m.Hash())}
}

func printSnapshots(w io.Writer, list []snapshotView) {
	rows := make([][]string, len(list))
	for i, v := range list {
		rows[i] = []string{fmt.Sprint(v.Height), fmt.Sprint(v.Chunks), v.AppHash, v.ChainID}
	}
	table(w, []string{"HEIGHT", "CHUNKS", "APP HASH", "NETWORK"}, rows)
}

// archive is the home's snapshots.
func (s *session) archive() (*snapshot.Archive, error) {
	if !s.home().Exists() {
		return nil, fmt.Errorf("no node in %s; run \"bridged init MONIKER\" or \"bridged join MONIKER\" first", s.homeDir)
	}
	archive, err := snapshot.Open(s.home().SnapshotsDir(), 1)
	if err != nil {
		return nil, err
	}
	if err := archive.Broken(); err != nil {
		s.note("Not whole: %v", err)
	}
	return archive, nil
}

func snapshotListCommand(s *session) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the snapshots of this home, newest first", Args: args(0, 0),
		RunE: func(*cobra.Command, []string) error {
			archive, err := s.archive()
			if err != nil {
				return err
			}
			views := []snapshotView{}
			for _, m := range archive.List() {
				views = append(views, viewOf(m))
			}
			return s.print(views, func(w io.Writer) { printSnapshots(w, views) })
		},
	}
}

func snapshotExportCommand(s *session) *cobra.Command {
	var height int64
	c := &cobra.Command{
		Use: "export FILE", Short: "Copy a snapshot of this home into a file",
		Example: "  bridged snapshot export bridge-1.snapshot", Args: args(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			archive, err := s.archive()
			if err != nil {
				return err
			}
			m, err := choose(archive, height)
			if err != nil {
				return err
			}
			if err := archive.WriteFile(args[0], m); err != nil {
				return err
			}
			view := viewOf(m)
			return s.print(view, func(w io.Writer) { printSnapshots(w, []snapshotView{view}) })
		},
	}
	c.Flags().Int64Var(&height, "height", 0, "height of the snapshot (default: the newest)")
	return c
}

// choose is the snapshot of a height, or the newest.
func choose(archive *snapshot.Archive, height int64) (store.Manifest, error) {
	for _, m := range archive.List() {
		if height == 0 || m.Height == height {
			return m, nil
		}
	}
	if height == 0 {
		return store.Manifest{}, fmt.Errorf("%w: no snapshot was made yet; see snapshot.interval in app.toml", errNotReady)
	}
	return store.Manifest{}, fmt.Errorf("there is no snapshot of height %d; see \"bridged snapshot list\"", height)
}

func snapshotVerifyCommand(s *session) *cobra.Command {
	var appHash string
	c := &cobra.Command{
		Use: "verify [FILE]", Short: "Rebuild the state from a snapshot file, or from each snapshot of this home",
		Long: `Checks that a snapshot is whole and that its state has the app hash that it
claims. Whether that is the network's is not known from the file: compare it with
--app-hash, which is in the header of the next height, or let "restore" ask.`,
		Args: args(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			want, err := hash32(c, "app-hash", appHash)
			if err != nil {
				return err
			}
			verified := []snapshotView{}
			check := func(m store.Manifest) error {
				if want != nil && string(want) != string(m.AppHash[:]) {
					return fmt.Errorf("the snapshot of height %d has app hash %X, not %X", m.Height, m.AppHash, want)
				}
				verified = append(verified, viewOf(m))
				return nil
			}
			if len(args) == 1 {
				err = verifyFile(args[0], check)
			} else {
				err = s.verifyArchive(check)
			}
			if err != nil {
				return err
			}
			return s.print(verified, func(w io.Writer) { printSnapshots(w, verified) })
		},
	}
	c.Flags().StringVar(&appHash, "app-hash", "", "app hash that the state must have, in hexadecimal")
	return c
}

func verifyFile(path string, check func(store.Manifest) error) error {
	restore, err := snapshot.RestoreFile(path, check)
	if err == nil {
		restore.Close()
	}
	return err
}

func (s *session) verifyArchive(check func(store.Manifest) error) error {
	archive, err := s.archive()
	if err != nil {
		return err
	}
	if err := archive.Broken(); err != nil {
		return err
	}
	for _, m := range archive.List() {
		if err := archive.Verify(m); err != nil {
			return fmt.Errorf("the snapshot of height %d: %w", m.Height, err)
		}
		if err := check(m); err != nil {
			return err
		}
	}
	return nil
}

func snapshotRestoreCommand(s *session) *cobra.Command {
	var (
		f       trustFlags
		appHash string
	)
	c := &cobra.Command{
		Use: "restore FILE", Short: "Give a home without blocks the state of a snapshot file",
		Long: `Verifies the file, and then makes its state this home's: by --app-hash, the app
hash of the snapshot's height from somebody you trust, or through CometBFT's light
client, over the servers of --rpc or those of [statesync] in config.toml, which
"bridged join" fills in. With both, both have to agree.

Consensus needs headers and validators around that height too. They come from the
same servers; without any, at the next start, from those of [statesync].

The node has to be stopped and to have no blocks: see "bridged comet reset".`,
		Example: "  bridged snapshot restore bridge-1.snapshot --rpc http://one.example:26657,http://two.example:26657",
		Args:    args(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			if !s.home().Exists() {
				return fmt.Errorf("no node in %s; run \"bridged join MONIKER\" first", s.homeDir)
			}
			spec := node.RestoreSpec{File: args[0], RPC: f.rpc, TrustHeight: f.height, TrustOne: f.one}
			var err error
			if spec.TrustHash, err = f.trusted(c); err != nil {
				return err
			}
			if spec.AppHash, err = hash32(c, "app-hash", appHash); err != nil {
				return err
			}
			if f.height != 0 && len(f.rpc) == 0 {
				return usagef(c, "--trust-height goes with --rpc")
			}
			if err := s.needProof(c, spec); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(c.Context(), s.timeout)
			defer cancel()
			restored, err := node.RestoreSnapshot(ctx, s.home(), spec)
			if err != nil {
				return joinError(err)
			}
			if !restored.Complete {
				s.note("Consensus gets its part at the next start, from the servers of [statesync] in %s.", s.home().CometFile())
			}
			s.note("Restored the state of height %d. Next: \"bridged start\".", restored.Height)
			return s.print(restored, func(w io.Writer) {
				pairs(w, "network", restored.ChainID, "height", fmt.Sprint(restored.Height), "app hash", restored.AppHash)
			})
		},
	}
	f.add(c)
	c.Flags().StringVar(&appHash, "app-hash", "", "app hash that the state must have, in hexadecimal")
	return c
}

// needProof is a usage error if there is nothing to verify a snapshot with.
func (s *session) needProof(c *cobra.Command, spec node.RestoreSpec) error {
	comet, err := config.LoadComet(s.home())
	if err != nil {
		return err
	}
	if spec.AppHash == nil && len(spec.RPC) == 0 && len(comet.StateSync.RPCServers) == 0 {
		return usagef(c, "nothing to verify the snapshot with: give --app-hash or --rpc")
	}
	return nil
}
