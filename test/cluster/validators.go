package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/cmd/devnet/proc"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// StopGrace is how long a process may take to end when it is told to.
const StopGrace = 15 * time.Second

const (
	commandLimit = time.Minute
	askTimeout   = 10 * time.Second
	askInterval  = 50 * time.Millisecond
)

// T is what validators as processes need of a *testing.T, which a program that
// uses the rest of this package does not link.
type T interface {
	Helper()
	Context() context.Context
	Cleanup(f func())
	Failed() bool
	Logf(format string, args ...any)
	Error(args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// Home is one validator's, as `bridged testnet` prints it.
type Home struct {
	Home      string            `json:"home"`
	RPC       string            `json:"rpc"`
	Validator types.ValidatorID `json:"validator_id"`
	Relayer   common.Address    `json:"relayer"`
}

// LogFile is where the validator logs, as JSON.
func (h Home) LogFile() string { return filepath.Join(h.Home, "node.log") }

// Process is the validator with more in its environment.
func (h Home) Process(executable, name string, env []string) proc.Spec {
	return proc.Spec{
		Name: name, Path: executable, Log: h.LogFile(), Env: env, Args: []string{"start", "--home", h.Home, "--log-format", "json"},
	}
}

// Testnet makes the homes of so many validators below a directory.
func Testnet(ctx context.Context, executable, dir, chainID string, count, firstPort int) (homes []Home, err error) {
	out, err := run(ctx, executable, nil, "testnet", "--validators", strconv.Itoa(count), "--output-dir", dir,
		"--chain-id", chainID, "--starting-port", strconv.Itoa(firstPort), "--output", "json")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(out, &homes); err != nil {
		return nil, fmt.Errorf("bridged testnet: %w", err)
	}
	return homes, nil
}

// Configure gives each home the genesis of the first one, and changes its
// configuration.
func Configure(homes []Home, change func(validator int, c *config.Config)) error {
	genesis, err := os.ReadFile(config.Home(homes[0].Home).GenesisFile())
	if err != nil {
		return fmt.Errorf("reading the genesis: %w", err)
	}
	for i, h := range homes {
		home := config.Home(h.Home)
		if err := os.WriteFile(home.GenesisFile(), genesis, 0o600); err != nil {
			return fmt.Errorf("writing the genesis: %w", err)
		}
		loaded, err := config.Load(home, nil)
		if err != nil {
			return err
		}
		change(i, &loaded.Config)
		if err := config.Write(home, loaded.Config); err != nil {
			return err
		}
	}
	return nil
}

// run runs a command of bridged.
func run(ctx context.Context, executable string, env []string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, executable, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("bridged %s: %w: %s", strings.Join(args, " "), err, complaint.String())
	}
	return out.Bytes(), nil
}

// Validators are processes of bridged on this machine. They end with the test.
type Validators struct {
	Homes   []Home
	Group   *proc.Group
	Running []*proc.Process  // nil where one is down on purpose
	Env     map[int][]string // more in the environment of one
	EnvAll  []string         // and of all of them

	t          T
	executable string
	keys       []string // what commands find in their environment
}

// Build builds bridged into a directory.
func Build(dir string) (executable string, err error) {
	executable = filepath.Join(dir, "bridged")
	build := exec.Command("go", "build", "-o", executable, "github.com/icrosschain/bridged/cmd/bridged")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build bridged: %w\n%s", err, out)
	}
	return executable, nil
}

// NewValidators makes the homes of so many validators below a directory; nothing
// runs yet. Commands use the key.
func NewValidators(t T, executable, dir, chainID string, count, firstPort int, key []byte) *Validators {
	t.Helper()
	v := &Validators{
		t: t, executable: executable, keys: []string{"BRIDGED_KEY=" + common.Bytes2Hex(key)},
		Group: proc.NewGroup(), Running: make([]*proc.Process, count), Env: map[int][]string{},
	}
	t.Cleanup(func() {
		if err := v.Group.Close(StopGrace); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			v.tails()
		}
	})
	var err error
	v.Homes, err = Testnet(t.Context(), executable, dir, chainID, count, firstPort)
	v.must(err)
	return v
}

// AddChain deploys a bridge to a chain and adds it to the genesis of the first
// home. It returns the bridge. More flags are of `genesis add-chain`.
func (v *Validators) AddChain(name string, id uint64, rpc string, batchGap time.Duration, more ...string) (bridge common.Address) {
	v.t.Helper()
	deployed := struct {
		Bridge *common.Address `json:"bridge"`
	}{&bridge}
	v.Decode(&deployed, "contracts", "deploy", "--home", v.Homes[0].Home, "--rpc", rpc)
	v.Must(append([]string{
		"genesis", "add-chain", name, "--home", v.Homes[0].Home, "--id", strconv.FormatUint(id, 10),
		"--bridge", bridge.Hex(), "--batch-gap", batchGap.String(),
	}, more...)...)
	return bridge
}

// Configure gives each home the genesis of the first one, and changes its
// configuration.
func (v *Validators) Configure(change func(validator int, c *config.Config)) {
	v.t.Helper()
	v.must(Configure(v.Homes, change))
}

// Start starts a validator that is down.
func (v *Validators) Start(i int) {
	v.t.Helper()
	p, err := v.Group.Start(v.Homes[i].Process(v.executable, fmt.Sprintf("node%d", i), slices.Concat(v.EnvAll, v.Env[i])))
	v.must(err)
	v.Running[i] = p
}

// Kill ends a validator as a power cut would.
func (v *Validators) Kill(i int) {
	v.t.Helper()
	if !v.Running[i].Running() {
		v.t.Fatalf("node%d has ended before it was killed: %v", i, v.Running[i].Err())
	}
	v.must(v.Running[i].Kill())
	v.Running[i] = nil
}

// Stop ends a validator as its operator would.
func (v *Validators) Stop(i int) {
	v.t.Helper()
	v.must(v.Running[i].Stop(StopGrace))
	v.Running[i] = nil
}

// Alive is an error if a validator that nobody ended has ended.
func (v *Validators) Alive() error {
	var errs []error
	for i, p := range v.Running {
		if p != nil && !p.Running() {
			errs = append(errs, fmt.Errorf("node%d ended", i), p.Err())
		}
	}
	return errors.Join(errs...)
}

// tails shows the ends of the logs.
func (v *Validators) tails() {
	for i := range v.Homes {
		text, err := proc.Tail(v.Homes[i].LogFile(), 12)
		if err != nil {
			text = err.Error()
		}
		v.t.Logf("end of the log of node%d:\n%s", i, text)
	}
}

// Run runs a command of bridged.
func (v *Validators) Run(args ...string) ([]byte, error) { return v.RunWith(v.keys, args...) }

// RunWith runs a command with another environment than the key's.
func (v *Validators) RunWith(env []string, args ...string) ([]byte, error) {
	return run(v.t.Context(), v.executable, env, args...)
}

// Must runs a command that has to succeed.
func (v *Validators) Must(args ...string) []byte {
	v.t.Helper()
	out, err := v.Run(args...)
	v.must(err)
	return out
}

// Decode runs a command that has to succeed, and reads its JSON.
func (v *Validators) Decode(result any, args ...string) {
	v.t.Helper()
	if err := json.Unmarshal(v.Must(append(args, "--output", "json")...), result); err != nil {
		v.t.Fatalf("bridged %s: %v", strings.Join(args, " "), err)
	}
}

func (v *Validators) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// Eventually asks again and again until holds has no objection, and fails the
// test with the last one when the time is over.
func Eventually(t T, limit time.Duration, what string, holds func(context.Context) error) {
	t.Helper()
	start := time.Now()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), askTimeout)
		err := holds(ctx)
		cancel()
		if err == nil {
			return
		}
		if time.Since(start) > limit || t.Context().Err() != nil {
			t.Fatalf("waited %s for %s: %v", time.Since(start).Round(time.Second), what, err)
		}
		select {
		case <-t.Context().Done():
		case <-time.After(askInterval):
		}
	}
}
