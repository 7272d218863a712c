package node

import (
	"bytes"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/icrosschain/bridged/config"
	"github.com/icrosschain/bridged/internal/mailbox"
	"github.com/icrosschain/bridged/internal/observer"
	"github.com/icrosschain/bridged/internal/ops"
	"github.com/icrosschain/bridged/x/bridge/types"
)

func alarmsOf(box *mailbox.Box) map[types.ChainID]types.Alarm {
	said := map[types.ChainID]types.Alarm{}
	for _, c := range box.Pending().Chains {
		said[c.Chain] = c.Alarm
	}
	return said
}

func newAlarms(t *testing.T) (*alarms, *bytes.Buffer) {
	t.Helper()
	home := config.Home(t.TempDir())
	for _, dir := range []string{home.Dir(), home.Data()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	return &alarms{home: home, box: mailbox.New(), log: slog.New(slog.NewTextHandler(&log, nil))}, &log
}

func TestOperatorsAlarms(t *testing.T) {
	a, log := newAlarms(t)
	raise := func(raised ...ops.OperatorAlarm) {
		t.Helper()
		if err := ops.WriteAlarms(a.home.AlarmsFile(), raised); err != nil {
			t.Fatal(err)
		}
		a.readOperators()
	}
	alpha := ops.OperatorAlarm{Chain: 1, Label: "alpha", Reason: "drained", Since: time.Unix(7, 0)}
	beta := ops.OperatorAlarm{Chain: 2, Label: "beta", Reason: "odd", Since: time.Unix(8, 0)}
	a.readOperators()
	if len(alarmsOf(a.box)) != 0 {
		t.Errorf("without a file: %v", alarmsOf(a.box))
	}
	raise(alpha, beta)
	a.readOperators()
	if said := alarmsOf(a.box); said[1] != types.AlarmPause || said[2] != types.AlarmPause {
		t.Errorf("raised twice: %v", said)
	}
	if strings.Count(log.String(), "votes to pause") != 2 || !strings.Contains(log.String(), "reason=drained") {
		t.Errorf("log:\n%s", log)
	}
	raise(beta)
	if said := alarmsOf(a.box); said[1] != types.AlarmOff || said[2] != types.AlarmPause || !strings.Contains(log.String(), "alarm cleared") {
		t.Errorf("one cleared: %v, log\n%s", said, log)
	}

	// A file that cannot be read ends no alarm.
	if err := os.WriteFile(a.home.AlarmsFile(), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.readOperators()
	a.readOperators()
	if said := alarmsOf(a.box); said[2] != types.AlarmPause || a.check() == nil || strings.Count(log.String(), "stay as they were") != 1 {
		t.Errorf("with a bad file: %v, %v, log\n%s", said, a.check(), log)
	}
	if err := os.Remove(a.home.AlarmsFile()); err != nil {
		t.Fatal(err)
	}
	a.readOperators()
	if said := alarmsOf(a.box); said[2] != types.AlarmOff || a.check() != nil {
		t.Errorf("the file is gone: %v, %v", said, a.check())
	}
}

func TestContradictionsAreWrittenDown(t *testing.T) {
	a, _ := newAlarms(t)
	alpha := observer.Status{
		Chain: 1, Label: "alpha", Alarm: types.AlarmContradiction, AlarmSince: time.Unix(7, 0), Found: "oh", Evidence: "file",
	}
	for _, c := range []struct {
		alarm types.Alarm
		want  []ops.ObserverAlarm
	}{
		{types.AlarmOff, []ops.ObserverAlarm{}},
		{types.AlarmContradiction, []ops.ObserverAlarm{{Chain: 1, Label: "alpha", Since: alpha.AlarmSince, Found: "oh", Evidence: "file"}}},
		{types.AlarmOff, []ops.ObserverAlarm{}},
	} {
		alpha.Alarm = c.alarm
		a.observers = func() []observer.Status {
			return []observer.Status{alpha, {Chain: 2, Label: "beta", Alarm: types.AlarmOff}}
		}
		a.writeObservers()
		found, err := ops.ReadAlarms[ops.ObserverAlarm](a.home.ContradictionsFile())
		same := slices.EqualFunc(found, c.want, func(x, y ops.ObserverAlarm) bool {
			return x.Since.Equal(y.Since) && x.Chain == y.Chain && x.Label == y.Label && x.Found == y.Found && x.Evidence == y.Evidence
		})
		if err != nil || !same {
			t.Errorf("alarm %s: %+v, %v", c.alarm, found, err)
		}
	}
}
