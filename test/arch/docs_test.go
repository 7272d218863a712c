package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	makeCommand = regexp.MustCompile("(?:`|^)make ([a-z][a-z-]*)")
	makeTarget  = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
	mdLink      = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
)

// Every make command in the documents is a target, every relative link leads
// to a file, and the architecture page names every package of the table.
func TestDocumentsAreTrue(t *testing.T) {
	t.Parallel()
	top := root(t)
	targets := map[string]bool{}
	for _, m := range makeTarget.FindAllStringSubmatch(read(t, filepath.Join(top, "Makefile")), -1) {
		targets[m[1]] = true
	}
	for _, path := range documents(t, top) {
		text := read(t, path)
		for line := range strings.Lines(text) {
			for _, m := range makeCommand.FindAllStringSubmatch(line, -1) {
				if !targets[m[1]] {
					t.Errorf("%s: there is no target %q", path, m[1])
				}
			}
		}
		for _, m := range mdLink.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s: a link leads nowhere: %v", path, err)
			}
		}
	}
	page := read(t, filepath.Join(top, "docs/architecture.md"))
	for _, r := range house {
		name := strings.TrimPrefix(strings.TrimSuffix(r.path, "/..."), "x/bridge/")
		name = strings.TrimPrefix(name, "internal/chain/")
		if !strings.Contains(page, "`"+name+"`") && !strings.Contains(page, "`"+r.path+"`") && !implied[r.path] {
			t.Errorf("docs/architecture.md does not name %s", r.path)
		}
	}
}

// Rooms that the page need not name.
var implied = map[string]bool{
	"cmd/...": true, "test/...": true, "contracts/bindings": true,
}

func documents(t *testing.T, top string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != top && notOurs(path, d.Name()):
			return filepath.SkipDir
		case filepath.Ext(path) == ".md":
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
