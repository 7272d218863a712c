package proc_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/icrosschain/bridged/cmd/devnet/proc"
)

// childOfTheDead, in the environment, turns the test binary into a program that
// starts a child and never stops it.
const childOfTheDead = "PROC_TEST_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(childOfTheDead) != "" {
		group := proc.NewGroup()
		child, err := group.Start(proc.Spec{Name: "orphan", Path: "/bin/sh", Args: []string{"-c", "exec sleep 300"}})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(child.PID())
		select {}
	}
	goleak.VerifyTestMain(m)
}

func shell(name, script string) proc.Spec {
	return proc.Spec{Name: name, Path: "/bin/sh", Args: []string{"-c", script}}
}

// newGroup closes itself at the end of the test.
func newGroup(t *testing.T) *proc.Group {
	t.Helper()
	group := proc.NewGroup()
	t.Cleanup(func() { _ = group.Close(0) })
	return group
}

func run(t *testing.T, group *proc.Group, spec proc.Spec) *proc.Process {
	t.Helper()
	process, err := group.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	return process
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// gone says whether no process with this id runs; a zombie of ours does not run.
func gone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(status), ") Z ")
}

func logOf(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(raw)
}

func TestOutputEnvironmentAndExit(t *testing.T) {
	group := newGroup(t)
	dir := t.TempDir()
	spec := shell("speaker", `echo "$GREETING"; pwd; echo oops >&2; exit 3`)
	spec.Env, spec.Dir, spec.Log = []string{"GREETING=hello"}, dir, filepath.Join(dir, "log")
	for range 2 { // the second time is a restart
		process := run(t, group, spec)
		<-process.Exited()
		var exit *exec.ExitError
		if !errors.As(process.Err(), &exit) || exit.ExitCode() != 3 {
			t.Errorf("ended with %v", process.Err())
		}
	}
	want := strings.Repeat("hello\n"+dir+"\noops\n", 2)
	if got := logOf(t, spec.Log); got != want {
		t.Errorf("log is %q, want %q", got, want)
	}
}

func TestStopLetsAProcessFinish(t *testing.T) {
	group := newGroup(t)
	spec := shell("polite", `trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done`)
	spec.Log = filepath.Join(t.TempDir(), "log")
	process := run(t, group, spec)
	await(t, "up", func() bool { return logOf(t, spec.Log) != "" })
	if err := process.Stop(10 * time.Second); err != nil {
		t.Error(err)
	}
	if process.Running() || process.Err() != nil || !strings.HasSuffix(logOf(t, spec.Log), "bye\n") {
		t.Errorf("ended with %v after %q", process.Err(), logOf(t, spec.Log))
	}
	if err := process.Stop(0); err != nil {
		t.Errorf("stopped twice: %v", err)
	}
}

func TestStopKillsTheStubborn(t *testing.T) {
	group := newGroup(t)
	spec := shell("stubborn", `trap '' TERM; echo up; while :; do sleep 0.01; done`)
	spec.Log = filepath.Join(t.TempDir(), "log")
	process := run(t, group, spec)
	await(t, "up", func() bool { return logOf(t, spec.Log) != "" })
	err := process.Stop(50 * time.Millisecond)
	if err == nil || err.Error() != "stubborn did not end within 50ms and was killed" {
		t.Errorf("got %v", err)
	}
	if process.Running() || !gone(process.PID()) {
		t.Error("still runs")
	}
}

func TestKillTakesGrandchildren(t *testing.T) {
	for name, script := range map[string]string{
		"of the living": `sleep 300 & echo $!; wait`,
		"of the ended":  `sleep 300 & echo $!`,
	} {
		t.Run(name, func(t *testing.T) {
			group := newGroup(t)
			spec := shell("parent", script)
			spec.Log = filepath.Join(t.TempDir(), "log")
			process := run(t, group, spec)
			await(t, "the grandchild", func() bool { return strings.HasSuffix(logOf(t, spec.Log), "\n") })
			grandchild, err := strconv.Atoi(strings.TrimSpace(logOf(t, spec.Log)))
			if err != nil {
				t.Fatal(err)
			}
			if err := process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-process.Exited()
			await(t, "the grandchild's end", func() bool { return gone(grandchild) })
		})
	}
}

func TestCloseEndsAll(t *testing.T) {
	group := newGroup(t)
	var processes []*proc.Process
	for range 3 {
		processes = append(processes, run(t, group, shell("sleeper", "exec sleep 300")))
	}
	if err := group.Close(10 * time.Second); err != nil {
		t.Error(err)
	}
	for _, process := range processes {
		if process.Running() || !gone(process.PID()) {
			t.Errorf("%s still runs", process.Name())
		}
	}
	if _, err := group.Start(shell("late", "true")); !errors.Is(err, proc.ErrClosed) {
		t.Errorf("started in a closed group: %v", err)
	}
	if err := group.Close(0); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

func TestChildrenDieWithAKilledParent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells children of their parent's death")
	}
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), childOfTheDead+"=1")
	output, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if gone(child) {
		t.Fatal("the child did not run")
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	await(t, "the child's end", func() bool { return gone(child) })
}

func TestCannotStart(t *testing.T) {
	group := newGroup(t)
	if _, err := group.Start(proc.Spec{Name: "ghost", Path: "/no/such/program"}); err == nil || !strings.Contains(err.Error(), "start ghost") {
		t.Errorf("got %v", err)
	}
	spec := shell("mute", "true")
	spec.Log = "/no/such/directory/log"
	if _, err := group.Start(spec); err == nil {
		t.Error("started without its log")
	}
}

func TestTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if _, err := proc.Tail(path, 1); err == nil {
		t.Error("no error for a missing log")
	}
	cases := []struct {
		content string
		lines   int
		want    string
	}{
		{"", 3, ""},
		{"a\nb\nc\n", 2, "b\nc"},
		{"a\nb\nc", 5, "a\nb\nc"},
		{strings.Repeat("x\n", 100_000) + "end\n", 1, "end"},
	}
	for _, tc := range cases {
		if err := os.WriteFile(path, []byte(tc.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := proc.Tail(path, tc.lines); err != nil || got != tc.want {
			t.Errorf("Tail is %q, %v; want %q", got, err, tc.want)
		}
	}
}
