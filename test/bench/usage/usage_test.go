package usage

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestUsage(t *testing.T) {
	for range 1000 {
		_ = strings.Repeat("a", 1<<16)
	}
	if u := ThisProcess(); u.CPU <= 0 {
		t.Errorf("%+v", u)
	}
	dir := t.TempDir()
	stop, err := Profile(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cpu.pprof", "allocs.pprof"} {
		if info, err := os.Stat(dir + "/" + name); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProc(t *testing.T) {
	t.Parallel()
	used, err := parseStat("7 (a) b) S 1 7 7 0 -1 4194560 900 0 3 0 125 75 8 9 20 0 1 0 100 1000 10 1 1\n")
	if err != nil || used != 2*time.Second {
		t.Errorf("%s, %v", used, err)
	}
	bytes, err := parseStatus("Name:\tx\nVmHWM:\t  9000 kB\nVmRSS:\t    2000 kB\n", "VmRSS")
	if err != nil || bytes != 2_048_000 {
		t.Errorf("%v bytes, %v", bytes, err)
	}
	for _, bad := range []string{"", "7 (a) S 1", "7 (a) S 1 7 7 0 -1 4194560 900 0 3 0 x 75 8 9"} {
		if used, err := parseStat(bad); err == nil {
			t.Errorf("%q is %s", bad, used)
		}
		if bytes, err := parseStatus(bad, "VmRSS"); err == nil {
			t.Errorf("%q is %v bytes", bad, bytes)
		}
	}
	if bytes, err := Resident(os.Getpid()); err != nil || bytes < 1e6 {
		t.Errorf("this process has %v bytes, %v", bytes, err)
	}
	if _, err := Processor(os.Getpid()); err != nil {
		t.Error(err)
	}
}
