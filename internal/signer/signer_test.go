package signer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	testDigits     = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
	testAddress    = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
	testPassphrase = "correct horse battery"
)

func TestKeySignsSealsAndTransactions(t *testing.T) {
	key, err := ParseHex("0x" + testDigits)
	if err != nil {
		t.Fatal(err)
	}
	if got := key.Address().Hex(); got != testAddress {
		t.Fatalf("address %s, want %s", got, testAddress)
	}
	for i := range 200 { // both parities
		digest := crypto.Keccak256Hash(fmt.Append(nil, i))
		signature, err := key.Sign(digest)
		if err != nil {
			t.Fatal(err)
		}
		if signer, err := evmsig.Recover(digest, signature); err != nil || signer != key.Address() {
			t.Fatalf("digest %d: recovered %s, %v", i, signer, err)
		}
	}
	to := types.Address{1}
	tx, err := key.SignTx(ethtypes.NewTx(&ethtypes.DynamicFeeTx{ChainID: big.NewInt(5), To: &to}), big.NewInt(5))
	if err != nil {
		t.Fatal(err)
	}
	if from, err := ethtypes.Sender(ethtypes.LatestSignerForChainID(big.NewInt(5)), tx); err != nil || from != key.Address() {
		t.Fatalf("sender %s, %v", from, err)
	}
	if _, err := key.SignTx(ethtypes.NewTx(&ethtypes.DynamicFeeTx{ChainID: big.NewInt(5), To: &to}), big.NewInt(6)); err == nil {
		t.Fatal("signed a transaction of another chain")
	}
}

func TestStore(t *testing.T) {
	home := t.TempDir()
	s := NewStore(home, LightScrypt())
	pass := NewPassphrase(testPassphrase)

	info, err := s.ImportHex(RoleRelayer, "main", testDigits, pass)
	if err != nil {
		t.Fatal(err)
	}
	if info.Address.Hex() != testAddress || info.Path != filepath.Join(home, "keys", "relayer", "main.json") {
		t.Fatalf("info %+v", info)
	}
	if mode := fileMode(t, info.Path); mode != 0o600 {
		t.Fatalf("mode %#o", mode)
	}
	if mode := fileMode(t, filepath.Dir(info.Path)); mode != 0o700 {
		t.Fatalf("mode of the directory %#o", mode)
	}
	if entries, _ := os.ReadDir(filepath.Dir(info.Path)); len(entries) != 1 {
		t.Fatalf("left behind: %v", entries)
	}
	if _, err := s.Create(RoleRelayer, "main", pass); !errors.Is(err, ErrExists) {
		t.Fatalf("overwrote a key: %v", err)
	}
	made, err := s.Create(RoleSigner, "default", pass)
	if err != nil {
		t.Fatal(err)
	}
	infos, err := s.List()
	if err != nil || len(infos) != 2 || infos[0] != made || infos[1] != info {
		t.Fatalf("list %+v, %v", infos, err)
	}
	if infos, err = s.List(RoleOperator); err != nil || len(infos) != 0 {
		t.Fatalf("list of another role %+v, %v", infos, err)
	}

	other := NewPassphrase("another one")
	exported, err := s.ExportJSON(RoleRelayer, "main", pass, other)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := s.ImportJSON(RoleOperator, "copy", exported, other, pass)
	if err != nil || copied.Address != info.Address {
		t.Fatalf("import %+v, %v", copied, err)
	}
	if digits, err := s.ExportHex(RoleOperator, "copy", pass); err != nil || digits != testDigits {
		t.Fatalf("export in clear: %v", err)
	}
	if err := s.Delete(RoleOperator, "copy"); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(RoleOperator, "copy"); !errors.Is(err, ErrNotFound) {
		t.Fatalf("deleted twice: %v", err)
	}
	if _, err := s.Load(RoleOperator, "copy", pass); !errors.Is(err, ErrNotFound) {
		t.Fatalf("loaded a deleted key: %v", err)
	}
}

func TestStoreRefuses(t *testing.T) {
	s := NewStore(t.TempDir(), LightScrypt())
	pass := NewPassphrase(testPassphrase)
	info, err := s.ImportHex(RoleSigner, "main", testDigits, pass)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "../main", "a/b", ".hidden", strings.Repeat("x", 65)} {
		if _, err := s.Create(RoleSigner, name, pass); err == nil {
			t.Errorf("took the name %q", name)
		}
		if _, err := s.Load(RoleSigner, name, pass); err == nil {
			t.Errorf("loaded the name %q", name)
		}
	}
	if _, err := s.Create("admin", "x", pass); err == nil {
		t.Error("took an unknown role")
	}
	if _, err := s.Create(RoleSigner, "x", Passphrase{}); !errors.Is(err, ErrPassphrase) {
		t.Errorf("stored a key without passphrase: %v", err)
	}
	if _, err := s.Load(RoleSigner, "main", NewPassphrase("wrong")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660, 0o620} {
		if err := os.Chmod(info.Path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Load(RoleSigner, "main", pass); !errors.Is(err, ErrLooseMode) {
			t.Errorf("mode %#o: %v", mode, err)
		}
		if _, err := s.List(); !errors.Is(err, ErrLooseMode) {
			t.Errorf("list with mode %#o: %v", mode, err)
		}
	}
}

func TestImportOfMalformedFiles(t *testing.T) {
	s := NewStore(t.TempDir(), LightScrypt())
	pass := NewPassphrase(testPassphrase)
	for _, text := range []string{
		"", "{}", "null", "[]", `{"version":3}`, `{"version":1}`, `{"version":"1","crypto":{}}`,
		`{"version":3,"crypto":{"cipher":"aes-128-ctr","kdf":"scrypt","kdfparams":{"salt":1}}}`,
		`{"version":3,"id":"00000000-0000-0000-0000-000000000000","crypto":{"cipher":"aes-128-ctr",` +
			`"kdf":"scrypt","kdfparams":{"salt":"00","n":"many","r":8,"p":1,"dklen":32}}}`,
	} {
		if _, err := s.ImportJSON(RoleSigner, "x", []byte(text), pass, pass); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if infos, err := s.List(); err != nil || len(infos) != 0 {
		t.Errorf("left behind: %v, %v", infos, err)
	}
}

func TestSource(t *testing.T) {
	dir := t.TempDir()
	s := NewStore(dir, LightScrypt())
	info, err := s.ImportHex(RoleSigner, "main", testDigits, NewPassphrase(testPassphrase))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "passphrase")
	write := func(text string, mode os.FileMode) {
		t.Helper()
		if err := errors.Join(os.WriteFile(file, []byte(text), 0o600), os.Chmod(file, mode)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TEST_PASS", testPassphrase)
	t.Setenv("TEST_KEY", "0x"+testDigits+"\n")
	t.Setenv("TEST_EMPTY", "")
	t.Setenv("TEST_BAD", "zz"+testDigits[2:])

	write(testPassphrase+"\n", 0o600)
	for name, good := range map[string]Source{
		"file":     {File: info.Path, Passphrase: PassphraseFrom{File: file, Env: "TEST_EMPTY"}},
		"variable": {File: info.Path, Passphrase: PassphraseFrom{Env: "TEST_PASS"}},
		"key":      {KeyEnv: "TEST_KEY"},
	} {
		key, err := good.Load()
		if err != nil || key.Address().Hex() != testAddress {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, bad := range map[string]struct {
		source Source
		want   error
	}{
		"nothing":        {Source{}, ErrNotFound},
		"no passphrase":  {Source{File: info.Path}, ErrPassphrase},
		"empty variable": {Source{File: info.Path, Passphrase: PassphraseFrom{Env: "TEST_EMPTY"}}, ErrPassphrase},
		"no file":        {Source{File: info.Path + "x", Passphrase: PassphraseFrom{Env: "TEST_PASS"}}, os.ErrNotExist},
		"empty key":      {Source{KeyEnv: "TEST_EMPTY"}, ErrKey},
		"bad key":        {Source{KeyEnv: "TEST_BAD"}, ErrKey},
	} {
		if _, err := bad.source.Load(); !errors.Is(err, bad.want) {
			t.Errorf("%s: %v, want %v", name, err, bad.want)
		}
	}
	write(testPassphrase, 0o644)
	if _, err := (PassphraseFrom{File: file}).Read(); !errors.Is(err, ErrLooseMode) {
		t.Errorf("loose passphrase file: %v", err)
	}
	write("\n", 0o600)
	if _, err := (PassphraseFrom{File: file}).Read(); !errors.Is(err, ErrPassphrase) {
		t.Errorf("empty passphrase file: %v", err)
	}
}

// TestNothingPrintsASecret prints everything in every way that code prints.
func TestNothingPrintsASecret(t *testing.T) {
	parsed, err := parseHex(testDigits)
	if err != nil {
		t.Fatal(err)
	}
	pass := NewPassphrase(testPassphrase)
	var out bytes.Buffer
	for _, v := range []any{
		parsed, Key(parsed), *parsed, pass, &pass,
		struct{ P Passphrase }{pass},
		WorkerConfig{Keys: []Key{parsed}},
		[]Key{parsed},
		map[string]any{"k": parsed, "p": pass},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(handler).Info("message", "value", v)
		}
		encoded, _ := json.Marshal(v)
		out.Write(encoded)
	}
	// Errors about what was read.
	t.Setenv("TEST_BAD", testDigits+"00")
	dir := t.TempDir()
	clear := filepath.Join(dir, "clear.json") // somebody put the bare key there
	if err := os.WriteFile(clear, []byte(`{"version":3,"crypto":"`+testDigits+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, source := range []Source{
		{KeyEnv: "TEST_BAD"},
		{File: clear, Passphrase: PassphraseFrom{Env: "TEST_BAD"}},
	} {
		_, err := source.Load()
		if err == nil {
			t.Fatal("loaded a bad key")
		}
		fmt.Fprintln(&out, err)
	}
	number, ok := new(big.Int).SetString(testDigits, 16)
	if !ok {
		t.Fatal("no number")
	}
	text := strings.ToLower(out.String())
	for what, hidden := range map[string]string{
		"key": testDigits[:16], "key as a number": number.String()[:16], "passphrase": testPassphrase[:9],
		"passphrase in hexadecimal": fmt.Sprintf("%x", testPassphrase[:9]),
	} {
		if strings.Contains(text, hidden) {
			t.Errorf("the %s was printed", what)
		}
	}
	if !strings.Contains(text, secret) {
		t.Error("nothing was printed")
	}
}

func fileMode(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}
