package simnet

import (
	"encoding/json"
	"math/rand/v2"
	"slices"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/icrosschain/bridged/app"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/sealhistory"
	"github.com/icrosschain/bridged/x/bridge/types"
)

// delayed is a report that its operator sends later.
type delayed struct {
	at     int64
	by     *node
	report *types.ReportSignature
}

// report makes a report of a seal that a liar has forged, or pretends that a true
// one is forged.
func (r *run) report() {
	rnd, anybody := r.dice.of("report"), r.anybody()
	if anybody == nil || r.height == 0 {
		return
	}
	n, by := pick(rnd, r.nodes), pick(rnd, r.nodes)
	report := r.accuse(rnd, n)
	if report == nil {
		return
	}
	digest := evmsig.SealDigest(evmsig.NetworkID(chainID), report.Epoch, report.Height, report.Root)
	report.Signature = r.memo.sign(n.member, digest)
	report.Witness = witness(anybody, report.Height)
	if report.Witness != nil {
		r.witnessed[report.Signature] = true
		if !n.liar && rnd.IntN(4) > 0 {
			r.misreport(rnd, anybody, report)
			r.rare("a false witness")
		}
	}
	late := []int64{0, 0, 1 + rnd.Int64N(12)}[rnd.IntN(3)]
	r.reports = append(r.reports, delayed{r.height + late, by, report})
}

// accuse says which seal a node is said to have forged; nil if it has signed none.
func (r *run) accuse(rnd *rand.Rand, n *node) *types.ReportSignature {
	if n.liar {
		root := types.Hash(randomBytes(rnd, 32))
		r.forgers[root] = n.id
		return &types.ReportSignature{Epoch: r.registry.epoch, Height: 1 + rnd.Uint64N(uint64(r.height)+3), Root: root}
	}
	heights := sortedKeys(n.signed)
	if len(heights) == 0 {
		return nil
	}
	r.rare("a true seal is reported")
	height := pick(rnd, heights)
	of := r.seals.roots[height]
	return &types.ReportSignature{Epoch: of.epoch, Height: height, Root: of.root}
}

// sendReports sends those that are due.
func (r *run) sendReports() {
	r.reports = slices.DeleteFunc(r.reports, func(d delayed) bool {
		if d.at > r.height {
			return false
		}
		r.sendTx(d.by, types.Tx{Report: d.report})
		return true
	})
}

// witness asks a node for the witness of what was sealed at a height; nil if the
// state itself knows.
func witness(n *node, height uint64) *types.SealWitness {
	args, err := json.Marshal(bridge.QueryArgs{Height: height})
	if err != nil {
		n.run.broken("simnet", "a query: %v", err)
	}
	answer, err := n.app.Query(ctx, &abci.RequestQuery{Path: app.BridgePath + app.SealWitnessQuery, Data: args})
	var view app.SealWitnessView
	if err == nil && answer.Code == 0 {
		err = json.Unmarshal(answer.Value, &view)
	}
	if answer.GetCode() == bridge.ErrNotFound.Code && int64(height) < n.run.registry.loggedFrom {
		return nil
	}
	if err != nil || answer.Code != 0 {
		n.run.broken("ban", "%s has seen all seals and makes no witness of height %d: %v %s", n.Moniker, height, err, answer.GetLog())
	}
	return view.Witness
}

// since is the height from which on signers answer for seals in a block, by the
// chains of a state: the unbonding time back, and further where a contract would
// still take an older seal.
func (r *run) since(height int64, chains []bridge.ChainState) int64 {
	since := r.unbonding(height)
	for _, c := range chains {
		if c.Refused == "" {
			since = min(since, int64(c.ExecutedSeal))
		}
	}
	return since
}

func (r *run) unbonding(height int64) int64 {
	return height - min(height, int64(r.registry.params.UnbondingBlocks))
}

// answered gives the bounds of what since was when the newest block's
// transactions were executed: behind its receipts, and before what governance did
// to chains in it.
func (r *run) answered() (low, high int64) {
	var after []bridge.ChainState
	n := r.anybody()
	n.view(func(state bridge.Reader) (err error) {
		after, err = n.app.Machine().Chains(state)
		return err
	})
	low, high = r.since(r.height, r.agreed), r.since(r.height, after)
	if high < low || high == 0 {
		high = r.unbonding(r.height)
	}
	return low, high
}

// misreport makes a witness of a true seal say that there was none, or another; or it
// brings a true one of another height, or none.
func (r *run) misreport(rnd *rand.Rand, n *node, report *types.ReportSignature) {
	w := report.Witness
	switch rnd.IntN(5) {
	case 0:
		w.Entry.Root = types.Hash(randomBytes(rnd, 32))
	case 1:
		w.Entry.Epoch++
	case 2:
		w.Entry.Height++
	case 3:
		report.Witness = witness(n, 1+rnd.Uint64N(uint64(r.height)))
	default:
		report.Witness = nil
	}
}

// proves says whether a witness shows what the network sealed around a height,
// by the seals that blocks told of before one.
func (r *run) proves(w *types.SealWitness, height uint64, before int64) bool {
	if w == nil || w.Entry.Previous >= height || w.Entry.Height < height {
		return false
	}
	var leaves []types.Hash
	var last uint64
	for _, at := range sortedKeys(r.seals.roots) {
		if int64(at) >= before {
			break
		}
		of := r.seals.roots[at]
		leaves = append(leaves, sealhistory.Leaf(types.SealEntry{Previous: last, Height: at, Epoch: of.epoch, Root: of.root}))
		last = at
	}
	if w.Position >= uint64(len(leaves)) || leaves[w.Position] != sealhistory.Leaf(w.Entry) {
		return false
	}
	return slices.Equal(w.Path, dumbPath(leaves, int(w.Position)))
}

// dumbPath cuts perfect trees off the leaves, the largest first, until it has
// the one with the leaf, and gives the path in it.
func dumbPath(leaves []types.Hash, at int) []types.Hash {
	size := 1
	for size*2 <= len(leaves) {
		size *= 2
	}
	if at >= size {
		return dumbPath(leaves[size:], at-size)
	}
	var path []types.Hash
	for tree := leaves[:size]; len(tree) > 1; at /= 2 {
		path = append(path, tree[at^1])
		var up []types.Hash
		for i := 0; i < len(tree); i += 2 {
			up = append(up, sealhistory.Parent(tree[i], tree[i+1]))
		}
		tree = up
	}
	return path
}

// forgets says whether the newest state does not know what was sealed at a
// height.
func (r *run) forgets(height uint64) (needed bool) {
	n := r.anybody()
	n.view(func(state bridge.Reader) (err error) {
		needed, err = n.app.Machine().NeedsWitness(state, height)
		return err
	})
	return needed
}
