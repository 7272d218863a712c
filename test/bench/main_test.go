package main

import (
	"bytes"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/icrosschain/bridged/test/bench/figure"
)

func TestJobs(t *testing.T) {
	t.Parallel()
	all, err := jobs(false, nil)
	if err != nil || len(all) != len(benchmarks) {
		t.Errorf("no names are %d benchmarks, %v", len(all), err)
	}
	short, err := jobs(true, nil)
	if err != nil || len(short) >= len(all) {
		t.Errorf("a short run has %d benchmarks, %v", len(short), err)
	}
	all, err = jobs(false, []string{"throughput", "--seconds", "5", "throughput"})
	if err != nil || len(all) != 2 || !reflect.DeepEqual(all[0].args, []string{"--seconds", "5"}) || all[1].args != nil {
		t.Errorf("%+v, %v", all, err)
	}
	for _, bad := range [][]string{{"nothing"}, {"--seconds", "throughput"}} {
		if all, err := jobs(false, bad); err == nil {
			t.Errorf("%v is %v", bad, all)
		}
	}
}

// The program measures, writes what it has measured, and compares with it.
func TestRun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	file := filepath.Join(t.TempDir(), "bench.json")
	args := []string{"catchup", "--blocks", "20"}
	if err := run(t.Context(), settings{short: true, json: file}, args, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	report, err := figure.Read(file)
	if err != nil || report.Command != "go run ./test/bench --short catchup --blocks 20" || report.Figures[0].Bench != "catchup" || report.Figures[0].Command != report.Command {
		t.Fatalf("%+v, %v", report, err)
	}
	out.Reset()
	if err := run(t.Context(), settings{against: file}, args, &out); err != nil || !strings.Contains(out.String(), "value ÷ previous") {
		t.Errorf("%v\n%s", err, out.String())
	}
	for _, bad := range []settings{{against: file + ".none"}, {json: filepath.Join(file, "below")}} {
		if err := run(t.Context(), bad, args, &out); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if err := run(t.Context(), settings{}, append(args, "--endpoints", "0"), &out); err == nil || !strings.Contains(err.Error(), "catchup: --blocks") {
		t.Error(err)
	}
}
