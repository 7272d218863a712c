package badproxy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

// Trouble is one thing that a bad server does to a request. Of its functions any
// may be nil. Ask and Tell say whether they found something to change.
type Trouble struct {
	Name    string
	Methods []string // that it concerns; nil: all
	// Ask changes the parameters before the node is asked.
	Ask func(*Exchange) bool
	// Tell changes the node's answer.
	Tell func(*Exchange) bool
	// Send changes how the reply to the whole message is sent.
	Send func(*Exchange, *Reply)
	// Unasked says that the node never hears of the request, nor of those in the
	// same batch.
	Unasked bool
}

// Exchange is a request that meets a trouble, and then its answer.
type Exchange struct {
	Call   Call
	Answer Answer
	Dice   *rand.Rand
	From   uint64 // of the rule

	ctx   context.Context
	proxy *Proxy
	forge *forge
}

// Node asks the good node.
func (x *Exchange) Node(result any, method string, params ...any) error {
	call := Call{Version: "2.0", Method: method}
	for _, p := range params {
		raw, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		call.Params = append(call.Params, raw)
	}
	answers, err := x.proxy.ask(x.ctx, []Call{call})
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	if answers[0].Error != nil {
		return fmt.Errorf("%s: %s", method, answers[0].Error)
	}
	return json.Unmarshal(answers[0].Result, result)
}

// param reads a parameter, if it is there.
func (x *Exchange) param(i int, value any) bool {
	return i < len(x.Call.Params) && json.Unmarshal(x.Call.Params[i], value) == nil
}

// setParam changes a parameter, and says so.
func (x *Exchange) setParam(i int, value any) bool {
	raw, err := json.Marshal(value)
	if err != nil || i >= len(x.Call.Params) || bytes.Equal(raw, x.Call.Params[i]) {
		return false
	}
	x.Call.Params[i] = raw
	return true
}

// fail makes an answer an error.
func (a *Answer) fail(code int, message string) {
	a.Result = nil
	a.Error, _ = json.Marshal(map[string]any{"code": code, "message": message}) // plain values
}

// On makes a Tell that changes results, decoded as T, where they are no errors
// and not null.
func On[T any](bend func(x *Exchange, result T) T) func(*Exchange) bool {
	return func(x *Exchange) bool {
		var result T
		if len(x.Answer.Result) == 0 || bytes.Equal(x.Answer.Result, []byte("null")) || json.Unmarshal(x.Answer.Result, &result) != nil {
			return false
		}
		before, err := json.Marshal(result)
		if err != nil {
			return false
		}
		after, err := json.Marshal(bend(x, result))
		if err != nil || bytes.Equal(before, after) {
			return false
		}
		x.Answer.Result = after
		return true
	}
}

// Say makes a Tell whose result is always the same.
func Say(result any) func(*Exchange) bool {
	return On(func(*Exchange, any) any { return result })
}

// object is a JSON object of which unknown fields are kept.
type object = map[string]any
