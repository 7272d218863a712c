package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/icrosschain/bridged/internal/ops"
	"github.com/icrosschain/bridged/x/bridge"
)

// The observer's alarm is graver than the operator's, and is shown with its
// evidence.
func TestStatusShowsAlarms(t *testing.T) {
	s := &session{homeDir: t.TempDir()}
	if len(s.raisedAlarms()) != 0 {
		t.Errorf("no home raises %v", s.raisedAlarms())
	}
	for _, dir := range []string{s.home().Dir(), s.home().Data()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	at := time.Unix(0, 0).UTC()
	if err := ops.WriteAlarms(s.home().AlarmsFile(), []ops.OperatorAlarm{
		{Chain: 1, Label: "alpha", Reason: "drained", Since: at}, {Chain: 2, Label: "beta", Reason: "odd", Since: at},
	}); err != nil {
		t.Fatal(err)
	}
	if err := ops.WriteAlarms(s.home().ContradictionsFile(), []ops.ObserverAlarm{
		{Chain: 1, Label: "alpha", Found: "a replaced block", Since: at, Evidence: "data/evidence/alpha-7.json"},
	}); err != nil {
		t.Fatal(err)
	}
	raised := s.raisedAlarms()
	var out bytes.Buffer
	for _, c := range []statusChain{
		{Label: "alpha", Alarm: raised[1], Paused: bridge.PauseContradicted, PausedHeight: 12},
		{Label: "beta", Alarm: raised[2]},
		{Label: "gamma", Alarm: statusAlarm{Kind: "off", Voted: "pause"}},
		{Label: "delta", Alarm: statusAlarm{Kind: "off", Voted: "off"}},
	} {
		printStops(&out, c)
	}
	want := `alpha is contradicted since height 12; only governance starts it again.
ALARM: this node sees alpha contradict itself since 1970-01-01T00:00:00Z: a replaced block
Evidence: data/evidence/alpha-7.json
This validator's operator raises the alarm for beta since 1970-01-01T00:00:00Z: odd
The network still holds this validator's alarm for gamma: pause.
`
	if got := strings.TrimLeft(out.String(), "\n"); got != want {
		t.Errorf("got\n%s", got)
	}
}
