package ops

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.json")
	if _, err := ReadReport(path, time.Minute); err == nil {
		t.Error("a report that is not there")
	}
	want := Report{At: time.Now().UTC(), Chains: []ChainReport{{
		Chain: 7, Label: "alpha", Head: 12, Check: "agreement", Error: "too few", MinAgree: 2, AgreeGroups: 1,
		Endpoints: []EndpointReport{{Endpoint: "own", State: "down", LatencyMS: 3, Success: 0.5, Requests: 9}},
	}}}
	for range 2 { // it is replaced
		if err := WriteReport(path, want); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := ReadReport(path, time.Minute); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	want.At = want.At.Add(-2 * time.Minute)
	if err := WriteReport(path, want); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadReport(path, time.Minute); err == nil || !strings.Contains(err.Error(), "the node does not run") {
		t.Errorf("an old report: %v", err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadReport(path, time.Minute); err == nil {
		t.Error("half a report is read")
	}
}
