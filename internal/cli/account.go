package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/accounts/keystore"
	gethtypes "github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/spf13/cobra"

	"github.com/icrosschain/bridged/internal/chain/evm"
	"github.com/icrosschain/bridged/internal/signer"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// accountFlags say which account pays, and on which chain.
type accountFlags struct {
	rpc            string
	keyFile        string
	keyEnv         string
	passphraseFile string
}

func (f *accountFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.rpc, "rpc", "", "JSON-RPC URL of the chain, http or https")
	c.Flags().StringVar(&f.keyFile, "key-file", "", "keystore file of the account that pays")
	c.Flags().StringVar(&f.passphraseFile, "passphrase-file", "", "file with its passphrase, mode 0600 (default: BRIDGED_KEY_PASSPHRASE, or the terminal)")
	c.Flags().StringVar(&f.keyEnv, "key-env", "BRIDGED_KEY", "environment variable with the bare key, where there is no --key-file")
}

// key opens the account's key.
func (f *accountFlags) key(c *cobra.Command, s *session) (signer.Key, error) {
	if f.keyFile == "" {
		if os.Getenv(f.keyEnv) == "" {
			return nil, usagef(c, "no key: give --key-file, or put the key into %s", f.keyEnv)
		}
		return signer.Source{KeyEnv: f.keyEnv}.Load()
	}
	source := signer.PassphraseFrom{File: f.passphraseFile}
	if f.passphraseFile == "" {
		source.Env = "BRIDGED_KEY_PASSPHRASE"
		if os.Getenv(source.Env) == "" {
			text, err := s.prompt("Passphrase of " + f.keyFile + ": ")
			if err != nil {
				return nil, fmt.Errorf("no --passphrase-file, no %s: %w", source.Env, err)
			}
			return openKeyFile(f.keyFile, text)
		}
	}
	return signer.Source{File: f.keyFile, Passphrase: source}.Load()
}

// placeholder is the bridge's address where there is no bridge yet: the chain
// client wants one, and never asks it anything.
var placeholder = types.NativeToken

// dialChain connects to one chain by one server, whose word is taken for what
// its chain id is. The user named it.
func dialChain(ctx context.Context, address string, contract types.Address) (*evm.Client, error) {
	id, err := evmChainID(ctx, address)
	if err != nil {
		return nil, err
	}
	return evm.Dial(ctx, evm.Config{ChainID: id, Bridge: contract, Endpoints: []evm.Endpoint{{URL: address}}, MinAgree: 1})
}

// evmChainID asks a server which chain it serves.
func evmChainID(ctx context.Context, address string) (types.ChainID, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return 0, errors.New("--rpc: want an http or https URL")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address,
		strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}`))
	if err != nil {
		return 0, fmt.Errorf("ask %s for its chain id: %w", u.Host, err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err // the URL may hold a secret
		}
		return 0, fmt.Errorf("%w: ask %s for its chain id: %w", errNotReady, u.Host, err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Result string `json:"result"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<16)).Decode(&answer); err != nil {
		return 0, fmt.Errorf("ask %s for its chain id: %w", u.Host, err)
	}
	id, err := strconv.ParseUint(strings.TrimPrefix(answer.Result, "0x"), 16, 64)
	if err != nil || id == 0 {
		return 0, fmt.Errorf("ask %s for its chain id: it answers %q", u.Host, answer.Result)
	}
	return types.ChainID(id), nil
}

// account sends transactions of one key.
type account struct {
	client *evm.Client
	key    signer.Key
}

// call runs a call on the newest state and returns what it returns. Without a
// destination it is a creation, and returns the code that would be created.
func (a *account) call(ctx context.Context, to *types.Address, data []byte) ([]byte, error) {
	return callChain(ctx, a.client, a.key.Address(), to, data)
}

func callChain(ctx context.Context, client *evm.Client, from types.Address, to *types.Address, data []byte) (result []byte, err error) {
	err = client.Do(ctx, func(ctx context.Context, conn evm.Conn) error {
		result, err = conn.Eth.CallContract(ctx, ethereum.CallMsg{From: from, To: to, Data: data}, nil)
		return err
	})
	return result, err
}

// send sends a transaction and waits until it has succeeded in a block.
func (a *account) send(ctx context.Context, what string, to *types.Address, value *big.Int, data []byte) (*gethtypes.Receipt, error) {
	var tx *gethtypes.Transaction
	err := a.client.Do(ctx, func(ctx context.Context, conn evm.Conn) (err error) {
		if tx == nil {
			if tx, err = a.build(ctx, conn, to, value, data); err != nil {
				return err
			}
		}
		return conn.Eth.SendTransaction(ctx, tx)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	receipt, err := a.await(ctx, tx.Hash())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if receipt.Status != gethtypes.ReceiptStatusSuccessful {
		return nil, fmt.Errorf("%s: transaction %s reverted", what, tx.Hash())
	}
	return receipt, nil
}

func (a *account) build(ctx context.Context, conn evm.Conn, to *types.Address, value *big.Int, data []byte) (*gethtypes.Transaction, error) {
	from := a.key.Address()
	nonce, err := conn.Eth.PendingNonceAt(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("read the account's nonce: %w", err)
	}
	head, err := conn.Eth.HeaderByNumber(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("read the newest block: %w", err)
	}
	gas, err := conn.Eth.EstimateGas(ctx, ethereum.CallMsg{From: from, To: to, Value: value, Data: data})
	if err != nil {
		return nil, fmt.Errorf("try it: %w", err)
	}
	gas += gas / 5
	id := new(big.Int).SetUint64(uint64(a.client.ChainID()))
	if head.BaseFee == nil {
		price, err := conn.Eth.SuggestGasPrice(ctx)
		if err != nil {
			return nil, fmt.Errorf("ask for a price: %w", err)
		}
		return a.key.SignTx(gethtypes.NewTx(&gethtypes.LegacyTx{Nonce: nonce, GasPrice: price, Gas: gas, To: to, Value: value, Data: data}), id)
	}
	tip, err := conn.Eth.SuggestGasTipCap(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for a tip: %w", err)
	}
	most := new(big.Int).Add(new(big.Int).Mul(head.BaseFee, big.NewInt(2)), tip)
	return a.key.SignTx(gethtypes.NewTx(&gethtypes.DynamicFeeTx{
		ChainID: id, Nonce: nonce, GasTipCap: tip, GasFeeCap: most, Gas: gas, To: to, Value: value, Data: data,
	}), id)
}

const (
	receiptPoll = 200 * time.Millisecond // how often a receipt is asked for
	receiptWait = 10 * time.Minute       // how long a transaction may take into a block
)

func (a *account) await(ctx context.Context, hash types.Hash) (*gethtypes.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, receiptWait)
	defer cancel()
	ticker := time.NewTicker(receiptPoll)
	defer ticker.Stop()
	for {
		var receipt *gethtypes.Receipt
		err := a.client.Do(ctx, func(ctx context.Context, conn evm.Conn) (err error) {
			receipt, err = conn.Eth.TransactionReceipt(ctx, hash)
			if errors.Is(err, ethereum.NotFound) {
				return nil
			}
			return err
		})
		if err == nil && receipt != nil {
			return receipt, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for transaction %s: %w", hash, ctx.Err())
		case <-ticker.C:
		}
	}
}

// code reads the code at an address.
func (a *account) code(ctx context.Context, at types.Address) ([]byte, error) {
	return codeAt(ctx, a.client, at)
}

func codeAt(ctx context.Context, client *evm.Client, at types.Address) (code []byte, err error) {
	err = client.Do(ctx, func(ctx context.Context, conn evm.Conn) error {
		code, err = conn.Eth.CodeAt(ctx, at, nil)
		return err
	})
	return bytes.Clone(code), err
}

// openKeyFile opens a keystore file that lies outside the home.
func openKeyFile(path, passphrase string) (signer.Key, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	opened, err := keystore.DecryptKey(content, passphrase)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", path, err)
	}
	return signer.ParseHex(hex.EncodeToString(crypto.FromECDSA(opened.PrivateKey)))
}
