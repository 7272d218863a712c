package evmnode_test

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/internal/ports"
)

func TestBadConfig(t *testing.T) {
	cases := map[string]struct {
		bend func(*evmnode.Config)
		want string
	}{
		"no chain id":       {func(c *evmnode.Config) { c.ChainID = 0 }, "chain id is zero"},
		"negative time":     {func(c *evmnode.Config) { c.BlockTime = -time.Second }, "block time -1s"},
		"too fast":          {func(c *evmnode.Config) { c.BlockTime = time.Millisecond }, "block time 1ms"},
		"safe behind final": {func(c *evmnode.Config) { c.SafeLag = 3 }, "safe lag 3 exceeds finality lag 2"},
		"HTTP port":         {func(c *evmnode.Config) { c.HTTPPort = 70_000 }, "HTTP port 70000"},
		"WebSocket port":    {func(c *evmnode.Config) { c.WSPort = -1 }, "WebSocket port -1"},
		"rules":             {func(c *evmnode.Config) { c.Rules = 7 }, "unknown rules(7)"},
		"gas limit":         {func(c *evmnode.Config) { c.GasLimit = 21_000 }, "gas limit 21000"},
		"no amount":         {func(c *evmnode.Config) { c.Alloc = map[common.Address]*big.Int{{1}: nil} }, "allocation of"},
		"negative amount":   {func(c *evmnode.Config) { c.Alloc = map[common.Address]*big.Int{{1}: big.NewInt(-1)} }, "allocation of"},
		"host":              {func(c *evmnode.Config) { c.Host = "192.0.2.1" }, "start"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			cfg := evmnode.Config{ChainID: 1}
			tc.bend(&cfg)
			node, err := evmnode.New(cfg)
			if err == nil {
				_ = node.Close()
				t.Fatal("taken")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %q does not say %q", err, tc.want)
			}
		})
	}
}

func TestPorts(t *testing.T) {
	free := ports.ForTest(t, 2)
	http, ws := free.First, free.First+1
	node := start(t, evmnode.Config{HTTPPort: http, WSPort: ws})
	if !strings.HasPrefix(node.HTTPURL(), "http://127.0.0.1:") || !strings.HasPrefix(node.WSURL(), "ws://127.0.0.1:") {
		t.Errorf("served at %s and %s", node.HTTPURL(), node.WSURL())
	}
	height(t, dial(t, node.HTTPURL()), nil)
	height(t, dial(t, node.WSURL()), nil)
	if taken, err := evmnode.New(evmnode.Config{ChainID: 1, HTTPPort: http}); err == nil {
		_ = taken.Close()
		t.Error("two nodes at one port")
	}
}

func TestRulesNames(t *testing.T) {
	if evmnode.Osaka.String() != "osaka" || evmnode.Amsterdam.String() != "amsterdam" {
		t.Errorf("%s, %s", evmnode.Osaka, evmnode.Amsterdam)
	}
}
