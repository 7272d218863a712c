package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/icrosschain/bridged/"

// A room is a package of the house, or with a trailing /... a package and all
// below it. It may import rooms of lower levels and, of its own level, only
// those named in beside.
type room struct {
	path   string
	level  int
	beside []string
}

// The most specific room counts. A package that is in none fails the test: who
// adds one decides where it stands.
var house = []room{
	{path: "cmd/...", level: 6, beside: []string{"cmd/devnet/..."}},
	{path: "cmd/bridged", level: 6},
	{path: "contracts/gen", level: 6},
	{path: "contracts/evmtest", level: 5}, // for tests and measurements
	{path: "test/...", level: 6, beside: []string{"test/...", "cmd/devnet/..."}},

	{path: "internal/cli", level: 5},

	{path: "internal/keeper", level: 4},
	{path: "internal/node", level: 4, beside: []string{"internal/keeper"}},
	{path: "internal/doctor", level: 4, beside: []string{"internal/node"}},

	{path: "app", level: 3, beside: []string{"app/store", "app/seallog"}},
	{path: "app/seallog", level: 3, beside: []string{"app/store"}},
	{path: "app/store", level: 3},
	{path: "internal/observer", level: 3},
	{path: "internal/relayer", level: 3},
	{path: "internal/snapshot", level: 3, beside: []string{"app/store"}},

	{path: "config", level: 2},
	{path: "contracts", level: 2},
	{path: "contracts/bindings", level: 2},
	{path: "internal/chain", level: 2},
	{path: "internal/chain/evm", level: 2, beside: []string{"internal/chain", "contracts", "contracts/bindings"}},
	{path: "internal/chain/fake", level: 2, beside: []string{"internal/chain"}},
	{path: "internal/mailbox", level: 2},
	{path: "internal/signer", level: 2},
	{path: "x/bridge/bridgetest", level: 2},

	{path: "x/bridge", level: 1},
	{path: "internal/ops", level: 1},

	{path: "internal/ports", level: 0}, // for tests and cmd/devnet

	{path: "x/bridge/types", level: 0},
	{path: "x/bridge/quorum", level: 0},
	{path: "x/bridge/bridgepb", level: 0},
	{path: "x/bridge/evmsig", level: 0, beside: []string{"x/bridge/types"}},
	{path: "x/bridge/sealhistory", level: 0, beside: []string{"x/bridge/types"}},
	{path: "x/bridge/internal/state", level: 0, beside: []string{"x/bridge/types", "x/bridge/bridgepb"}},
}

// A fence keeps one kind of foreign import inside some rooms, or out of them.
type fence struct {
	pkg  string   // the import path and all below it
	only []string // rooms that may import it; nil: no limit
	not  []string // rooms that may not
	but  []string // import paths below pkg that are free all the same
}

var protocol = []string{
	"x/bridge", "x/bridge/types", "x/bridge/quorum", "x/bridge/evmsig",
	"x/bridge/bridgepb", "x/bridge/internal/state",
}

var replicated = append([]string{"app", "app/store"}, protocol...)

const geth = "github.com/ethereum/go-ethereum"

var fences = []fence{
	{pkg: module + "internal", not: []string{"app", "app/store"}},
	{pkg: module + "app", not: []string{"internal/observer", "internal/relayer"}},
	{pkg: "github.com/cometbft", not: protocol},
	{pkg: "github.com/cosmos", not: protocol},
	{pkg: geth, not: protocol, but: []string{
		geth + "/common", geth + "/common/hexutil", geth + "/common/math", geth + "/crypto", geth + "/crypto/secp256k1",
	}},
	{pkg: geth + "/node", only: []string{"cmd/devnet/...", "contracts/evmtest", "test/..."}},
	{pkg: geth + "/eth", only: []string{"cmd/devnet/...", "contracts/evmtest", "test/..."}},
	{pkg: geth + "/ethclient", only: []string{"internal/chain/evm", "cmd/devnet/...", "contracts/evmtest", "test/..."}},
	{pkg: geth + "/rpc", only: []string{"internal/chain/evm", "cmd/devnet/...", "contracts/evmtest", "test/..."}},
	{pkg: "github.com/spf13/viper", only: []string{"config"}},
	{pkg: "github.com/spf13/cobra", only: []string{"internal/cli", "cmd/..."}},
	{pkg: "math/rand", not: replicated},
	{pkg: "crypto/rand", not: replicated},
	{pkg: "net", not: replicated},
	{pkg: "os", not: protocol},
}

// A pkg is one package.
type pkg struct {
	ImportPath string
	Imports    []string // without those of tests
}

func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	pkgs := list(t)
	if len(pkgs) < 5 {
		t.Fatalf("go list found %d packages; the test looks in the wrong place", len(pkgs))
	}
	for _, v := range violations(pkgs) {
		t.Error(v)
	}
}

// The check itself: one wrong edge at a time in a graph that is otherwise right.
func TestViolationsAreFound(t *testing.T) {
	t.Parallel()
	good := []pkg{
		{module + "cmd/bridged", []string{module + "internal/cli"}},
		{module + "internal/cli", []string{module + "internal/node", "github.com/spf13/cobra"}},
		{module + "internal/node", []string{module + "app", module + "internal/observer"}},
		{module + "app", []string{module + "app/store", module + "x/bridge", "github.com/cometbft/cometbft/abci/types"}},
		{module + "internal/chain/evm", []string{module + "internal/chain", geth + "/ethclient"}},
		{module + "x/bridge", []string{module + "x/bridge/types", geth + "/crypto"}},
		{module + "x/bridge/quorum", nil},
	}
	if v := violations(good); len(v) != 0 {
		t.Fatalf("a good graph is refused: %v", v)
	}

	for name, bad := range map[string]pkg{
		"up":                       {module + "x/bridge", []string{module + "app"}},
		"up to the command line":   {module + "internal/node", []string{module + "internal/cli"}},
		"sideways":                 {module + "internal/observer", []string{module + "internal/relayer"}},
		"sideways at the bottom":   {module + "x/bridge/quorum", []string{module + "x/bridge/types"}},
		"app knows a worker":       {module + "app", []string{module + "internal/mailbox"}},
		"app knows the operator":   {module + "app/store", []string{module + "internal/ops"}},
		"a worker knows the app":   {module + "internal/relayer", []string{module + "app/store"}},
		"the protocol knows comet": {module + "x/bridge", []string{"github.com/cometbft/cometbft/crypto"}},
		"the protocol knows geth":  {module + "x/bridge/evmsig", []string{geth + "/core/types"}},
		"bindings in the protocol": {module + "x/bridge", []string{geth + "/accounts/abi/bind"}},
		"chance":                   {module + "x/bridge", []string{"math/rand/v2"}},
		"network in the app":       {module + "app", []string{"net/http"}},
		"viper outside config":     {module + "internal/cli", []string{"github.com/spf13/viper"}},
		"cobra below":              {module + "internal/node", []string{"github.com/spf13/cobra"}},
		"a client elsewhere":       {module + "internal/relayer", []string{geth + "/ethclient"}},
		"an EVM node in bridged":   {module + "internal/chain/evm", []string{geth + "/node"}},
		"nobody knows this one":    {module + "internal/util", nil},
		"an import of a stranger":  {module + "internal/cli", []string{module + "pkg/common"}},
	} {
		if v := violations(append(slices.Clone(good), bad)); len(v) == 0 {
			t.Errorf("%s: %s may import %v", name, bad.ImportPath, bad.Imports)
		}
	}
}

func violations(pkgs []pkg) []string {
	var found []string
	for _, p := range pkgs {
		path, ours := strings.CutPrefix(p.ImportPath, module)
		if !ours {
			continue
		}
		from, ok := place(path)
		if !ok {
			found = append(found, path+" stands in no room: add it to the table of this test and to docs/architecture.md")
			continue
		}
		for _, imported := range p.Imports {
			if v := step(from, path, imported); v != "" {
				found = append(found, v)
			}
			for _, f := range fences {
				if f.stops(path, imported) {
					found = append(found, fmt.Sprintf("%s must not import %s", path, imported))
				}
			}
		}
	}
	return found
}

// step checks one import against the levels.
func step(from room, path, imported string) string {
	target, ours := strings.CutPrefix(imported, module)
	if !ours {
		return ""
	}
	to, ok := place(target)
	switch {
	case !ok:
		return fmt.Sprintf("%s imports %s, which stands in no room", path, target)
	case to.level < from.level, to.level == from.level && inside(target, from.beside):
		return ""
	default:
		return fmt.Sprintf("%s (level %d) imports %s (level %d)", path, from.level, target, to.level)
	}
}

func place(path string) (best room, ok bool) {
	for _, r := range house {
		if matches(path, r.path) && len(r.path) >= len(best.path) {
			best, ok = r, true
		}
	}
	return best, ok
}

func (f fence) stops(path, imported string) bool {
	if imported != f.pkg && !strings.HasPrefix(imported, f.pkg+"/") || slices.Contains(f.but, imported) {
		return false
	}
	return inside(path, f.not) || f.only != nil && !inside(path, f.only)
}

func inside(path string, rooms []string) bool {
	return slices.ContainsFunc(rooms, func(r string) bool { return matches(path, r) })
}

func matches(path, pattern string) bool {
	if dir, all := strings.CutSuffix(pattern, "/..."); all {
		return path == dir || strings.HasPrefix(path, dir+"/")
	}
	return path == pattern
}

// list reads the imports of all packages of the module, whatever their build
// constraints. It reads the files itself: the result of a test that asks
// `go list` would be taken from the cache when a package was added.
func list(t *testing.T) []pkg {
	t.Helper()
	imports := map[string][]string{}
	top := root(t)
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if path != top && notOurs(path, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(top, filepath.Dir(path))
		if err != nil {
			return err
		}
		name := module + filepath.ToSlash(dir)
		imports[name] = append(imports[name], importsOf(file)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var pkgs []pkg
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		slices.Sort(imports[name])
		pkgs = append(pkgs, pkg{name, slices.Compact(imports[name])})
	}
	return pkgs
}

func importsOf(file *ast.File) []string {
	var paths []string
	for _, spec := range file.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, `"`))
	}
	return paths
}

// notOurs says whether the go command, too, would leave a directory out.
func notOurs(path, name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "node_modules" {
		return true
	}
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
