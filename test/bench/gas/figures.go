package gas

import (
	"fmt"

	"github.com/icrosschain/bridged/contracts/evmtest"
	"github.com/icrosschain/bridged/test/bench/figure"
)

// Aims with the usual set: those in gas for the rules of today, and the ratios
// that they are to Gravity's figures for both.
const (
	aimVerification = 105_000
	aimRelease      = 10_400 // of a batch of aimBatch
	aimBatch        = 100

	aimVerificationRatio = 0.59
	aimReleaseRatio      = 0.82
)

// list collects figures of one rule set.
type list struct {
	rules   evmtest.Rules
	figures []figure.Figure
}

func (l *list) gas(value uint64, format string, args ...any) *figure.Figure {
	return l.add(float64(value), "gas", fmt.Sprintf(format, args...))
}

func (l *list) add(value float64, unit, name string) *figure.Figure {
	l.figures = append(l.figures, figure.Figure{Name: string(l.rules) + ": " + name, Value: value, Unit: unit})
	return &l.figures[len(l.figures)-1]
}

// beside adds what the same thing needs elsewhere, and the ratio of ours to that.
func (l *list) beside(p peer, ours uint64, project, what string) *figure.Figure {
	l.gas(p.gas, "%s: %s", project, what).Note = p.origin
	return l.add(float64(ours)/float64(p.gas), figure.Ratio, what+" ÷ "+project)
}

// atMost gives a figure an aim that it must not exceed.
func atMost(f *figure.Figure, aim float64) { f.Aim, f.AtMost = aim, true }

// compared are the figures beside those of other projects.
func (r Report) compared() []figure.Figure {
	l, theirs := &list{rules: r.Rules}, gravity[r.Rules]
	for _, q := range r.Quorums {
		what := fmt.Sprintf("verification, %d validators", q.Validators)
		f := l.gas(q.Check, "%s", what)
		f.Note = fmt.Sprintf("checkQuorum as a transaction, %d signatures", q.Signatures)
		if q.Validators == usual && r.Rules == evmtest.Osaka {
			atMost(f, aimVerification)
		}
		if f = l.beside(theirs.verification[q.Validators], q.Check, "Gravity", what); q.Validators == usual {
			atMost(f, aimVerificationRatio)
		}
	}
	for _, b := range r.Batches {
		if b.Token == erc20 && b.Recipients == existing {
			r.release(l, b)
		}
	}
	for _, s := range r.SetChanges {
		what := fmt.Sprintf("set change, %d validators", s.Validators)
		l.gas(s.Gas, "%s", what)
		l.beside(theirs.setChange[s.Validators], s.Gas, "Gravity", what)
	}
	for i, d := range r.Deposits {
		what := "deposit, " + d.Kind
		l.gas(d.Gas, "%s", what)
		if i == 0 {
			l.beside(theirs.deposit, d.Gas, "Gravity", what)
		}
	}
	return l.figures
}

// release tells of releases to existing recipients.
func (r Report) release(l *list, b Batch) {
	what := fmt.Sprintf("a release in a batch of %d, %d validators", b.Size, usual)
	f := l.gas(b.Each, "%s", what)
	f.Note = "erc20 with flow limit and relay fee, existing recipients"
	if b.Size == aimBatch && r.Rules == evmtest.Osaka {
		atMost(f, aimRelease)
	}
	if f = l.beside(gravity[r.Rules].release[b.Size], b.Each, "Gravity", what); b.Size == aimBatch {
		atMost(f, aimReleaseRatio)
	}
	for _, o := range others {
		if r.Rules == evmtest.Osaka && o.size == b.Size {
			l.beside(o.peer, b.Each, o.what, what)
		}
	}
}

// others are the figures that stand alone.
func (r Report) others() []figure.Figure {
	l := &list{rules: r.Rules}
	for _, q := range r.Quorums {
		l.gas(q.Execute, "smallest execute, %d validators", q.Validators).Note = "SetParams, with its receipt"
	}
	for _, b := range r.Batches {
		if b.Token != erc20 || b.Recipients != existing {
			l.gas(b.Each, "a release in a batch of %d, %s, %s recipients", b.Size, b.Token, b.Recipients)
		}
	}
	for _, s := range r.Slices {
		l.gas(s.Gas, "250 fresh recipients, %d from %d on", s.Count, s.First).Note = "one transaction"
	}
	for _, s := range r.Stakes {
		l.gas(s.Gas, "%s", s.What)
	}
	l.gas(r.Deploy, "deployment")
	l.gas(r.Register, "registration of a wrapped token")
	return l.figures
}
