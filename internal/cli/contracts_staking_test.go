package cli

import (
	"encoding/hex"
	"encoding/json"
	"math/big"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/contracts/bindings"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// TestContractsWithStaking deploys both contracts on a real EVM node, compares
// them, and stakes.
func TestContractsWithStaking(t *testing.T) {
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	chain := testChain(t, 1001, crypto.PubkeyToAddress(key.PublicKey))
	dir := t.TempDir()
	mustRun(t, "testnet", "-v", "2", "--output-dir", dir, "--chain-id", "local-1")
	flags := []string{"--home", filepath.Join(dir, "node0"), "--rpc", chain.HTTPURL(), "--output", "json"}
	t.Setenv("BRIDGED_KEY", hex.EncodeToString(crypto.FromECDSA(key)))
	a := testAccount(t, chain.HTTPURL())
	token := a.sends(nil, testTokenCode()).ContractAddress

	deploy := append([]string{"contracts", "deploy", "--staking-token", token.Hex()}, flags...)
	for _, bad := range [][]string{
		nil,
		{"--minimum-stake", "0"},
		{"--minimum-stake", "1", "--unbonding", "1500ms"},
		{"--minimum-stake", "1", "--unbonding", "337h"},
		{"--minimum-stake", "1", "--staking-token", "nobody"},
		{"--minimum-stake", "1", "--staking-token", ""},
	} {
		if _, errs, code := run(t, append(deploy, bad...)...); code != exitUsage {
			t.Errorf("%v: exit code %d: %s", bad, code, errs)
		}
	}
	var deployed deployResult
	out := mustRun(t, append(deploy, "--minimum-stake", "1000", "--unbonding", "1h")...)
	if err := json.Unmarshal([]byte(out), &deployed); err != nil {
		t.Fatal(err)
	}

	verify := append([]string{"contracts", "verify", "alpha", "--bridge", deployed.Bridge.Hex()}, flags...)
	out = mustRun(t, append(verify, "--staking", deployed.Staking.Hex())...)
	for _, want := range []string{`"1000"`, `"1h0m0s"`, token.Hex(), `"staking code hash"`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in %s", want, out)
		}
	}
	// A bridge with a staking contract that nobody has named, or another one.
	for _, wrong := range [][]string{nil, {"--staking", token.Hex()}, {"--staking", deployed.Bridge.Hex()}, {"--staking", "0x0000000000000000000000000000000000000009"}} {
		if out, errs, code := run(t, append(verify, wrong...)...); code != exitFailed {
			t.Errorf("verify %v: exit code %d: %s%s", wrong, code, out, errs)
		}
	}

	stake, erc20 := bindings.NewStaking(), bindings.NewTestToken()
	a.sends(&token, erc20.PackMint(a.key.Address(), big.NewInt(5000)))
	a.sends(&token, erc20.PackApprove(deployed.Staking, big.NewInt(5000)))
	a.sends(&deployed.Staking, stake.PackStake(big.NewInt(5000), []byte("registration")))
	account, err := read(t.Context(), a.client, deployed.Staking, stake.PackAccounts(a.key.Address()), stake.UnpackAccounts)
	if err != nil || account.Staked.Int64() != 5000 {
		t.Errorf("staked %+v: %v", account, err)
	}
}

// sender is an account of a test.
type sender struct {
	account
	t *testing.T
}

// testAccount is the account of BRIDGED_KEY.
func testAccount(t *testing.T, rpc string) sender {
	t.Helper()
	client, err := dialChain(t.Context(), rpc, placeholder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	key, err := signer.Source{KeyEnv: "BRIDGED_KEY"}.Load()
	if err != nil {
		t.Fatal(err)
	}
	return sender{account{client, key}, t}
}

func (s sender) sends(to *types.Address, data []byte) *gethtypes.Receipt {
	s.t.Helper()
	receipt, err := s.send(s.t.Context(), "test", to, nil, data)
	if err != nil {
		s.t.Fatal(err)
	}
	return receipt
}

func testTokenCode() []byte {
	return append(common.FromHex(bindings.TestTokenMetaData.Bin), bindings.NewTestToken().PackConstructor("Bond", "BND", 18)...)
}
