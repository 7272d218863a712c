package signer

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// Role says what a key is for. One key per role: a relayer's key is hot and
// holds gas, a signer's must never send a transaction.
type Role string

// The roles.
const (
	RoleSigner   Role = "signer"   // signs seals
	RoleOperator Role = "operator" // signs transactions of the network
	RoleRelayer  Role = "relayer"  // pays for transactions on connected chains
)

// Roles are all roles, in the order in which they are listed.
func Roles() []Role { return []Role{RoleSigner, RoleOperator, RoleRelayer} }

// ParseRole reads a role's name.
func ParseRole(text string) (Role, error) {
	for _, role := range Roles() {
		if text == string(role) {
			return role, nil
		}
	}
	return "", fmt.Errorf("role %q: want signer, operator or relayer", text)
}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Info is what may be known of a key without its passphrase.
type Info struct {
	Role    Role          `json:"role"`
	Name    string        `json:"name"`
	Address types.Address `json:"address"`
	Path    string        `json:"path"`
}

// Store is the keystore of a home: HOME/keys/ROLE/NAME.json, each file
// encrypted (keystore v3) and of mode 0600.
type Store struct {
	dir              string
	scryptN, scryptP int
}

// Option changes a Store.
type Option func(*Store)

// LightScrypt encrypts with 4 MiB and some 60 ms instead of 256 MiB and a
// second, for development networks. Files of either strength can be read.
func LightScrypt() Option {
	return func(s *Store) { s.scryptN, s.scryptP = keystore.LightScryptN, keystore.LightScryptP }
}

// NewStore is the keystore of home. Nothing is created before the first key.
func NewStore(home string, options ...Option) *Store {
	s := &Store{
		dir:     filepath.Join(home, "keys"),
		scryptN: keystore.StandardScryptN,
		scryptP: keystore.StandardScryptP,
	}
	for _, option := range options {
		option(s)
	}
	return s
}

// Path is the file of a key, whether it exists or not.
func (s *Store) Path(role Role, name string) string {
	return filepath.Join(s.dir, string(role), name+".json")
}

// Create makes a new key. An existing one is ErrExists.
func (s *Store) Create(role Role, name string, passphrase Passphrase) (Info, error) {
	key, err := crypto.GenerateKey()
	if err != nil {
		return Info{}, fmt.Errorf("make key: %w", err)
	}
	return s.add(role, name, newPrivateKey(key), passphrase)
}

// ImportHex adds a key given as hexadecimal digits.
func (s *Store) ImportHex(role Role, name, digits string, passphrase Passphrase) (Info, error) {
	key, err := parseHex(digits)
	if err != nil {
		return Info{}, err
	}
	return s.add(role, name, key, passphrase)
}

// ImportJSON adds a key given as keystore v3; from opens it, and passphrase
// closes the copy.
func (s *Store) ImportJSON(role Role, name string, encrypted []byte, from, passphrase Passphrase) (Info, error) {
	key, err := decrypt(encrypted, from)
	if err != nil {
		return Info{}, err
	}
	return s.add(role, name, key, passphrase)
}

// ExportJSON gives the key as keystore v3, closed with another passphrase.
func (s *Store) ExportJSON(role Role, name string, passphrase, to Passphrase) ([]byte, error) {
	key, err := s.open(role, name, passphrase)
	if err != nil {
		return nil, err
	}
	return s.encrypt(key, to)
}

// ExportHex gives the bare key. It is the one way in which a key leaves this
// package in clear; the caller has warned the user.
func (s *Store) ExportHex(role Role, name string, passphrase Passphrase) (string, error) {
	key, err := s.open(role, name, passphrase)
	if err != nil {
		return "", err
	}
	return common.Bytes2Hex(crypto.FromECDSA(key.key)), nil
}

// Load opens a key for signing.
func (s *Store) Load(role Role, name string, passphrase Passphrase) (Key, error) {
	return s.open(role, name, passphrase)
}

// Show tells of one key; it needs no passphrase.
func (s *Store) Show(role Role, name string) (Info, error) {
	if err := checkName(role, name); err != nil {
		return Info{}, err
	}
	path := s.Path(role, name)
	content, err := readSecretFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Info{}, fmt.Errorf("%w: %s/%s", ErrNotFound, role, name)
	}
	if err != nil {
		return Info{}, fmt.Errorf("read key: %w", err)
	}
	var head struct {
		Address string `json:"address"`
	}
	if err := json.Unmarshal(content, &head); err != nil || !common.IsHexAddress(head.Address) {
		return Info{}, fmt.Errorf("%s is no keystore v3 file with an address", path)
	}
	return Info{Role: role, Name: name, Address: common.HexToAddress(head.Address), Path: path}, nil
}

// List tells of the keys of some roles (none given: all), by role and name.
func (s *Store) List(roles ...Role) ([]Info, error) {
	if len(roles) == 0 {
		roles = Roles()
	}
	var infos []Info
	for _, role := range roles {
		entries, err := os.ReadDir(filepath.Join(s.dir, string(role)))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list keys: %w", err)
		}
		for _, entry := range entries { // ReadDir sorts by name
			name, isKey := strings.CutSuffix(entry.Name(), ".json")
			if !isKey || !namePattern.MatchString(name) {
				continue
			}
			info, err := s.Show(role, name)
			if err != nil {
				return nil, err
			}
			infos = append(infos, info)
		}
	}
	return infos, nil
}

// Delete removes a key for good. Asking before is up to the caller.
func (s *Store) Delete(role Role, name string) error {
	if err := checkName(role, name); err != nil {
		return err
	}
	err := os.Remove(s.Path(role, name))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s/%s", ErrNotFound, role, name)
	}
	if err != nil {
		return fmt.Errorf("delete key: %w", err)
	}
	return nil
}

func (s *Store) open(role Role, name string, passphrase Passphrase) (*privateKey, error) {
	if err := checkName(role, name); err != nil {
		return nil, err
	}
	key, err := openFile(s.Path(role, name), passphrase)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s/%s", ErrNotFound, role, name)
	}
	return key, err
}

// add writes the encrypted key under a temporary name first, so that a crash
// leaves no half a key, and links it, so that no existing key is overwritten.
func (s *Store) add(role Role, name string, key *privateKey, passphrase Passphrase) (Info, error) {
	if err := checkName(role, name); err != nil {
		return Info{}, err
	}
	path := s.Path(role, name)
	if _, err := os.Lstat(path); err == nil {
		return Info{}, fmt.Errorf("%w: %s", ErrExists, path)
	}
	encrypted, err := s.encrypt(key, passphrase)
	if err != nil {
		return Info{}, err
	}
	if err := writeNew(path, encrypted); err != nil {
		return Info{}, fmt.Errorf("write key: %w", err)
	}
	return Info{Role: role, Name: name, Address: key.address, Path: path}, nil
}

func (s *Store) encrypt(key *privateKey, passphrase Passphrase) ([]byte, error) {
	if passphrase.IsEmpty() {
		return nil, fmt.Errorf("%w: a key is not stored without one", ErrPassphrase)
	}
	content := keystore.Key{Address: key.address, PrivateKey: key.key}
	if _, err := rand.Read(content.Id[:]); err != nil {
		return nil, fmt.Errorf("make key id: %w", err)
	}
	content.Id[6] = content.Id[6]&0x0f | 0x40 // a version 4 UUID, as the format wants
	content.Id[8] = content.Id[8]&0x3f | 0x80
	encrypted, err := keystore.EncryptKey(&content, passphrase.text, s.scryptN, s.scryptP)
	if err != nil {
		return nil, fmt.Errorf("encrypt key: %w", err)
	}
	return encrypted, nil
}

func openFile(path string, passphrase Passphrase) (*privateKey, error) {
	content, err := readSecretFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	key, err := decrypt(content, passphrase)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", path, err)
	}
	return key, nil
}

func decrypt(encrypted []byte, passphrase Passphrase) (_ *privateKey, err error) {
	// go-ethereum's decoder asserts the types of what it finds in the file.
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("%w: malformed keystore file", ErrKey)
		}
	}()
	key, err := keystore.DecryptKey(encrypted, passphrase.text)
	if errors.Is(err, keystore.ErrDecrypt) {
		return nil, ErrPassphrase
	}
	if err != nil {
		// The cause is left out: a JSON error may repeat what it read.
		return nil, fmt.Errorf("%w: want a keystore v3 file", ErrKey)
	}
	return newPrivateKey(key.PrivateKey), nil
}

func checkName(role Role, name string) error {
	if _, err := ParseRole(string(role)); err != nil {
		return err
	}
	if !namePattern.MatchString(name) {
		return fmt.Errorf("key name %q: want 1 to 64 of A-Z a-z 0-9 . _ -, first a letter or digit", name)
	}
	return nil
}

// writeNew creates path with content, durably and only if it is not there.
func writeNew(path string, content []byte) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%w: %s", ErrExists, path)
		}
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
