package throughput

import (
	"crypto/ecdsa"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	cmtconfig "github.com/cometbft/cometbft/config"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/test/bench/fleet"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// passphrase closes the keys of homes that are deleted again.
const passphrase = "benchmark"

// Ports of a validator.
const (
	portPeers = iota
	portRPC
	portTelemetry
	portControl
	portsEach
)

// network is homes of validators, and what they share.
type network struct {
	Config
	contracts *contracts
	homes     []string
	ports     *ports.Range
	genesis   node.Genesis
}

// newNetwork makes keys, contracts, homes, genesis and deposits; nothing runs.
func newNetwork(c Config) (n *network, err error) {
	n = &network{Config: c}
	if n.ports, err = ports.Reserve(c.Validators * portsEach); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.ports.Close())
		}
	}()
	n.genesis, err = node.NewGenesis(evmtest.NetworkName, time.Now())
	if err != nil {
		return nil, err
	}
	keys, err := n.members()
	if err != nil {
		return nil, err
	}
	if n.contracts, err = deploy(n.genesis.State.Validators, keys); err != nil {
		return nil, err
	}
	n.chains()
	if err := n.genesis.Validate(); err != nil {
		return nil, err
	}
	if err := n.introduce(); err != nil {
		return nil, err
	}
	shared := Shared{Chains: n.contracts.chains, SetHash: n.contracts.validators.Set.Hash(), Ahead: n.Ahead, Deposits: n.deposits()}
	text, err := json.Marshal(shared)
	if err != nil {
		return nil, fmt.Errorf("encoding the deposits: %w", err)
	}
	return n, os.WriteFile(n.sharedFile(), text, 0o600)
}

func (n *network) sharedFile() string { return filepath.Join(n.Dir, "shared.json") }

// members makes a home and a key for each validator.
func (n *network) members() (keys []*ecdsa.PrivateKey, err error) {
	for i := range n.Validators {
		key, err := crypto.GenerateKey()
		if err != nil {
			return nil, fmt.Errorf("making a key: %w", err)
		}
		home := config.Home(filepath.Join(n.Dir, fmt.Sprintf("validator%d", i)))
		identity, err := node.CreateHome(home, node.HomeSpec{
			Moniker: fmt.Sprintf("validator%d", i), App: n.settings(i), Genesis: n.genesis,
			Comet: func(c *cmtconfig.Config) { n.comet(i, c) },
		})
		if err != nil {
			return nil, err
		}
		if err := importKey(home, key); err != nil {
			return nil, err
		}
		by := crypto.PubkeyToAddress(key.PublicKey)
		n.genesis.State.Validators = append(n.genesis.State.Validators, types.Validator{
			ConsensusKey: identity.ConsensusKey, Signer: by, Operator: by, Power: 1, Moniker: identity.Moniker,
		})
		n.homes, keys = append(n.homes, identity.Home), append(keys, key)
	}
	return keys, nil
}

// settings are those of app.toml: what is shipped, and metrics, which tell how
// long the application takes.
func (n *network) settings(i int) config.Config {
	c := config.Default()
	c.Signer.PassphraseFile, c.Relayer.Enabled = "keys/passphrase", false
	c.Telemetry = config.Telemetry{Enabled: true, Listen: n.address(i, portTelemetry)}
	return c
}

// comet is what differs from what is shipped: all are on one machine.
func (n *network) comet(i int, c *cmtconfig.Config) {
	c.P2P.ListenAddress, c.RPC.ListenAddress = "tcp://"+n.address(i, portPeers), "tcp://"+n.address(i, portRPC)
	c.P2P.AddrBookStrict, c.P2P.AllowDuplicateIP, c.P2P.PexReactor = false, true, false
	c.Consensus.TimeoutCommit = n.CommitTimeout
}

func (n *network) address(i, port int) string { return n.ports.Address(i*portsEach + port) }

func importKey(home config.Home, key *ecdsa.PrivateKey) error {
	if err := os.MkdirAll(home.Keys(), 0o700); err != nil {
		return fmt.Errorf("making keys: %w", err)
	}
	if err := os.WriteFile(filepath.Join(home.Keys(), "passphrase"), []byte(passphrase+"\n"), 0o600); err != nil {
		return fmt.Errorf("making keys: %w", err)
	}
	store := signer.NewStore(home.String(), signer.LightScrypt())
	_, err := store.ImportHex(signer.RoleSigner, "default", hex.EncodeToString(crypto.FromECDSA(key)), signer.NewPassphrase(passphrase))
	return err
}

// chains puts chains and the asset into the genesis. A batch may be as large as
// the protocol allows: how much gas a block of the destination has is no question
// of consensus.
func (n *network) chains() {
	g := &n.genesis.State
	g.Assets = []types.Asset{{ID: asset, Name: assetName, Symbol: assetSymbol, Decimals: decimals}}
	for _, c := range n.contracts.chains {
		g.Chains = append(g.Chains, types.Chain{
			ID: c.ID, Label: fmt.Sprintf("chain-%d", c.ID), Bridge: c.Bridge,
			BatchGas: 1 << 30, ReleaseGas: types.MinReleaseGas, ExpiryBlocks: types.DefaultExpiry,
		})
		on := types.Token{Chain: c.ID, Mode: types.ModeMint, Decimals: decimals}
		if c.ID == source {
			on.Mode, on.Token = types.ModeLock, token
		}
		g.Assets[0].Tokens = append(g.Assets[0].Tokens, on)
	}
}

// introduce tells each home of the others, and the genesis.
func (n *network) introduce() error {
	var peers []string
	for i, home := range n.homes {
		identity, err := node.ReadIdentity(config.Home(home))
		if err != nil {
			return err
		}
		peers = append(peers, identity.NodeID+"@"+n.address(i, portPeers))
	}
	for i, dir := range n.homes {
		home := config.Home(dir)
		comet, err := config.LoadComet(home)
		if err != nil {
			return err
		}
		others := append(append([]string{}, peers[:i]...), peers[i+1:]...)
		comet.P2P.PersistentPeers = strings.Join(others, ",")
		if err := config.WriteComet(home, comet); err != nil {
			return err
		}
		if err := n.genesis.Write(home.GenesisFile()); err != nil {
			return err
		}
	}
	return nil
}

// deposits computes as many as the run can need.
func (n *network) deposits() Deposits {
	return newDeposits(n.contracts.setUp(), n.genesis.State.Params.MarkStride, uint64(n.most()))
}

// most is how many deposits are computed beforehand.
func (n *network) most() int {
	return int((n.WarmUp+n.Length).Seconds()*mostPerSecond) + 4*int(n.Ahead)
}

// specs are the processes.
func (n *network) specs() []fleet.Spec {
	var all []fleet.Spec
	for i, home := range n.homes {
		told := Told{Home: home, Shared: n.sharedFile()}
		if i == 0 {
			told.Samples, told.Profile = samples, n.Profile
		}
		all = append(all, fleet.Spec{Name: filepath.Base(home) + "-process", Address: n.address(i, portControl), Config: told})
	}
	return all
}
