package node

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	cmtconfig "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/p2p"
	rpchttp "github.com/cometbft/cometbft/rpc/client/http"
	ctypes "github.com/cometbft/cometbft/rpc/core/types"
	jsonrpc "github.com/cometbft/cometbft/rpc/jsonrpc/client"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/x/bridge"
)

// Errors of joining.
var (
	// ErrUnreachable says that a server does not answer.
	ErrUnreachable = errors.New("the server does not answer")
	// ErrDisagree says that servers, or a server and what the operator knows,
	// contradict each other: one of them is wrong, or of another network.
	ErrDisagree = errors.New("the servers disagree")
	// ErrOneSource says that a single node is all there is to trust.
	ErrOneSource = errors.New("only one node to trust")
)

const (
	// trustLag is how many heights below the newest the trusted one is: a
	// snapshot above it is verified in a few steps, one below it header by header.
	trustLag = 10_000
	// maxGenesisChunks bounds what a server may call genesis; a chunk has 16 MiB.
	maxGenesisChunks = 8
	// maxAnswerBytes bounds one answer: a chunk of genesis in base64.
	maxAnswerBytes = 32 << 20
	// maxPeers is how many peers are taken from the servers.
	maxPeers = 20
)

// JoinSpec says how to join a network that runs.
type JoinSpec struct {
	Moniker     string
	RPC         []string // servers, as URL or host:port
	ChainID     string   // of the network; empty believes the servers
	GenesisHash string   // SHA-256 of the genesis file in hexadecimal; empty believes the servers
	TrustHeight int64    // of a block whose hash is known; 0 asks the servers
	TrustHash   []byte
	TrustOne    bool     // believe a single node
	Peers       []string // ID@HOST:PORT; empty asks the servers
	Endpoints   map[string][]config.Endpoint
}

// Joined is the home that Join made, and what it rests on.
type Joined struct {
	Identity
	ChainID     string        `json:"chain_id"`
	GenesisHash string        `json:"genesis_hash"`
	TrustHeight int64         `json:"trust_height"`
	TrustHash   string        `json:"trust_hash"`
	Sources     int           `json:"sources"` // nodes that agree on all of it
	Peers       []string      `json:"peers"`
	Chains      []JoinedChain `json:"chains"`
}

// JoinedChain is a chain of the network in the new home.
type JoinedChain struct {
	Name      string `json:"name"`
	ID        uint64 `json:"id"`
	Endpoints int    `json:"endpoints"` // 0: they are to be filled in
}

// Join makes a home that is ready to start: with the network's genesis, peers,
// and a trusted block to verify a snapshot with. All servers have to answer and
// to agree.
func Join(ctx context.Context, home config.Home, spec JoinSpec) (Joined, error) {
	if home.Exists() {
		return Joined{}, fmt.Errorf("%w: %s exists", ErrInitialised, home.Dir())
	}
	servers, err := openServers(ctx, spec)
	if err != nil {
		return Joined{}, err
	}
	genesis, err := fetchGenesis(ctx, servers, spec)
	if err != nil {
		return Joined{}, err
	}
	j := Joined{ChainID: genesis.Doc.ChainID, Sources: distinct(servers)}
	if j.TrustHeight, j.TrustHash, err = fetchTrust(ctx, servers, genesis, spec); err != nil {
		return Joined{}, err
	}
	if j.Peers, err = fetchPeers(ctx, servers, spec.Peers); err != nil {
		return Joined{}, err
	}
	app := config.Default()
	if app.Chains, err = fetchChains(ctx, servers[0], spec.Endpoints); err != nil {
		return Joined{}, err
	}
	for _, c := range app.Chains {
		j.Chains = append(j.Chains, JoinedChain{c.Name, c.ID, len(c.Endpoints)})
	}
	if err := app.Validate(); err != nil {
		return Joined{}, err
	}
	j.Identity, err = CreateHome(home, HomeSpec{Moniker: spec.Moniker, App: app, Genesis: genesis, Comet: func(c *cmtconfig.Config) {
		c.P2P.PersistentPeers = strings.Join(j.Peers, ",")
		c.StateSync.Enable, c.StateSync.TrustHeight, c.StateSync.TrustHash = true, j.TrustHeight, j.TrustHash
		c.StateSync.DiscoveryTime = 5 * time.Second
		c.StateSync.RPCServers = addresses(servers)
	}})
	if err != nil {
		return Joined{}, err
	}
	j.GenesisHash, err = HashGenesis(home.GenesisFile())
	return j, err
}

// server is a node that is asked for what a newcomer needs.
type server struct {
	url    string
	rpc    *rpchttp.HTTP
	status *ctypes.ResultStatus
}

func (s server) unreachable(err error) error {
	return fmt.Errorf("%w: %s: %w", ErrUnreachable, s.url, err)
}

// openServers asks all servers who they are.
func openServers(ctx context.Context, spec JoinSpec) ([]server, error) {
	if len(spec.RPC) == 0 {
		return nil, errors.New("no server to join by")
	}
	var servers []server
	for _, address := range spec.RPC {
		s, err := dialServer(address)
		if err != nil {
			return nil, err
		}
		if s.status, err = s.rpc.Status(ctx); err != nil {
			return nil, s.unreachable(err)
		}
		network := s.status.NodeInfo.Network
		switch {
		case spec.ChainID != "" && network != spec.ChainID:
			return nil, fmt.Errorf("%w: %s is of network %q, not %q", ErrDisagree, s.url, network, spec.ChainID)
		case len(servers) > 0 && network != servers[0].status.NodeInfo.Network:
			return nil, fmt.Errorf("%w: %s is of network %q, %s of %q", ErrDisagree, s.url, network, servers[0].url, servers[0].status.NodeInfo.Network)
		case s.status.SyncInfo.LatestBlockHeight < 1:
			return nil, fmt.Errorf("%s has no block yet", s.url)
		}
		servers = append(servers, s)
	}
	if distinct(servers) < 2 && !spec.TrustOne {
		return nil, fmt.Errorf("%w: a node that lies would lead this one into a network of its own; name servers of two operators, or say that you trust this one", ErrOneSource)
	}
	return servers, nil
}

func dialServer(address string) (server, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || strings.ContainsAny(address, ",\"\\\n") || !slices.Contains([]string{"http", "https", "tcp"}, u.Scheme) {
		return server{}, fmt.Errorf("server %q: want a URL such as http://node.example:26657", address)
	}
	client, err := jsonrpc.DefaultHTTPClient(address)
	if err != nil {
		return server{}, fmt.Errorf("server %s: %w", address, err)
	}
	client.Transport = bounded{client.Transport}
	rpc, err := rpchttp.NewWithClient(address, "/websocket", client)
	if err != nil {
		return server{}, fmt.Errorf("server %s: %w", address, err)
	}
	return server{url: address, rpc: rpc}, nil
}

// bounded cuts answers off at maxAnswerBytes.
type bounded struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxAnswerBytes), resp.Body}
	return resp, nil
}

// addresses are the servers for a light client of CometBFT, which wants two.
func addresses(servers []server) (urls []string) {
	for _, s := range servers {
		urls = append(urls, s.url)
	}
	if len(urls) == 1 {
		urls = append(urls, urls[0])
	}
	return urls
}

// distinct counts nodes: two addresses of one are no two sources.
func distinct(servers []server) int {
	nodes := map[p2p.ID]bool{}
	for _, s := range servers {
		nodes[s.status.NodeInfo.ID()] = true
	}
	return len(nodes)
}

// fetchGenesis gets the genesis from all servers, which have to agree.
func fetchGenesis(ctx context.Context, servers []server, spec JoinSpec) (Genesis, error) {
	var first Genesis
	var hash string
	for i, s := range servers {
		content, err := s.genesis(ctx)
		if err != nil {
			return Genesis{}, err
		}
		g, err := ParseGenesis(content)
		if err != nil {
			return Genesis{}, fmt.Errorf("%s: %w", s.url, err)
		}
		h, err := g.Hash()
		if err != nil {
			return Genesis{}, fmt.Errorf("%s: %w", s.url, err)
		}
		if i == 0 {
			first, hash = g, h
		}
		if h != hash {
			return Genesis{}, fmt.Errorf("%w: %s has a genesis with hash %s, %s one with %s", ErrDisagree, servers[0].url, hash, s.url, h)
		}
	}
	if spec.GenesisHash != "" && !strings.EqualFold(spec.GenesisHash, hash) {
		return Genesis{}, fmt.Errorf("%w: the genesis of %s has hash %s, and %s is wanted", ErrDisagree, servers[0].url, hash, spec.GenesisHash)
	}
	if network := servers[0].status.NodeInfo.Network; first.Doc.ChainID != network {
		return Genesis{}, fmt.Errorf("%w: %s is of network %q, its genesis of %q", ErrDisagree, servers[0].url, network, first.Doc.ChainID)
	}
	return first, first.Validate()
}

// genesis is the genesis document as the server gives it, in chunks.
func (s server) genesis(ctx context.Context) ([]byte, error) {
	var content []byte
	for i, total := 0, 1; i < total; i++ {
		chunk, err := s.rpc.GenesisChunked(ctx, uint(i))
		if err != nil {
			return nil, s.unreachable(err)
		}
		total = chunk.TotalChunks
		if chunk.ChunkNumber != i || total > maxGenesisChunks {
			return nil, fmt.Errorf("%s gives part %d of %d of its genesis, where part %d of at most %d was asked for", s.url, chunk.ChunkNumber, total, i, maxGenesisChunks)
		}
		part, err := base64.StdEncoding.DecodeString(chunk.Data)
		if err != nil {
			return nil, fmt.Errorf("%s: part %d of the genesis: %w", s.url, i, err)
		}
		content = append(content, part...)
	}
	return content, nil
}

// fetchTrust finds the block that verification begins with: what the operator
// knows, or what all servers say.
func fetchTrust(ctx context.Context, servers []server, g Genesis, spec JoinSpec) (int64, string, error) {
	height := spec.TrustHeight
	want, from := spec.TrustHash, "what you trust"
	if height == 0 {
		height = commonHeight(servers, g.Doc.InitialHeight)
	}
	for _, s := range servers {
		hash, err := s.blockHash(ctx, g.Doc.ChainID, height)
		if err != nil {
			return 0, "", err
		}
		if want == nil {
			want, from = hash, servers[0].url
		}
		if !bytes.Equal(hash, want) {
			return 0, "", fmt.Errorf("%w: block %d has hash %X by %s, %X by %s", ErrDisagree, height, hash, s.url, want, from)
		}
	}
	return height, strings.ToUpper(hex.EncodeToString(want)), nil
}

// commonHeight is a height some way below the newest that all servers have.
func commonHeight(servers []server, initial int64) int64 {
	newest, oldest := int64(1<<62), initial
	for _, s := range servers {
		newest = min(newest, s.status.SyncInfo.LatestBlockHeight)
		oldest = max(oldest, s.status.SyncInfo.EarliestBlockHeight)
	}
	return max(newest-trustLag, min(oldest, newest))
}

func (s server) blockHash(ctx context.Context, chainID string, height int64) ([]byte, error) {
	commit, err := s.rpc.Commit(ctx, &height)
	if err != nil {
		return nil, fmt.Errorf("ask for block %d, to trust it: %w", height, s.unreachable(err))
	}
	header := commit.Header
	if header == nil || header.ChainID != chainID || header.Height != height {
		return nil, fmt.Errorf("%w: %s gives another header than that of block %d", ErrDisagree, s.url, height)
	}
	if err := header.ValidateBasic(); err != nil {
		return nil, fmt.Errorf("%s gives a bad header of block %d: %w", s.url, height, err)
	}
	return header.Hash(), nil
}

// fetchPeers gives the peers that were named, or the servers and their peers.
func fetchPeers(ctx context.Context, servers []server, named []string) ([]string, error) {
	var peers []string
	for _, peer := range named {
		if !peerPattern.MatchString(peer) {
			return nil, fmt.Errorf("peer %q: want ID@HOST:PORT, with the 40 hexadecimal digits of \"bridged comet show-node-id\"", peer)
		}
		peers = append(peers, peer)
	}
	if len(peers) > 0 {
		return peers, nil
	}
	for _, s := range servers {
		u, err := url.Parse(s.url)
		if err != nil {
			return nil, fmt.Errorf("server %s: %w", s.url, err)
		}
		peers = appendPeer(peers, s.status.NodeInfo, u.Hostname())
	}
	for _, s := range servers {
		info, err := s.rpc.NetInfo(ctx)
		if err != nil {
			return nil, s.unreachable(err)
		}
		for _, peer := range info.Peers {
			peers = appendPeer(peers, peer.NodeInfo, peer.RemoteIP)
		}
	}
	if len(peers) == 0 {
		return nil, errors.New("the servers name no peers that can be dialled: name some, as ID@HOST:PORT")
	}
	return peers, nil
}

// appendPeer adds a node by the address that it listens on; seen is where it was
// seen, for a node that listens everywhere.
func appendPeer(peers []string, info p2p.DefaultNodeInfo, seen string) []string {
	_, listen, found := strings.Cut(info.ListenAddr, "://")
	if !found {
		listen = info.ListenAddr
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return peers
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = seen
	} else if ip != nil && ip.IsLoopback() && !isLoopback(seen) {
		return peers // it can be dialled from its own machine only
	}
	peer := string(info.ID()) + "@" + net.JoinHostPort(host, port)
	known := slices.ContainsFunc(peers, func(p string) bool { return strings.HasPrefix(p, string(info.ID())+"@") })
	if known || len(peers) >= maxPeers || !peerPattern.MatchString(peer) {
		return peers
	}
	return append(peers, peer)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// peerPattern keeps what a server says from being anything else in config.toml.
var peerPattern = regexp.MustCompile(`^[0-9a-fA-F]{40}@[0-9A-Za-z.:\[\]-]{1,255}:[1-9][0-9]{0,4}$`)

// fetchChains gives the network's chains, with the endpoints that are known. The
// node compares id and contract with the state when it starts.
func fetchChains(ctx context.Context, s server, endpoints map[string][]config.Endpoint) ([]config.Chain, error) {
	answer, err := s.rpc.ABCIQuery(ctx, app.BridgePath+"chains", []byte("{}"))
	if err != nil {
		return nil, s.unreachable(err)
	}
	if r := answer.Response; r.Code != 0 {
		return nil, fmt.Errorf("ask %s for the chains: %s", s.url, r.Log)
	}
	var states []bridge.ChainState
	if err := json.Unmarshal(answer.Response.Value, &states); err != nil {
		return nil, fmt.Errorf("ask %s for the chains: %w", s.url, err)
	}
	var chains []config.Chain
	for _, state := range states {
		c := config.DefaultChain()
		c.Name, c.ID, c.Contract = state.Label, uint64(state.ID), state.Bridge
		c.Endpoints = endpoints[state.Label]
		chains = append(chains, c)
	}
	for label := range endpoints {
		if !slices.ContainsFunc(chains, func(c config.Chain) bool { return c.Name == label }) {
			return nil, fmt.Errorf("the network has no chain %q", label)
		}
	}
	return chains, nil
}
