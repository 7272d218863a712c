// Package doctor looks at a home, its node and its chains from outside, and says
// what is wrong and what mends it. It changes nothing, needs no running node, and
// disturbs none.
//
// It stands beside internal/node, whose own checks of a start it runs too. The
// checks are data: catalog.go has each with its code, title and remedy, and
// docs/doctor.md is made from that.
package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/icrosschain/bridged/config"
)

// Options say what to look at.
type Options struct {
	Home  config.Home
	Node  string        // RPC address to ask for the network's state; empty: the home's own node
	Limit time.Duration // of each check; all run at once
	// LeastDisk is how many free bytes are too few; 0: 2 GiB.
	LeastDisk uint64
}

// Result is how a check ended.
type Result string

// The results.
const (
	OK   Result = "ok"
	Warn Result = "warn" // works, and somebody should look
	Fail Result = "fail"
	Skip Result = "skip" // does not apply, or cannot be told now
)

// Finding is what a check has found.
type Finding struct {
	Code    string `json:"code"`
	Title   string `json:"title"`
	Subject string `json:"subject"` // chain, endpoint or peer; empty: the home
	Result  Result `json:"result"`
	Found   string `json:"found"`
	Remedy  string `json:"remedy"` // what to do; empty where nothing is
}

// Report is all findings, in the catalog's order.
type Report struct {
	OK       bool      `json:"ok"` // nothing failed
	Failed   int       `json:"failed"`
	Warned   int       `json:"warned"`
	Findings []Finding `json:"checks"`
}

// verdict is what one run of a check says.
type verdict struct {
	result Result
	found  string
}

func ok(format string, args ...any) verdict   { return verdict{OK, fmt.Sprintf(format, args...)} }
func warn(format string, args ...any) verdict { return verdict{Warn, fmt.Sprintf(format, args...)} }
func fail(format string, args ...any) verdict { return verdict{Fail, fmt.Sprintf(format, args...)} }
func skip(format string, args ...any) verdict { return verdict{Skip, fmt.Sprintf(format, args...)} }

// job is one run of a check on one subject.
type job struct {
	code    string
	subject string
	run     func(context.Context) verdict
}

// Run runs all checks at once and waits for each for the limit at most.
func Run(ctx context.Context, o Options) Report {
	p := newPatient(ctx, o)
	defer p.close()
	jobs := p.jobs()
	findings := make([]chan Finding, len(jobs))
	for i, j := range jobs {
		findings[i] = make(chan Finding, 1)
		go func() { findings[i] <- examine(ctx, o.Limit, j) }()
	}
	report := Report{OK: true, Findings: []Finding{}}
	for i := range jobs {
		f := <-findings[i]
		switch f.Result {
		case Fail:
			report.OK = false
			report.Failed++
		case Warn:
			report.Warned++
		}
		report.Findings = append(report.Findings, f)
	}
	return report
}

// examine runs one check. One that hangs, or panics, fails and hurts no other.
func examine(ctx context.Context, limit time.Duration, j job) Finding {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan verdict, 1)
	go func() {
		defer func() {
			if cause := recover(); cause != nil {
				done <- fail("the check itself failed: %v", cause)
			}
		}()
		done <- j.run(ctx)
	}()
	var v verdict
	select {
	case v = <-done:
	case <-ctx.Done():
		v = fail("no answer within %s", limit)
	}
	c := lookUp(j.code)
	f := Finding{Code: c.Code, Title: c.Title, Subject: j.subject, Result: v.result, Found: v.found}
	if v.result == Warn || v.result == Fail {
		f.Remedy = c.Remedy
	}
	return f
}
