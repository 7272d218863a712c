package config

import (
	"os"
	"path/filepath"
	"testing"
)

// An app.toml is written by people: what is taken is written so that it is the
// same when it is read again.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"", "[log]\nlevel = \"info\"\n", "[[chains]]\nname = \"alpha\"\nid = 1\n", "a = [", "[log]\nlevel = 3\n",
		"[[chains]]\nname = \"alpha\"\nid = 1\ncontract = \"0xb000000000000000000000000000000000000001\"\nmin_agree = 1\nsingle_endpoint = true\nendpoints = [{ url = \"http://127.0.0.1:1\", group = \"own\" }]\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		home := Home(t.TempDir())
		if err := os.MkdirAll(filepath.Dir(home.AppFile()), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(home.AppFile(), content, 0o600); err != nil {
			t.Fatal(err)
		}
		loaded, err := Load(home, nil)
		if err != nil {
			return
		}
		if err := Write(home, loaded.Config); err != nil {
			t.Fatalf("%s is taken but cannot be written: %v", content, err)
		}
		again, err := Load(home, nil)
		if err != nil {
			t.Fatalf("%s was written as what cannot be read: %v", content, err)
		}
		if len(again.Chains) != len(loaded.Chains) {
			t.Fatalf("%s: %d chains became %d", content, len(loaded.Chains), len(again.Chains))
		}
	})
}
