package catchup

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/consensus/beacon"
	"github.com/ethereum/go-ethereum/consensus/ethash"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/eth/filters"
	"github.com/ethereum/go-ethereum/ethdb"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/p2p"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rpc"
	"github.com/ethereum/go-ethereum/triedb"

	"github.com/icrosschain/bridged/cmd/devnet/evmnode"
	"github.com/icrosschain/bridged/contracts"
	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	chainID   = 31_001
	portion   = 1000 // blocks made before they are written
	gasLimit  = 60_000_000
	deployGas = 12_000_000
	callGas   = 300_000
	chaindata = "chaindata"
)

// server is a go-ethereum node that serves a chain made beforehand: all blocks
// executed, all states kept, without a pool or peers.
type server struct {
	stack  *node.Node
	bridge types.Address
	head   uint64
}

// serve makes a chain with a deposit in each of so many blocks, and serves it.
func serve(dir string, blocks int) (_ *server, err error) {
	c := node.DefaultConfig
	c.Name, c.DataDir, c.IPCPath = "catchup", dir, ""
	c.P2P = p2p.Config{NoDiscovery: true, NoDial: true}
	c.HTTPHost, c.HTTPPort, c.HTTPModules = "127.0.0.1", 0, []string{"eth"}
	stack, err := node.New(&c)
	if err != nil {
		return nil, fmt.Errorf("making a node: %w", err)
	}
	s := &server{stack: stack}
	defer func() {
		if err != nil {
			err = errors.Join(err, stack.Close())
		}
	}()
	genesis, err := s.make(blocks)
	if err != nil {
		return nil, fmt.Errorf("making the chain: %w", err)
	}
	e := ethconfig.Defaults
	e.Genesis, e.NetworkId, e.SyncMode = genesis, chainID, ethconfig.FullSync
	e.StateScheme, e.NoPruning = rawdb.HashScheme, true
	e.LogNoHistory, e.TransactionHistory = true, 1 // no index is built while something is measured
	e.DatabaseCache, e.TrieCleanCache, e.TrieDirtyCache, e.SnapshotCache = 16, 16, 16, 0
	backend, err := eth.New(stack, &e)
	if err != nil {
		return nil, fmt.Errorf("opening the chain: %w", err)
	}
	system := filters.NewFilterSystem(backend.APIBackend, filters.Config{LogQueryLimit: ethconfig.Defaults.LogQueryLimit})
	stack.RegisterAPIs([]rpc.API{{Namespace: "eth", Service: filters.NewFilterAPI(system)}})
	if err := stack.Start(); err != nil {
		return nil, fmt.Errorf("starting the node: %w", err)
	}
	backend.BlockChain().SetFinalized(backend.BlockChain().CurrentBlock())
	return s, nil
}

func (s *server) url() string { return s.stack.HTTPEndpoint() }

// maker fills blocks.
type maker struct {
	account    evmnode.Account
	nonce      uint64
	outbox     uint64
	bridge     types.Address
	validators evmtest.Validators
	packer     *bindings.Bridge
	err        error
}

// make writes the chain into the node's database.
func (s *server) make(blocks int) (genesis *core.Genesis, err error) {
	db, err := s.stack.OpenDatabaseWithOptions(chaindata, node.DatabaseOptions{Cache: 64, Handles: 128})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	config := *params.AllDevChainProtocolChanges
	config.ChainID, config.BogotaTime, config.AmsterdamTime = big.NewInt(chainID), nil, nil
	account := evmnode.DevAccounts("catchup", 1)[0]
	genesis = &core.Genesis{
		Config: &config, GasLimit: gasLimit, Difficulty: new(big.Int), BaseFee: big.NewInt(params.InitialBaseFee), Alloc: core.SystemContractAllocs(),
	}
	genesis.Alloc[account.Address] = gethtypes.Account{Balance: evmnode.Ether(1_000_000)}
	tries := triedb.NewDatabase(db, triedb.HashDefaults)
	parent, err := genesis.Commit(db, tries, nil)
	if err = errors.Join(err, tries.Close()); err != nil {
		return nil, fmt.Errorf("writing the genesis: %w", err)
	}
	m := &maker{account: account, bridge: crypto.CreateAddress(account.Address, 0), packer: bindings.NewBridge()}
	if m.validators, err = evmtest.NewValidators(4, 1); err != nil {
		return nil, err
	}
	engine := beacon.New(ethash.NewFaker())
	for made := 0; made < blocks; {
		count := min(portion, blocks-made)
		part, receipts := core.GenerateChain(&config, parent, engine, db, count, func(i int, b *core.BlockGen) { m.fill(made+i, b) })
		if m.err != nil {
			return nil, m.err
		}
		write(db, part, receipts)
		parent, made = part[count-1], made+count
	}
	for _, mark := range []func(ethdb.KeyValueWriter, common.Hash){
		rawdb.WriteHeadBlockHash, rawdb.WriteHeadHeaderHash, rawdb.WriteHeadFastBlockHash, rawdb.WriteFinalizedBlockHash,
	} {
		mark(db, parent.Hash())
	}
	s.bridge, s.head = m.bridge, parent.NumberU64()
	return genesis, nil
}

func write(db ethdb.Database, blocks []*gethtypes.Block, receipts []gethtypes.Receipts) {
	batch := db.NewBatch()
	for i, block := range blocks {
		rawdb.WriteBlock(batch, block)
		rawdb.WriteReceipts(batch, block.Hash(), block.NumberU64(), receipts[i])
		rawdb.WriteCanonicalHash(batch, block.Hash(), block.NumberU64())
	}
	if err := batch.Write(); err != nil {
		panic(err) // the chain maker's own way
	}
}

// fill puts a deposit into each block, and the bridge before them into the first.
func (m *maker) fill(number int, b *core.BlockGen) {
	b.SetPoS()
	if number == 0 {
		m.deploy(b)
	}
	data := m.packer.PackDepositNative(2, common.Hash{31: 7}, common.Address{}, big.NewInt(1), nil)
	m.send(b, &m.bridge, data, callGas, big.NewInt(1000+int64(number)))
}

func (m *maker) deploy(b *core.BlockGen) {
	artifact, err := contracts.Load("Bridge")
	if err != nil {
		m.err = err
		return
	}
	code := append(artifact.Bytecode, m.packer.PackConstructor(evmtest.NetworkID, m.validators.Set.Pack(), common.Address{})...)
	m.send(b, nil, code, deployGas, nil)
	m.execute(b, types.Activate{})
	m.execute(b, types.RegisterToken{
		Asset: types.AssetID{1}, Token: types.NativeToken, Mode: types.ModeLock, Decimals: 18,
		Limit: types.TokenLimit{Minimum: types.NewAmount(1)},
	})
}

// execute sends a command with everyone's signature.
func (m *maker) execute(b *core.BlockGen, c types.Command) {
	m.outbox++
	command := types.EncodeCommand(c)
	seal := bindings.IBridgeSeal{Epoch: 1, Height: m.outbox, Root: evmsig.CommandLeaf(chainID, m.bridge, m.outbox, command)}
	sigs, err := m.validators.Sign(evmtest.Digest(seal))
	if err != nil {
		m.err = err
		return
	}
	quorum, err := evmsig.PackQuorum(m.validators.Set, sigs)
	if err != nil {
		m.err = err
		return
	}
	m.send(b, &m.bridge, m.packer.PackExecute(command, 0, nil, seal, quorum), callGas, nil)
}

func (m *maker) send(b *core.BlockGen, to *common.Address, data []byte, gas uint64, value *big.Int) {
	if m.err != nil {
		return
	}
	tx, err := gethtypes.SignNewTx(m.account.Key, gethtypes.LatestSignerForChainID(big.NewInt(chainID)), &gethtypes.DynamicFeeTx{
		ChainID: big.NewInt(chainID), Nonce: m.nonce, To: to, Gas: gas, Data: data, Value: value, GasTipCap: new(big.Int), GasFeeCap: big.NewInt(params.InitialBaseFee),
	})
	if err != nil {
		m.err = err
		return
	}
	m.nonce++
	b.AddTx(tx)
}
