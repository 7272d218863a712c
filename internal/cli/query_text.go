package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// names turns ids into what people call things. What it does not know it shows
// as it is.
type names struct {
	chains map[types.ChainID]string
	assets map[types.AssetID]bridge.AssetView
}

func loadNames(ask asker) (names, error) {
	known := names{chains: map[types.ChainID]string{}, assets: map[types.AssetID]bridge.AssetView{}}
	var chains []bridge.ChainState
	if _, err := ask("chains", bridge.QueryArgs{}, &chains); err != nil {
		return known, err
	}
	for _, c := range chains {
		known.chains[c.ID] = c.Label
	}
	var assets []bridge.AssetView
	if _, err := ask("assets", bridge.QueryArgs{}, &assets); err != nil {
		return known, err
	}
	for _, a := range assets {
		known.assets[a.ID] = a
	}
	return known, nil
}

func (n names) chain(id types.ChainID) string {
	if label := n.chains[id]; label != "" {
		return label
	}
	if id == 0 {
		return "-"
	}
	return id.String()
}

// amount is a quantity of an asset, with its point and symbol.
func (n names) amount(asset types.AssetID, units types.Amount) string {
	a, ok := n.assets[asset]
	if !ok {
		return units.String() + " units"
	}
	return decimal(units, a.Decimals) + " " + a.Symbol
}

// decimal puts the point into a number of units.
func decimal(units types.Amount, decimals uint8) string {
	digits := units.String()
	if pad := int(decimals) + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	whole, fraction := digits[:len(digits)-int(decimals)], strings.TrimRight(digits[len(digits)-int(decimals):], "0")
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}

func number(n uint64) string { return strconv.FormatUint(n, 10) }

// recipient is an EVM address where it is one.
func recipient(r types.Hash) string {
	if address, err := types.EVMRecipient(r); err == nil {
		return address.Hex()
	}
	return r.Hex()
}

func printTransfer(w io.Writer, n names, t bridge.TransferView) {
	lines := []string{
		"transfer", t.ID, "route", n.chain(t.Source) + " -> " + n.chain(t.Destination), "status", string(t.Status),
		"why", t.Why, "amount", n.amount(t.Asset, t.Amount), "payout", n.amount(t.Asset, t.Payout), "fee", n.amount(t.Asset, t.Fee),
		"recipient", recipient(t.Recipient), "refund to", t.RefundTo.Hex(), "height", number(t.Height),
	}
	if t.Reason != types.ReasonNone {
		lines = append(lines, "reason", string(t.Reason))
	}
	if t.OutboxNonce != 0 {
		lines = append(lines, "command", fmt.Sprintf("%d of %s, item %d", t.OutboxNonce, n.chain(t.OutboxChain), t.OutboxIndex),
			"seal", number(t.SealHeight))
	}
	pairs(w, lines...)
}

func printWhy(w io.Writer, _ names, v bridge.WhyView) {
	fmt.Fprintf(w, "%s is %s. %s\n", v.ID, v.Status, v.Text)
}

func printTransfers(w io.Writer, n names, list []bridge.TransferView) {
	rows := make([][]string, len(list))
	for i, t := range list {
		rows[i] = []string{
			t.ID, n.chain(t.Source) + " -> " + n.chain(t.Destination), n.amount(t.Asset, t.Amount),
			string(t.Status), string(t.Reason), recipient(t.Recipient),
		}
	}
	table(w, []string{"ID", "ROUTE", "AMOUNT", "STATUS", "REASON", "RECIPIENT"}, rows)
}

func printChains(w io.Writer, _ names, list []bridge.ChainState) {
	rows := make([][]string, len(list))
	for i, c := range list {
		state := "active"
		switch {
		case c.Refused != "":
			state = "refused: " + c.Refused
		case !c.Active:
			state = "not activated yet"
		}
		rows[i] = []string{
			c.Label, c.ID.String(), c.Bridge.Hex(), number(c.Cursor), number(c.Head),
			fmt.Sprintf("%d/%d", c.Executed, c.Outbox), number(c.Queued), state,
		}
	}
	table(w, []string{"CHAIN", "ID", "BRIDGE", "INBOX", "HEAD", "OUTBOX", "QUEUED", "STATE"}, rows)
}

func printAssets(w io.Writer, n names, list []bridge.AssetView) {
	var rows [][]string
	for _, a := range list {
		for _, t := range a.Tokens {
			registered := "no"
			for _, id := range a.Registered {
				if id == t.Chain {
					registered = "yes"
				}
			}
			rows = append(rows, []string{
				a.Symbol, n.chain(t.Chain), t.Mode.String(), t.Token.Hex(), number(uint64(t.Decimals)),
				n.amount(a.ID, t.ReleaseFee), registered,
			})
		}
	}
	table(w, []string{"ASSET", "CHAIN", "MODE", "TOKEN", "DECIMALS", "RELEASE FEE", "REGISTERED"}, rows)
}

func printSupply(w io.Writer, n names, list []bridge.SupplyView) {
	var rows [][]string
	for _, a := range list {
		for _, b := range a.Chains {
			held, what := b.Custody, "in custody"
			if b.Mode == types.ModeMint {
				held, what = b.Supply, "minted"
			}
			rows = append(rows, []string{a.Symbol, n.chain(b.Chain), what, n.amount(a.Asset, held)})
		}
		for _, part := range []struct {
			name  string
			units types.Amount
		}{{"in flight", a.InFlight}, {"owed", a.Owed}, {"fees", a.Fees}, {"quarantined", a.Quarantined}, {"deficit", a.Deficit}} {
			if !part.units.IsZero() {
				rows = append(rows, []string{a.Symbol, "-", part.name, n.amount(a.Asset, part.units)})
			}
		}
	}
	table(w, []string{"ASSET", "CHAIN", "WHAT", "AMOUNT"}, rows)
}

func printBatches(w io.Writer, n names, list []bridge.CommandView) {
	rows := make([][]string, len(list))
	for i, c := range list {
		rows[i] = []string{
			n.chain(c.Chain), number(c.Nonce), c.Kind, fmt.Sprintf("%d/%d", c.Executed, c.Items), number(uint64(c.Failed)),
			number(c.SealHeight), orDash(c.SealComplete), orDash(c.ExecutedHeight),
		}
	}
	table(w, []string{"CHAIN", "NONCE", "KIND", "EXECUTED", "FAILED", "SEALED AT", "SIGNED AT", "EXECUTED AT"}, rows)
}

func orDash(n uint64) string {
	if n == 0 {
		return "-"
	}
	return number(n)
}

func printSeals(w io.Writer, _ names, list []bridge.SealView) {
	rows := make([][]string, len(list))
	for i, seal := range list {
		rows[i] = []string{
			number(seal.Height), number(seal.Epoch), seal.Root.Hex(), strconv.Itoa(seal.Commands),
			strconv.Itoa(len(seal.Signers)), orDash(seal.Complete),
		}
	}
	table(w, []string{"HEIGHT", "EPOCH", "ROOT", "COMMANDS", "SIGNERS", "COMPLETE AT"}, rows)
}

func printInbox(w io.Writer, _ names, v bridge.InboxView) {
	pairs(w, "chain", v.Label, "applied up to", number(v.Cursor), "accumulator", v.CursorHash.Hex(),
		"agreed head", number(v.Head), "agreed marks above", strconv.Itoa(len(v.Agreed)))
	rows := make([][]string, len(v.Votes))
	for i, vote := range v.Votes {
		newest := "-"
		if len(vote.Marks) > 0 {
			newest = number(vote.Marks[len(vote.Marks)-1].Nonce)
		}
		rows[i] = []string{vote.Validator.String(), number(vote.Head), newest, vote.Alarm}
	}
	table(w, []string{"VALIDATOR", "HEAD", "NEWEST MARK", "ALARM"}, rows)
}
