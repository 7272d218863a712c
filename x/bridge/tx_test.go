package bridge_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common/math"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"
	"google.golang.org/protobuf/proto"

	"github.com/icrosschain/bridged/x/bridge"
	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/bridgetest"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// contents is one proposal of each kind, each well formed.
func contents() []types.Content {
	token := types.Token{
		Chain: beta, Mode: types.ModeMint, Decimals: 6, ReleaseFee: types.NewAmount(5_000_000_000_000),
		Limit: types.TokenLimit{Minimum: types.NewAmount(1), Capacity: types.NewAmount(1 << 40), Rate: types.NewAmount(1 << 30)},
		Flow:  types.FlowLimit{Capacity: types.NewAmount(9), Rate: types.NewAmount(2)}, Large: types.NewAmount(77),
	}
	return []types.Content{
		{Text: &types.Text{Title: `A "question"`, Text: "Is it so?\nOr not: ä€😀"}},
		{Params: &types.ParamChanges{Changes: []types.ParamChange{{Name: "max_marks", Value: 32}, {Name: "keep_blocks", Value: 7}}}},
		{Unpause: &types.Unpause{Chain: alpha}},
		{AddChain: &types.AddChain{
			Chain: types.Chain{
				ID: 31003, Label: "gamma", Bridge: types.Address{0xb0, 3}, BatchGas: types.DefaultBatchGas,
				ReleaseGas: types.DefaultReleaseGas, ExpiryBlocks: 100,
			},
			CodeHash: types.Hash{1}, Block: 12, SetHash: types.Hash{2},
		}},
		{ChangeChain: &types.ChangeChain{ID: beta, BatchGapMS: 1000, BatchGas: types.DefaultBatchGas, ReleaseGas: 200_000, ExpiryBlocks: 50}},
		{RetireChain: &types.RetireChain{ID: alpha}},
		{ReanchorChain: &types.Reanchor{
			ID: alpha, Block: 9, Nonce: 7, Hash: types.Hash{3}, Common: 5, OutboxNonce: 4, NextItem: 2,
			Balances: []types.AssetBalance{{Asset: types.AssetID{1}, Amount: types.NewAmount(1000)}, {Asset: types.AssetID{2}}},
		}},
		{RegisterAsset: &types.RegisterAsset{Asset: types.Asset{
			ID: types.AssetID{9}, Name: "Silver", Symbol: "SILV", Decimals: 18, Tokens: []types.Token{
				{Chain: alpha, Mode: types.ModeLock, Token: types.Address{0xa9}, Decimals: 18}, token,
			},
		}}},
		{MapAsset: &types.MapAsset{Asset: types.AssetID{1}, Token: token}},
		{ResolveQuarantine: &types.ResolveQuarantine{ID: 3, Action: types.QuarantineRefund}},
		{AdmitValidator: &types.AdmitValidator{Registration: bridgetest.NewValidators(1)[0].Registration(), Power: 20}},
		{SetPower: &types.SetPower{Validator: types.ValidatorID{7}, Power: 21}},
		{RemoveValidator: &types.RemoveValidator{Validator: types.ValidatorID{8}}},
	}
}

// messages is one message of each kind besides proposals.
func messages() []types.Tx {
	return []types.Tx{
		{Vote: &types.GovVote{Proposal: 7, Yes: true}},
		{Vote: &types.GovVote{Proposal: 7}},
		{Edit: &types.EditValidator{Moniker: "another name"}},
		{Rotate: &types.RotateSigner{Signer: types.Address{4}, Signature: types.Signature{5}}},
		{ChangeOperator: &types.ChangeOperator{Operator: types.Address{6}, Signature: types.Signature{7}}},
		{Leave: &types.Leave{}},
		{Unjail: &types.Unjail{}},
		{Report: &types.ReportSignature{Epoch: 2, Height: 77, Root: types.Hash{8}, Signature: types.Signature{9}}},
		{Report: &types.ReportSignature{Epoch: 2, Height: 77, Root: types.Hash{8}, Signature: types.Signature{9}, Witness: &types.SealWitness{
			Entry: types.SealEntry{Previous: 75, Height: 78, Epoch: 2, Root: types.Hash{7}}, Position: 5, Path: []types.Hash{{1}, {2}},
		}}},
	}
}

// The golden transactions name every kind that there is.
func TestGoldenTransactionsAreOfEveryKind(t *testing.T) {
	set := func(value any, of map[string]bool) {
		for i, v := 0, reflect.ValueOf(value); i < v.NumField(); i++ {
			if v.Field(i).Kind() == reflect.Pointer && !v.Field(i).IsNil() {
				of[v.Type().Field(i).Name] = true
			}
		}
	}
	kinds, pointers := map[string]bool{}, 0
	for _, tx := range transactions(types.Address{1}) {
		set(tx, kinds)
		if tx.Propose != nil {
			set(tx.Propose.Content, kinds)
		}
	}
	for _, of := range []reflect.Type{reflect.TypeFor[types.Tx](), reflect.TypeFor[types.Content]()} {
		for i := range of.NumField() {
			if of.Field(i).Type.Kind() != reflect.Pointer {
				continue
			}
			if pointers++; !kinds[of.Field(i).Name] {
				t.Errorf("no golden transaction has %s.%s", of.Name(), of.Field(i).Name)
			}
		}
	}
	if pointers != len(kinds) {
		t.Errorf("%d kinds, %d are there", len(kinds), pointers)
	}
}

// What the keys of a validator sign is EIP-712 that a wallet shows.
func TestRegistrationDigestIsAWallets(t *testing.T) {
	r := bridgetest.NewValidators(1)[0].Registration()
	digest, _, err := apitypes.TypedDataAndHash(apitypes.TypedData{
		Types: apitypes.Types{
			"EIP712Domain": {{Name: "name", Type: "string"}, {Name: "version", Type: "string"}, {Name: "salt", Type: "bytes32"}},
			"Registration": {
				{Name: "operator", Type: "address"},
				{Name: "consensusKey", Type: "bytes"},
				{Name: "signer", Type: "address"},
				{Name: "moniker", Type: "string"},
			},
		},
		PrimaryType: "Registration",
		Domain:      apitypes.TypedDataDomain{Name: "bridged", Version: "1", Salt: crypto.Keccak256Hash([]byte(bridgetest.ChainID)).Hex()},
		Message: apitypes.TypedDataMessage{
			"operator": r.Operator.Hex(), "consensusKey": []byte(r.ConsensusKey), "signer": r.Signer.Hex(), "moniker": r.Moniker,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := evmsig.RegistrationDigest(evmsig.NetworkID(bridgetest.ChainID), r); got != types.Hash(digest) {
		t.Errorf("digest %s, a wallet's is %x", got, digest)
	}
}

// transactions is one transaction of each kind, with every kind of proposal.
func transactions(operator types.Address) []types.Tx {
	tx := types.Tx{ChainID: bridgetest.ChainID, Operator: operator, Sequence: 1, Expiry: 100}
	var txs []types.Tx
	for _, c := range contents() {
		tx.Propose = &types.GovPropose{Content: c}
		txs = append(txs, tx)
		tx.Sequence++
	}
	for _, m := range messages() {
		m.ChainID, m.Operator, m.Sequence, m.Expiry = bridgetest.ChainID, operator, 1<<40, 1<<50
		txs = append(txs, m)
	}
	return txs
}

// vector is one transaction with everything that follows from it, for other
// implementations. The key is keccak256("bridged operator").
type vector struct {
	Tx        types.Tx `json:"tx"`
	Action    string   `json:"action"`
	Body      string   `json:"body"`
	Digest    string   `json:"digest"`
	Signature string   `json:"signature"`
	Bytes     string   `json:"bytes"`
}

func TestGoldenTransactions(t *testing.T) {
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte("bridged operator")))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	for _, tx := range transactions(crypto.PubkeyToAddress(key.PublicKey)) {
		digest, err := bridge.TxDigest(tx)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := evmsig.Sign(key, digest)
		if err != nil {
			t.Fatal(err)
		}
		b, err := bridge.EncodeTx(tx, signature)
		if err != nil {
			t.Fatal(err)
		}
		var message pb.OperatorTx
		if err := proto.Unmarshal(b[1:], &message); err != nil {
			t.Fatal(err)
		}
		if want := walletDigest(t, tx, message.Body); digest != want {
			t.Errorf("%s: digest %s, a wallet's is %s", tx.Action(), digest, want)
		}
		decoded, err := bridge.DecodeTx(b)
		if err != nil || !reflect.DeepEqual(decoded.Tx, tx) || decoded.Digest != digest || decoded.Signature != signature {
			t.Errorf("%s: came back as %+v, %v", tx.Action(), decoded, err)
		}
		vectors = append(vectors, vector{
			tx, tx.Action(), hex.EncodeToString(message.Body), digest.Hex(), hex.EncodeToString(signature[:]), hex.EncodeToString(b),
		})
	}
	got, err := json.MarshalIndent(vectors, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", "transactions.json")
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("transactions differ from %s: wallets and other implementations would sign something else (%v)", path, err)
	}
}

// walletDigest is the digest as go-ethereum's signer computes it out of the
// types' description.
func walletDigest(t *testing.T, tx types.Tx, body []byte) types.Hash {
	t.Helper()
	field := func(name, kind string) apitypes.Type { return apitypes.Type{Name: name, Type: kind} }
	digest, _, err := apitypes.TypedDataAndHash(apitypes.TypedData{
		Types: apitypes.Types{
			"EIP712Domain": {field("name", "string"), field("version", "string"), field("salt", "bytes32")},
			"Transaction": {
				field("network", "string"), field("operator", "address"), field("sequence", "uint64"),
				field("expiry", "uint64"), field("action", "string"), field("body", "bytes32"),
			},
		},
		PrimaryType: "Transaction",
		Domain:      apitypes.TypedDataDomain{Name: "bridged", Version: "1", Salt: crypto.Keccak256Hash([]byte(tx.ChainID)).Hex()},
		Message: apitypes.TypedDataMessage{
			"network": tx.ChainID, "operator": tx.Operator.Hex(),
			"sequence": (*math.HexOrDecimal256)(new(big.Int).SetUint64(tx.Sequence)),
			"expiry":   (*math.HexOrDecimal256)(new(big.Int).SetUint64(tx.Expiry)),
			"action":   tx.Action(), "body": crypto.Keccak256Hash(body).Hex(),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return types.Hash(digest)
}

// What was read out of a file is what is on the wire.
func TestContentsComeBackFromJSON(t *testing.T) {
	for _, c := range contents() {
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		back, err := types.ParseContent(b)
		if err != nil || !reflect.DeepEqual(back, c) {
			t.Errorf("%s: %s came back as %+v, %v", c.Kind(), b, back, err)
		}
		if !strings.HasPrefix(string(b), `{"`+c.Kind()+`":`) {
			t.Errorf("%s is not the key of %s", c.Kind(), b)
		}
	}
}

// bent is a signed transaction whose message was changed before it was encoded.
func bent(t *testing.T, bend func(*pb.TxBody), bendOuter func(*pb.OperatorTx)) []byte {
	t.Helper()
	n := bridgetest.NewValidators(1)[0]
	tx := types.Tx{
		ChainID: bridgetest.ChainID, Operator: n.Operator, Sequence: 1, Expiry: 100,
		Propose: &types.GovPropose{Content: contents()[8]},
	}
	b, err := bridge.EncodeTx(tx, [types.SignatureBytes]byte{})
	if err != nil {
		t.Fatal(err)
	}
	var outer pb.OperatorTx
	var body pb.TxBody
	if err := errors.Join(proto.Unmarshal(b[1:], &outer), proto.Unmarshal(outer.Body, &body)); err != nil {
		t.Fatal(err)
	}
	if bend != nil {
		bend(&body)
		if outer.Body, err = (proto.MarshalOptions{Deterministic: true}).Marshal(&body); err != nil {
			t.Fatal(err)
		}
	}
	if bendOuter != nil {
		bendOuter(&outer)
	}
	return encode(t, []byte{1}, &outer)
}

func TestDecodeTxRefuses(t *testing.T) {
	token := func(body *pb.TxBody) *pb.TokenTerms { return body.GetPropose().Content.GetMapAsset().Token }
	if _, err := bridge.DecodeTx(bent(t, nil, nil)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		tx   []byte
		want *bridge.Error
	}{
		"empty":             {nil, bridge.ErrMalformed},
		"system":            {[]byte{0, 1}, bridge.ErrSystemTx},
		"version":           {append([]byte{2}, bent(t, nil, nil)[1:]...), bridge.ErrMalformed},
		"cut":               {bent(t, nil, nil)[:50], bridge.ErrMalformed},
		"trailing":          {append(bent(t, nil, nil), 0), bridge.ErrMalformed},
		"unknown field":     {append(bent(t, nil, nil), 0x78, 1), bridge.ErrMalformed},
		"too large":         {append(bent(t, nil, nil), make([]byte, types.MaxTxBytes)...), bridge.ErrTooLarge},
		"short signature":   {bent(t, nil, func(o *pb.OperatorTx) { o.Signature = o.Signature[1:] }), bridge.ErrMalformed},
		"field in the body": {bent(t, nil, func(o *pb.OperatorTx) { o.Body = append(o.Body, 0x78, 1) }), bridge.ErrMalformed},
		"field order": {bent(t, nil, func(o *pb.OperatorTx) {
			o.Body = append([]byte{0x18, 1}, o.Body...) // sequence first, and again
		}), bridge.ErrMalformed},
		"no message":     {bent(t, func(b *pb.TxBody) { b.Message = nil }, nil), bridge.ErrMalformed},
		"no content":     {bent(t, func(b *pb.TxBody) { b.GetPropose().Content = nil }, nil), bridge.ErrMalformed},
		"empty content":  {bent(t, func(b *pb.TxBody) { b.GetPropose().Content.Content = nil }, nil), bridge.ErrMalformed},
		"long operator":  {bent(t, func(b *pb.TxBody) { b.Operator = append(b.Operator, 0) }, nil), bridge.ErrMalformed},
		"zero operator":  {bent(t, func(b *pb.TxBody) { b.Operator = make([]byte, 20) }, nil), bridge.ErrMalformed},
		"sequence 0":     {bent(t, func(b *pb.TxBody) { b.Sequence = 0 }, nil), bridge.ErrMalformed},
		"network name":   {bent(t, func(b *pb.TxBody) { b.ChainId = "a\nb" }, nil), bridge.ErrMalformed},
		"leading zero":   {bent(t, func(b *pb.TxBody) { token(b).Large = []byte{0, 77} }, nil), bridge.ErrMalformed},
		"amount":         {bent(t, func(b *pb.TxBody) { token(b).Rate = bytes.Repeat([]byte{1}, 17) }, nil), bridge.ErrMalformed},
		"mode":           {bent(t, func(b *pb.TxBody) { token(b).Mode = 256 + 1 }, nil), bridge.ErrMalformed},
		"zero token":     {bent(t, func(b *pb.TxBody) { token(b).Token = make([]byte, 20) }, nil), bridge.ErrMalformed},
		"short token":    {bent(t, func(b *pb.TxBody) { token(b).Token = []byte{1} }, nil), bridge.ErrMalformed},
		"missing token":  {bent(t, func(b *pb.TxBody) { b.GetPropose().Content.GetMapAsset().Token = nil }, nil), bridge.ErrMalformed},
		"missing asset":  {bent(t, func(b *pb.TxBody) { b.GetPropose().Content.GetMapAsset().Asset = nil }, nil), bridge.ErrMalformed},
		"vote of nobody": {bent(t, func(b *pb.TxBody) { b.Message = &pb.TxBody_Vote{Vote: &pb.GovVote{Yes: true}} }, nil), bridge.ErrMalformed},
	} {
		if _, err := bridge.DecodeTx(c.tx); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestTextsAreWhatAWalletCanShow(t *testing.T) {
	for text, ok := range map[types.Text]bool{
		{Title: "plain"}:                                    true,
		{Title: ""}:                                         false,
		{Title: "two\nlines"}:                               false,
		{Title: "ünicode"}:                                  false,
		{Title: strings.Repeat("a", 101)}:                   false,
		{Title: "t", Text: "ünicode\nis fine"}:              true,
		{Title: "t", Text: "bell\a"}:                        false,
		{Title: "t", Text: "bad \xff utf-8"}:                false,
		{Title: "t", Text: strings.Repeat("a", 1+(16<<10))}: false,
	} {
		if err := (types.Content{Text: &text}).Validate(); (err == nil) != ok {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

func FuzzDecodeTx(f *testing.F) {
	n := bridgetest.NewValidators(1)[0]
	for _, tx := range transactions(n.Operator) {
		b, err := bridge.EncodeTx(tx, [types.SignatureBytes]byte{1})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tx, err := bridge.DecodeTx(b)
		if err != nil {
			return
		}
		again, err := bridge.EncodeTx(tx.Tx, tx.Signature)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x comes back as %x, %v", b, again, err)
		}
		if digest, err := bridge.TxDigest(tx.Tx); err != nil || digest != tx.Digest {
			t.Fatalf("digest %s, %s: %v", digest, tx.Digest, err)
		}
		if strings.ContainsFunc(tx.Action(), func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Fatalf("a wallet shows %q", tx.Action())
		}
	})
}
