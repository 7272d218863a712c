package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/spf13/cobra"
)

// restartAfter is how long a validator that ended stays down in `devnet run`:
// long enough to see the others go on.
const restartAfter = 20 * time.Second

func runCommand() *cobra.Command {
	options := defaultNetworkOptions()
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run a network until interrupted, and say what can be tried with it",
		Long: `Runs two chains in this process and four validators beside it, with a bridge
between the chains. A validator that ends is started again after ` + restartAfter.String() + `.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runNetwork(cmd.Context(), options, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	options.bind(cmd.Flags())
	return cmd
}

// runNetwork is `devnet run`.
func runNetwork(ctx context.Context, options *networkOptions, out, said io.Writer) (err error) {
	n, err := startNetwork(ctx, options, newProgress(said))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	n.progress.say("tokens for %d users", len(n.people.users))
	if err := n.equip(ctx, startTokens); err != nil {
		return n.explain(ctx, err)
	}
	if err := n.invite(ctx, out); err != nil {
		return fmt.Errorf("say what to try: %w", err)
	}
	return n.mind(ctx)
}

// mind starts validators again that ended, until ctx ends.
func (n *network) mind(ctx context.Context) error {
	ticker := time.NewTicker(askInterval)
	defer ticker.Stop()
	ended := make([]time.Time, len(n.validators.nodes))
	for {
		select {
		case <-ctx.Done():
			n.progress.say("stopping")
			return nil
		case <-ticker.C:
		}
		for i, v := range n.validators.nodes {
			switch {
			case v.process.Running():
			case ended[i].IsZero():
				ended[i] = time.Now()
				n.progress.say("%s ended (%s); it is started again in %s", v.spec.Name, exitText(v.process.Err()), restartAfter)
			case time.Since(ended[i]) >= restartAfter:
				ended[i] = time.Time{}
				if err := n.validators.start(i); err != nil {
					return err
				}
				n.progress.say("%s runs again, with the process id %d", v.spec.Name, v.process.PID())
			}
		}
	}
}

// invitation is what `devnet run` prints when everything runs. Each command in
// it must work as it stands.
var invitation = template.Must(template.New("").Parse(`
{{.Chains}}
{{.Validators}}
Look at it:

  {{.Bridged}} status --home {{.Home}}
  {{.Bridged}} query chains --home {{.Home}}
  {{.Bridged}} query assets --home {{.Home}}
  {{.Bridged}} query supply --home {{.Home}}
  {{.Bridged}} query invariants --home {{.Home}}

Send 12.5 GOLD from alpha to beta, and follow it:

  {{.Deposit}}

See the transfers, and where this one stands:

  {{.Bridged}} query transfers --home {{.Home}}
  {{.Bridged}} query why {{.Next}} --home {{.Home}}

Kill a validator, and look at the others going on; it is started again after {{.Restart}}:

  {{.Kill}}
  {{.Bridged}} status --home {{.Home}}

The chains speak JSON-RPC, and the logs are {{.Logs}}.
The keys are derived from a public seed: never use them elsewhere. Ctrl-C ends it all.
`))

func (n *network) invite(ctx context.Context, out io.Writer) error {
	text := func(t table) string {
		var b strings.Builder
		_ = t.write(&b) // a strings.Builder takes everything
		return b.String()
	}
	where := table{header: []string{"chain", "id", "JSON-RPC", "bridge"}}
	for _, c := range n.chains {
		where.add(c.name, c.id().String(), c.node.HTTPURL(), c.bridge.Hex())
	}
	who := table{header: []string{"validator", "process", "RPC", "home"}}
	for i, h := range n.homes {
		who.add(h.Moniker, fmt.Sprint(n.validators.nodes[i].process.PID()), h.RPC, shown(h.Home))
	}
	gold, user := n.assets[0], n.people.users[0]
	events, err := gold.home.inboxNonce(ctx)
	if err != nil {
		return err
	}
	return invitation.Execute(out, map[string]any{
		"Chains": text(where), "Validators": text(who), "Bridged": shown(n.bridged.path), "Home": shown(n.homes[0].Home),
		"Deposit": strings.Join(append([]string{keyEnv(user), shown(n.bridged.path)}, n.depositFlags(&transfer{
			asset: gold, from: gold.home, to: gold.away, amount: gold.milli(12_500), recipient: user.Address,
		})...), " "),
		"Next":    fmt.Sprintf("%s/%d", gold.home.name, events+1), // if the command is the first
		"Kill":    fmt.Sprintf("kill -9 %d", n.validators.nodes[len(n.homes)-1].process.PID()),
		"Restart": restartAfter, "Logs": shown(n.space.path("node*", filepath.Base(logPath("")))),
	})
}

// shown is a path as somebody in this directory would write it.
func shown(path string) string {
	here, err := filepath.Abs(".")
	if err != nil {
		return path
	}
	short, err := filepath.Rel(here, path)
	if err != nil || strings.HasPrefix(short, "..") {
		return path
	}
	if !strings.ContainsRune(short, filepath.Separator) {
		return "./" + short // so that a shell does not look for it elsewhere
	}
	return short
}
