package badproxy

import (
	"slices"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/icrosschain/bridged/contracts/bindings"
	btypes "github.com/icrosschain/bridged/x/bridge/types"
)

// event is how one inbox event lies in a log: the accumulator, then the fields of
// its leaf, of which the last may be bytes.
type event struct {
	name  string
	kind  btypes.EventKind
	words int  // of the head, with the accumulator
	tail  bool // the last word of the head says where bytes begin
}

var kinds = map[string]btypes.EventKind{
	"Initialized": btypes.EventInitialized, "Deposited": btypes.EventDeposited, "Executed": btypes.EventExecuted,
	"Claimed": btypes.EventClaimed, "TokenRegistered": btypes.EventTokenRegistered,
	"Staked": btypes.EventStaked, "Unstaked": btypes.EventUnstaked,
}

// events are those of the inbox, by topic.
var events = func() map[common.Hash]event {
	abi, err := bindings.BridgeMetaData.ParseABI()
	if err != nil {
		panic(err) // it is generated
	}
	all := map[common.Hash]event{}
	for name, kind := range kinds {
		e := abi.Events[name]
		all[e.ID] = event{name, kind, len(e.Inputs.NonIndexed()), e.Inputs[len(e.Inputs)-1].Type.String() == "bytes"}
	}
	return all
}()

// eventOf knows the inbox event of a log.
func eventOf(l object) (event, bool) {
	topics, ok := l["topics"].([]any)
	if !ok || len(topics) != 2 || len(bytesOf(topics[1])) != word {
		return event{}, false
	}
	e, known := events[common.BytesToHash(bytesOf(topics[0]))]
	return e, known
}

// leafOf hashes an event as the contract does.
func leafOf(l object) (leaf common.Hash, ok bool) {
	e, ok := eventOf(l)
	data := bytesOf(l["data"])
	head := e.words * word
	if !ok || len(data) < head {
		return common.Hash{}, false
	}
	kind := common.Hash{word - 1: byte(e.kind)}
	packed := slices.Concat(kind[:], bytesOf(l["topics"].([]any)[1]))
	if !e.tail {
		return crypto.Keccak256Hash(packed, data[word:head]), true
	}
	if len(data) < head+word {
		return common.Hash{}, false
	}
	length := common.BytesToHash(data[head : head+word]).Big()
	rest := data[head+word:]
	if !length.IsInt64() || length.Int64() > int64(len(rest)) {
		return common.Hash{}, false
	}
	digest := crypto.Keccak256(rest[:length.Int64()])
	return crypto.Keccak256Hash(packed, data[word:head-word], digest), true
}

// refold makes the logs from the i-th on follow from what they now say, as
// someone would who forges an event with care.
func refold(all []object, i int) []object {
	if i == 0 {
		return all
	}
	before := bytesOf(all[i-1]["data"])
	if len(before) < word {
		return all
	}
	hash := common.BytesToHash(before[:word])
	for _, l := range all[i:] {
		leaf, ok := leafOf(l)
		if !ok {
			return all
		}
		hash = crypto.Keccak256Hash(hash[:], leaf[:])
		data := bytesOf(l["data"])
		copy(data, hash[:])
		l["data"] = hexutil.Encode(data)
	}
	return all
}
