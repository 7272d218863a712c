package doctor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/chain"
	"github.com/icrosschain/bridged/internal/chain/evm"
	"github.com/icrosschain/bridged/internal/node"
	"github.com/icrosschain/bridged/x/bridge"
	"github.com/icrosschain/bridged/x/bridge/evmsig"
	"github.com/icrosschain/bridged/x/bridge/types"
)

const (
	// behindBy is how much older than the others' an endpoint's newest block may
	// be.
	behindBy = time.Minute
)

// chainPatient is one configured chain.
type chainPatient struct {
	*patient
	config    config.Chain
	client    *evm.Client
	err       error // of the configuration
	endpoints []*endpointPatient
	contract  func() (evm.Contract, error)
}

// endpointPatient is one of its endpoints.
type endpointPatient struct {
	chain     *chainPatient
	probe     evm.Probe
	latest    func() (evm.Head, error)
	finalized func() (evm.Head, error)
}

func newChainPatient(ctx context.Context, p *patient, config config.Chain) *chainPatient {
	c := &chainPatient{patient: p, config: config}
	c.client, c.err = evm.Dial(ctx, node.ChainConfig(config))
	ask := func() (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, p.Limit/2) }
	if c.err == nil {
		for _, probe := range c.client.Probes() {
			e := &endpointPatient{chain: c, probe: probe}
			e.latest = sync.OnceValues(func() (evm.Head, error) {
				ctx, cancel := ask()
				defer cancel()
				return probe.Latest(ctx)
			})
			e.finalized = sync.OnceValues(func() (evm.Head, error) {
				ctx, cancel := ask()
				defer cancel()
				return probe.Finalized(ctx)
			})
			c.endpoints = append(c.endpoints, e)
		}
	}
	c.contract = sync.OnceValues(func() (contract evm.Contract, err error) {
		ctx, cancel := ask()
		defer cancel()
		err = c.first(func(e *endpointPatient) error {
			contract, err = e.probe.Contract(ctx, anySet)
			return err
		})
		return contract, err
	})
	return c
}

// anySet is a valid set: the code that a constructor leaves depends on none.
var anySet = types.ValidatorSet{{Signer: types.Address{1}, Power: 1}}

// first asks the endpoints in order until one answers.
func (c *chainPatient) first(ask func(*endpointPatient) error) error {
	err := fmt.Errorf("no endpoint answers")
	for _, e := range c.endpoints {
		if _, unreachable := e.latest(); unreachable != nil {
			continue
		}
		if err = ask(e); err == nil {
			return nil
		}
	}
	return err
}

// jobs are the runs of one check for this chain, or for each of its endpoints.
func (c *chainPatient) jobs(code string) []job {
	ofChain := map[string]func(context.Context) verdict{
		"chain.known":         c.known,
		"chain.served":        c.served,
		"chain.agreement":     c.agreement,
		"contract.code":       c.contractCode,
		"contract.network":    c.contractNetwork,
		"contract.validators": c.contractValidators,
		"relayer.funds":       c.relays(c.funds),
		"relayer.fees":        c.relays(c.fees),
		"relayer.spending":    c.relays(c.spending),
		"relayer.private":     c.relays(c.private),
	}
	if run := ofChain[code]; run != nil {
		return []job{{code, c.config.Name, run}}
	}
	var jobs []job
	for _, e := range c.endpoints {
		run := map[string]func(context.Context) verdict{
			"endpoint.answers":  e.answers,
			"endpoint.chain":    e.rightChain,
			"endpoint.header":   e.header,
			"endpoint.finality": e.finality,
			"endpoint.proofs":   e.proofs,
			"endpoint.logs":     e.logs,
			"endpoint.behind":   e.behind,
		}[code]
		jobs = append(jobs, job{code, c.config.Name + ": " + e.probe.Endpoint(), run})
	}
	return jobs
}

// inState is the chain as the network has it.
func (c *chainPatient) inState() (bridge.ChainState, error) {
	state, err := c.state()
	if err != nil {
		return bridge.ChainState{}, err
	}
	for _, known := range state.chains {
		if known.ID == types.ChainID(c.config.ID) {
			return known, nil
		}
	}
	return bridge.ChainState{}, bridge.ErrNotFound
}

func (c *chainPatient) known(context.Context) verdict {
	if _, err := c.state(); err != nil {
		return skip("%v", err)
	}
	known, err := c.inState()
	if err != nil {
		return fail("the network does not know the chain %s (%d)", c.config.Name, c.config.ID)
	}
	return unless(node.CheckChain(c.config, known.Chain), "%s with contract %s", known.Label, known.Bridge)
}

func (c *chainPatient) served(context.Context) verdict {
	known, err := c.inState()
	switch {
	case err != nil:
		return skip("%v", err)
	case known.Refused != "":
		return fail("the network refuses the chain: %s", known.Refused)
	case known.Paused != bridge.PauseNone:
		return warn("%s since height %d", known.Paused, known.PausedHeight)
	case !known.Active:
		return warn("it takes no deposits yet: its Activate command is not executed")
	}
	return ok("inbox at %d", known.Cursor)
}

// agreement takes the step that an observer begins with.
func (c *chainPatient) agreement(ctx context.Context) verdict {
	if c.err != nil {
		return fail("%v", c.err)
	}
	position, err := evm.NewSource(c.client, nil).Finalized(ctx)
	if check := chain.CheckOf(err); err != nil && check != chain.CheckContract {
		return fail("%v", err)
	}
	if err != nil {
		return skip("%v", err)
	}
	return ok("block %d, by %d group(s) or more", position.Block, c.config.MinAgree)
}

func (e *endpointPatient) answers(context.Context) verdict {
	head, err := e.latest()
	if err != nil && chain.CheckOf(err) == chain.CheckTransport {
		return fail("%v", err)
	}
	if err != nil {
		return ok("though not as it should")
	}
	return ok("newest block %d", head.Number)
}

// rightChain compares block 0 with the other endpoints', so all of them are asked
// first.
func (e *endpointPatient) rightChain(ctx context.Context) verdict {
	for _, other := range e.chain.endpoints {
		_, _ = other.latest() // whether it answers is another check
	}
	err := e.probe.Chain(ctx)
	switch check := chain.CheckOf(err); {
	case check == chain.CheckChainID || check == chain.CheckGenesis:
		return fail("%v", err)
	case err != nil:
		return skip("it does not answer")
	case !e.probe.Genesis():
		return ok("%d, by its id alone: it does not serve block 0", e.chain.config.ID)
	}
	return ok("%d", e.chain.config.ID)
}

func (e *endpointPatient) header(context.Context) verdict {
	_, err := e.latest()
	switch {
	case err == nil:
		return ok("yes")
	case chain.CheckOf(err) == chain.CheckHeader:
		return fail("%v", err)
	}
	return skip("it does not answer, or for another chain")
}

func (e *endpointPatient) finality(context.Context) verdict {
	if _, err := e.latest(); err != nil {
		return skip("it does not answer as it should")
	}
	head, err := e.finalized()
	return unless(err, "block %d (%s)", head.Number, e.chain.config.Finality)
}

func (e *endpointPatient) proofs(ctx context.Context) verdict {
	head, err := e.finalized()
	if err != nil {
		return skip("it knows no finalised block")
	}
	inbox, err := e.probe.Inbox(ctx, head)
	switch by := evm.Verification(e.chain.config.Verification); {
	case err == nil && by == evm.ByAgreement:
		return warn("inbox at %d in block %d, believed and not proven: verification = %q", inbox.Nonce, head.Number, by)
	case err == nil && by == evm.ByReceipts:
		return ok("the receipts of block %d", head.Number)
	case err == nil:
		return ok("inbox at %d in block %d", inbox.Nonce, head.Number)
	case chain.CheckOf(err) == chain.CheckContract:
		return ok("that there is no bridge: %v", err)
	}
	return fail("%v", err)
}

// logs reads the block from which an observer would begin.
func (e *endpointPatient) logs(ctx context.Context) verdict {
	if _, err := e.latest(); err != nil {
		return skip("it does not answer as it should")
	}
	block := e.chain.config.StartBlock
	if known, err := e.chain.inState(); err == nil && known.CursorBlock > 0 {
		block = known.CursorBlock
	}
	events, err := e.probe.Logs(ctx, block)
	if err != nil {
		return fail("block %d: %v", block, err)
	}
	return ok("%d event(s) in block %d", events, block)
}

func (e *endpointPatient) behind(context.Context) verdict {
	own, err := e.latest()
	if err != nil {
		return skip("it does not answer as it should")
	}
	newest := own
	for _, other := range e.chain.endpoints {
		if head, err := other.latest(); err == nil && head.Number > newest.Number {
			newest = head
		}
	}
	if age := time.Duration(newest.Time-min(own.Time, newest.Time)) * time.Second; age > behindBy { //nolint:gosec // a clock's seconds
		return warn("its newest block is %d, that of another %d, %s later", own.Number, newest.Number, age)
	}
	return ok("block %d of %d", own.Number, newest.Number)
}

func (c *chainPatient) contractCode(context.Context) verdict {
	contract, err := c.contract()
	switch {
	case err != nil:
		return skip("%v", err)
	case !contract.Exists():
		return fail("there is no contract at %s", c.config.Contract)
	case contract.Code != contract.WantCode:
		return fail("the code at %s is another contract's", c.config.Contract)
	}
	return ok("%s", c.config.Contract)
}

func (c *chainPatient) contractNetwork(context.Context) verdict {
	contract, err := c.contract()
	switch {
	case err != nil || contract.NetworkID == (types.Hash{}):
		return skip("there is no bridge to be asked")
	case c.genErr != nil:
		return skip("genesis.json is not valid")
	}
	if want := evmsig.NetworkID(c.genesis.Doc.ChainID); contract.NetworkID != want {
		return fail("it is of the network with the id %s, %s has %s", contract.NetworkID, c.genesis.Doc.ChainID, want)
	}
	return ok("%s", c.genesis.Doc.ChainID)
}

func (c *chainPatient) contractValidators(context.Context) verdict {
	contract, err := c.contract()
	if err != nil || contract.NetworkID == (types.Hash{}) {
		return skip("there is no bridge to be asked")
	}
	epoch, members := uint64(1), c.genesis.State.Validators
	if state, err := c.state(); err == nil {
		epoch, members = state.network.Epoch, nil
		for _, v := range state.validators {
			if v.Power > 0 {
				members = append(members, v.Validator)
			}
		}
	} else if contract.Epoch > epoch {
		return skip("the contract is at epoch %d, and no node says which validators that has", contract.Epoch)
	}
	set, err := types.SignerSet(members)
	switch {
	case err != nil:
		return skip("%v", err)
	case contract.Epoch != 0 && contract.Epoch < epoch: // 0 until the first seal tells it
		return warn("the contract is at epoch %d, the network at %d", contract.Epoch, epoch)
	case contract.Epoch > epoch:
		return fail("the contract is at epoch %d, the network at %d", contract.Epoch, epoch)
	case contract.SetHash != set.Hash():
		return fail("the contract has the set %s in epoch %d, the network %s", contract.SetHash, epoch, set.Hash())
	}
	return ok("epoch %d", epoch)
}
