package badproxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// Methods that lies are about.
var (
	headerMethods  = []string{"eth_getBlockByNumber", "eth_getBlockByHash", "eth_getHeaderByNumber", "eth_getHeaderByHash"}
	logMethods     = []string{"eth_getLogs"}
	proofMethods   = []string{"eth_getProof"}
	receiptMethods = []string{"eth_getTransactionReceipt", "eth_getBlockReceipts"}
)

// Troubles are all that a proxy can do. To add one is to add a line: tests that
// go through all of them then try it as well.
var Troubles = slices.Concat(slow, broken, refusing, heads, headers, logs, proofs, receipts, sending, forged)

// Named is a trouble of the table. It panics if there is none of this name.
func Named(name string) Trouble {
	i := slices.IndexFunc(Troubles, func(t Trouble) bool { return t.Name == name })
	if i < 0 {
		panic(fmt.Sprintf("no trouble %q in %v", name, Names()))
	}
	return Troubles[i]
}

// Names are those of all troubles.
func Names() (names []string) {
	for _, t := range Troubles {
		names = append(names, t.Name)
	}
	return names
}

// Rules are all troubles at once, each with the same share of the requests.
func Rules(share float64) (rules []Rule) {
	for _, t := range Troubles {
		rules = append(rules, Rule{Trouble: t, Share: share})
	}
	return rules
}

// Delay answers after a time between two bounds.
func Delay(name string, least, most time.Duration) Trouble {
	return Trouble{Name: name, Send: func(x *Exchange, r *Reply) {
		r.Wait += least
		if most > least {
			r.Wait += time.Duration(x.Dice.Int64N(int64(most - least)))
		}
	}}
}

var slow = []Trouble{
	Delay("delay", 120*time.Millisecond, 120*time.Millisecond),
	Delay("jitter", 0, 250*time.Millisecond),
	{Name: "half-open", Unasked: true, Send: func(_ *Exchange, r *Reply) { r.Silent = true }},
	{Name: "answer lost", Send: func(_ *Exchange, r *Reply) { r.Silent = true }},
}

var broken = []Trouble{
	{Name: "drop", Unasked: true, Send: func(_ *Exchange, r *Reply) { r.Drop = true }},
	{Name: "truncated", Send: func(_ *Exchange, r *Reply) { r.Cut = max(1, len(r.Body)/2) }},
	{Name: "malformed", Send: func(x *Exchange, r *Reply) { r.Body = garble(x, r.Body) }},
	{Name: "page", Unasked: true, Send: func(_ *Exchange, r *Reply) {
		r.Header, r.Body = http.Header{"Content-Type": {"text/html"}}, []byte("<html><h1>It works</h1></html>")
	}},
	{Name: "empty", Send: func(_ *Exchange, r *Reply) { r.Body = nil }},
	{Name: "null", Tell: func(x *Exchange) bool {
		x.Answer.Result, x.Answer.Error = json.RawMessage("null"), nil
		return true
	}},
	{Name: "wrong type", Tell: Say(object{"a": []int{1}})},
	{Name: "wrong id", Send: func(_ *Exchange, r *Reply) {
		r.Body = bytes.ReplaceAll(r.Body, []byte(`"id":`), []byte(`"id":9`))
	}},
}

// garble cuts an answer short, as JSON, and lets the message itself end well.
func garble(x *Exchange, body []byte) []byte {
	if len(body) < 2 {
		return []byte("{")
	}
	return body[:1+x.Dice.IntN(len(body)-1)]
}

func status(code int, header http.Header, body string) func(*Exchange, *Reply) {
	return func(_ *Exchange, r *Reply) { r.Status, r.Header, r.Body = code, maps.Clone(header), []byte(body) }
}

// refuse is a complaint of the server itself.
func refuse(code int, message string) func(*Exchange) bool {
	return func(x *Exchange) bool {
		x.Answer.fail(code, message)
		return true
	}
}

var refusing = []Trouble{
	{Name: "429", Unasked: true, Send: status(http.StatusTooManyRequests, http.Header{"Retry-After": {"1"}}, "slow down")},
	{Name: "401", Unasked: true, Send: status(http.StatusUnauthorized, nil, "no such key")},
	{Name: "500", Unasked: true, Send: status(http.StatusInternalServerError, nil, "")},
	{Name: "503", Unasked: true, Send: status(http.StatusServiceUnavailable, http.Header{"Content-Type": {"text/html"}}, "<html>busy</html>")},
	{Name: "internal error", Tell: refuse(-32603, "internal error")},
	{Name: "limit exceeded", Methods: logMethods, Tell: refuse(-32005, "query returned more than 10000 results")},
	{Name: "rate limit", Tell: refuse(-32005, "daily request count exceeded, request rate limited")},
	{Name: "method missing", Tell: refuse(-32601, "the method does not exist/is not available")},
}
