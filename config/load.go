package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// EnvPrefix begins every environment variable that bridged reads.
const EnvPrefix = "BRIDGED"

// Origin is where a value came from.
type Origin string

// The origins, strongest first.
const (
	FromFlag    Origin = "flag"
	FromEnv     Origin = "environment"
	FromFile    Origin = "file"
	FromDefault Origin = "default"
)

// Setting is one value as it is in force.
type Setting struct {
	Key    string `json:"key"`
	Value  string `json:"value"` // TOML form; secrets redacted
	Origin Origin `json:"origin"`
}

// Loaded is a configuration with the origin of every value.
type Loaded struct {
	Config
	Settings []Setting
}

// Load reads the home's app.toml under environment and flags, and validates
// the result. Flags map keys to flags, for example "log.level"; nil is none. A
// missing file is an empty one.
func Load(home Home, flags map[string]*pflag.Flag) (Loaded, error) {
	v, err := open(home.AppFile(), flags)
	if err != nil {
		return Loaded{}, err
	}
	loaded := Loaded{Config: Default()}
	errs := unknownKeys(v, loaded.keys())
	for _, k := range loaded.keys() {
		origin := originOf(v, k.Name, flags[k.Name])
		if origin != FromDefault {
			if err := assign(k.target, v.Get(k.Name)); err != nil {
				errs = append(errs, &Error{Key: k.Name, Value: shown(k, v.Get(k.Name)), Want: err.Error()})
			}
		}
		loaded.Settings = append(loaded.Settings, Setting{k.Name, k.show(), origin})
	}
	chains, settings, chainErrs := loadChains(v)
	loaded.Chains = chains
	loaded.Settings = append(loaded.Settings, settings...)
	errs = append(errs, chainErrs...)
	if len(errs) == 0 {
		errs = loaded.problems()
	}
	return loaded, invalid(home.AppFile(), errs)
}

// open is a viper of our own with every key bound.
func open(file string, flags map[string]*pflag.Flag) (*viper.Viper, error) {
	v := viper.New()
	v.SetEnvPrefix(EnvPrefix)
	v.SetEnvKeyReplacer(strings.NewReplacer(".", "_", "-", "_"))
	standard := Default()
	for _, k := range standard.keys() {
		v.SetDefault(k.Name, literal(k.target))
		if err := v.BindEnv(k.Name); err != nil {
			return nil, fmt.Errorf("bind %s to the environment: %w", k.Name, err)
		}
		if flag := flags[k.Name]; flag != nil {
			if err := v.BindPFlag(k.Name, flag); err != nil {
				return nil, fmt.Errorf("bind %s to its flag: %w", k.Name, err)
			}
		}
	}
	v.SetConfigFile(file)
	v.SetConfigType("toml")
	err := v.ReadInConfig()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, invalid(file, []error{fmt.Errorf("read it: %w", err)})
	}
	return v, nil
}

// EnvName is the environment variable of a key.
func EnvName(name string) string {
	return EnvPrefix + "_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(name))
}

func originOf(v *viper.Viper, name string, flag *pflag.Flag) Origin {
	switch {
	case flag != nil && flag.Changed:
		return FromFlag
	case os.Getenv(EnvName(name)) != "":
		return FromEnv
	case v.InConfig(name):
		return FromFile
	}
	return FromDefault
}

// unknownKeys refuses everything in the file that no part reads.
func unknownKeys(v *viper.Viper, known []key) []error {
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = k.Name
	}
	var errs []error
	all := v.AllKeys()
	slices.Sort(all)
	for _, name := range all {
		if !slices.Contains(names, name) && name != "chains" {
			errs = append(errs, unknown(name, names))
		}
	}
	return errs
}

func unknown(name string, known []string) error {
	want := "unknown key; remove it"
	if near := nearest(name, known); near != "" {
		want = fmt.Sprintf("unknown key; did you mean %s?", near)
	}
	return &Error{Key: name, Want: want}
}

// loadChains reads the [[chains]] tables under the environment.
func loadChains(v *viper.Viper) ([]Chain, []Setting, []error) {
	raw := v.Get("chains")
	if raw == nil {
		return nil, nil, nil
	}
	tables, ok := raw.([]any)
	if !ok {
		return nil, nil, []error{&Error{Key: "chains", Want: "want tables that begin with [[chains]]"}}
	}
	var (
		chains   []Chain
		settings []Setting
		errs     []error
	)
	for i, item := range tables {
		table, ok := item.(map[string]any)
		if !ok {
			errs = append(errs, &Error{Key: fmt.Sprintf("chains[%d]", i), Want: "want a table"})
			continue
		}
		chain, more, problems := loadChain(table)
		chains = append(chains, chain)
		settings = append(settings, more...)
		errs = append(errs, problems...)
	}
	return chains, settings, errs
}

func loadChain(table map[string]any) (Chain, []Setting, []error) {
	chain := DefaultChain()
	prefix := fmt.Sprintf("chains.%v.", table["name"])
	var (
		settings []Setting
		errs     []error
		known    []string
	)
	for _, k := range chain.keys() {
		known = append(known, k.local())
		raw, origin := any(nil), FromDefault
		if value, found := table[k.local()]; found {
			raw, origin = value, FromFile
		}
		if value := os.Getenv(EnvName(prefix + k.local())); value != "" && k.local() != "name" {
			raw, origin = value, FromEnv
		}
		if origin != FromDefault {
			if err := assign(k.target, raw); err != nil {
				errs = append(errs, &Error{Key: prefix + k.local(), Value: shown(k, raw), Want: err.Error()})
			}
		}
		settings = append(settings, Setting{prefix + k.local(), k.show(), origin})
	}
	for name := range table {
		if !slices.Contains(known, name) {
			errs = append(errs, unknown(prefix+name, known))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return chain, settings, errs
}

// shown is a bad value in a message; what may hold a secret is not repeated.
func shown(k key, raw any) string {
	switch k.target.(type) {
	case *[]Endpoint, *[]string: // of URLs
		return ""
	}
	if k.secret {
		return ""
	}
	return fmt.Sprintf("%#v", raw)
}

// nearest is the known name that differs from name by at most two letters.
func nearest(name string, known []string) string {
	local := name[strings.LastIndexByte(name, '.')+1:]
	best, bestDistance := "", 3
	for _, candidate := range known {
		wrong := name
		if !strings.Contains(candidate, ".") {
			wrong = local
		}
		if d := distance(wrong, candidate); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
