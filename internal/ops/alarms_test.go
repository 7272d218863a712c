package ops

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAlarmFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alarms.json")
	if got, err := ReadAlarms[OperatorAlarm](path); err != nil || got == nil || len(got) != 0 {
		t.Errorf("a file that is not there: %v, %v", got, err)
	}
	want := []OperatorAlarm{{Chain: 1, Label: "alpha", Reason: "why", Since: time.Unix(7, 0).UTC()}}
	for _, alarms := range [][]OperatorAlarm{want, {}, want} {
		if err := WriteAlarms(path, alarms); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadAlarms[OperatorAlarm](path); err != nil || !slices.Equal(got, alarms) {
			t.Errorf("wrote %v, read %v, %v", alarms, got, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := os.Chmod(path, 0o620); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadAlarms[OperatorAlarm](path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others may write: %v", err)
	}
	if err := WriteAlarms(filepath.Join(path, "nowhere"), want); err == nil {
		t.Error("wrote into a file")
	}
}
