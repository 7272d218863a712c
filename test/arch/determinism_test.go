package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// What every replica must compute alike uses no goroutine, no clock and no
// floating point. Randomness is kept out by the imports.
func TestReplicatedHalfIsDeterministic(t *testing.T) {
	t.Parallel()
	files := 0
	for _, dir := range []string{"x/bridge", "app"} {
		err := filepath.WalkDir(filepath.Join(root(t), dir), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "bridgepb" || d.Name() == "bridgetest" || d.Name() == "testdata"):
				return filepath.SkipDir
			case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			files++
			found, err := lapses(path, nil)
			for _, f := range found {
				t.Error(f)
			}
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", dir, err)
		}
	}
	if files < 10 {
		t.Errorf("only %d files were read", files)
	}
}

func TestLapsesAreFound(t *testing.T) {
	t.Parallel()
	const head = "package p\nimport \"time\"\nvar _ time.Time\n"
	if found, err := lapses("good.go", head+"func f(t time.Time) int64 { return t.Unix() }"); err != nil || len(found) != 0 {
		t.Errorf("good code is refused: %v %v", found, err)
	}
	for _, body := range []string{
		"func f() { go f() }",
		"func f() time.Time { return time.Now() }",
		"func f(t time.Time) time.Duration { return time.Since(t) }",
		"func f() { time.Sleep(1) }",
		"var x float64",
		"const x = 1.5",
		"func f(a, b chan int) { select { case <-a: case <-b: } }",
	} {
		if found, err := lapses("bad.go", head+body); err != nil || len(found) != 1 {
			t.Errorf("%s: found %v, %v", body, found, err)
		}
	}
}

// lapses lists what a file of the replicated half must not contain. src is as
// for parser.ParseFile.
func lapses(path string, src any) ([]string, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var found []string
	report := func(n ast.Node, what string) {
		found = append(found, fmt.Sprintf("%s: %s", fset.Position(n.Pos()), what))
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			report(n, "starts a goroutine")
		case *ast.SelectStmt:
			report(n, "waits on channels")
		case *ast.BasicLit:
			if n.Kind == token.FLOAT || n.Kind == token.IMAG {
				report(n, "floating point "+n.Value)
			}
		case *ast.Ident:
			if n.Name == "float32" || n.Name == "float64" {
				report(n, n.Name)
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && clock[n.Sel.Name] {
				report(n, "time."+n.Sel.Name+": time is the block's")
			}
		}
		return true
	})
	return found, nil
}

var clock = map[string]bool{
	"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true,
	"AfterFunc": true, "Tick": true, "NewTicker": true, "NewTimer": true,
}
