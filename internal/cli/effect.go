package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// effectArgs asks for the effect of what a transaction proposes, or votes on.
func effectArgs(tx types.Tx) (bridge.QueryArgs, error) {
	if tx.Vote != nil {
		return bridge.QueryArgs{ID: number(tx.Vote.Proposal)}, nil
	}
	return contentArgs(tx.Propose.Content)
}

func contentArgs(content types.Content) (bridge.QueryArgs, error) {
	encoded, err := json.Marshal(content)
	if err != nil {
		return bridge.QueryArgs{}, fmt.Errorf("encode the proposal: %w", err)
	}
	return bridge.QueryArgs{Content: encoded}, nil
}

// effectOf asks what a proposal would change if a block of that height and time
// applied it. What only has to wait for a delay is shown as it will be: Error
// says that it does not apply yet, and Changes what it changes then.
func effectOf(ask asker, args bridge.QueryArgs, height int64, at time.Time) (*bridge.EffectView, error) {
	var effect, later bridge.EffectView
	if _, err := ask("effect", args, &later); err != nil {
		return nil, err
	}
	args.Height, args.TimeMS = uint64(height), at.UnixMilli()
	if _, err := ask("effect", args, &effect); err != nil {
		return nil, err
	}
	if effect.Error != "" {
		effect.Changes = later.Changes
	}
	return &effect, nil
}

func printEffect(w io.Writer, n names, e bridge.EffectView) {
	switch {
	case e.Error != "" && len(e.Changes) == 0:
		fmt.Fprintf(w, "It would not apply: %s.\n", e.Error)
		return
	case e.Error != "":
		fmt.Fprintf(w, "It would not apply yet: %s. Once it does, it changes:\n\n", e.Error)
	case len(e.Changes) == 0:
		fmt.Fprintln(w, "If it passes, nothing changes.")
		return
	default:
		fmt.Fprint(w, "If it passes, it changes:\n\n")
	}
	var rows [][]string
	for _, change := range e.Changes {
		rows = append(rows, changeRows(n.path(change.Path), change.Before, change.After)...)
	}
	table(w, []string{"WHAT", "BEFORE", "AFTER"}, rows)
	for _, line := range n.deficits(e) {
		fmt.Fprintln(w, "\n"+line)
	}
}

// changeRows is one row, or one for each part of what is new or gone.
func changeRows(path string, before, after json.RawMessage) [][]string {
	b, a := objectOf(before), objectOf(after)
	if (b == nil) == (a == nil) {
		return [][]string{{path, plain(before), plain(after)}}
	}
	var rows [][]string
	for _, name := range slices.Sorted(mapKeys(b, a)) {
		rows = append(rows, changeRows(path+"."+name, b[name], a[name])...)
	}
	return rows
}

func mapKeys(maps ...map[string]json.RawMessage) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, m := range maps {
			for key := range m {
				if !yield(key) {
					return
				}
			}
		}
	}
}

// objectOf reads an object; it is nil for anything else.
func objectOf(raw json.RawMessage) map[string]json.RawMessage {
	var object map[string]json.RawMessage
	if !bytes.HasPrefix(raw, []byte("{")) || json.Unmarshal(raw, &object) != nil {
		return nil
	}
	return object
}

// plain is a value without its quotes; nothing is a dash.
func plain(raw json.RawMessage) string {
	var text string
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return "-"
	case json.Unmarshal(raw, &text) == nil:
		if text == "" {
			return `""`
		}
		return text
	}
	return string(raw)
}

// path puts the names of chains and assets into the path of a change.
func (n names) path(path string) string {
	parts := strings.Split(path, ".")
	for i, part := range parts {
		var asset types.AssetID
		if asset.UnmarshalText([]byte(part)) == nil && n.assets[asset].Symbol != "" {
			parts[i] = n.assets[asset].Symbol
		}
		if i > 0 && slices.Contains([]string{"chains", "tokens", "commands"}, parts[i-1]) {
			for id, label := range n.chains {
				if id.String() == part {
					parts[i] = label
				}
			}
		}
	}
	return strings.Join(parts, ".")
}

// deficits says in words what the books would be short of afterwards: it is what
// the holders of an asset lose.
func (n names) deficits(e bridge.EffectView) []string {
	var lines []string
	for _, change := range e.Changes {
		var asset types.AssetID
		parts := strings.Split(change.Path, ".")
		if len(parts) != 3 || parts[0] != "supply" || parts[2] != "deficit" || asset.UnmarshalText([]byte(parts[1])) != nil {
			continue
		}
		var before, after types.Amount
		if json.Unmarshal(change.Before, &before) == nil && json.Unmarshal(change.After, &after) == nil {
			lines = append(lines, fmt.Sprintf("Booked as deficit, which nobody backs: %s instead of %s.", n.amount(asset, after), n.amount(asset, before)))
		}
	}
	return lines
}
