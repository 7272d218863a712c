package main

import (
	"reflect"
	"testing"
)

func TestJobs(t *testing.T) {
	t.Parallel()
	all, err := jobs(nil)
	if err != nil || len(all) != len(benchmarks) {
		t.Errorf("no names are %d benchmarks, %v", len(all), err)
	}
	all, err = jobs([]string{"throughput", "--seconds", "5", "throughput"})
	if err != nil || len(all) != 2 || !reflect.DeepEqual(all[0].args, []string{"--seconds", "5"}) || all[1].args != nil {
		t.Errorf("%+v, %v", all, err)
	}
	for _, bad := range [][]string{{"nothing"}, {"--seconds", "throughput"}} {
		if all, err := jobs(bad); err == nil {
			t.Errorf("%v is %v", bad, all)
		}
	}
}
