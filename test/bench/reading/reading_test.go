package reading

import "testing"

func TestParse(t *testing.T) {
	t.Parallel()
	figures, err := parse("goos: linux\nBenchmarkRead-2   \t 1\t 153890782 ns/op\t 17000 logs/s\t 1.173 of-bare\nPASS\n")
	if err != nil || len(figures) != 2 || figures[0].Value != 17000 || figures[1].Value != 1.173 {
		t.Errorf("%+v, %v", figures, err)
	}
	for _, bad := range []string{"", "PASS\n", "BenchmarkRead-2 1 x ns/op\n", "BenchmarkRead-2 1 5 ns/op\n"} {
		if figures, err := parse(bad); err == nil {
			t.Errorf("%q is %+v", bad, figures)
		}
	}
}
