package evm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/icrosschain/bridged/internal/chain"
)

// said is what one endpoint named.
type said struct {
	told
	err error
}

// errUnasked says that an endpoint was not needed.
var errUnasked = errors.New("not asked")

// wideEvery is after how many new blocks all endpoints are asked, and not as many
// as it takes: so they are known when they are needed, and a disagreement is seen.
const wideEvery = 16

// agreement is the header that min_agree groups name, and how all who know its
// number name it.
type agreement struct {
	header  header
	answers []chain.Answer
	groups  int
}

// newest asks for the newest header that is final to endpoints: the first one
// whether it knows a new one, and only then as many as have to agree, and more
// where they fail, are slow or behind.
func (s *Source) newest(ctx context.Context) []said {
	c := s.client
	newest := make([]said, len(c.endpoints))
	for i := range newest {
		newest[i].err = errUnasked
	}
	order := c.spread(c.drawn(classHeader))
	if s.calm { // the one that knew nothing new may be stuck
		order = c.after(order, s.lead)
	}
	s.lead = order[0]
	lacks := s.lacks
	if !s.trusting {
		lacks = s.lacksAny
	}
	s.trusting = false // until it has gone well
	s.ask(ctx, order, newest, lacks)
	return newest
}

// lacks is how many more endpoints have to answer, by what is known now.
func (s *Source) lacks(newest []said) int {
	c, groups, answered, known := s.client, map[string]bool{}, false, false
	for i, n := range newest {
		switch {
		case n.err != nil:
			continue
		case s.contradicts(n.header):
			return s.lacksAny(newest)
		case s.isLast(n.header):
			known = true
		case n.header.Number > s.last.Block:
			groups[c.endpoints[i].group] = true
		}
		answered = true
	}
	switch {
	case len(groups) > 0 && s.wide():
		return s.lacksAny(newest)
	case known && len(groups) == 0 || len(groups) > 0 && c.enough(newest, s.last.Block+1):
		return 0 // who knows nothing new is no reason to doubt who does
	case !answered:
		return 1
	}
	return max(c.cfg.MinAgree-len(groups), 1)
}

// wide says that all endpoints are asked about what is new: now and then, and
// always where what they say is not proven.
func (s *Source) wide() bool {
	return s.looks%wideEvery == 0 || s.client.cfg.Verification != ByProof
}

// lacksAny is lacks where all are to be asked. What it takes is enough for those
// that are slow.
func (s *Source) lacksAny(newest []said) (lacking int) {
	for _, n := range newest {
		if errors.Is(n.err, errUnasked) {
			lacking++
		}
	}
	return lacking
}

// isLast says that a header is that of the position proven last.
func (s *Source) isLast(h header) bool { return h.Number == s.last.Block && h.Hash == s.last.Hash }

// contradicts says that a header stands where another one was proven.
func (s *Source) contradicts(h header) bool {
	return h.Number == s.last.Block && h.Hash != s.last.Hash && s.last.Block > 0
}

// agree finds the newest finalised header that min_agree groups name by its
// hash. An endpoint that is ahead is asked again for the number in question:
// it is as final to it as its newest. Fewer than min_agree is an error, and
// never a reason to be content with less; but those that were not asked yet are
// asked first. Where nobody knows more than before, it is the last one again.
func (s *Source) agree(ctx context.Context, newest []said) (agreement, error) {
	a, err := s.agreeOn(ctx, newest)
	if err != nil && s.askRest(ctx, newest) {
		a, err = s.agreeOn(ctx, newest)
	}
	if ctx.Err() == nil {
		s.client.noteAgreement(newest, a, err)
	}
	return a, err
}

// askRest asks those that were not needed so far, and says whether there were
// any.
func (s *Source) askRest(ctx context.Context, newest []said) bool {
	if ctx.Err() != nil || s.lacksAny(newest) == 0 {
		return false
	}
	s.ask(ctx, s.client.drawn(classHeader), newest, s.lacksAny)
	return true
}

func (s *Source) ask(ctx context.Context, order []int, newest []said, lacks func([]said) int) {
	c := s.client
	c.gather(ctx, order, newest, lacks, func(ctx context.Context, conn Conn) (told, error) {
		return fetchFinalized(ctx, conn, c.cfg.Finality, c.cfg.ForeignHeaders)
	})
	for i, n := range newest {
		if n.err == nil {
			s.know(n.told, c.endpoints[i].named(n.told))
		}
	}
}

// named is that an endpoint has named a header.
func (e *endpoint) named(t told) chain.Answer {
	return e.answer(fmt.Sprintf("eth_getBlockByNumber(%d)", t.header.Number), t.raw)
}

func (s *Source) agreeOn(ctx context.Context, newest []said) (agreement, error) {
	c := s.client
	if ctx.Err() != nil {
		return agreement{}, ctx.Err()
	}
	errs, numbers, known, doubted := []error{}, []uint64{}, false, false
	for _, n := range newest {
		switch {
		case errors.Is(n.err, errUnasked):
		case n.err != nil:
			errs = append(errs, n.err)
		default:
			numbers = append(numbers, n.header.Number)
			known, doubted = known || s.isLast(n.header), doubted || s.contradicts(n.header)
		}
	}
	slices.SortFunc(numbers, func(a, b uint64) int { return cmp.Compare(b, a) })
	for _, number := range slices.Compact(numbers) {
		if known && !doubted && number <= s.last.Block {
			return agreement{header: header{Number: s.last.Block, Hash: s.last.Hash}}, nil
		}
		if c.groupsAt(newest, number) < c.cfg.MinAgree {
			continue
		}
		a, err := s.agreeAmong(ctx, newest, number, s.viewOf)
		if err == nil {
			return a, nil
		}
		errs = append(errs, err)
	}
	check := chain.CheckAgreement
	if len(numbers) == 0 {
		check = chain.CheckTransport
	}
	return agreement{}, joinUnder(chain.Failed(check, "%d of %d endpoints answer, and %d groups have to name the same finalised header",
		len(numbers), len(c.endpoints), c.cfg.MinAgree), errs)
}

// groupsAt counts the groups with an endpoint to which the number is final.
func (c *Client) groupsAt(newest []said, number uint64) int {
	groups := map[string]bool{}
	for i, n := range newest {
		if n.err == nil && n.header.Number >= number {
			groups[c.endpoints[i].group] = true
		}
	}
	return len(groups)
}

// agreeAt finds the header of one number that min_agree groups name, among those
// that have answered, and among all if need be. Each is asked for that number: it
// may be about a contradiction, and evidence is what a server itself has said.
func (s *Source) agreeAt(ctx context.Context, newest []said, number uint64) (agreement, error) {
	a, err := s.agreeAmong(ctx, newest, number, s.newestView)
	if err != nil && s.askRest(ctx, newest) {
		a, err = s.agreeAmong(ctx, newest, number, s.newestView)
	}
	return a, err
}

// view is which header an endpoint names at a number, by what it said.
type view struct {
	header  header
	answers []chain.Answer // none if it has to be asked
}

// viewOf is what an endpoint that named a newest header has named at a number
// with it.
func (s *Source) viewOf(e *endpoint, newest told, number uint64) view {
	v := view{newest.header, []chain.Answer{e.named(newest)}}
	below := s.ancestors(newest.header, number)
	if newest.header.Number-uint64(len(below)) > number {
		return view{}
	}
	for _, l := range below {
		v.header, v.answers = l.header, append(v.answers, l.answer)
	}
	return v
}

// newestView is viewOf for those only whose newest header it is.
func (s *Source) newestView(e *endpoint, newest told, number uint64) view {
	if newest.header.Number > number {
		return view{}
	}
	return view{newest.header, []chain.Answer{e.named(newest)}}
}

// agreeAmong counts who names which header at one number. Whose view of it does
// not follow from the newest header is asked.
func (s *Source) agreeAmong(ctx context.Context, newest []said, number uint64, known func(*endpoint, told, uint64) view) (agreement, error) {
	c := s.client
	var asked []*endpoint
	var views []view // of asked
	for i, n := range newest {
		if n.err == nil && n.header.Number >= number {
			asked, views = append(asked, c.endpoints[i]), append(views, known(c.endpoints[i], n.told, number))
		}
	}
	errs := each(ctx, asked, c.cfg.MinAgree, func(ctx context.Context, i int, e *endpoint) error {
		if len(views[i].answers) > 0 {
			return nil
		}
		return e.do(ctx, func(ctx context.Context, conn Conn) error {
			t, err := fetchNumber(ctx, conn, number, c.cfg.ForeignHeaders)
			if err == nil {
				views[i] = view{t.header, []chain.Answer{e.named(t)}}
				s.know(t, views[i].answers[0])
			}
			return err
		})
	})
	groups := map[header]map[string]bool{}
	var all []chain.Answer
	for i, err := range errs {
		if err != nil {
			continue
		}
		h := views[i].header
		if groups[h] == nil {
			groups[h] = map[string]bool{}
		}
		groups[h][asked[i].group] = true
		all = append(all, views[i].answers...)
	}
	h, err := s.decide(number, groups, errs)
	if err != nil {
		return agreement{}, err
	}
	for i, v := range views {
		if errs[i] == nil && v.header != h {
			_ = asked[i].failed(chain.Failed(chain.CheckAgreement, "it names block %d %s, and %d groups %s",
				number, v.header.Hash, len(groups[h]), h.Hash))
		}
	}
	return agreement{h, all, len(groups[h])}, nil
}

// decide takes the only header with enough groups behind it.
func (s *Source) decide(number uint64, groups map[header]map[string]bool, errs []error) (header, error) {
	var agreed []header
	var views []string
	for h, names := range groups {
		if len(names) >= s.client.cfg.MinAgree {
			agreed = append(agreed, h)
		}
		for name := range names {
			views = append(views, fmt.Sprintf("%s: %s", name, h.Hash))
		}
	}
	slices.Sort(views)
	if len(agreed) == 1 {
		s.hear(groups, agreed[0])
		s.tell("agreement", len(s.dissent) > 0, "endpoints disagree about a finalised block", "height", number, "said", strings.Join(views, ", "))
		return agreed[0], nil
	}
	err := chain.Failed(chain.CheckAgreement, "no %d groups agree on block %d: %s", s.client.cfg.MinAgree, number, strings.Join(views, ", "))
	if len(agreed) > 1 {
		err = chain.Failed(chain.CheckAgreement, "two headers of block %d have %d groups each: %s",
			number, s.client.cfg.MinAgree, strings.Join(views, ", "))
	}
	return header{}, joinUnder(err, errs)
}

// hear keeps who named another header last: not everybody is asked each time, and
// a disagreement is over when the one who disagreed does no more.
func (s *Source) hear(groups map[header]map[string]bool, agreed header) {
	for name := range groups[agreed] {
		delete(s.dissent, name)
	}
	for h, names := range groups {
		for name := range names {
			if h != agreed {
				s.dissent[name] = true
			}
		}
	}
}

// joinUnder says first what follows from the causes, then the causes. The check
// named is a cause's if one endpoint lied, for that is the news.
func joinUnder(first error, causes []error) error {
	check, all := chain.CheckOf(first), []error{first}
	if known, ok := errors.AsType[*chain.Error](first); ok {
		all[0] = known.Err
	}
	lie := chain.CheckTransport
	for _, err := range causes {
		if err == nil {
			continue
		}
		all = append(all, err)
		if other := chain.CheckOf(err); lie == chain.CheckTransport && other != chain.CheckAgreement {
			lie = other
		}
	}
	if lie != chain.CheckTransport {
		check = lie
	}
	return &chain.Error{Check: check, Err: flat(all)}
}
