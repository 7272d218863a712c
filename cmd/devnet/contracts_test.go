package main

import (
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/icrosschain/bridged/contracts/bindings"
)

func TestDepositCalls(t *testing.T) {
	parsed, err := bindings.BridgeMetaData.ParseABI()
	if err != nil {
		t.Fatal(err)
	}
	d := deposit{
		bridge: common.Address{1}, token: common.Address{2}, amount: big.NewInt(7), destination: betaID,
		recipient: common.Address{3}, refundTo: common.Address{4}, maxFee: big.NewInt(1),
	}
	for name, native := range map[string]bool{"deposit": false, "depositNative": true} {
		wantValue := int64(0)
		if native {
			d.token, wantValue = common.Address{}, 7
		} else {
			d.token = common.Address{2}
		}
		made := d.call()
		value := made.value
		if value == nil {
			value = new(big.Int)
		}
		method := parsed.Methods[name]
		if *made.to != d.bridge || value.Int64() != wantValue || string(made.data[:4]) != string(method.ID) {
			t.Errorf("%s: %+v", name, made)
		}
		values := map[string]any{}
		if err := method.Inputs.UnpackIntoMap(values, made.data[4:]); err != nil {
			t.Fatal(err)
		}
		if values["recipient"] != [32]byte(common.BytesToHash(d.recipient[:])) || values["destination"] != uint64(betaID) || values["refundTo"] != d.refundTo {
			t.Errorf("%s: %v", name, values)
		}
	}
	if allow := approve(d.token, d.bridge); *allow.to != d.token {
		t.Errorf("approve goes to %s", allow.to)
	}
}
