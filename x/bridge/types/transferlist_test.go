package types_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/icrosschain/bridged/x/bridge/types"
)

func TestTransferList(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var list types.TransferList
		var want []types.TransferID
		for range rapid.IntRange(0, 20).Draw(rt, "transfers") {
			id := types.TransferID{
				Source: types.ChainID(rapid.SampledFrom([]uint64{0, 1, 31337, 1<<64 - 1}).Draw(rt, "source")), Nonce: rapid.Uint64().Draw(rt, "nonce"),
			}
			list.Add(id)
			want = append(want, id)
		}
		got, err := types.ParseTransferList(list.String())
		if err != nil || !slices.Equal(got, want) {
			rt.Fatalf("%s: %v, %v, want %v", list.String(), got, err, want)
		}
	})
	var list types.TransferList
	for _, id := range []types.TransferID{{Source: 1, Nonce: 7}, {Source: 1, Nonce: 8}, {Source: 1, Nonce: 12}, {Source: 2, Nonce: 3}} {
		list.Add(id)
	}
	if got := list.String(); got != "1/7,8,12,2/3" {
		t.Errorf("%s", got)
	}
	for _, bad := range []string{"7", ",", "1/", "/7", "1/7,", "1/7,x", "1/2/3", "-1/2", "1/18446744073709551616"} {
		if got, err := types.ParseTransferList(bad); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}
