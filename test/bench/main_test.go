package main

import (
	"reflect"
	"testing"
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
