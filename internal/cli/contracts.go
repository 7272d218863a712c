package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/internal/chain/evm"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func contractsCommand(s *session) *cobra.Command {
	return group("contracts", "Deploy and check bridge contracts", contractsDeployCommand(s), contractsVerifyCommand(s))
}

// creation is what a deployment of this network's contract runs. The code that
// it leaves depends on nothing else, so that anybody can compute it.
type creation struct {
	chainID string
	network types.Hash
	set     types.ValidatorSet
	code    []byte
}

func newCreation(g node.Genesis, staking types.Address) (creation, error) {
	set, err := types.SignerSet(g.State.Validators)
	if err != nil {
		return creation{}, fmt.Errorf("the genesis has no valid set of signers yet: %w", err)
	}
	return creationOf(g.Doc.ChainID, set, staking), nil
}

func creationOf(chainID string, set types.ValidatorSet, staking types.Address) creation {
	network := evmsig.NetworkID(chainID)
	return creation{chainID, network, set, evm.CreationCode(network, set, staking)}
}

type deployResult struct {
	ChainID   types.ChainID `json:"chain_id"`
	Bridge    types.Address `json:"bridge"`
	Staking   types.Address `json:"staking"` // zero if there is none
	NetworkID types.Hash    `json:"network_id"`
	SetHash   types.Hash    `json:"set_hash"`
	CodeHash  types.Hash    `json:"code_hash"`
	Block     uint64        `json:"block"`
	Tx        types.Hash    `json:"tx"`
	GasUsed   uint64        `json:"gas_used"`
}

func contractsDeployCommand(s *session) *cobra.Command {
	var (
		f       accountFlags
		stake   stakingFlags
		current bool
	)
	c := &cobra.Command{
		Use: "deploy", Short: "Deploy the bridge contract with the genesis validators, or today's",
		Long: `Deploys the bridge contract of this network on one chain. Its first validator set
is that of the genesis, so collect all validators before. For a chain that is
added to a running network, --current takes the set of today from --node. A
contract with another set than the network's is refused. Nobody owns it and
nobody can change it, whoever deploys.

With --staking-token the contract that holds the validators' stake is deployed
as well, before the bridge, and the two are bound to each other for ever. That
takes two transactions in a row, so do not use the account meanwhile.`,
		Example: "  BRIDGED_KEY=… bridged contracts deploy --rpc https://rpc.example.org",
		Args:    args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := need(c, "rpc"); err != nil {
				return err
			}
			g, err := node.ReadGenesis(s.genesisFile(c))
			if err != nil {
				return err
			}
			terms, err := stake.read(c, time.Duration(g.State.Params.UnbondingMS)*time.Millisecond) //nolint:gosec // at most a year
			if err != nil {
				return err
			}
			key, err := f.key(c, s)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(c.Context(), s.timeout)
			defer cancel()
			client, err := dialChain(ctx, f.rpc, placeholder)
			if err != nil {
				return err
			}
			defer client.Close()
			first, err := newCreation(g, types.Address{})
			if current {
				first, err = s.creationToday(ctx)
			}
			if err != nil {
				return err
			}
			result, err := deploy(c.Context(), &account{client, key}, first, terms)
			if err != nil {
				return err
			}
			next := "genesis add-chain LABEL --id %s --bridge %s"
			if current {
				next = "tx gov propose add-chain LABEL --id %s --bridge %s"
			}
			s.note("Next: bridged "+next, result.ChainID, result.Bridge)
			return s.print(result, func(w io.Writer) {
				pairs(w, "bridge", result.Bridge.Hex(), "staking", orNone(result.Staking), "chain id", result.ChainID.String(), "block", number(result.Block),
					"set hash", result.SetHash.Hex(), "code hash", result.CodeHash.Hex(), "gas used", number(result.GasUsed))
			})
		},
	}
	f.add(c)
	stake.add(c)
	c.Flags().String("genesis", "", "genesis file (default: the home's)")
	c.Flags().BoolVar(&current, "current", false, "deploy with the validators of today, as the node says")
	return c
}

// deploy deploys the bridge for a network and a first set, and before it the
// staking contract if there are terms for one.
func deploy(ctx context.Context, a *account, first creation, terms *stakingTerms) (deployResult, error) {
	var (
		staking, bridge types.Address // where they will be
		err             error
	)
	if terms != nil {
		if staking, bridge, err = a.nextContracts(ctx); err != nil {
			return deployResult{}, err
		}
	}
	what := creationOf(first.chainID, first.set, staking)
	if terms != nil {
		if err := deployStaking(ctx, a, *terms, staking, bridge); err != nil {
			return deployResult{}, err
		}
	}
	receipt, err := a.send(ctx, "deploy the bridge", nil, nil, what.code)
	if err != nil {
		return deployResult{}, err
	}
	if terms != nil && receipt.ContractAddress != bridge {
		return deployResult{}, errAccountUsed
	}
	code, err := a.code(ctx, receipt.ContractAddress)
	if err != nil {
		return deployResult{}, err
	}
	return deployResult{
		ChainID: a.client.ChainID(), Bridge: receipt.ContractAddress, Staking: staking, NetworkID: what.network, SetHash: what.set.Hash(),
		CodeHash: crypto.Keccak256Hash(code), Block: receipt.BlockNumber.Uint64(), Tx: receipt.TxHash, GasUsed: receipt.GasUsed,
	}, nil
}

// contractCheck is one comparison of a deployed contract.
type contractCheck struct {
	Check string `json:"check"`
	OK    bool   `json:"ok"`
	Got   string `json:"got"`
	Want  string `json:"want"`
}

// errMismatch makes "contracts verify" fail.
var errMismatch = errors.New("the contract is not this network's")

func contractsVerifyCommand(s *session) *cobra.Command {
	var rpc, contract, stake string
	c := &cobra.Command{
		Use: "verify CHAIN", Short: "Compare a deployed contract with the genesis; exit code 1 if it differs",
		Long: `Compares the code, the network id, the validator set and the start of the inbox
of a deployed contract with what the genesis says. Once the network has changed
its validators, the set is compared with the current one, asked of --node.

Of the chain on which validators stake, name the contract with --staking: it is
checked too, and its terms are shown. Without it the bridge must have none.`,
		Args: args(1, 1),
		RunE: func(c *cobra.Command, given []string) error {
			if err := need(c, "rpc"); err != nil {
				return err
			}
			g, err := node.ReadGenesis(s.genesisFile(c))
			if err != nil {
				return err
			}
			chain, err := chainOf(g, given[0], contract)
			if err != nil {
				return err
			}
			var staking types.Address
			if stake != "" {
				if staking, err = parseAddress(stake); err != nil {
					return usagef(c, "--staking: %v", err)
				}
			}
			ctx, cancel := context.WithTimeout(c.Context(), s.timeout)
			defer cancel()
			client, err := dialChain(ctx, rpc, chain.Bridge)
			if err != nil {
				return err
			}
			defer client.Close()
			want, err := newCreation(g, staking)
			if err != nil {
				return err
			}
			checks, err := verifyContract(ctx, client, want, chain)
			if err != nil {
				return err
			}
			if staking != (types.Address{}) {
				more, err := verifyStaking(ctx, client, staking, chain.Bridge)
				if err != nil {
					return err
				}
				checks = append(checks, more...)
			}
			for _, check := range checks {
				if !check.OK {
					err = errMismatch
				}
			}
			return errors.Join(s.print(checks, func(w io.Writer) {
				printChecks(w, checks)
			}), err)
		},
	}
	c.Flags().StringVar(&rpc, "rpc", "", "JSON-RPC URL of the chain, http or https")
	c.Flags().StringVar(&contract, "bridge", "", "address of the contract, where the genesis does not have the chain yet")
	c.Flags().StringVar(&stake, "staking", "", "address of the staking contract (default: there is none)")
	c.Flags().String("genesis", "", "genesis file (default: the home's)")
	return c
}

func printChecks(w io.Writer, checks []contractCheck) {
	rows := make([][]string, len(checks))
	for i, check := range checks {
		verdict := "ok"
		if !check.OK {
			verdict = "WRONG, want " + check.Want
		}
		rows[i] = []string{check.Check, check.Got, verdict}
	}
	table(w, []string{"CHECK", "FOUND", "VERDICT"}, rows)
}

func chainOf(g node.Genesis, name, contract string) (types.Chain, error) {
	for _, chain := range g.State.Chains {
		if chain.Label == name || chain.ID.String() == name {
			return chain, nil
		}
	}
	if contract == "" {
		return types.Chain{}, fmt.Errorf("the genesis has no chain %q; give --bridge", name)
	}
	address, err := parseAddress(contract)
	return types.Chain{Label: name, Bridge: address}, err
}

// verifyContract reads the contract and says what is as it should be.
func verifyContract(ctx context.Context, client *evm.Client, want creation, chain types.Chain) ([]contractCheck, error) {
	var checks []contractCheck
	add := func(name string, got, want fmt.Stringer) {
		checks = append(checks, contractCheck{name, got.String() == want.String(), got.String(), want.String()})
	}
	if chain.ID != 0 {
		add("chain id", client.ChainID(), chain.ID)
	}
	code, err := codeAt(ctx, client, chain.Bridge)
	if err != nil {
		return nil, err
	}
	// The constructor itself tells what code it leaves.
	built, err := callChain(ctx, client, types.Address{}, nil, want.code)
	if err != nil {
		return nil, fmt.Errorf("compute the expected code: %w", err)
	}
	add("code hash", crypto.Keccak256Hash(code), crypto.Keccak256Hash(built))
	if len(code) == 0 {
		return checks, nil
	}
	b := bindings.NewBridge()
	network, err := read(ctx, client, chain.Bridge, b.PackNetworkId(), b.UnpackNetworkId)
	if err != nil {
		return nil, err
	}
	add("network id", types.Hash(network), want.network)
	nonce, err := read(ctx, client, chain.Bridge, b.PackInboxNonce(), b.UnpackInboxNonce)
	if err != nil {
		return nil, err
	}
	set, err := read(ctx, client, chain.Bridge, b.PackSetHash(), b.UnpackSetHash)
	if err != nil {
		return nil, err
	}
	epoch, err := read(ctx, client, chain.Bridge, b.PackEpoch(), b.UnpackEpoch)
	if err != nil {
		return nil, err
	}
	if epoch <= 1 { // later sets are sealed by the one before
		add("validator set", types.Hash(set), want.set.Hash())
	}
	if nonce == 1 { // only Initialized: the accumulator follows from genesis
		hash, err := read(ctx, client, chain.Bridge, b.PackInboxHash(), b.UnpackInboxHash)
		if err != nil {
			return nil, err
		}
		seed := evmsig.InboxSeed(want.network, client.ChainID(), chain.Bridge)
		first := evmsig.Accumulate(seed, evmsig.InboxLeaf(1, types.Initialized{SetHash: want.set.Hash()}))
		add("inbox", types.Hash(hash), first)
	}
	return checks, nil
}

// read calls a view of a contract, on the newest state.
func read[T any](ctx context.Context, client *evm.Client, at types.Address, data []byte, unpack func([]byte) (T, error)) (T, error) {
	return readAt(ctx, client, nil, at, data, unpack)
}

// readAt calls a view of a contract on the state of a block.
func readAt[T any](ctx context.Context, client *evm.Client, block *big.Int, at types.Address, data []byte, unpack func([]byte) (T, error)) (T, error) {
	var (
		zero   T
		answer []byte
	)
	err := client.Do(ctx, func(ctx context.Context, conn evm.Conn) (err error) {
		answer, err = conn.Eth.CallContract(ctx, ethereum.CallMsg{To: &at, Data: data}, block)
		return err
	})
	if err != nil {
		return zero, err
	}
	if len(bytes.TrimSpace(answer)) == 0 {
		return zero, fmt.Errorf("there is no contract at %s", at)
	}
	return unpack(answer)
}
