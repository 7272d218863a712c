package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version and commit are set by the linker.
var (
	version = "dev"
	commit  = ""
)

type versionInfo struct {
	Version   string            `json:"version"`
	Commit    string            `json:"commit,omitempty"`
	Modified  bool              `json:"modified,omitempty"`
	Go        string            `json:"go,omitempty"`
	Platform  string            `json:"platform,omitempty"`
	Libraries map[string]string `json:"libraries,omitempty"`
}

// libraries are those whose version an operator is asked for.
var libraries = []string{
	"github.com/cometbft/cometbft", "github.com/cosmos/iavl",
	"github.com/cosmos/cosmos-db", "github.com/ethereum/go-ethereum",
}

func versionCommand(s *session) *cobra.Command {
	long := false
	c := &cobra.Command{
		Use: "version", Short: "Show the version of this program", Args: args(0, 0),
		RunE: func(*cobra.Command, []string) error {
			info := buildVersion(long)
			return s.print(info, func(w io.Writer) {
				fmt.Fprintln(w, info.Version)
				if !long {
					return
				}
				lines := []string{"commit", info.Commit, "go", info.Go, "platform", info.Platform}
				for _, path := range libraries {
					lines = append(lines, path, info.Libraries[path])
				}
				pairs(w, lines...)
			})
		},
	}
	c.Flags().BoolVar(&long, "long", false, "with commit, compiler and libraries")
	return c
}

func buildVersion(long bool) versionInfo {
	info := versionInfo{Version: version, Commit: commit}
	if !long {
		return info
	}
	info.Go, info.Platform = runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH
	info.Libraries = map[string]string{}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return info
	}
	for _, setting := range build.Settings {
		switch setting.Key {
		case "vcs.revision":
			info.Commit = setting.Value
		case "vcs.modified":
			info.Modified = setting.Value == "true"
		}
	}
	// CometBFT's own constant says another version than it is.
	for _, module := range build.Deps {
		for _, path := range libraries {
			if module.Path == path {
				info.Libraries[path] = module.Version
			}
		}
	}
	return info
}
