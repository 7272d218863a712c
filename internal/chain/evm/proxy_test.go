package evm

import (
	"testing"

	"github.com/icrosschain/bridged/test/badproxy"
)

type (
	call   = badproxy.Call
	answer = badproxy.Answer
)

// lie is a trouble of a test's own: it changes a request, an answer, or how that
// is sent. Any of them may be nil.
type lie struct {
	ask  func(*call)
	tell func(call, *answer)
	send func(call, *badproxy.Reply)
}

// proxy stands between a client and a chain's server, and tells one lie.
type proxy struct {
	*badproxy.Proxy
	URL string
}

func newProxy(t *testing.T, target string, l lie) *proxy {
	t.Helper()
	p := &proxy{Proxy: badproxy.ForTest(t, badproxy.Config{Target: target})}
	p.URL = p.Proxy.URL()
	p.tell(l)
	return p
}

// tell replaces the lie.
func (p *proxy) tell(l lie) {
	trouble := badproxy.Trouble{Name: "lie"}
	if l.ask != nil {
		trouble.Ask = func(x *badproxy.Exchange) bool {
			l.ask(&x.Call)
			return true
		}
	}
	if l.tell != nil {
		trouble.Tell = func(x *badproxy.Exchange) bool {
			l.tell(x.Call, &x.Answer)
			return true
		}
	}
	if l.send != nil {
		trouble.Send = func(x *badproxy.Exchange, r *badproxy.Reply) { l.send(x.Call, r) }
	}
	p.Set(badproxy.Rule{Trouble: trouble})
}

func (p *proxy) count(method string) int { return p.Calls(method) }

// on bends the result of one method, decoded as T.
func on[T any](method string, bend func(T) T) lie {
	return lie{tell: func(c call, a *answer) {
		if c.Method == method {
			x := badproxy.Exchange{Call: c, Answer: *a}
			badproxy.On(func(_ *badproxy.Exchange, result T) T { return bend(result) })(&x)
			*a = x.Answer
		}
	}}
}

// silent never answers the methods, or any if none is named.
func silent(methods ...string) badproxy.Rule {
	return badproxy.Rule{Trouble: badproxy.Named("half-open"), Methods: methods}
}
