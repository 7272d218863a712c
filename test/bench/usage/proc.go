package usage

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor time in /proc, on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// Processor is the time that a process has used, in user mode and in the kernel's.
func Processor(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("processor time, which Linux tells: %w", err)
	}
	return parseStat(string(text))
}

// parseStat reads utime and stime, the 14th and 15th field. The second one is a
// name in brackets, which may hold anything.
func parseStat(text string) (time.Duration, error) {
	_, rest, found := cutLast(text, ") ")
	fields := strings.Fields(rest)
	if !found || len(fields) < 13 {
		return 0, errors.New("/proc/PID/stat has too few fields")
	}
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/PID/stat: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// Resident is the bytes of a process that are in memory.
func Resident(pid int) (uint64, error) { return memory(strconv.Itoa(pid), "VmRSS") }

// memory is a field of /proc/PID/status, in bytes.
func memory(pid, field string) (uint64, error) {
	text, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0, fmt.Errorf("memory, which Linux tells: %w", err)
	}
	return parseStatus(string(text), field)
}

func parseStatus(text, field string) (kib uint64, err error) {
	for line := range strings.Lines(text) {
		if n, _ := fmt.Sscanf(line, field+": %d kB", &kib); n == 1 {
			return kib << 10, nil
		}
	}
	return 0, errors.New("/proc/PID/status has no " + field)
}
