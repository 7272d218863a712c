package balance_test

import (
	"context"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/icrosschain/bridged/cmd/devnet/balance"
)

// endpoint answers every request with the given JSON result.
func endpoint(t *testing.T, result string, seen *[]any) *balance.Reader {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params []any           `json:"params"`
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			t.Error(err)
		}
		if seen != nil {
			*seen = append(*seen, request.Method, request.Params)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":` + string(request.ID) + `,"result":` + result + `}`))
	}))
	t.Cleanup(server.Close)
	reader, err := balance.Dial(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reader.Close)
	return reader
}

func TestRequests(t *testing.T) {
	token, holder := balance.Address{0: 0xaa, 19: 1}, balance.Address{0: 0xbb, 19: 2}
	tokenText, holderText := "0xaa00000000000000000000000000000000000001", "0xbb00000000000000000000000000000000000002"
	cases := map[string]struct {
		ask  func(context.Context, *balance.Reader) (*big.Int, error)
		want string
	}{
		"native": {
			func(ctx context.Context, r *balance.Reader) (*big.Int, error) { return r.Native(ctx, holder) },
			`["eth_getBalance",["` + holderText + `","latest"]]`,
		},
		"token": {
			func(ctx context.Context, r *balance.Reader) (*big.Int, error) { return r.Token(ctx, token, holder) },
			`["eth_call",[{"data":"0x70a08231000000000000000000000000` + holderText[2:] + `","to":"` + tokenText + `"},"latest"]]`,
		},
		"supply": {
			func(ctx context.Context, r *balance.Reader) (*big.Int, error) { return r.Supply(ctx, token) },
			`["eth_call",[{"data":"0x18160ddd","to":"` + tokenText + `"},"latest"]]`,
		},
		"claimable": {
			func(ctx context.Context, r *balance.Reader) (*big.Int, error) { return r.Claimable(ctx, holder, token) },
			`["eth_call",[{"data":"0x1dfce5c6000000000000000000000000` + tokenText[2:] + `","to":"` + holderText + `"},"latest"]]`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			var seen []any
			reader := endpoint(t, `"0x`+strings.Repeat("0", 62)+`2a"`, &seen)
			amount, err := tc.ask(t.Context(), reader)
			if err != nil || amount.Int64() != 42 {
				t.Errorf("got %v, %v", amount, err)
			}
			asked, err := json.Marshal(seen)
			if err != nil || string(asked) != tc.want {
				t.Errorf("asked %s, want %s", asked, tc.want)
			}
		})
	}
}

func TestBadAnswers(t *testing.T) {
	for _, answer := range []string{`"0x"`, `""`, `"0xzz"`, `null`, `"-0x1"`} {
		reader := endpoint(t, answer, nil)
		if amount, err := reader.Supply(t.Context(), balance.Address{1}); err == nil {
			t.Errorf("supply from %s is %s", answer, amount)
		}
		if amount, err := reader.Native(t.Context(), balance.Address{1}); err == nil {
			t.Errorf("balance from %s is %s", answer, amount)
		}
	}
	if amount, err := endpoint(t, `"0x2a"`, nil).Supply(t.Context(), balance.Address{1}); err == nil {
		t.Errorf("a short word is %s", amount)
	}
	if _, err := balance.Dial(t.Context(), "carrier-pigeon://loft"); err == nil {
		t.Error("dialled a pigeon")
	}
}

func TestKnowsNothingOfTheBridge(t *testing.T) {
	output, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/icrosschain/bridged/"
	for dependency := range strings.FieldsSeq(string(output)) {
		if strings.HasPrefix(dependency, module) && dependency != module+"cmd/devnet/balance" {
			t.Errorf("the witness imports %s", dependency)
		}
	}
}
