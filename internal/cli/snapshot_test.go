package cli

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/icrosschain/bridged/app/store"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/snapshot"
)

// bridged runs a command and gives its exit code, result and complaints.
func bridged(t *testing.T, home string, args ...string) (code int, out, complaint string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = Run(t.Context(), append(args, "--home", home), strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// Snapshots of one home are carried to another as a file.
func TestSnapshotCommands(t *testing.T) {
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	for _, home := range []string{from, to} {
		if code, _, complaint := bridged(t, home, "init", "anna", "--chain-id", "bridge-1"); code != 0 {
			t.Fatal(complaint)
		}
	}
	s, err := store.Open(store.Config{Backend: store.Memory})
	if err != nil {
		t.Fatal(err)
	}
	archive, err := snapshot.Open(config.Home(from).SnapshotsDir(), 3)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Working().Set([]byte("height"), fmt.Append(nil, s.Version())); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Commit(); err != nil {
			t.Fatal(err)
		}
		latest := s.Latest()
		if _, err := archive.Make(t.Context(), latest, "bridge-1"); err != nil {
			t.Fatal(err)
		}
		latest.Release()
	}

	var list []snapshotView
	_, out, _ := bridged(t, from, "snapshot", "list", "--output", "json")
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 2 || list[0].Height != 2 || list[1].Height != 1 {
		t.Fatalf("%v, %s", err, out)
	}
	if code, out, complaint := bridged(t, from, "snapshot", "verify"); code != 0 || !strings.Contains(out, list[1].AppHash) {
		t.Errorf("code %d: %s%s", code, out, complaint)
	}
	file := filepath.Join(t.TempDir(), "snapshot")
	if code, _, complaint := bridged(t, from, "snapshot", "export", file); code != 0 {
		t.Fatal(complaint)
	}
	if code, _, complaint := bridged(t, from, "snapshot", "export", file, "--height", "1"); code != 1 || !strings.Contains(complaint, "it exists") {
		t.Errorf("over a file: code %d: %s", code, complaint)
	}
	hash := hex.EncodeToString(s.Hash())
	if code, _, complaint := bridged(t, from, "snapshot", "verify", file, "--app-hash", hash); code != 0 {
		t.Error(complaint)
	}
	if code, _, complaint := bridged(t, from, "snapshot", "verify", file, "--app-hash", strings.Repeat("0", 64)); code != 1 || !strings.Contains(complaint, "has app hash") {
		t.Errorf("another app hash: code %d: %s", code, complaint)
	}

	code, _, complaint := bridged(t, to, "snapshot", "restore", file, "--app-hash", hash)
	if code != 0 || !strings.Contains(complaint, "Consensus gets its part at the next start") {
		t.Fatalf("code %d: %s", code, complaint)
	}
	if code, _, complaint := bridged(t, to, "snapshot", "restore", file, "--app-hash", hash); code != 1 || !strings.Contains(complaint, "bridged comet reset") {
		t.Errorf("again: code %d: %s", code, complaint)
	}
	if code, _, complaint := bridged(t, to, "comet", "reset", "--yes"); code != 0 {
		t.Fatal(complaint)
	}
	if code, _, complaint := bridged(t, to, "snapshot", "restore", file, "--app-hash", "0x"+hash); code != 0 {
		t.Errorf("after a reset: code %d: %s", code, complaint)
	}

	// Damage on disk is found.
	chunk := filepath.Join(config.Home(from).SnapshotsDir(), "2-1", "00000")
	if err := os.WriteFile(chunk, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, complaint := bridged(t, from, "snapshot", "verify"); code != 1 || !strings.Contains(complaint, "snapshot of height 2") {
		t.Errorf("damaged: code %d: %s", code, complaint)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(chunk), "manifest"), []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, complaint = bridged(t, from, "snapshot", "list")
	if code != 0 || !strings.Contains(complaint, "Not whole") || strings.Count(out, "\n") != 2 {
		t.Errorf("without a manifest: code %d: %s%s", code, out, complaint)
	}
}
