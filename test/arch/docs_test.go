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
	testFunc    = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	testName    = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9_]*)`")
	filePath    = regexp.MustCompile("`((?:app|cmd|config|contracts|docs|internal|proto|test|x)(?:/[A-Za-z0-9_.-]+)+)`")
	mdLink      = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
)

// Every make command in the documents is a target, every relative link leads to
// a file, every test and path that is named exists, and the architecture page
// names every package of the table.
func TestDocumentsAreTrue(t *testing.T) {
	t.Parallel()
	top := root(t)
	targets := map[string]bool{}
	for _, m := range makeTarget.FindAllStringSubmatch(read(t, filepath.Join(top, "Makefile")), -1) {
		targets[m[1]] = true
	}
	tests := testNames(t, top)
	for _, path := range files(t, top, ".md") {
		text := read(t, path)
		for _, m := range testName.FindAllStringSubmatch(text, -1) {
			if !tests[m[1]] {
				t.Errorf("%s: there is no %s", path, m[1])
			}
		}
		for _, m := range filePath.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(top, m[1])); err != nil && !planned[m[1]] {
				t.Errorf("%s: %v", path, err)
			}
		}
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

// Paths that the documents call planned, or that belong to other projects.
var planned = map[string]bool{
	"internal/api": true, "internal/index": true, "app/vote_ext_utils.go": true, "contracts/core": true,
}

// files lists the files of the repository whose names end so.
func files(t *testing.T, top, suffix string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != top && notOurs(path, d.Name()):
			return filepath.SkipDir
		case !d.IsDir() && strings.HasSuffix(path, suffix):
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func testNames(t *testing.T, top string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, path := range files(t, top, "_test.go") {
		for _, m := range testFunc.FindAllStringSubmatch(read(t, path), -1) {
			names[m[1]] = true
		}
	}
	return names
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
