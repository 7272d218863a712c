package evmnode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/eth"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/eth/filters"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/p2p"
	"github.com/ethereum/go-ethereum/rpc"
)

// ErrClosed is returned by what needs a running node after Close.
var ErrClosed = errors.New("evmnode: closed")

// LingeringGoroutine is the function in which a goroutine of the peer database
// stays for up to 30 seconds after Close. A leak test of a package that uses
// nodes passes it to goleak.IgnoreTopFunction; nothing else is left.
const LingeringGoroutine = "github.com/syndtr/goleveldb/leveldb.(*DB).mpoolDrain"

const settleTimeout = 30 * time.Second

// rpcModules are the JSON-RPC namespaces served. debug is there for
// debug_getRawReceipts and its like; nobody but this machine reaches it.
var rpcModules = []string{"eth", "net", "web3", "txpool", "debug"}

// Node is a running chain. All its methods may be called from any goroutine.
type Node struct {
	cfg   Config
	stack *node.Node
	eth   *eth.Ethereum
	log   *slog.Logger

	stop   context.CancelFunc
	ticker sync.WaitGroup

	// mu orders everything that makes or replaces blocks, or moves the tags.
	mu          sync.Mutex
	frozen      bool
	generation  uint64
	closed      bool
	closeResult error
}

// New starts a chain and serves it. The caller owns the node and must Close it.
// A new chain comes with block 1, which is empty.
//
// After Close one of go-ethereum's goroutines lives on, at most half a minute:
// see LingeringGoroutine.
func New(cfg Config) (*Node, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	genesis, err := loadGenesis(cfg)
	if err != nil {
		return nil, fmt.Errorf("evmnode: %w", err)
	}
	stack, backend, err := startStack(cfg, genesis)
	if err != nil {
		return nil, fmt.Errorf("evmnode: chain %d: %w", cfg.ChainID, err)
	}
	n := &Node{cfg: cfg, stack: stack, eth: backend, log: cfg.Logger.With("component", "evmnode", "chain", cfg.ChainID)}
	if err := n.settle(); err != nil {
		return nil, errors.Join(fmt.Errorf("evmnode: chain %d: %w", cfg.ChainID, err), stack.Close())
	}

	ctx, cancel := context.WithCancel(context.Background())
	n.stop = cancel
	if cfg.BlockTime != 0 {
		n.ticker.Go(func() { n.tick(ctx, cfg.BlockTime) })
	}
	return n, nil
}

// settle brings a chain to where every question has its final kind of answer. At
// block 0, and until go-ethereum has begun its index of transactions, asking for
// an unknown transaction is an error instead of "not found".
func (n *Node) settle() error {
	n.moveTags()
	if n.Head().Number.Sign() == 0 {
		if err := n.mineOne(); err != nil {
			return fmt.Errorf("first block: %w", err)
		}
	}
	for deadline := time.Now().Add(settleTimeout); !n.eth.BlockChain().TxIndexDone(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return errors.New("no index of transactions")
		}
	}
	return nil
}

// startStack assembles go-ethereum's node without peers. What it started is
// stopped again when it fails.
func startStack(cfg Config, genesis *core.Genesis) (_ *node.Node, _ *eth.Ethereum, err error) {
	stack, err := node.New(nodeConfig(cfg))
	if err != nil {
		return nil, nil, fmt.Errorf("make node: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, stack.Close())
		}
	}()
	backend, err := eth.New(stack, ethConfig(cfg, genesis))
	if err != nil {
		return nil, nil, fmt.Errorf("make chain: %w", err)
	}
	filterSystem := filters.NewFilterSystem(backend.APIBackend, filters.Config{LogQueryLimit: ethconfig.Defaults.LogQueryLimit})
	stack.RegisterAPIs([]rpc.API{{Namespace: "eth", Service: filters.NewFilterAPI(filterSystem)}})
	if err := stack.Start(); err != nil {
		return nil, nil, fmt.Errorf("start: %w", err)
	}
	// Without it the pool takes no transactions: it would wait for peers to sync with.
	backend.SetSynced()
	return stack, backend, nil
}

func nodeConfig(cfg Config) *node.Config {
	c := node.DefaultConfig
	c.Name = "evmnode"
	c.DataDir = cfg.DataDir
	c.P2P = p2p.Config{NoDiscovery: true, NoDial: true}
	c.IPCPath = ""
	c.HTTPHost, c.HTTPPort = cfg.Host, cfg.HTTPPort
	c.WSHost, c.WSPort = cfg.Host, cfg.WSPort
	c.HTTPModules, c.WSModules = rpcModules, rpcModules
	c.HTTPVirtualHosts = []string{"localhost", cfg.Host}
	c.WSOrigins = []string{"*"}
	return &c
}

func ethConfig(cfg Config, genesis *core.Genesis) *ethconfig.Config {
	c := ethconfig.Defaults
	c.Genesis = genesis
	c.NetworkId = cfg.ChainID
	c.SyncMode = ethconfig.FullSync
	// Logs are searched by bloom filter: the index is built behind the head,
	// and what a test may read must not depend on how far it has come.
	c.LogNoHistory = true
	c.DatabaseCache, c.TrieCleanCache, c.TrieDirtyCache, c.SnapshotCache = 16, 16, 32, 0

	c.Miner.GasCeil = genesis.GasLimit
	// A block of thousands of deposits takes longer than the 2 s after which
	// go-ethereum would cut it off.
	c.Miner.Recommit = time.Minute

	// One test account may send what on a real chain hundreds do.
	c.TxPool.NoLocals = true
	c.TxPool.Journal = ""
	c.TxPool.AccountSlots, c.TxPool.GlobalSlots = 2048, 16384
	c.TxPool.AccountQueue, c.TxPool.GlobalQueue = 2048, 8192
	return &c
}

// HTTPURL is the address of the JSON-RPC interface over HTTP.
func (n *Node) HTTPURL() string { return n.stack.HTTPEndpoint() }

// WSURL is the address of the JSON-RPC interface over WebSocket, which alone has
// subscriptions.
func (n *Node) WSURL() string { return n.stack.WSEndpoint() }

// ChainID is the chain's EIP-155 id.
func (n *Node) ChainID() uint64 { return n.cfg.ChainID }

// Head is the newest block, `latest`.
func (n *Node) Head() *types.Header { return n.eth.BlockChain().CurrentBlock() }

// Safe is the block the tag `safe` stands for.
func (n *Node) Safe() *types.Header { return n.eth.BlockChain().CurrentSafeBlock() }

// Finalized is the block the tag `finalized` stands for.
func (n *Node) Finalized() *types.Header { return n.eth.BlockChain().CurrentFinalBlock() }

// Close ends the ticker and the node, and waits for both. Connections are cut.
// Later calls return what the first one did.
func (n *Node) Close() error {
	n.stop()
	n.ticker.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return n.closeResult
	}
	n.closed = true
	if err := n.stack.Close(); err != nil {
		n.closeResult = fmt.Errorf("evmnode: close chain %d: %w", n.cfg.ChainID, err)
	}
	return n.closeResult
}
