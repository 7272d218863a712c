package config

import (
	"fmt"
	"os"
	"strings"
)

// Template is app.toml of a new node, with a commented example of a chain.
func Template() string { return Render(Default()) }

// Render writes c as app.toml: each key with what it does, its unit, default
// and range. Reading the result gives c again.
func Render(c Config) string {
	var b strings.Builder
	b.WriteString(`# bridged: settings of this node (CometBFT's own are in config.toml).
#
# A flag beats the environment, which beats this file, which beats the default:
# log.level is also --log-level and BRIDGED_LOG_LEVEL, and min_agree of a chain
# named alpha is BRIDGED_CHAINS_ALPHA_MIN_AGREE. "bridged config view --origin"
# shows every value and where it came from. An unknown key is an error.
`)
	defaults := Default()
	original := defaults.keys()
	section := ""
	for i, k := range c.keys() {
		if k.section() != section {
			section = k.section()
			fmt.Fprintf(&b, "\n[%s]\n", section)
		}
		writeKey(&b, "", k, literal(original[i].target))
	}
	b.WriteString("\n# One table for each connected chain.\n")
	for i := range c.Chains {
		b.WriteString("\n")
		writeChain(&b, "", &c.Chains[i])
	}
	if len(c.Chains) == 0 {
		example := exampleChain()
		writeChain(&b, "# ", &example)
	}
	return b.String()
}

// exampleChain is what the template shows in comments.
func exampleChain() Chain {
	c := DefaultChain()
	c.Name, c.ID = "ethereum", 1
	c.Contract[19] = 1
	c.Endpoints = []Endpoint{
		{URL: "https://rpc.one.example", Group: "rpc.one.example"},
		{URL: "https://rpc.two.example/v3/KEY", Group: "two"},
	}
	return c
}

func writeChain(b *strings.Builder, prefix string, c *Chain) {
	fmt.Fprintf(b, "%s[[chains]]\n", prefix)
	defaults := DefaultChain()
	original := defaults.keys()
	for i, k := range c.keys() {
		standard := literal(original[i].target)
		if i < 4 { // the chain's identity has no default
			standard = "none"
		}
		writeKey(b, prefix, k, standard)
	}
}

func writeKey(b *strings.Builder, prefix string, k key, standard string) {
	b.WriteString(strings.TrimRight(prefix, " ") + "\n")
	for line := range strings.SplitSeq(k.Comment, "\n") {
		fmt.Fprintf(b, "%s# %s\n", prefix, line)
	}
	fmt.Fprintf(b, "%s# Unit: %s. Default: %s. Range: %s.\n", prefix, k.Unit, standard, k.Range)
	fmt.Fprintf(b, "%s%s = %s\n", prefix, k.local(), literal(k.target))
}

// Write puts c into the home's app.toml. The file may hold endpoint secrets, so
// only its owner reads it.
func Write(home Home, c Config) error {
	if err := os.MkdirAll(home.Dir(), 0o750); err != nil {
		return fmt.Errorf("create the configuration directory: %w", err)
	}
	if err := os.WriteFile(home.AppFile(), []byte(Render(c)), 0o600); err != nil {
		return fmt.Errorf("write app.toml: %w", err)
	}
	return nil
}
