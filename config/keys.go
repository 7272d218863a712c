package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// key describes one setting and points to its value.
type key struct {
	Name    string // section.key
	target  any
	Comment string // what it does, one or two sentences
	Unit    string
	Range   string
	valid   func() bool
	secret  bool
}

// local is the name inside its section.
func (k key) local() string { return k.Name[strings.LastIndexByte(k.Name, '.')+1:] }

// section is the name of its table.
func (k key) section() string { return k.Name[:strings.LastIndexByte(k.Name, '.')] }

// show is the value as people may see it.
func (k key) show() string {
	if k.secret && literal(k.target) != `""` {
		return `"[redacted]"`
	}
	return display(k.target)
}

func (k key) check() []error {
	if k.valid == nil || k.valid() {
		return nil
	}
	return []error{&Error{Key: k.Name, Value: k.show(), Want: "want " + k.Range}}
}

// oneOf makes a key with a fixed choice of words.
func oneOf(name string, target *string, comment string, words ...string) key {
	return key{
		Name: name, target: target, Comment: comment, Unit: "word", Range: strings.Join(words, ", "),
		valid: func() bool { return slices.Contains(words, *target) },
	}
}

// number makes a key with a range.
func number(name string, target *uint64, unit string, low, high uint64, comment string) key {
	return key{
		Name: name, target: target, Comment: comment, Unit: unit, Range: fmt.Sprintf("%d to %d", low, high),
		valid: func() bool { return *target >= low && *target <= high },
	}
}

// duration makes a key with a range.
func duration(name string, target *time.Duration, low, high time.Duration, comment string) key {
	return key{
		Name: name, target: target, Comment: comment, Unit: "duration", Range: fmt.Sprintf("%s to %s", low, high),
		valid: func() bool { return *target >= low && *target <= high },
	}
}

func boolean(name string, target *bool, comment string) key {
	return key{Name: name, target: target, Comment: comment, Unit: "boolean", Range: "true, false"}
}

func text(name string, target *string, comment, what string) key {
	return key{Name: name, target: target, Comment: comment, Unit: "text", Range: what}
}

// keys are all settings outside [[chains]], in the order of the file.
func (c *Config) keys() []key {
	return []key{
		oneOf("log.level", &c.Log.Level,
			"The least severe lines of bridged's own parts that are written.",
			"debug", "info", "warn", "error"),
		oneOf("log.comet_level", &c.Log.CometLevel,
			"The same for CometBFT, which says several lines a block at info.",
			"debug", "info", "warn", "error"),
		oneOf("log.format", &c.Log.Format,
			"auto is text on a terminal and JSON elsewhere.",
			"auto", "text", "json"),
		oneOf("state.backend", &c.State.Backend,
			"The database of the replicated state. Change it only before the first start.",
			"goleveldb", "pebbledb"),
		{
			Name: "state.keep_versions", target: &c.State.KeepVersions, Unit: "blocks", Range: "0 (all), or 2 to 100000000",
			Comment: "How many past versions of the state answer queries with --height and proofs.",
			valid:   func() bool { return c.State.KeepVersions != 1 && c.State.KeepVersions <= 100_000_000 },
		},
		number("state.keep_blocks", &c.State.KeepBlocks, "blocks", 0, 1_000_000_000,
			"How many blocks are kept; 0 keeps all. Others sync from you, so keep more than they\nmay be behind: at least twice snapshot.interval."),
		number("snapshot.interval", &c.Snapshot.Interval, "blocks", 0, 10_000_000,
			"A snapshot of the state is made at every height divisible by it, for nodes that\njoin; 0 makes none. It need not be the same everywhere, but only nodes with the\nsame can give parts of the same snapshot."),
		number("snapshot.keep", &c.Snapshot.Keep, "snapshots", 1, 10,
			"How many of the newest snapshots stay under data/snapshots. A snapshot is no\nlarger than the state; none is made with less than 256 MiB of free disk."),
		boolean("signer.enabled", &c.Signer.Enabled,
			"Whether this node signs seals if it has a signer key. Without a key it is a full node."),
		oneOf("signer.backend", &c.Signer.Backend,
			"Where the signer key comes from: a keystore file under keys/signer, or the\nenvironment variable BRIDGED_SIGNER_PRIVATE_KEY (64 hexadecimal digits).",
			"keystore", "env"),
		text("signer.key", &c.Signer.Key, "Name of the keystore file, without .json.", "as \"bridged keys list\" shows it"),
		text("signer.passphrase_file", &c.Signer.PassphraseFile,
			"File with the keystore's passphrase; mode 0600. Without it, BRIDGED_SIGNER_PASSPHRASE is read.",
			"a path, relative to the home; empty for none"),
		text("signer.next_key", &c.Signer.NextKey,
			"Name of the keystore file that \"bridged tx validator rotate-signer\" names. The node\nsigns with both keys, each in its epochs. With the env backend it is\nBRIDGED_NEXT_SIGNER_PRIVATE_KEY (64 hexadecimal digits) instead.",
			"a name, without .json; empty while no signer is rotated"),
		text("signer.next_passphrase_file", &c.Signer.NextPassphraseFile,
			"File with its passphrase; mode 0600. Without it, BRIDGED_SIGNER_PASSPHRASE is read.",
			"a path, relative to the home; empty for none"),
		boolean("relayer.enabled", &c.Relayer.Enabled,
			"Whether this node takes its turns in sending sealed commands, with the key\nunder keys/relayer. Without a key it sends nothing."),
		text("relayer.key", &c.Relayer.Key, "Name of the keystore file, without .json.", "as \"bridged keys list\" shows it"),
		text("relayer.passphrase_file", &c.Relayer.PassphraseFile,
			"File with the keystore's passphrase; mode 0600. Without it, BRIDGED_RELAYER_PASSPHRASE is read.",
			"a path, relative to the home; empty for none"),
		number("relayer.max_fee_gwei", &c.Relayer.MaxFeeGwei, "gwei a gas", 1, 1_000_000,
			"The highest fee per gas that the relayer ever pays; above it, it waits. A chain may\nhave its own."),
		boolean("relayer.eager", &c.Relayer.Eager,
			"Send without regard to turns. It may cost gas for executions that others\nmade first."),
		{
			Name: "relayer.nodes", target: &c.Relayer.Nodes, Unit: "list of URLs", Range: "http, https or tcp URLs, at most 16",
			Comment: "RPC servers of bridged nodes, of which \"bridged relayer run\" learns what is to be\nrelayed. None of them is believed: what one says is checked against the contract.\nA node that relays by itself (\"bridged start\") reads its own state.",
			valid:   func() bool { return validNodes(c.Relayer.Nodes) },
		},
		number("relayer.patience", &c.Relayer.Patience, "heights", 0, 100_000,
			"How long \"bridged relayer run\" leaves a command to the validators; then it sends.\n0 sends at once, which may cost gas for executions that others made first."),
		boolean("telemetry.enabled", &c.Telemetry.Enabled,
			"Whether /metrics, /livez and /readyz are served."),
		text("telemetry.listen", &c.Telemetry.Listen,
			"Address of that server. It has no access control: keep it private.",
			"host:port"),
	}
}

// keys are the settings of one [[chains]] table.
func (c *Chain) keys() []key {
	return []key{
		text("chains.name", &c.Name, "The chain's label, the same as in genesis.", "1 to 32 of a-z, 0-9 and -"),
		number("chains.id", &c.ID, "chain id", 1, 1<<63-1, "The EVM chain id."),
		{
			Name: "chains.contract", target: &c.Contract, Unit: "address", Range: "0x and 40 hexadecimal digits, not zero",
			Comment: "The Bridge contract; checked against the network's state.",
			valid:   func() bool { return c.Contract.Cmp([20]byte{}) != 0 },
		},
		{
			Name: "chains.endpoints", target: &c.Endpoints, Unit: "list of URLs", Range: "URL or GROUP=URL; http, https, ws or wss",
			Comment: "JSON-RPC servers of different operators. A group (by default the host name)\nis one operator; min_agree counts groups. URLs are shown redacted. With none this\nnode only follows the chain through the network: a validator then misses its\nduty.",
		},
		number("chains.min_agree", &c.MinAgree, "groups", 1, 16,
			"How many groups must name the same finalised block before this node votes."),
		boolean("chains.single_endpoint", &c.SingleEndpoint,
			"Allows min_agree = 1: whoever runs that endpoint decides what you vote. For\na node of your own, and for devnets."),
		{
			Name: "chains.finality", target: &c.Finality, Unit: "block tag or confirmations",
			Range:   `"finalized", "safe" or 1 to 100000`,
			Comment: "When a block counts as final.",
			valid:   func() bool { return (c.Finality.Tag == "") == (c.Finality.Confirmations > 0) },
		},
		oneOf("chains.verification", &c.Verification,
			"What shows that the inbox is what an endpoint says: proof (eth_getProof against the\nstate root), receipts (eth_getBlockReceipts against the receipts root; for endpoints\nwithout proofs), or agreement (nothing but min_agree: the last resort). None stands\nin for another by itself.",
			"proof", "receipts", "agreement"),
		number("chains.start_block", &c.StartBlock, "block", 0, 1<<62,
			"The block that deployed the contract, or one before: where reading begins\nwhile the network has agreed on nothing there."),
		duration("chains.poll_interval", &c.PollInterval, 50*time.Millisecond, 10*time.Minute,
			"How often the finalised head is asked for at most. A chain whose blocks take longer\nis asked when its next one is due."),
		number("chains.max_range", &c.MaxRange, "blocks", 1, 1_000_000,
			"The most blocks that one eth_getLogs asks for; halved when a provider refuses."),
		duration("chains.request_timeout", &c.RequestTimeout, 100*time.Millisecond, 5*time.Minute,
			"How long one request may take."),
		number("chains.rate", &c.Rate, "calls a second", 0, 100_000,
			"The most calls that each endpoint gets from this node; 0 for any number. Requests\nwait for their turn. Set it below what your provider allows."),
		number("chains.burst", &c.Burst, "calls", 0, 100_000,
			"How many calls an endpoint may get at once after a rest; 0 for those of one second."),
		{
			Name: "chains.genesis_hash", target: &c.GenesisHash, Unit: "hash", Range: "0x and 64 hexadecimal digits; empty for none",
			Comment: "The hash of the chain's block 0: endpoints that name another one are refused.\nWithout it, those are that contradict min_agree groups.",
		},
		boolean("chains.foreign_headers", &c.ForeignHeaders,
			"For a chain whose block headers have fields that Ethereum's have not, so that\ntheir hash cannot be recomputed: min_agree groups are believed for the state\nroot too."),
		{
			Name: "chains.private_endpoints", target: &c.PrivateEndpoints, Unit: "list of URLs", Range: "as endpoints",
			Comment: "Servers that take transactions and keep them out of the public pool. With one or\nmore, the relayer's transactions go there and nowhere else.",
		},
		number("chains.max_fee_gwei", &c.MaxFeeGwei, "gwei a gas", 0, 1_000_000,
			"The highest fee per gas that the relayer ever pays here; 0 for that of [relayer]."),
		{
			Name: "chains.spend_per_day", target: &c.SpendPerDay, Unit: "coins of the chain", Range: `"0" (no limit) to "999999999999999999"`,
			Comment: "What the relayer may spend here within 24 hours; what it has sent counts at its\nmost until its cost is known. Then it waits, and others relay.",
		},
		{
			Name: "chains.low_balance", target: &c.LowBalance, Unit: "coins of the chain", Range: `"0" (never) to "999999999999999999"`,
			Comment: "Below which balance of the relayer's account here to warn.",
		},
	}
}

// maxNodes is how many nodes a relayer asks.
const maxNodes = 16

func validNodes(nodes []string) bool {
	for _, node := range nodes {
		u, err := url.Parse(node)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "tcp" {
			return false
		}
	}
	return len(nodes) <= maxNodes
}
