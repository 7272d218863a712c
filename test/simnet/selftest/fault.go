package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// fault is a deliberate mistake: texts in sources and what stands there instead.
//
//	# what is wrong then
//	-- path/of/a/source.go
//	<<<<
//	text that is there, once
//	====
//	text in its place
//	>>>>
type fault struct {
	name  string
	what  string
	edits []edit
}

type edit struct{ path, before, after string }

// readFaults reads all faults of a directory, in the order of their names.
func readFaults(dir string) ([]fault, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.fault"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("faults in %s: found %d: %w", dir, len(paths), err)
	}
	var faults []fault
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		f := fault{name: strings.TrimSuffix(filepath.Base(path), ".fault")}
		if f.what, f.edits, err = parseFault(string(text)); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		faults = append(faults, f)
	}
	return faults, nil
}

func parseFault(text string) (what string, edits []edit, err error) {
	what, rest, _ := strings.Cut(strings.TrimPrefix(text, "# "), "\n")
	for rest != "" {
		var e edit
		var ok [4]bool
		rest, ok[0] = strings.CutPrefix(rest, "-- ")
		e.path, rest, ok[1] = strings.Cut(rest, "\n<<<<\n")
		e.before, rest, ok[2] = strings.Cut(rest, "\n====\n")
		e.after, rest, ok[3] = strings.Cut(rest, "\n>>>>\n")
		if ok != [4]bool{true, true, true, true} {
			return "", nil, errors.New("want -- path, <<<<, the text, ====, the other text, >>>>")
		}
		edits = append(edits, e)
	}
	return what, edits, nil
}

// overlay writes the changed sources and the file that `go build -overlay`
// wants. A text that is not there exactly once is an error: the fault has to
// follow the code.
func (f fault) overlay(dir string) (file string, err error) {
	replace, sources := map[string]string{}, map[string]string{}
	for _, e := range f.edits {
		path, err := filepath.Abs(e.path)
		if err != nil {
			return "", err
		}
		if _, read := sources[path]; !read {
			source, err := os.ReadFile(path)
			if err != nil {
				return "", err
			}
			sources[path] = string(source)
		}
		if n := strings.Count(sources[path], e.before); n != 1 {
			return "", fmt.Errorf("fault %s: its text stands %d times in %s, want once:\n%s", f.name, n, e.path, e.before)
		}
		sources[path] = strings.Replace(sources[path], e.before, e.after, 1)
	}
	for path, source := range sources {
		changed := filepath.Join(dir, fmt.Sprintf("%d_%s", len(replace), filepath.Base(path)))
		if err := os.WriteFile(changed, []byte(source), 0o600); err != nil {
			return "", err
		}
		replace[path] = changed
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file = filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, text, 0o600)
}
