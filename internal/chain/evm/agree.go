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

// agreement is the header that min_agree groups name, and how all who know its
// number name it.
type agreement struct {
	header  header
	answers []chain.Answer
}

// newest asks all endpoints for the newest header that is final to them.
func (s *Source) newest(ctx context.Context) []said {
	c := s.client
	return c.askHeaders(ctx, func(ctx context.Context, conn Conn) (told, error) {
		return fetchFinalized(ctx, conn, c.cfg.Finality, c.cfg.ForeignHeaders)
	})
}

// agree finds the newest finalised header that min_agree groups name by its
// hash. An endpoint that is ahead is asked again for the number in question:
// it is as final to it as its newest. Fewer than min_agree is an error, and
// never a reason to be content with less.
func (s *Source) agree(ctx context.Context, newest []said) (agreement, error) {
	c := s.client
	if ctx.Err() != nil {
		return agreement{}, ctx.Err()
	}
	errs, numbers := []error{}, []uint64{}
	for _, n := range newest {
		if n.err != nil {
			errs = append(errs, n.err)
			continue
		}
		numbers = append(numbers, n.header.Number)
	}
	slices.SortFunc(numbers, func(a, b uint64) int { return cmp.Compare(b, a) })
	for _, number := range slices.Compact(numbers) {
		if c.groupsAt(newest, number) < c.cfg.MinAgree {
			continue
		}
		a, err := s.agreeAt(ctx, newest, number)
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

// agreeAt counts who names which header at one number.
func (s *Source) agreeAt(ctx context.Context, newest []said, number uint64) (agreement, error) {
	c := s.client
	var asked []*endpoint
	var answers []told // of asked; empty if it has to be fetched
	for i, n := range newest {
		if n.err != nil || n.header.Number < number {
			continue
		}
		asked = append(asked, c.endpoints[i])
		if n.header.Number > number {
			n.told = told{}
		}
		answers = append(answers, n.told)
	}
	errs := each(ctx, asked, c.cfg.MinAgree, func(ctx context.Context, i int, e *endpoint) error {
		if answers[i].raw != nil {
			return nil
		}
		return e.do(ctx, func(ctx context.Context, conn Conn) (err error) {
			answers[i], err = fetchNumber(ctx, conn, number, c.cfg.ForeignHeaders)
			return err
		})
	})
	groups := map[header]map[string]bool{}
	var all []chain.Answer
	for i, err := range errs {
		if err != nil {
			continue
		}
		h := answers[i].header
		if groups[h] == nil {
			groups[h] = map[string]bool{}
		}
		groups[h][asked[i].group] = true
		all = append(all, asked[i].answer(fmt.Sprintf("eth_getBlockByNumber(%d)", number), answers[i].raw))
	}
	h, err := s.decide(number, groups, errs)
	return agreement{h, all}, err
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
		s.tell("agreement", len(groups) > 1, "endpoints disagree about a finalised block", "height", number, "said", strings.Join(views, ", "))
		return agreed[0], nil
	}
	err := chain.Failed(chain.CheckAgreement, "no %d groups agree on block %d: %s", s.client.cfg.MinAgree, number, strings.Join(views, ", "))
	if len(agreed) > 1 {
		err = chain.Failed(chain.CheckAgreement, "two headers of block %d have %d groups each: %s",
			number, s.client.cfg.MinAgree, strings.Join(views, ", "))
	}
	return header{}, joinUnder(err, errs)
}

// askHeaders asks all endpoints at once.
func (c *Client) askHeaders(ctx context.Context, ask func(context.Context, Conn) (told, error)) []said {
	answers := make([]said, len(c.endpoints))
	errs := each(ctx, c.endpoints, c.cfg.MinAgree, func(ctx context.Context, i int, e *endpoint) error {
		return e.do(ctx, func(ctx context.Context, conn Conn) (err error) {
			answers[i].told, err = ask(ctx, conn)
			return err
		})
	})
	for i, err := range errs {
		answers[i].err = err
	}
	return answers
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
