package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWorkspace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".devnet")
	w, err := openWorkspace(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(w.path("node0", "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := openWorkspace(dir); err == nil || !strings.Contains(err.Error(), "another devnet runs") {
		t.Errorf("two devnets in one directory: %v", err)
	}
	if err := w.close(true); err != nil {
		t.Fatal(err)
	}
	if w, err = openWorkspace(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(w.path("node0")); !os.IsNotExist(err) {
		t.Errorf("the old home is still there: %v", err)
	}
	if err := w.close(false); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("left behind: %v", err)
	}
}

func TestWorkspaceSparesForeignFiles(t *testing.T) {
	dir := t.TempDir()
	diary := filepath.Join(dir, "diary")
	if err := os.WriteFile(diary, []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openWorkspace(dir); err == nil {
		t.Error("took somebody's directory")
	}
	if _, err := os.Stat(diary); err != nil {
		t.Error(err)
	}
}
