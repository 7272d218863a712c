package cli

import (
	"bytes"
	"os"
	"testing"

	"github.com/icrosschain/bridged/internal/ops"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func TestStatusShowsRelayers(t *testing.T) {
	s := &session{homeDir: t.TempDir()}
	if len(s.relayers()) != 0 {
		t.Error("no home has relayers")
	}
	if err := os.MkdirAll(s.home().Data(), 0o700); err != nil {
		t.Fatal(err)
	}
	written := []ops.RelayerReport{
		{Chain: 1, Label: "alpha", Hold: "nothing_open"},
		{Chain: 2, Label: "beta", Account: types.Address{19: 7}, Hold: "spending_limit", Balance: types.NewAmount(25e15), LowBalance: true},
		{Chain: 3, Label: "gamma", Hold: "fees_above_limit", Err: "no endpoint answers"},
	}
	if err := ops.WriteRelayers(s.home().RelayersFile(), written); err != nil {
		t.Fatal(err)
	}
	relayers := s.relayers()
	var out bytes.Buffer
	for id := range types.ChainID(3) {
		printRelayer(&out, *relayers[id+1])
	}
	want := `The relayer sends nothing more to beta: the day's limit (spend_per_day) is reached (spending_limit).
The relayer's account on beta is low: 0x0000000000000000000000000000000000000007 has 0.025 coins.
The relayer sends nothing more to gamma: gas costs more than max_fee_gwei (fees_above_limit).
The relayer has trouble with gamma: no endpoint answers
`
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
}
