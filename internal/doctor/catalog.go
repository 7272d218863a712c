package doctor

import (
	"fmt"
	"strings"
)

// Check is one thing that is looked at. Codes are stable.
type Check struct {
	Code   string
	Title  string
	Remedy string // what an operator does when it warns or fails, in one sentence
}

// Catalog is all checks, in the order in which they are reported.
func Catalog() []Check {
	return []Check{
		{"config.app", "app.toml is valid", "Correct the keys that are named in config/app.toml; \"bridged config validate\" checks it again."},
		{"config.comet", "config.toml is valid", "Correct the keys that are named in config/config.toml, or make the home with \"bridged init\" if there is none."},
		{"config.chains", "every chain of the network is configured", "Add a [[chains]] table to config/app.toml for each chain that is named, and restart the node."},
		{"genesis.valid", "genesis.json is valid", "Fetch the network's genesis.json again, compare its hash (\"bridged genesis hash\") with another operator's, and put it into config/."},

		{"home.writable", "the data directory can be written", "Give the directory back to the user that runs the node, or mount its disk writable, and restart the node."},
		{"home.disk", "the disk has room", "Free or add disk space; \"keep_blocks\" and \"keep_versions\" in app.toml bound what the node keeps."},
		{"home.lock", "one process runs on the home", "Find the processes with \"fuser -v HOME/.lock\", keep one of them, and never run a copy of a home: two processes with one key sign twice."},

		{"key.modes", "nobody else can read secrets", "Run \"chmod 600\" on the files that are named."},
		{"key.node", "the peer-to-peer key is there", "Restore config/node_key.json from the backup, or delete a damaged one and make a new home for its node id."},
		{"key.consensus", "the consensus key is there", "Restore config/priv_validator_key.json from the backup; never while another process may still use it."},
		{"key.signer", "the signer key opens", "Put the key under keys/signer (\"bridged keys add\" or \"import\") and its passphrase where [signer] in app.toml or BRIDGED_SIGNER_PASSPHRASE says."},
		{"key.relayer", "the relayer key opens", "Put the key under keys/relayer (\"bridged keys add\" or \"import\") and its passphrase where [relayer] in app.toml or BRIDGED_RELAYER_PASSPHRASE says."},
		{"signed.votes", "what was voted last is known", "Restore data/priv_validator_state.json as it was last; without it, wait until no vote of this key can be open any more before you write height \"0\" into it."},
		{"signed.seals", "what seals were signed is known", "Restore data/signed_seals as it was last; if it is gone, make sure that this state is the network's and run \"bridged comet forget-seals\"."},

		{"port.p2p", "the peer-to-peer port is this node's", "Stop the process that has the port (\"ss -ltnp\" names it), or change [p2p] laddr in config.toml."},
		{"port.rpc", "the RPC port is this node's", "Stop the process that has the port (\"ss -ltnp\" names it), or change [rpc] laddr in config.toml."},
		{"port.telemetry", "the telemetry port is this node's", "Stop the process that has the port (\"ss -ltnp\" names it), or change [telemetry] listen in app.toml."},
		{"port.signer", "the remote signer's port is this node's", "Stop the process that has the port (\"ss -ltnp\" names it), or change priv_validator_laddr in config.toml."},

		{"node.running", "the node runs", "Start it with \"bridged start\", and read the end of its log if it stops again."},
		{"node.synced", "the node is in step", "Wait until it has caught up; if its height does not grow, look at the peers that are named below."},
		{"node.blocks", "the network makes blocks", "Ask the other operators: more than 2/3 of the power has to be up and connected; if only this node stands still, restart it."},
		{"node.ready", "the node's own checks hold", "See to the checks of this node that are named; the log has the same with more words."},
		{"node.network", "the node is of the genesis' network", "Point --node, or this home's genesis.json, at the same network."},
		{"node.genesis", "the genesis is the network's", "Replace config/genesis.json by the network's, and \"bridged comet reset\" if this home has made blocks from another."},
		{"node.version", "this program speaks the network's version", "Install the release of bridged that the network runs (\"bridged version --long\" of another operator)."},
		{"node.clock", "the clock is right", "Synchronise the clock (chrony or systemd-timesyncd) and look at it again with \"timedatectl\"."},

		{"peers.configured", "there are peers to connect to", "Name nodes of other operators, as ID@HOST:PORT, in [p2p] persistent_peers of config.toml, and restart."},
		{"peers.reachable", "the peers answer", "Check firewall and address of the peers that are named, and ask their operators for the node id they have now."},

		{"validator.member", "this validator is in the epoch", "Register the validator and have it admitted, or run \"bridged tx validator unjail\" if it is jailed and the reason is mended; on a node that is not to sign, set enabled = false in [signer] of app.toml."},
		{"validator.key", "the consensus key is the registered one", "Put back the consensus key that the network knows for this signer; if it is lost, leave and register anew."},
		{"signer.registered", "the signer key is the registered one", "Put the registered signer key under keys/signer, or register the present one with a rotation."},

		{"chain.known", "the network serves the chain as configured", "Take name, id and contract of the chain from \"bridged query chains\" into its [[chains]] table, and restart the node."},
		{"chain.served", "the network has not refused or paused the chain", "Read \"bridged query chains\" and \"bridged status\": only governance starts a chain again."},
		{"chain.agreement", "enough groups of endpoints agree", "Mend the endpoints that fail, or add endpoints of other operators; never lower min_agree to get past this."},
		{"endpoint.answers", "the endpoint answers", "Check its URL, key and quota with the provider, or replace it by another operator's."},
		{"endpoint.chain", "the endpoint is of the right chain", "Correct the URL in the chain's [[chains]] table: it belongs to another chain."},
		{"endpoint.header", "its headers hash to their hash", "Replace the endpoint, or set foreign_headers = true if headers of this chain have fields that Ethereum's have not."},
		{"endpoint.finality", "it knows finalised blocks", "Use an endpoint that serves the tag, or set finality to a number of confirmations if the chain has no such tag."},
		{"endpoint.proofs", "what it says can be verified", "Use an endpoint that has at the finalised block what the chain's verification needs (eth_getProof, or eth_getBlockReceipts): a full node of your own has both, some providers sell them as an extra. Where none has it, set verification for the chain to another way."},
		{"endpoint.logs", "it has the logs from the cursor on", "Use an endpoint that keeps logs back to the block that is named: an archive node, or one that prunes less."},
		{"endpoint.behind", "it keeps up with the others", "Wait until the endpoint has synchronised, or replace it."},
		{"contract.code", "the contract is the bridge's", "Compare the address with \"bridged query chains\"; if it is right, stop the node and tell the other operators."},
		{"contract.network", "the contract is of this network", "Take the contract's address from \"bridged query chains\": this one belongs to another network."},
		{"contract.validators", "the contract has the state's validators", "If a handover is under way, wait until its SetValidators command is executed; else tell the other operators."},
		{"relayer.funds", "the relayer can pay for gas", "Send coins of the chain to the relayer's address that is named."},
		{"relayer.fees", "gas costs no more than the relayer pays", "Wait until the chain is cheaper, or raise max_fee_gwei of the chain or in [relayer] of app.toml; until then others have to relay."},
		{"relayer.spending", "the day's spending limit is not reached", "Look for what has made relaying so dear (\"bridged query batches\", the chain's price of gas); raise spend_per_day in the chain's [[chains]] table if it is right, or wait."},
		{"relayer.private", "the private endpoints answer", "Mend or remove the URLs in private_endpoints: while none of them works, this relayer sends nothing to the chain."},
	}
}

func lookUp(code string) Check {
	for _, c := range Catalog() {
		if c.Code == code {
			return c
		}
	}
	panic("doctor: no check " + code)
}

// Page is docs/doctor.md.
func Page() string {
	var b strings.Builder
	b.WriteString(`# What the doctor checks

` + "`bridged doctor`" + ` looks at a home, its node and its chains, says what is wrong and
what to do, and changes nothing. It needs no running node and disturbs none. Where
one runs it is asked for the network's state; ` + "`--node`" + ` names another.

Every check ends as **ok**, **warn** (works, and somebody should look), **fail**, or
**skip** (does not apply, or cannot be told now). The exit code is 1 if one failed,
else 0. All run at once, and one that has no answer within ` + "`--timeout`" + ` fails by
itself. Codes are stable; ` + "`--output json`" + ` has them all.

This page is made from the program: ` + "`go test ./internal/doctor -update`" + ` writes it.

| code | what holds | what to do if not |
| --- | --- | --- |
`)
	for _, c := range Catalog() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.Code, c.Title, c.Remedy)
	}
	return b.String()
}
