package config

import (
	"strings"
	"testing"
)

func TestCoins(t *testing.T) {
	for text, wei := range map[string]string{
		"0": "0", "1": "1000000000000000000", "0.05": "50000000000000000", "12.000000000000000001": "12000000000000000001",
		"0.000": "0", "999999999999999999": "999999999999999999000000000000000000",
	} {
		c, err := ParseCoins(text)
		if err != nil || c.Wei().String() != wei {
			t.Errorf("%s: %s wei, %v; want %s", text, c.Wei(), err, wei)
		}
		if again, err := ParseCoins(c.String()); err != nil || again != c {
			t.Errorf("%s is shown as %s, which reads as %s, %v", text, c, again, err)
		}
	}
	for _, text := range []string{"", ".", "1.", ".5", "-1", "1e3", "0x1", "1.0000000000000000001", "1,5", "1 ", strings.Repeat("9", 19), "1.2.3"} {
		if c, err := ParseCoins(text); err == nil {
			t.Errorf("%q is taken for %s", text, c)
		}
	}
	if c, err := ParseCoins("1.50"); err != nil || c.String() != "1.5" {
		t.Errorf("1.50 is shown as %s, %v", c, err)
	}
}
