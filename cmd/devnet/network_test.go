package main

import (
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

func TestAssets(t *testing.T) {
	alpha, beta := &chain{name: alphaName}, &chain{name: betaName}
	tokens := []*token{
		{name: "Gold", symbol: "GOLD", decimals: 18, home: alpha, address: common.Address{1}},
		{name: "Silver", symbol: "SILVER", decimals: 6, home: beta, address: common.Address{2}},
	}
	assets := newAssets(chains{alpha, beta}, tokens)
	if len(assets) != 3 {
		t.Fatalf("%d assets", len(assets))
	}
	silver, coin := assets[1], assets[2]
	if silver.away != alpha || silver.token(beta) != (common.Address{2}) || silver.native(beta) {
		t.Errorf("%+v", silver)
	}
	if !coin.native(alpha) || coin.native(beta) {
		t.Errorf("%+v", coin)
	}
	if amount := silver.milli(1_007); amount.Cmp(big.NewInt(1_007_000)) != 0 || silver.text(amount) != "1.007" {
		t.Errorf("%s is %s", amount, silver.text(amount))
	}
	got := strings.Join(silver.flags(), " ")
	want := "SILVER --name Silver --decimals 6 --token chain=beta,mode=lock,address=0x0200000000000000000000000000000000000000," +
		"release_fee=10000,refund_fee=10000 --token chain=alpha,mode=mint,release_fee=10000,refund_fee=10000,large=500000000"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if flags := strings.Join(coin.flags(), " "); !strings.Contains(flags, "chain=alpha,mode=lock,address=native,") {
		t.Errorf("got %s", flags)
	}
}

func TestDeployedAddress(t *testing.T) {
	address, err := parseDeployed([]byte(`{"chain_id": 1, "bridge": "0x00000000000000000000000000000000000000aa"}`))
	if err != nil || address != common.HexToAddress("0xaa") {
		t.Errorf("%s, %v", address, err)
	}
	for _, bad := range []string{`{}`, `{"bridge": "0x"}`, `prose`} {
		if _, err := parseDeployed([]byte(bad)); err == nil {
			t.Errorf("took %s", bad)
		}
	}
}

func TestStrangersDiffer(t *testing.T) {
	if stranger(1) == stranger(2) {
		t.Error("two recipients are one")
	}
}

func TestWatch(t *testing.T) {
	cs := testChains(t, newCast())
	w := watchChain(cs[0].node)
	defer w.close()
	deadline := time.Now().Add(20 * time.Second)
	for {
		final, ok := w.finalised(5)
		if ok {
			mined, known := w.mined(5)
			if !known || !final.After(mined) {
				t.Errorf("mined %s (%t), final %s", mined, known, final)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("block 5 is never final")
		}
		time.Sleep(watchInterval)
	}
	if _, ok := w.mined(1_000_000); ok {
		t.Error("a block of the future was seen")
	}
}

func TestShownPaths(t *testing.T) {
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(here, "bin", "bridged"): "bin/bridged",
		filepath.Join(here, "bridged"):        "./bridged",
		"/usr/bin/true":                       "/usr/bin/true",
	} {
		if got := shown(path); got != want {
			t.Errorf("%s is shown as %s, want %s", path, got, want)
		}
	}
}
