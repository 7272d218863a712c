package evm

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// maxAnswer bounds what one answer may take of the memory. 10,000 logs of
	// deposits with the most data are about 30 MB.
	maxAnswer = 64 << 20
	// idleConnections of one endpoint are kept, for requests at once.
	idleConnections = 16
	// maxErrorText bounds what a server's error page adds to a log line, in bytes.
	maxErrorText = 500
)

var errTooLong = errors.New("answer is too long")

// boundedTransport cuts answers off that are longer than any honest one, and
// notes for how long a server wants to be left alone.
type boundedTransport struct {
	next *http.Transport
	most int64 // bytes of one answer
	// retryAfter is of the newest answer that said so; 0 if a later one did not.
	retryAfter atomic.Int64
}

func newTransport(address string) *boundedTransport {
	next := http.DefaultTransport.(*http.Transport).Clone()
	next.MaxIdleConnsPerHost = idleConnections
	// A node on this machine would take a third of the time of an answer for its
	// compression, and bytes cost nothing here.
	next.DisableCompression = isLocal(address)
	return &boundedTransport{next: next, most: maxAnswer}
}

// isLocal says whether an address is one of this machine's own.
func isLocal(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// RoundTrip implements http.RoundTripper.
func (t *boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusTooManyRequests {
		t.retryAfter.Store(int64(retryAfter(response.Header.Get("Retry-After"), time.Now())))
	}
	response.Body = &boundedBody{ReadCloser: response.Body, left: t.most}
	return response, nil
}

// retryAfter reads the header of that name: seconds, or a date. 0: it says
// nothing of use.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second //nolint:gosec // 31 bits
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(date.Sub(now), 0)
	}
	return 0
}

type boundedBody struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// tidied is an error as people may read it: on one line, not too long, and
// without the URL, which often holds a key.
type tidied struct {
	text string
	err  error
}

// Error implements error.
func (t *tidied) Error() string { return t.text }

// Unwrap gives errors.Is and errors.As the error itself.
func (t *tidied) Unwrap() error { return t.err }

// tidy makes an error of a server fit for logs. Secrets are what of its URL must
// not be read anywhere.
func tidy(err error, secrets *strings.Replacer) error {
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err
	}
	text := strings.Join(strings.Fields(secrets.Replace(clip(err.Error()))), " ")
	return &tidied{text, err}
}

// clip keeps the beginning of a text that is longer than a log line should be: a
// server's page of HTML, say.
func clip(text string) string {
	if len(text) <= maxErrorText {
		return text
	}
	return strings.ToValidUTF8(text[:maxErrorText], "") + " …"
}

// secretsOf are the parts of a URL in which providers put keys.
func secretsOf(address string) *strings.Replacer {
	u, err := url.Parse(address)
	if err != nil {
		return strings.NewReplacer(address, "[redacted]")
	}
	var pairs []string
	hide := func(secret string) {
		if len(secret) > 1 {
			pairs = append(pairs, secret, "[redacted]")
		}
	}
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil {
		hide(address)
	}
	hide(u.RequestURI())
	hide(strings.TrimRight(u.Path, "/"))
	hide(u.RawQuery)
	if u.User != nil {
		hide(u.User.String())
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if len(part) >= 12 { // no word of an API
			hide(part)
		}
	}
	return strings.NewReplacer(pairs...)
}
