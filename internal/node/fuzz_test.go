package node

import (
	"os"
	"path/filepath"
	"testing"
)

// A genesis file comes from somebody else: what is taken can be written, and
// read again.
func FuzzParseGenesis(f *testing.F) {
	f.Add([]byte(`{"chain_id":"a-1","app_state":{"params":{},"validators":[],"chains":[],"assets":[]}}`))
	f.Add([]byte(`{"genesis_time":"2026-01-01T00:00:00Z","chain_id":"a-1","initial_height":"1","app_hash":"","app_state":{"assets":[{"id":"0x0100000000000000000000000000000000000000000000000000000000000000"}]}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		g, err := ParseGenesis(content)
		if err != nil {
			return
		}
		_ = g.Validate() // any verdict, but no panic
		path := filepath.Join(t.TempDir(), "genesis.json")
		if err := g.Write(path); err != nil {
			return // a time or a number that JSON cannot hold is said
		}
		written, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseGenesis(written); err != nil {
			t.Fatalf("%s was written as %s: %v", content, written, err)
		}
	})
}
