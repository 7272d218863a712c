package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
)

// detour is an endpoint that hands questions on to a chain, which may be changed.
type detour struct {
	*httptest.Server
	target atomic.Pointer[url.URL]
}

func newDetour() *detour {
	d := &detour{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(d.target.Load()) }}
	d.Server = httptest.NewServer(http.HandlerFunc(proxy.ServeHTTP))
	return d
}

// leadTo changes where questions go.
func (d *detour) leadTo(address string) error {
	target, err := url.Parse(address)
	if err == nil {
		d.target.Store(target)
	}
	return err
}
