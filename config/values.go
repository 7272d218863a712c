package config

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/icrosschain/bridged/x/bridge/types"
)

// Finality says when a block of a chain counts as final.
type Finality struct {
	Tag           string // "finalized" or "safe"; empty where Confirmations decides
	Confirmations uint64
}

// String is the form in app.toml.
func (f Finality) String() string {
	if f.Tag != "" {
		return f.Tag
	}
	return strconv.FormatUint(f.Confirmations, 10)
}

func parseFinality(text string) (Finality, error) {
	if text == "finalized" || text == "safe" {
		return Finality{Tag: text}, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 || n > 100_000 {
		return Finality{}, fmt.Errorf(`want "finalized", "safe" or a number of confirmations from 1 to 100000`)
	}
	return Finality{Confirmations: n}, nil
}

// Endpoint is one JSON-RPC server of a chain.
type Endpoint struct {
	URL   string
	Group string // who runs it; min_agree counts groups
}

// ParseEndpoint reads URL or GROUP=URL; the group is the host name by default.
func ParseEndpoint(text string) (Endpoint, error) {
	group, address := "", text
	if before, after, found := strings.Cut(text, "="); found && !strings.ContainsAny(before, ":/") {
		group, address = before, after
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return Endpoint{}, fmt.Errorf("%q: want URL or GROUP=URL, for example https://rpc.example.org", redactURL(text))
	}
	switch u.Scheme {
	case "http", "https", "ws", "wss":
	default:
		return Endpoint{}, fmt.Errorf("%q: scheme is http, https, ws or wss", redactURL(text))
	}
	if group == "" {
		group = u.Hostname()
	}
	return Endpoint{URL: address, Group: group}, nil
}

// String is the form in app.toml. It holds the URL's secrets.
func (e Endpoint) String() string {
	if u, err := url.Parse(e.URL); err == nil && u.Hostname() == e.Group {
		return e.URL
	}
	return e.Group + "=" + e.URL
}

// Redacted shows who is asked, without path, query and password, where
// providers put their keys.
func (e Endpoint) Redacted() string { return e.Group + "=" + redactURL(e.URL) }

// redactURL keeps scheme and host of a URL.
func redactURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "[redacted]"
	}
	shown := u.Scheme + "://" + u.Host
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil {
		shown += "/[redacted]"
	}
	return shown
}

// assign parses raw, as a file, the environment or a flag gives it, into the
// value that target points to.
func assign(target, raw any) error {
	text := fmt.Sprint(raw)
	switch t := target.(type) {
	case *string:
		if _, ok := raw.(string); !ok {
			return fmt.Errorf("want text in quotes")
		}
		*t = text
	case *bool:
		v, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("want true or false")
		}
		*t = v
	case *uint64:
		v, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return fmt.Errorf("want a whole number from 0")
		}
		*t = v
	case *time.Duration:
		v, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf(`want a duration with its unit, for example "500ms"`)
		}
		*t = v
	case *types.Address:
		if !strings.HasPrefix(text, "0x") || !common.IsHexAddress(text) {
			return fmt.Errorf("want an address: 0x and 40 hexadecimal digits")
		}
		*t = common.HexToAddress(text)
	case *types.Hash:
		v, err := parseHash(text)
		if err != nil {
			return err
		}
		*t = v
	case *types.Amount:
		v, err := types.ParseAmount(text)
		if err != nil {
			return fmt.Errorf("want a whole decimal number in quotes")
		}
		*t = v
	case *Coins:
		if _, ok := raw.(string); !ok {
			return errCoins
		}
		v, err := ParseCoins(text)
		if err != nil {
			return err
		}
		*t = v
	case *[]string:
		v, err := parseList(raw)
		if err != nil {
			return err
		}
		*t = v
	case *Finality:
		v, err := parseFinality(text)
		if err != nil {
			return err
		}
		*t = v
	case *[]Endpoint:
		v, err := parseEndpoints(raw)
		if err != nil {
			return err
		}
		*t = v
	default:
		panic(fmt.Sprintf("config: no parser for %T", target))
	}
	return nil
}

func parseHash(text string) (hash types.Hash, err error) {
	if text == "" {
		return hash, nil
	}
	raw, err := hexutil.Decode(text)
	if err != nil || len(raw) != len(hash) {
		return hash, fmt.Errorf("want a hash: 0x and 64 hexadecimal digits")
	}
	return types.Hash(raw), nil
}

func parseEndpoints(raw any) ([]Endpoint, error) {
	texts, err := parseList(raw)
	if err != nil {
		return nil, err
	}
	var endpoints []Endpoint
	for _, text := range texts {
		e, err := ParseEndpoint(text)
		if err != nil {
			return nil, err
		}
		endpoints = append(endpoints, e)
	}
	return endpoints, nil
}

// parseList reads a list of URLs; nil if it is empty.
func parseList(raw any) (texts []string, err error) {
	switch list := raw.(type) {
	case string: // the environment: a list with commas
		for text := range strings.SplitSeq(list, ",") {
			texts = append(texts, strings.TrimSpace(text))
		}
		return texts, nil
	case []any:
		for _, item := range list {
			text, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("want a list of URLs in quotes")
			}
			texts = append(texts, strings.TrimSpace(text))
		}
		return texts, nil
	}
	return nil, fmt.Errorf("want a list of URLs in quotes")
}

// literal is the TOML form of the value that target points to.
func literal(target any) string {
	switch t := target.(type) {
	case *string:
		return strconv.Quote(*t)
	case *bool:
		return strconv.FormatBool(*t)
	case *uint64:
		return strconv.FormatUint(*t, 10)
	case *time.Duration:
		return strconv.Quote(t.String())
	case *types.Address:
		return strconv.Quote(t.Hex())
	case *types.Hash:
		if *t == (types.Hash{}) {
			return `""`
		}
		return strconv.Quote(t.Hex())
	case *types.Amount:
		return strconv.Quote(t.String())
	case *Coins:
		return strconv.Quote(t.String())
	case *[]string:
		return quoteAll(*t, func(text string) string { return text })
	case *Finality:
		if t.Tag != "" {
			return strconv.Quote(t.Tag)
		}
		return t.String()
	case *[]Endpoint:
		return quoteAll(*t, Endpoint.String)
	}
	panic(fmt.Sprintf("config: no TOML form for %T", target))
}

// display is literal without secrets.
func display(target any) string {
	switch t := target.(type) {
	case *[]Endpoint:
		return quoteAll(*t, Endpoint.Redacted)
	case *[]string:
		return quoteAll(*t, redactURL)
	}
	return literal(target)
}

// quoteAll is a TOML list.
func quoteAll[T any](list []T, text func(T) string) string {
	quoted := make([]string, len(list))
	for i, item := range list {
		quoted[i] = strconv.Quote(text(item))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
