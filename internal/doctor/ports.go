package doctor

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
)

// free says whether a port could be listened at.
func free(address string) verdict {
	host := strings.TrimPrefix(address, "tcp://")
	listener, err := net.Listen("tcp", host)
	if err != nil {
		return fail("the node does not run, and its port is taken: %v", err)
	}
	return unless(listener.Close(), "%s is free", host)
}

func (p *patient) portRPC(context.Context) verdict {
	if p.comet.RPC.ListenAddress == "" {
		return skip("no RPC is served")
	}
	if !p.isLocked {
		return free(p.comet.RPC.ListenAddress)
	}
	_, err := p.ownStatus()
	return unless(err, "the node answers at %s", p.own.address)
}

func (p *patient) portP2P(ctx context.Context) verdict {
	if !p.isLocked {
		return free(p.comet.P2P.ListenAddress)
	}
	address := strings.Replace(strings.TrimPrefix(p.comet.P2P.ListenAddress, "tcp://"), "0.0.0.0", "127.0.0.1", 1)
	id, err := peerID(ctx, address)
	switch {
	case err != nil:
		return fail("the node does not answer at %s: %v", address, err)
	case id != p.nodeID:
		return fail("at %s another node answers, with the id %s", address, id)
	}
	return ok("the node answers at %s", address)
}

func (p *patient) portTelemetry(ctx context.Context) verdict {
	switch {
	case p.appErr != nil:
		return skip("app.toml is not valid")
	case !p.app.Telemetry.Enabled:
		return skip("[telemetry] is not enabled")
	case !p.isLocked:
		return free(p.app.Telemetry.Listen)
	}
	status, body, err := p.telemetry(ctx, "/livez")
	switch {
	case err != nil:
		return fail("it does not answer: %v", err)
	case status != http.StatusOK && status != http.StatusServiceUnavailable:
		return fail("another program answers at %s, with HTTP status %d", p.app.Telemetry.Listen, status)
	case status != http.StatusOK:
		return fail("the node says that it is of no more use: %s", strings.TrimSpace(string(body)))
	}
	return ok("the node answers at %s", p.app.Telemetry.Listen)
}

// telemetry asks the node's own health server.
func (p *patient) telemetry(ctx context.Context, path string) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.app.Telemetry.Listen+path, nil)
	if err != nil {
		return 0, nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response.StatusCode, body, err
}

func (p *patient) portSigner(context.Context) verdict {
	address := p.comet.PrivValidatorListenAddr
	host, isTCP := strings.CutPrefix(address, "tcp://")
	switch {
	case address == "":
		return skip("there is no remote signer")
	case !isTCP || p.isLocked:
		return ok("%s", address)
	}
	return free(host)
}
