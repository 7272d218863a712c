package types_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// A proposal's file is written by people: whatever it holds is refused, or is
// the same content after a way through JSON.
func FuzzParseContent(f *testing.F) {
	for _, seed := range []string{
		`{"text":{"title":"a","text":"b"}}`,
		`{"params":{"changes":[{"name":"max_marks","value":3}]}}`,
		`{"unpause":{"chain":1}}`,
		`{"retire_chain":{"id":1}}`,
		`{"resolve_quarantine":{"id":1,"action":"drop"}}`,
		`{"change_chain":{"id":1,"batch_gap_ms":1,"batch_gas":16777216,"release_gas":150000,"expiry_blocks":1}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		content, err := types.ParseContent(b)
		if err != nil {
			return
		}
		written, err := json.Marshal(content)
		if err != nil {
			t.Fatalf("%s is taken but cannot be written: %v", b, err)
		}
		again, err := types.ParseContent(written)
		if err != nil {
			t.Fatalf("%s became %s: %v", b, written, err)
		}
		rewritten, err := json.Marshal(again)
		if err != nil || string(rewritten) != string(written) {
			t.Fatalf("%s became %s, then %s (%v)", b, written, rewritten, err)
		}
	})
}

// The short forms that users type: what is taken has one text.
func FuzzParseText(f *testing.F) {
	for _, seed := range []string{"0", "340282366920938463463374607431768211455", "alpha/7", "1/1", "0x00", "alpha"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if amount, err := types.ParseAmount(text); err == nil {
			if again, err := types.ParseAmount(amount.String()); err != nil || again != amount {
				t.Fatalf("amount %q is %s, and that is %s (%v)", text, amount, again, err)
			}
		}
		if chain, nonce, err := types.SplitTransferID(text); err == nil && (chain == "" || nonce == 0) {
			t.Fatalf("transfer id %q is taken as %q, %d", text, chain, nonce)
		}
		var id types.AssetID
		if id.UnmarshalText([]byte(text)) == nil {
			var again types.AssetID
			if err := again.UnmarshalText([]byte(id.String())); err != nil || !reflect.DeepEqual(id, again) {
				t.Fatalf("asset id %q is %s, and that is %s (%v)", text, id, again, err)
			}
		}
	})
}
