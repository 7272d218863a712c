package bridge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	pb "github.com/icrosschain/bridged/x/bridge/bridgepb"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/internal/state"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// EffectView is exactly what a proposal would change if it were applied to this
// state.
type EffectView struct {
	Action  string       `json:"action"`
	Error   string       `json:"error"` // why it would not apply; empty if it would
	Changes []ChangeView `json:"changes"`
}

// ChangeView is one difference between the answers of the state before and
// after. Before or after is null where there was, or will be, nothing.
type ChangeView struct {
	Path   string          `json:"path"` // for example chains.31001.release_gas; commands.31001.0 is an order to come
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

// someday is the height and time of a dry run that names none: the state holds
// no clock, so every delay counts as over.
const someday = 1 << 40

// queryEffect tries a content, or that of a proposal, on a copy of the state.
func queryEffect(v state.View, args QueryArgs) (any, error) {
	content, err := contentNamed(v, args)
	if err != nil {
		return nil, err
	}
	before, err := pictureOf(v)
	if err != nil {
		return nil, err
	}
	block := Block{Height: someday, Time: time.UnixMilli(someday)}
	if args.Height > 0 && args.Height < someday {
		block.Height = int64(args.Height) //nolint:gosec // checked
	}
	if args.TimeMS > 0 {
		block.Time = time.UnixMilli(args.TimeMS)
	}
	view := EffectView{Action: content.Action(), Changes: []ChangeView{}}
	trial := newApplier(&Machine{recoverSigner: evmsig.Recover}, state.Overlay(v), block)
	if err := trial.enact(content); err != nil {
		view.Error = err.Error()
		return view, nil
	}
	trial.save()
	after, err := pictureOf(trial.s.View)
	if err != nil {
		return nil, err
	}
	return view, view.compare("", before, after)
}

func contentNamed(v state.View, args QueryArgs) (types.Content, error) {
	if len(args.Content) == 0 {
		p, err := proposalNamed(v, args.ID)
		if err != nil {
			return types.Content{}, err
		}
		return contentOf(v, p.Id), nil
	}
	content, err := types.ParseContent(args.Content)
	if err != nil {
		return types.Content{}, refuse(ErrBadQuery, "%v", err)
	}
	return content, nil
}

// picture is everything that a proposal may change, as a tree of JSON objects:
// what queries answer, with lists keyed by what their elements are about.
type picture = map[string]any

func pictureOf(v state.View) (picture, error) {
	all := QueryArgs{}
	assets, _ := queryAssets(v, all) // neither fails
	supply, _ := querySupply(v, all)
	chains := []ChainState{}
	commands := map[string]map[int]orderView{} // by chain and position
	for _, c := range v.Chains() {
		chains = append(chains, chainState(c))
		for i, b := range v.Backlog(types.ChainID(c.Id)).GetCommands() {
			command, err := types.DecodeCommand(b)
			if err != nil {
				state.Failf("backlog of chain %d: %w", c.Id, err)
			}
			if i == 0 {
				commands[decimal(c.Id)] = map[int]orderView{}
			}
			commands[decimal(c.Id)][i] = orderView{command.Kind().String(), command}
		}
	}
	quarantine := map[string]TransferID{}
	v.Quarantines(0, func(record *pb.Quarantine) bool {
		quarantine[decimal(record.Id)] = TransferID(transferID(record.Transfer))
		return true
	})
	validators, _ := queryValidators(v, all) // never fails
	encoded, err := json.Marshal(map[string]any{
		"validators": validators,
		"network":    networkState(v.Network()), "chains": chains, "assets": assets, "supply": supply,
		"quarantine": quarantine, "commands": commands,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding the state: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, fmt.Errorf("decoding the state: %w", err)
	}
	return keyed(tree).(picture), nil //nolint:forcetypeassert // a map was encoded
}

// TransferID is the text form of a transfer's id, with the number of its chain.
type TransferID string

// orderView is a command that is about to be ordered.
type orderView struct {
	Kind    string        `json:"kind"`
	Command types.Command `json:"command"`
}

// keyed turns lists of objects into objects, by what their elements are about,
// so that a difference names that and not a position. Other lists stay whole.
func keyed(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			value[key] = keyed(inner)
		}
	case []any:
		if len(value) == 0 {
			return value
		}
		elements := picture{}
		for _, element := range value {
			object, _ := element.(map[string]any)
			key := keyOf(object)
			if key == "" {
				return value
			}
			elements[key] = keyed(object)
		}
		return elements
	}
	return value
}

func keyOf(object map[string]any) string {
	for _, name := range []string{"id", "asset", "chain"} {
		if key, ok := object[name]; ok {
			return fmt.Sprint(key)
		}
	}
	return ""
}

// compare adds the differences between two trees, in the order of their paths.
func (e *EffectView) compare(path string, before, after any) error {
	b, inner := asPicture(before, after)
	a, alike := asPicture(after, before)
	if !inner || !alike {
		if reflect.DeepEqual(before, after) {
			return nil
		}
		return e.add(path, before, after)
	}
	names := slices.Sorted(maps.Keys(b))
	for name := range a {
		if _, known := b[name]; !known {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if err := e.compare(strings.TrimPrefix(path+"."+name, "."), b[name], a[name]); err != nil {
			return err
		}
	}
	return nil
}

// asPicture is a value that has parts to compare. An empty list has none, and
// is one of objects if the other side's is.
func asPicture(value, other any) (picture, bool) {
	if list, ok := value.([]any); ok && len(list) == 0 {
		_, ok = other.(picture)
		return picture{}, ok
	}
	tree, ok := value.(picture)
	return tree, ok
}

func (e *EffectView) add(path string, before, after any) error {
	change := ChangeView{Path: path}
	var err error
	if change.Before, err = json.Marshal(before); err != nil {
		return fmt.Errorf("encoding %s: %w", path, err)
	}
	if change.After, err = json.Marshal(after); err != nil {
		return fmt.Errorf("encoding %s: %w", path, err)
	}
	e.Changes = append(e.Changes, change)
	return nil
}
