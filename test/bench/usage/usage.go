// Package usage is what processes use: processor time and memory, and profiles of it.
package usage

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"syscall"
	"time"
)

// Usage is what a process has used so far.
type Usage struct {
	CPU time.Duration // of the processor, user and system
	RSS uint64        // most memory that was resident, in bytes; 0 where the system does not say
}

// ThisProcess is the usage of this process.
func ThisProcess() Usage {
	peak, err := memory("self", "VmHWM")
	if err != nil {
		peak = 0
	}
	return Usage{CPU: used(syscall.RUSAGE_SELF), RSS: peak}
}

// ThisThread is the processor time of the calling thread, for a goroutine that
// is locked to it. Only Linux tells.
func ThisThread() time.Duration { return used(rusageThread) }

const rusageThread = 1 // RUSAGE_THREAD

func used(who int) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(who, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// Profile profiles this process until stop, which writes cpu.pprof and
// allocs.pprof into a directory. The allocations are those since the start of
// the process.
func Profile(dir string) (stop func() error, err error) {
	file, err := os.Create(filepath.Join(dir, "cpu.pprof"))
	if err != nil {
		return nil, fmt.Errorf("profiling: %w", err)
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, fmt.Errorf("profiling: %w", err)
	}
	return func() error {
		pprof.StopCPUProfile()
		if err := file.Close(); err != nil {
			return fmt.Errorf("writing a profile: %w", err)
		}
		runtime.GC() // the profile is as of the last collection
		file, err := os.Create(filepath.Join(dir, "allocs.pprof"))
		if err != nil {
			return fmt.Errorf("writing a profile: %w", err)
		}
		if err := pprof.Lookup("allocs").WriteTo(file, 0); err != nil {
			return fmt.Errorf("writing a profile: %w", err)
		}
		return file.Close()
	}, nil
}
