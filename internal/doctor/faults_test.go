package doctor_test

import (
	"encoding/base64"
	"errors"
	"flag"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	cmtconfig "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/privval"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/doctor"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/internal/ops"
	"github.com/icrosschain/bridged/internal/ports"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge/types"
)

var update = flag.Bool("update", false, "write docs/doctor.md")

func TestPage(t *testing.T) {
	const file = "../../docs/doctor.md"
	if *update {
		must(t, os.WriteFile(file, []byte(doctor.Page()), 0o600))
	}
	page, err := os.ReadFile(file)
	must(t, err)
	if string(page) != doctor.Page() {
		t.Errorf("%s differs: run go test ./internal/doctor -update", file)
	}
}

// fault is something wrong with a home that is otherwise right.
type fault struct {
	name string
	code string
	want doctor.Result
	// seed makes the fault, and gives further flags; --node is the healthy node
	// unless it says otherwise.
	seed func(t *testing.T, w *world, home config.Home) []string
}

func TestFaults(t *testing.T) {
	w := newWorld(t)
	t.Run("a healthy validator", func(t *testing.T) {
		report, code := w.examine(t, w.home)
		for _, f := range report.Findings {
			if f.Result == doctor.Fail || f.Result == doctor.Warn || f.Remedy != "" {
				t.Errorf("%+v", f)
			}
		}
		if code != 0 || !report.OK {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("a healthy home whose node is down", func(t *testing.T) {
		report, code := w.examine(t, w.copyHome(t), "--node", w.rpc)
		for _, f := range report.Findings {
			if f.Result == doctor.Fail || f.Result == doctor.Warn && f.Code != "node.running" {
				t.Errorf("%+v", f)
			}
		}
		if code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("a home whose consensus key is with a remote signer", func(t *testing.T) {
		home := w.copyHome(t)
		must(t, errors.Join(os.Remove(home.ValidatorKeyFile()), os.Remove(home.ValidatorStateFile())))
		address := "tcp://" + ports.ForTest(t, 1).Address(0)
		changeComet(t, home, func(c *cmtconfig.Config) { c.PrivValidatorListenAddr = address })
		if report, code := w.examine(t, home, "--node", w.rpc); code != 0 {
			t.Errorf("exit code %d: %+v", code, report.Findings)
		}
	})
	faults := slices.Concat(homeFaults, nodeFaults, chainFaults)
	seeded := map[string]bool{}
	t.Run("seeded", func(t *testing.T) {
		for _, f := range faults {
			seeded[f.code] = true
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				home := w.copyHome(t)
				args := append([]string{"--node", w.rpc}, f.seed(t, w, home)...)
				report, code := w.examine(t, home, args...)
				found := slices.IndexFunc(report.Findings, func(x doctor.Finding) bool { return x.Code == f.code && x.Result == f.want })
				if found < 0 {
					t.Fatalf("%s is not named: %+v", f.code, report.Findings)
				}
				if named := report.Findings[found]; named.Remedy == "" || named.Found == "" {
					t.Errorf("%+v", named)
				}
				if want := min(report.Failed, 1); code != want || f.want == doctor.Fail && code != 1 {
					t.Errorf("exit code %d with %d failures", code, report.Failed)
				}
			})
		}
	})
	for _, c := range doctor.Catalog() {
		if !seeded[c.Code] && c.Code != "home.disk" { // that has a test of its own
			t.Errorf("no fault is seeded for %s", c.Code)
		}
	}
}

// A full disk cannot be had in a test; one that is never empty enough can.
func TestDisk(t *testing.T) {
	report := doctor.Run(t.Context(), doctor.Options{Home: config.Home(t.TempDir()), Limit: time.Second, LeastDisk: 1 << 62})
	at := slices.IndexFunc(report.Findings, func(f doctor.Finding) bool { return f.Code == "home.disk" })
	if f := report.Findings[at]; f.Result != doctor.Fail || f.Remedy == "" {
		t.Errorf("%+v", f)
	}
}

// replace edits a file.
func replace(t *testing.T, file, pattern, with string) {
	t.Helper()
	content, err := os.ReadFile(file)
	must(t, err)
	expression := regexp.MustCompile(pattern)
	if !expression.Match(content) {
		t.Fatalf("%s has no %s", file, pattern)
	}
	must(t, os.WriteFile(file, expression.ReplaceAll(content, []byte(with)), 0o600))
}

func listen(t *testing.T, address string) {
	t.Helper()
	listener, err := net.Listen("tcp", strings.TrimPrefix(address, "tcp://"))
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
}

// hold takes a home's lock, as a process on it does.
func hold(t *testing.T, home config.Home) {
	t.Helper()
	file, err := os.Create(filepath.Join(string(home), ".lock"))
	must(t, err)
	t.Cleanup(func() { _ = file.Close() })
	must(t, syscall.Flock(int(file.Fd()), syscall.LOCK_EX))
}

func keyFile(home config.Home, role signer.Role) string {
	return signer.NewStore(string(home)).Path(role, "default")
}

// newKey replaces a key by a fresh one of the same passphrase.
func newKey(t *testing.T, home config.Home, role signer.Role) {
	t.Helper()
	must(t, os.Remove(keyFile(home, role)))
	passphrase, err := signer.PassphraseFrom{File: filepath.Join(home.Keys(), "passphrase")}.Read()
	must(t, err)
	_, err = signer.NewStore(string(home), signer.LightScrypt()).Create(role, "default", passphrase)
	must(t, err)
}

func newConsensusKey(home config.Home) { privval.GenFilePV(home.ValidatorKeyFile(), "").Key.Save() }

// edit is a fault in a file of the home.
func edit(file func(config.Home) string, pattern, with string) func(*testing.T, *world, config.Home) []string {
	return func(t *testing.T, _ *world, home config.Home) []string {
		replace(t, file(home), pattern, with)
		return nil
	}
}

func lose(file func(config.Home) string) func(*testing.T, *world, config.Home) []string {
	return func(t *testing.T, _ *world, home config.Home) []string {
		must(t, os.Remove(file(home)))
		return nil
	}
}

func inApp(change func(*config.Config)) func(*testing.T, *world, config.Home) []string {
	return func(t *testing.T, _ *world, home config.Home) []string {
		changeApp(t, home, change)
		return nil
	}
}

func inComet(change func(*cmtconfig.Config)) func(*testing.T, *world, config.Home) []string {
	return func(t *testing.T, _ *world, home config.Home) []string {
		changeComet(t, home, change)
		return nil
	}
}

func inGenesis(change func(*node.Genesis)) func(*testing.T, *world, config.Home) []string {
	return func(t *testing.T, _ *world, home config.Home) []string {
		changeGenesis(t, home, change)
		return nil
	}
}

// another is a second validator, never seen.
func another(g *node.Genesis) {
	v := g.State.Validators[0]
	v.ConsensusKey = slices.Clone(v.ConsensusKey)
	v.ConsensusKey[0]++
	v.Signer[0]++
	v.Operator[0]++
	v.Moniker = "another"
	g.State.Validators = append(g.State.Validators, v)
}

var homeFaults = []fault{
	{"an unknown key", "config.app", doctor.Fail, edit(config.Home.AppFile, `level = "info"`, "level = \"info\"\nlevle = 1")},
	{"min_agree above the groups", "config.app", doctor.Fail, edit(config.Home.AppFile, `min_agree = 1`, "min_agree = 2")},
	{"a dangerous setting", "config.comet", doctor.Fail, edit(config.Home.CometFile, `adaptive_sync = false`, `adaptive_sync = true`)},
	{"no chain is configured", "config.chains", doctor.Fail, inApp(func(c *config.Config) { c.Chains = nil })},
	{"a broken genesis", "genesis.valid", doctor.Fail, edit(config.Home.GenesisFile, `"chain_id"`, `"chain"`)},
	{"data cannot be written", "home.writable", doctor.Fail, func(t *testing.T, _ *world, home config.Home) []string {
		must(t, os.RemoveAll(home.Data()))
		must(t, os.Symlink("/proc", home.Data()))
		return nil
	}},
	{"a process hangs on the home", "home.lock", doctor.Fail, func(t *testing.T, _ *world, home config.Home) []string {
		hold(t, home)
		return nil
	}},
	{"a node runs on a copy of the home", "home.lock", doctor.Fail, func(t *testing.T, w *world, home config.Home) []string {
		changeComet(t, home, func(c *cmtconfig.Config) { c.RPC.ListenAddress = w.rpc })
		return nil
	}},
	{"a key that others can read", "key.modes", doctor.Fail, func(t *testing.T, _ *world, home config.Home) []string {
		must(t, os.Chmod(keyFile(home, signer.RoleOperator), 0o644))
		return nil
	}},
	{"a consensus key that others can read", "key.modes", doctor.Fail, func(t *testing.T, _ *world, home config.Home) []string {
		must(t, os.Chmod(home.ValidatorKeyFile(), 0o640))
		return nil
	}},
	{"no node key", "key.node", doctor.Fail, lose(config.Home.NodeKeyFile)},
	{"no consensus key", "key.consensus", doctor.Fail, lose(config.Home.ValidatorKeyFile)},
	{"no signer key", "key.signer", doctor.Fail, lose(func(h config.Home) string { return keyFile(h, signer.RoleSigner) })},
	{"a wrong passphrase", "key.signer", doctor.Fail, edit(func(h config.Home) string { return filepath.Join(h.Keys(), "passphrase") }, `.+`, "wrong")},
	{"no passphrase", "key.signer", doctor.Fail, inApp(func(c *config.Config) { c.Signer.PassphraseFile = "" })},
	{"no passphrase of the relayer", "key.relayer", doctor.Fail, inApp(func(c *config.Config) { c.Relayer.PassphraseFile = "gone" })},
	{"the last vote is forgotten", "signed.votes", doctor.Fail, lose(config.Home.ValidatorStateFile)},
	{"the seals are forgotten", "signed.seals", doctor.Fail, lose(config.Home.SignedSealsFile)},
	{"the record of seals is damaged", "signed.seals", doctor.Fail, edit(config.Home.SignedSealsFile, `^........`, "00000000")},
}

var nodeFaults = []fault{
	{"a taken p2p port", "port.p2p", doctor.Fail, func(t *testing.T, _ *world, home config.Home) []string {
		changeComet(t, home, func(c *cmtconfig.Config) { listen(t, c.P2P.ListenAddress) })
		return nil
	}},
	{"a taken RPC port", "port.rpc", doctor.Fail, func(t *testing.T, _ *world, home config.Home) []string {
		changeComet(t, home, func(c *cmtconfig.Config) { listen(t, c.RPC.ListenAddress) })
		return []string{"--timeout", "2s"}
	}},
	{"a taken telemetry port", "port.telemetry", doctor.Fail, func(t *testing.T, _ *world, home config.Home) []string {
		changeApp(t, home, func(c *config.Config) { listen(t, c.Telemetry.Listen) })
		return nil
	}},
	{"a taken port of the remote signer", "port.signer", doctor.Fail, func(t *testing.T, _ *world, home config.Home) []string {
		must(t, os.Remove(home.ValidatorKeyFile())) // nobody needs it then
		address := "tcp://" + ports.ForTest(t, 1).Address(0)
		changeComet(t, home, func(c *cmtconfig.Config) { c.PrivValidatorListenAddr = address })
		listen(t, address)
		return nil
	}},
	{"the node is down", "node.running", doctor.Warn, func(*testing.T, *world, config.Home) []string { return nil }},
	{"the node is catching up", "node.synced", doctor.Warn, func(t *testing.T, w *world, home config.Home) []string {
		changeComet(t, home, func(c *cmtconfig.Config) {
			c.RPC.ListenAddress = status(t, w, `"catching_up":false`, `"catching_up":true`)
		})
		return nil
	}},
	{"the network stands still", "node.blocks", doctor.Fail, func(t *testing.T, w *world, _ config.Home) []string {
		return []string{"--node", proxy(t, w.rpc, func(method, _, result string) (string, string) {
			if method == "status" {
				result = regexp.MustCompile(`"latest_block_height":"\d+"`).ReplaceAllString(result, `"latest_block_height":"7"`)
				result = regexp.MustCompile(`"latest_block_time":"\d+`).ReplaceAllString(result, `"latest_block_time":"2020`)
			}
			return result, ""
		}), "--timeout", "4s"}
	}},
	{"a check of the node fails", "node.ready", doctor.Fail, func(t *testing.T, _ *world, home config.Home) []string {
		hold(t, home)
		var health ops.Health
		health.Add("observer_alpha", func() error { return os.ErrDeadlineExceeded })
		changeApp(t, home, func(c *config.Config) {
			server, err := ops.Listen(c.Telemetry.Listen, &health)
			must(t, err)
			go func() { _ = server.Run(t.Context()) }()
		})
		return nil
	}},
	{"another network", "node.network", doctor.Fail, inGenesis(func(g *node.Genesis) { g.Doc.ChainID = "doctor-test-2" })},
	{"another genesis", "node.genesis", doctor.Fail, inGenesis(func(g *node.Genesis) { g.Doc.GenesisTime = g.Doc.GenesisTime.Add(time.Second) })},
	{"a genesis of another version", "node.version", doctor.Fail, inGenesis(func(g *node.Genesis) { g.Doc.ConsensusParams.Version.App = 9 })},
	{"blocks of another version", "node.version", doctor.Fail, func(t *testing.T, w *world, _ config.Home) []string {
		return []string{"--node", proxy(t, w.rpc, func(method, _, result string) (string, string) {
			if method == "block" {
				result = strings.Replace(result, `"app":"1"`, `"app":"2"`, 1)
			}
			return result, ""
		})}
	}},
	{"a clock behind the network", "node.clock", doctor.Fail, func(t *testing.T, w *world, _ config.Home) []string {
		return []string{"--node", status(t, w, `"latest_block_time":"\d+`, `"latest_block_time":"2099`)}
	}},
	{"a clock behind the chains", "node.clock", doctor.Fail, func(*testing.T, *world, config.Home) []string {
		return []string{"--node", "http://127.0.0.1:1"}
	}},
	{"no peers", "peers.configured", doctor.Fail, inGenesis(another)},
	{"an unreachable peer", "peers.reachable", doctor.Fail, inComet(func(c *cmtconfig.Config) {
		c.P2P.PersistentPeers = "0123456789012345678901234567890123456789@127.0.0.1:1"
	})},
	{"a peer of another id", "peers.reachable", doctor.Fail, func(t *testing.T, w *world, home config.Home) []string {
		comet, err := config.LoadComet(w.home)
		must(t, err)
		changeComet(t, home, func(c *cmtconfig.Config) {
			c.P2P.PersistentPeers = "0123456789012345678901234567890123456789@" + strings.TrimPrefix(comet.P2P.ListenAddress, "tcp://")
		})
		return nil
	}},
	{"not in the epoch", "validator.member", doctor.Fail, func(t *testing.T, _ *world, home config.Home) []string {
		newConsensusKey(home)
		newKey(t, home, signer.RoleSigner)
		return nil
	}},
	{"jailed", "validator.member", doctor.Fail, inState("validators", `"status":"active"`, `"status":"jailed"`)},
	{"tombstoned", "validator.member", doctor.Fail, inState("validators", `"status":"active"`, `"status":"tombstoned"`)},
	{"waiting for the next epoch", "validator.member", doctor.Warn, inState("validators", `"power":10`, `"power":0`)},
	{"another consensus key", "validator.key", doctor.Fail, func(_ *testing.T, _ *world, home config.Home) []string {
		newConsensusKey(home)
		return nil
	}},
	{"another signer key", "signer.registered", doctor.Fail, func(t *testing.T, _ *world, home config.Home) []string {
		newKey(t, home, signer.RoleSigner)
		return nil
	}},
}

// status is the healthy node's RPC, whose status is bent.
func status(t *testing.T, w *world, pattern, with string) string {
	return proxy(t, w.rpc, func(method, _, result string) (string, string) {
		if method == "status" {
			result = regexp.MustCompile(pattern).ReplaceAllString(result, with)
		}
		return result, ""
	})
}

// inState bends what the node says of the state.
func inState(query, pattern, with string) func(*testing.T, *world, config.Home) []string {
	return func(t *testing.T, w *world, _ config.Home) []string {
		return []string{"--node", proxy(t, w.rpc, func(method, params, result string) (string, string) {
			if method != "abci_query" || !strings.Contains(params, "/bridge/"+query+`"`) {
				return result, ""
			}
			return regexp.MustCompile(`"value":"([^"]*)"`).ReplaceAllStringFunc(result, func(field string) string {
				value, err := base64.StdEncoding.DecodeString(strings.Split(field, `"`)[3])
				if err != nil {
					t.Error(err)
				}
				bent := regexp.MustCompile(pattern).ReplaceAll(value, []byte(with))
				return `"value":"` + base64.StdEncoding.EncodeToString(bent) + `"`
			}), ""
		})}
	}
}

// through puts a server that bends answers before the chain's.
func through(b bend) func(*testing.T, *world, config.Home) []string {
	return func(t *testing.T, w *world, home config.Home) []string {
		changeApp(t, home, func(c *config.Config) {
			c.Chains[0].Endpoints = []config.Endpoint{{URL: proxy(t, w.chain.HTTPURL(), b), Group: "bent"}}
		})
		return nil
	}
}

// refuse makes one method fail.
func refuse(method, text string) func(*testing.T, *world, config.Home) []string {
	return through(func(asked, params, result string) (string, string) {
		if asked == method || strings.HasPrefix(params, `["`+method+`"`) {
			return "", text
		}
		return result, ""
	})
}

// beside adds an endpoint of another group, and wants both to agree.
func beside(url func(*testing.T, *world) string) func(*testing.T, *world, config.Home) []string {
	return func(t *testing.T, w *world, home config.Home) []string {
		changeApp(t, home, func(c *config.Config) {
			alpha := &c.Chains[0]
			alpha.Endpoints = append(alpha.Endpoints, config.Endpoint{URL: url(t, w), Group: "other"})
			alpha.MinAgree, alpha.SingleEndpoint = 2, false
		})
		return nil
	}
}

// contract configures another contract.
func contract(address func(*world) types.Address) func(*testing.T, *world, config.Home) []string {
	return func(t *testing.T, w *world, home config.Home) []string {
		at := address(w)
		changeApp(t, home, func(c *config.Config) { c.Chains[0].Contract = at })
		return nil
	}
}

func nowhere(*testing.T, *world) string { return "http://127.0.0.1:1" }

var chainFaults = []fault{
	{"another contract than the network's", "chain.known", doctor.Fail, contract(func(*world) types.Address { return types.Address{9} })},
	{"another name than the network's", "chain.known", doctor.Fail, inApp(func(c *config.Config) { c.Chains[0].Name = "beta" })},
	{"a chain that the network refuses", "chain.served", doctor.Fail, inState("chains", `"refused":""`, `"refused":"wrong set"`)},
	{"a paused chain", "chain.served", doctor.Warn, inState("chains", `"paused":"[^"]*"`, `"paused":"paused"`)},
	{"one of two groups is down", "chain.agreement", doctor.Fail, beside(nowhere)},
	{"an endpoint is down", "endpoint.answers", doctor.Fail, beside(nowhere)},
	{"an endpoint hangs", "endpoint.answers", doctor.Fail, func(t *testing.T, w *world, home config.Home) []string {
		beside(func(*testing.T, *world) string {
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // else the end of the connection is not seen
				<-r.Context().Done()
			}))
			t.Cleanup(server.Close)
			return server.URL
		})(t, w, home)
		return []string{"--timeout", "2s"}
	}},
	{"an endpoint of another chain", "endpoint.chain", doctor.Fail, beside(func(t *testing.T, _ *world) string {
		other, err := evmnode.New(evmnode.Config{ChainID: alphaID + 1})
		must(t, err)
		t.Cleanup(func() { must(t, other.Close()) })
		return other.HTTPURL()
	})},
	{"another chain with the same id", "endpoint.chain", doctor.Fail, inApp(func(c *config.Config) { c.Chains[0].GenesisHash = types.Hash{1} })},
	{"headers are bent", "endpoint.header", doctor.Fail, through(func(method, _, result string) (string, string) {
		if method == "eth_getBlockByNumber" {
			result = regexp.MustCompile(`"extraData":"0x[0-9a-f]*"`).ReplaceAllString(result, `"extraData":"0xff"`)
		}
		return result, ""
	})},
	{"no finalized tag", "endpoint.finality", doctor.Fail, refuse("finalized", "finalized block not found")},
	{"no proofs", "endpoint.proofs", doctor.Fail, refuse("eth_getProof", "the method eth_getProof does not exist")},
	{"no receipts", "endpoint.proofs", doctor.Fail, func(t *testing.T, w *world, home config.Home) []string {
		inApp(func(c *config.Config) { c.Chains[0].Verification = "receipts" })(t, w, home)
		return refuse("eth_getBlockReceipts", "the method eth_getBlockReceipts does not exist")(t, w, home)
	}},
	{"nothing is proven", "endpoint.proofs", doctor.Warn, inApp(func(c *config.Config) { c.Chains[0].Verification = "agreement" })},
	{"pruned logs", "endpoint.logs", doctor.Fail, refuse("eth_getLogs", "history has been pruned for this block")},
	{"an endpoint behind the others", "endpoint.behind", doctor.Warn, beside(func(t *testing.T, w *world) string {
		first, err := w.eth.HeaderByNumber(t.Context(), nil)
		must(t, err)
		old, err := w.eth.HeaderByNumber(t.Context(), first.Number.Sub(first.Number, big.NewInt(90)))
		must(t, err)
		raw, err := old.MarshalJSON()
		must(t, err)
		return proxy(t, w.chain.HTTPURL(), func(_, params, result string) (string, string) {
			if strings.HasPrefix(params, `["latest",`) {
				return string(raw), ""
			}
			return result, ""
		})
	})},
	{"no contract", "contract.code", doctor.Fail, contract(func(*world) types.Address { return types.Address{9} })},
	{"another program at the contract's address", "contract.code", doctor.Fail, contract(func(w *world) types.Address { return w.imposter })},
	{"a contract of another network", "contract.network", doctor.Fail, contract(func(w *world) types.Address { return w.foreign })},
	{"a contract with other validators", "contract.validators", doctor.Fail, contract(func(w *world) types.Address { return w.strangers })},
	{"an empty account", "relayer.funds", doctor.Fail, func(t *testing.T, _ *world, home config.Home) []string {
		newKey(t, home, signer.RoleRelayer)
		return nil
	}},
	{"dear gas", "relayer.fees", doctor.Warn, through(func(method, _, result string) (string, string) {
		if method == "eth_gasPrice" {
			result = `"0x2000000000000"`
		}
		return result, ""
	})},
	{"a limit that pays for nothing", "relayer.spending", doctor.Warn, inApp(func(c *config.Config) {
		c.Chains[0].SpendPerDay = config.CoinsOf(types.NewAmount(1))
	})},
	{"a damaged record of spending", "relayer.spending", doctor.Fail, func(t *testing.T, _ *world, home config.Home) []string {
		changeApp(t, home, func(c *config.Config) { c.Chains[0].SpendPerDay = config.CoinsOf(types.NewAmount(1e18)) })
		file := home.SpendingFile("alpha")
		must(t, errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte("{"), 0o600)))
		return nil
	}},
	{"a private endpoint that is down", "relayer.private", doctor.Fail, inApp(func(c *config.Config) {
		c.Chains[0].PrivateEndpoints = []config.Endpoint{{URL: "http://127.0.0.1:1", Group: "private"}}
	})},
	{"a nearly empty account", "relayer.funds", doctor.Warn, through(func(method, _, result string) (string, string) {
		if method == "eth_getBalance" {
			result = `"0x1000"`
		}
		return result, ""
	})},
}
