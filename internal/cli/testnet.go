package cli

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	cmtconfig "github.com/cometbft/cometbft/config"
	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// testnetPorts is how many ports each validator of a test network has: peers,
// RPC, telemetry, and room.
const testnetPorts = 10

type testnetPlan struct {
	validators uint
	dir        string
	port       uint16
	power      uint32
	chainID    string
	timeout    time.Duration
}

// testnetHome is one home of a test network, as printed.
type testnetHome struct {
	node.Identity
	Signer    types.Address `json:"signer"`
	Operator  types.Address `json:"operator"`
	Relayer   types.Address `json:"relayer"`
	P2P       string        `json:"p2p"`
	RPC       string        `json:"rpc"`
	Telemetry string        `json:"telemetry"`
}

func testnetCommand(s *session) *cobra.Command {
	var plan testnetPlan
	c := &cobra.Command{
		Use: "testnet", Short: "Make homes for several validators on this machine",
		Long: `Makes one home for each validator, with keys, ports, each other as peers and one
genesis. The keys are encrypted quickly and weakly, and their passphrase lies
beside them: this is for tests.

Chains and assets are added to node0's genesis with "bridged genesis", which is
then copied over the others'.`,
		Example: "  bridged testnet -v 4 --output-dir .testnet --chain-id local-1",
		Args:    args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			plan.chainID = s.chainID
			if plan.chainID == "" {
				plan.chainID = "bridged-test-1"
			}
			if plan.validators == 0 || plan.validators > types.MaxValidators {
				return usagef(c, "-v %d: want 1 to %d", plan.validators, types.MaxValidators)
			}
			if last := uint(plan.port) + plan.validators*testnetPorts; last > 65_535 {
				return usagef(c, "--starting-port %d: the last validator's ports would be above 65535", plan.port)
			}
			homes, err := plan.create()
			if err != nil {
				return err
			}
			return s.print(homes, func(w io.Writer) {
				rows := make([][]string, len(homes))
				for i, h := range homes {
					rows[i] = []string{h.Moniker, h.Home, h.P2P, h.RPC, h.Signer.Hex()}
				}
				table(w, []string{"MONIKER", "HOME", "P2P", "RPC", "SIGNER"}, rows)
			})
		},
	}
	f := c.Flags()
	f.UintVarP(&plan.validators, "validators", "v", 4, "how many validators")
	f.StringVar(&plan.dir, "output-dir", ".testnet", "directory of the homes")
	f.Uint16Var(&plan.port, "starting-port", 26656, "first port; each validator has ten")
	f.Uint32Var(&plan.power, "power", 10, "voting power of each")
	f.DurationVar(&plan.timeout, "timeout-commit", 0, "wait after each commit (default: that of config.toml)")
	return c
}

// create makes the homes first, and then the parts that need all identities.
func (p testnetPlan) create() ([]testnetHome, error) {
	genesis, err := node.NewGenesis(p.chainID, time.Now())
	if err != nil {
		return nil, err
	}
	homes := make([]testnetHome, p.validators)
	for i := range homes {
		if homes[i], err = p.createHome(i, genesis); err != nil {
			return nil, err
		}
		genesis.State.Validators = append(genesis.State.Validators, types.Validator{
			ConsensusKey: homes[i].ConsensusKey, Signer: homes[i].Signer, Operator: homes[i].Operator,
			Power: p.power, Moniker: homes[i].Moniker,
		})
	}
	if err := genesis.Validate(); err != nil {
		return nil, err
	}
	for i, h := range homes {
		home := config.Home(h.Home)
		comet, err := config.LoadComet(home)
		if err != nil {
			return nil, err
		}
		comet.P2P.PersistentPeers = peersOf(homes, i)
		if err := config.WriteComet(home, comet); err != nil {
			return nil, err
		}
		if err := genesis.Write(home.GenesisFile()); err != nil {
			return nil, err
		}
	}
	return homes, nil
}

func peersOf(homes []testnetHome, self int) string {
	var peers []string
	for i, h := range homes {
		if i != self {
			peers = append(peers, h.NodeID+"@"+h.P2P)
		}
	}
	return strings.Join(peers, ",")
}

func (p testnetPlan) createHome(i int, genesis node.Genesis) (testnetHome, error) {
	moniker := fmt.Sprintf("node%d", i)
	dir, err := filepath.Abs(filepath.Join(p.dir, moniker))
	if err != nil {
		return testnetHome{}, fmt.Errorf("find the directory of %s: %w", moniker, err)
	}
	address := func(offset int) string {
		return fmt.Sprintf("127.0.0.1:%d", int(p.port)+i*testnetPorts+offset)
	}
	h := testnetHome{P2P: address(0), RPC: "http://" + address(1), Telemetry: address(2)}
	app := config.Default()
	app.Telemetry = config.Telemetry{Enabled: true, Listen: h.Telemetry}
	app.Signer.PassphraseFile, app.Relayer.PassphraseFile = "keys/passphrase", "keys/passphrase"
	h.Identity, err = node.CreateHome(config.Home(dir), node.HomeSpec{
		Moniker: moniker, App: app, Genesis: genesis,
		Comet: func(c *cmtconfig.Config) {
			c.P2P.ListenAddress = "tcp://" + address(0)
			c.RPC.ListenAddress = "tcp://" + address(1)
			c.P2P.AddrBookStrict, c.P2P.AllowDuplicateIP, c.P2P.PexReactor = false, true, false
			if p.timeout > 0 {
				c.Consensus.TimeoutCommit = p.timeout
			}
		},
	})
	if err != nil {
		return testnetHome{}, err
	}
	return h, h.addKeys(dir)
}

// addKeys makes a key of each role, closed with a random passphrase in a file.
func (h *testnetHome) addKeys(dir string) error {
	secret := make([]byte, 16)
	if _, err := rand.Read(secret); err != nil {
		return fmt.Errorf("make a passphrase: %w", err)
	}
	passphrase := hex.EncodeToString(secret)
	if err := os.MkdirAll(config.Home(dir).Keys(), 0o700); err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	file := filepath.Join(config.Home(dir).Keys(), "passphrase")
	if err := os.WriteFile(file, []byte(passphrase+"\n"), 0o600); err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	store := signer.NewStore(dir, signer.LightScrypt())
	for role, address := range map[signer.Role]*types.Address{
		signer.RoleSigner: &h.Signer, signer.RoleOperator: &h.Operator, signer.RoleRelayer: &h.Relayer,
	} {
		info, err := store.Create(role, defaultKey, signer.NewPassphrase(passphrase))
		if err != nil {
			return err
		}
		*address = info.Address
	}
	return nil
}
