// Package cli is the command line: it parses, calls and prints. Results go to
// stdout, everything else to stderr, and the exit code says what kind of end it
// was. It is the only package, with cmd, that knows cobra, and holds no logic
// that another program could want.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/icrosschain/bridged/config"
)

// Main runs the command line of this process and returns its exit code.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}

// Run runs one command and returns its exit code.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s := &session{stdin: stdin, stdout: stdout, stderr: stderr}
	root := newRoot(s)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintf(stderr, "bridged: %v\n", err)
		var usage *usageError
		if errors.As(err, &usage) {
			fmt.Fprintf(stderr, "See \"%s --help\".\n", usage.command)
		}
	}
	return exitCode(err)
}

// session is what the global flags say, and where input and output are.
type session struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	homeDir string
	output  string
	node    string
	chainID string
	noColor bool
	timeout time.Duration

	flags map[string]*pflag.Flag // configuration keys that have a flag
}

func (s *session) home() config.Home { return config.Home(s.homeDir) }

func newRoot(s *session) *cobra.Command {
	root := group("bridged", "A bridge that belongs to its validators",
		initCommand(s), joinCommand(s), startCommand(s), statusCommand(s), doctorCommand(s), alarmCommand(s), queryCommand(s), testnetCommand(s), genesisCommand(s), keysCommand(s), contractsCommand(s), depositCommand(s), relayerCommand(s), txCommand(s),
		cometCommand(s), snapshotCommand(s), configCommand(s), versionCommand(s))
	root.Long = `bridged runs a validator of a bridge network: it watches the connected chains,
agrees with the other validators on what happened there, and releases what the
network decides. The same program asks a node and makes deposits.

Every global flag can be set as BRIDGED_HOME, BRIDGED_NODE and so on, and every
key of app.toml too: BRIDGED_LOG_LEVEL.

Exit codes: 0 ok, 1 failed, 2 usage, 3 configuration invalid, 4 not ready or
timed out, 10 halted for an upgrade, 11 consensus failure, 12 signing safety
stop.`
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usagef(c, "%v", err) })
	f := root.PersistentFlags()
	f.StringVar(&s.homeDir, "home", config.DefaultHome(), "directory of the node")
	f.Lookup("home").DefValue = "~/.bridged"
	f.StringVar(&s.output, "output", "text", "form of results: text or json")
	f.StringVar(&s.node, "node", "", "RPC address of the node to ask (default: the home's)")
	f.StringVar(&s.chainID, "chain-id", "", "id of the network (default: the home's genesis)")
	f.String("log-level", "info", "least severe lines to log: debug, info, warn or error")
	f.String("log-format", "auto", "form of logs: auto, text or json")
	f.BoolVar(&s.noColor, "no-color", false, "no colours, as NO_COLOR")
	f.DurationVar(&s.timeout, "timeout", 30*time.Second, "how long to wait for answers")
	s.flags = map[string]*pflag.Flag{"log.level": f.Lookup("log-level"), "log.format": f.Lookup("log-format")}
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error { return s.prepare(c) }
	return root
}

// prepare lets the environment reach the global flags and checks them.
func (s *session) prepare(c *cobra.Command) error {
	var failed error
	c.Root().PersistentFlags().VisitAll(func(f *pflag.Flag) {
		value := os.Getenv(config.EnvName(f.Name))
		if value == "" || f.Changed || strings.HasPrefix(f.Name, "log-") { // config reads those
			return
		}
		if err := f.Value.Set(value); err != nil {
			failed = usagef(c, "%s=%s: %v", config.EnvName(f.Name), value, err)
		}
	})
	if failed != nil {
		return failed
	}
	if s.output != "text" && s.output != "json" {
		return usagef(c, "--output %s: want text or json", s.output)
	}
	if s.timeout <= 0 {
		return usagef(c, "--timeout %s: want more than nothing", s.timeout)
	}
	return nil
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			text := fmt.Sprintf("unknown command %q", args[0])
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				text += fmt.Sprintf("; did you mean %s?", strings.Join(near, ", "))
			}
			return usagef(c, "%s", text)
		},
		Args: cobra.ArbitraryArgs,
	}
	c.SuggestionsMinimumDistance = 2
	c.AddCommand(commands...)
	return c
}

// args checks the number of arguments; most < 0 is no limit.
func args(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usagef(c, "%d argument(s), want %s", len(args), c.Use)
		case most >= 0 && len(args) > most:
			return usagef(c, "unexpected argument %q, want %s", args[most], c.Use)
		}
		return nil
	}
}

// need is a usage error for the first of the flags that was not given.
func need(c *cobra.Command, flags ...string) error {
	for _, name := range flags {
		if !c.Flags().Changed(name) {
			return usagef(c, "--%s is needed", name)
		}
	}
	return nil
}
