package config

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/icrosschain/bridged/x/bridge/types"
)

var update = flag.Bool("update", false, "write the golden files")

func home(t *testing.T, app string) Home {
	t.Helper()
	h := Home(t.TempDir())
	if err := os.MkdirAll(h.Dir(), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.AppFile(), []byte(app), 0o600); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestTemplateGolden(t *testing.T) {
	golden := filepath.Join("testdata", "app.toml")
	if *update {
		if err := os.WriteFile(golden, []byte(Template()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if Template() != string(want) {
		t.Error("the template differs from testdata/app.toml; run the test with -update and read the diff")
	}
}

func TestTemplateIsDefault(t *testing.T) {
	loaded, err := Load(home(t, Template()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(loaded.Config, Default()) {
		t.Errorf("template reads as\n%+v\nwant\n%+v", loaded.Config, Default())
	}
	c := Default()
	for _, k := range c.keys() {
		if !strings.Contains(Template(), "\n"+k.local()+" = ") {
			t.Errorf("%s is not in the template", k.Name)
		}
	}
	for _, k := range new(Chain).keys() {
		if !strings.Contains(Template(), "\n# "+k.local()+" = ") {
			t.Errorf("%s is not in the template", k.Name)
		}
	}
}

// TestEveryFieldHasAKey holds the table of keys against the structs.
func TestEveryFieldHasAKey(t *testing.T) {
	fields := 0
	for section := range reflect.TypeFor[Config]().Fields() {
		if section.Type.Kind() == reflect.Struct {
			fields += section.Type.NumField()
		}
	}
	if n := len(new(Config).keys()); n != fields {
		t.Errorf("%d keys for %d fields", n, fields)
	}
	if n := len(new(Chain).keys()); n != reflect.TypeFor[Chain]().NumField() {
		t.Errorf("%d keys for %d fields of a chain", n, reflect.TypeFor[Chain]().NumField())
	}
}

func chain() Chain {
	c := DefaultChain()
	c.Name, c.ID, c.Contract = "alpha", 7, types.Address{1}
	c.Endpoints = []Endpoint{{"http://127.0.0.1:8545", "own"}, {"https://rpc.example/v3/KEY", "rpc.example"}}
	return c
}

func TestRenderRoundTrip(t *testing.T) {
	c := Default()
	c.Log.Level, c.State.KeepBlocks, c.Telemetry.Enabled = "debug", 7777, true
	one, two := chain(), chain()
	two.Name, two.ID, two.Finality = "beta", 8, Finality{Confirmations: 12}
	two.PollInterval, two.GenesisHash = 150*time.Millisecond, types.Hash{1}
	two.PrivateEndpoints = []Endpoint{{"https://private.example/KEY", "private.example"}}
	c.Relayer.Nodes = []string{"http://one.example:26657"}
	c.Chains = []Chain{one, two}
	loaded, err := Load(home(t, Render(c)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(loaded.Config, c) {
		t.Errorf("got\n%+v\nwant\n%+v", loaded.Config, c)
	}
}

func TestPrecedence(t *testing.T) {
	h := home(t, "[log]\nlevel = \"warn\"\nformat = \"json\"\ncomet_level = \"info\"\n")
	t.Setenv("BRIDGED_LOG_FORMAT", "text")
	t.Setenv("BRIDGED_LOG_LEVEL", "error")
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags.String("log-level", "", "")
	if err := flags.Parse([]string{"--log-level", "debug"}); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(h, map[string]*pflag.Flag{"log.level": flags.Lookup("log-level")})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Setting{
		"log.level":       {"log.level", `"debug"`, FromFlag},
		"log.format":      {"log.format", `"text"`, FromEnv},
		"log.comet_level": {"log.comet_level", `"info"`, FromFile},
		"relayer.enabled": {"relayer.enabled", "true", FromDefault},
	}
	for _, s := range loaded.Settings {
		if w, ok := want[s.Key]; ok && w != s {
			t.Errorf("got %+v, want %+v", s, w)
		}
	}
}

// TestEveryKeyHearsTheEnvironment sets each key by its variable alone.
func TestEveryKeyHearsTheEnvironment(t *testing.T) {
	c := Default()
	for _, k := range c.keys() {
		t.Setenv(EnvName(k.Name), strings.Trim(literal(k.target), `"`))
	}
	withChain := Default()
	withChain.Chains = []Chain{chain()}
	for _, k := range withChain.Chains[0].keys() {
		if k.local() != "name" {
			t.Setenv(EnvName("chains.alpha."+k.local()), strings.Trim(literal(k.target), `"[]`))
		}
	}
	t.Setenv("BRIDGED_CHAINS_ALPHA_ENDPOINTS", "one=http://localhost:1, two=http://localhost:2")
	t.Setenv("BRIDGED_CHAINS_ALPHA_PRIVATE_ENDPOINTS", "http://localhost:3")
	t.Setenv("BRIDGED_RELAYER_NODES", "http://localhost:4,http://localhost:5")
	t.Setenv("BRIDGED_CHAINS_ALPHA_GENESIS_HASH", "0x"+strings.Repeat("1", 64))
	t.Setenv("BRIDGED_SIGNER_PASSPHRASE_FILE", "secret")
	t.Setenv("BRIDGED_RELAYER_PASSPHRASE_FILE", "secret")
	t.Setenv("BRIDGED_SIGNER_NEXT_KEY", "second")
	t.Setenv("BRIDGED_SIGNER_NEXT_PASSPHRASE_FILE", "secret")
	loaded, err := Load(home(t, Render(withChain)), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range loaded.Settings {
		if s.Origin != FromEnv && s.Key != "chains.alpha.name" {
			t.Errorf("%s comes from %s", s.Key, s.Origin)
		}
	}
	if got := loaded.Chains[0].GenesisHash.Hex(); got != "0x"+strings.Repeat("1", 64) {
		t.Errorf("genesis hash %s", got)
	}
	if got := loaded.Chains[0].Endpoints[1]; got != (Endpoint{"http://localhost:2", "two"}) {
		t.Errorf("endpoint %+v", got)
	}
}

func TestProblems(t *testing.T) {
	good := Default()
	good.Chains = []Chain{chain()}
	text := Render(good)
	tests := []struct{ name, old, new, want string }{
		{"too few blocks", "keep_blocks = 0", "keep_blocks = 1999", "state.keep_blocks = 1999: nodes that join by a snapshot need the blocks since; want 0 (all) or at least 2000"},
		{"no snapshot kept", "keep = 3", "keep = 0", "snapshot.keep = 0: want 1 to 10"},
		{"unknown key", "[log]", "[log]\nlevle = \"info\"", "log.levle: unknown key; did you mean log.level?"},
		{"unknown section", "[log]", "[api]\nenabled = true\n[log]", "api.enabled: unknown key"},
		{"unknown chain key", "min_agree = 2", "min_agre = 2", "chains.alpha.min_agre: unknown key; did you mean min_agree?"},
		{"half a hash", `genesis_hash = ""`, `genesis_hash = "0x12"`, `want a hash: 0x and 64 hexadecimal digits`},
		{"bad word", `level = "info"`, `level = "loud"`, `log.level = "loud": want debug, info, warn, error`},
		{"bad type", `level = "info"`, `level = 5`, `log.level = 5: want text in quotes`},
		{"out of range", "keep_versions = 1000", "keep_versions = 1", "state.keep_versions = 1: want 0 (all), or 2 to 100000000"},
		{"no number", "keep_versions = 1000", `keep_versions = "many"`, `state.keep_versions = "many": want a whole number`},
		{"bad duration", `poll_interval = "2s"`, `poll_interval = "2"`, `chains.alpha.poll_interval = "2": want a duration with its unit`},
		{"bad address", `contract = "0x01`, `contract = "01`, "chains.alpha.contract"},
		{"bad finality", `finality = "finalized"`, `finality = "latest"`, `chains.alpha.finality = "latest": want "finalized", "safe" or`},
		{"one endpoint", "min_agree = 2", "min_agree = 1", "chains.alpha.min_agree = 1: one endpoint could forge"},
		{"contradiction", "single_endpoint = false", "single_endpoint = true", "single_endpoint = true: contradicts"},
		{"too few groups", "min_agree = 2", "min_agree = 3", "more than the groups of endpoints"},
		{"bad url", "https://rpc.example/v3/KEY", "rpc.example/v3/KEY", "chains.alpha.endpoints"},
		{"bad amount", `spend_per_day = "0"`, `spend_per_day = "1 ether"`, `chains.alpha.spend_per_day = "1 ether": want an amount`},
		{"too high a fee", "max_fee_gwei = 0", "max_fee_gwei = 1000001", "chains.alpha.max_fee_gwei = 1000001: want 0 to 1000000"},
		{"an amount without quotes", `low_balance = "0.05"`, `low_balance = 0.05`, "chains.alpha.low_balance = 0.05: want an amount"},
		{"bad node", `nodes = []`, `nodes = ["rpc.example/KEY"]`, "relayer.nodes"},
		{"bad private endpoint", `private_endpoints = []`, `private_endpoints = ["ftp://rpc.example/KEY"]`, "chains.alpha.private_endpoints"},
		{"bad label", `name = "alpha"`, `name = "Alpha"`, "chain label"},
		{"no toml", "[log]", "[log", "read it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			changed := strings.Replace(text, test.old, test.new, 1)
			if changed == text {
				t.Fatal("the case changes nothing")
			}
			_, err := Load(home(t, changed), nil)
			if err == nil || !IsInvalid(err) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "KEY") {
				t.Errorf("the message shows a secret: %v", err)
			}
		})
	}
}

func TestChainTwice(t *testing.T) {
	c := Default()
	c.Chains = []Chain{chain(), chain()}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("got %v", err)
	}
}

func TestSecretsAreRedacted(t *testing.T) {
	c := Default()
	c.Chains = []Chain{chain()}
	loaded, err := Load(home(t, Render(c)), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range loaded.Settings {
		if strings.Contains(s.Value, "KEY") {
			t.Errorf("%s shows a secret: %s", s.Key, s.Value)
		}
	}
}

func TestComet(t *testing.T) {
	h := Home(t.TempDir())
	if err := WriteComet(h, Comet(h, "anna")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("BRIDGED_COMET_P2P_PERSISTENT_PEERS", "abc@127.0.0.1:1")
	c, err := LoadComet(h)
	if err != nil {
		t.Fatal(err)
	}
	if c.Moniker != "anna" || c.P2P.PersistentPeers != "abc@127.0.0.1:1" || c.RootDir != h.String() {
		t.Errorf("moniker %q, peers %q, root %q", c.Moniker, c.P2P.PersistentPeers, c.RootDir)
	}
	if c.Consensus.TimeoutCommit != 330*time.Millisecond || c.Consensus.PeerGossipSleepDuration != 10*time.Millisecond ||
		c.BlockSync.AdaptiveSync || c.TxIndex.Indexer != "null" || c.Mempool.Size != 1000 {
		t.Errorf("our settings did not survive the file: %+v", c)
	}
	text, err := os.ReadFile(h.CometFile())
	if err != nil {
		t.Fatal(err)
	}
	bad := strings.Replace(string(text), "adaptive_sync = false", "adaptive_sync = true", 1)
	if err := os.WriteFile(h.CometFile(), []byte(bad), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadComet(h); !IsInvalid(err) || !strings.Contains(err.Error(), "blocksync.adaptive_sync = true") {
		t.Errorf("got %v", err)
	}
}
