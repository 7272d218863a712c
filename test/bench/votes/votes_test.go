package votes

import (
	"io"
	"testing"

	"github.com/icrosschain/bridged/test/bench/figure"
)

// The figures are there and hang together.
func TestMeasure(t *testing.T) {
	t.Parallel()
	figures, err := measure(t.Context(), plan{events: []int{1, 100}, blocks: 1, idle: 2 * slow}, figure.Options{Log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	value := map[string]float64{}
	for _, f := range figures {
		value[f.Name] = f.Value
		if f.Value < 0 || f.Unit == "" {
			t.Errorf("%+v", f)
		}
	}
	one := value["1 events a source block: marks and heads for it, an event and validator"]
	hundred := value["100 events a source block: marks and heads for it, an event and validator"]
	if one < 32 || hundred <= 0.3 || hundred > one/10 { // a mark is a hash
		t.Errorf("an event of 1 and of 100 costs %v and %v bytes", one, hundred)
	}
	if idle := value["idle block"]; idle < 500 || idle > 5000 {
		t.Errorf("an idle block has %v bytes", idle)
	}
}
